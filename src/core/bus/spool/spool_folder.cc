// SPDX-License-Identifier: Apache-2.0
#include "core/bus/spool/spool_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace tocsin::bus::spool {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint32_t> numbers_in(const std::string& folder) {
  std::vector<std::uint32_t> numbers;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::uint32_t number = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong == std::errc() && end == name.data() + name.size() && entry.is_directory(error))
      numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string path_of(const std::string& folder, std::uint32_t number) {
  return fmt::format("{}/{}", folder, number);
}

}  // namespace

Result<std::vector<std::unique_ptr<Spool>>> claim(const SpoolOptions& options) {
  std::vector<std::unique_ptr<Spool>> claimed;
  const std::vector<std::uint32_t> numbers = numbers_in(options.folder);
  for (const std::uint32_t number : numbers) {
    auto spool = Spool::open({path_of(options.folder, number), options.bytes_max});
    if (!spool && spool.error().code == ErrorCode::kStale) continue;  // in use
    if (!spool) return tl::unexpected(spool.error());
    if ((*spool)->state().records > 0) claimed.push_back(*std::move(spool));
  }
  std::uint32_t number = numbers.empty() ? 1 : numbers.back() + 1;
  for (;; ++number) {
    auto own = Spool::open({path_of(options.folder, number), options.bytes_max});
    if (!own && own.error().code == ErrorCode::kStale) continue;  // another was quicker
    if (!own) return tl::unexpected(own.error());
    claimed.push_back(*std::move(own));
    return claimed;
  }
}

Result<std::vector<SpoolReport>> inspect_all(const std::string& folder) {
  std::vector<SpoolReport> reports;
  for (const std::uint32_t number : numbers_in(folder)) {
    TOCSIN_TRY(SpoolReport report, inspect(path_of(folder, number)));
    if (report.state.records > 0 || report.state.damaged_bytes > 0 || report.owner != 0)
      reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace tocsin::bus::spool
