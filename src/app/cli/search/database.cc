// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <system_error>

#include "app/cli/search/backend.h"
#include "stages/store/schema.h"
#include "stages/store/search/archive.h"

namespace tocsin::cli::search {
namespace {

using store::search::AlertFilter;
using store::search::Archive;

constexpr std::size_t kPage = 500;
// Somebody waits at a terminal, and can stop it by Ctrl-C.
constexpr std::chrono::minutes kLimit{10};

class Database final : public Backend {
 public:
  explicit Database(std::unique_ptr<Archive> archive) : archive_(std::move(archive)) {}

  Result<std::int64_t> count(const Request& request) override {
    return request.verdicts ? archive_->count_verdicts(request.query, request.range)
                            : archive_->count_alerts(filter_of(request));
  }

  Status find(const Request& request, const std::function<void(const Found&)>& take) override {
    const std::size_t limit =
        request.limit == 0 ? std::numeric_limits<std::size_t>::max() : request.limit;
    if (!request.verdicts) return find_alerts(request, limit, take);
    return archive_->verdicts(request.query, request.range, limit,
                              [&](const store::search::EventRecord& row) { take(row); });
  }

 private:
  static AlertFilter filter_of(const Request& request) {
    AlertFilter filter;
    filter.query = request.query;
    filter.range = request.range;
    return filter;
  }

  Status find_alerts(const Request& request, std::size_t limit,
                     const std::function<void(const Found&)>& take) {
    const AlertFilter filter = filter_of(request);
    store::search::PageRequest page;
    page.total = false;
    while (limit > 0) {
      page.limit = std::min(limit, kPage);
      TOCSIN_TRY(const auto rows, archive_->alerts(filter, page));
      for (const store::search::AlertRecord& row : rows.items) take(row);
      if (rows.next.empty()) return {};
      limit -= rows.items.size();
      page.cursor = rows.next;
    }
    return {};
  }

  std::unique_ptr<Archive> archive_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_database(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: a folder; --db names a file (--data names the "
                            "folder that holds tocsin.db)",
                            path));
  if (access(path.c_str(), F_OK) != 0)
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: there is no such database; `detect` writes it, or name another by "
                            "--db",
                            path));
  auto archive = Archive::open(path, {.limit = kLimit});
  if (!archive && archive.error().code == ErrorCode::kUnsupported) {
    TOCSIN_TRY(const auto upgraded, store::open_store(path, sqlite::Mode::kWrite));
    archive = Archive::open(path, {.limit = kLimit});
  }
  if (!archive) return tl::unexpected(std::move(archive).error());
  return std::unique_ptr<Backend>(new Database(std::move(*archive)));
}

}  // namespace tocsin::cli::search
