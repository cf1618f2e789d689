// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/fetch/install.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/yaml.h"

namespace tocsin::cli::rules {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSourceFile = "/.tocsin-source.json";

Status system_error(const std::string& what) {
  return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

bool is_empty_or_absent(const std::string& folder) {
  std::error_code error;
  return !fs::exists(folder, error) || (fs::is_directory(folder, error) && fs::is_empty(folder));
}

// Both names exist; afterwards each is what the other was, in one step.
bool swap_names(const std::string& a, const std::string& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

// Left by a fetch that was killed.
void remove_leftovers(const fs::path& parent, const std::string& prefix) {
  std::error_code error;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(parent, error))
    if (entry.path().filename().string().starts_with(prefix)) old.push_back(entry.path());
  for (const fs::path& path : old) fs::remove_all(path, error);
}

}  // namespace

std::optional<FetchSource> read_source(const std::string& folder) {
  std::ifstream file(folder + kSourceFile, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto documents = yaml::parse(text);  // JSON is YAML
  if (!documents || documents->empty()) return std::nullopt;
  const auto scalar = [&](std::string_view key) {
    const yaml::Node* node = documents->front().find(key);
    return node == nullptr ? std::string() : node->scalar;
  };
  return FetchSource{scalar("url"), scalar("sha256"), scalar("time")};
}

Status write_source(const std::string& folder, const FetchSource& source) {
  std::string text;
  JsonWriter json(text);
  json.object([&] {
    json.member("url", source.url);
    json.member("sha256", source.sha256);
    json.member("time", source.time);
  });
  std::ofstream file(folder + kSourceFile, std::ios::binary);
  file << text << "\n";
  if (!file.flush())
    return fail(ErrorCode::kUnavailable, folder + kSourceFile + ": cannot be written");
  return {};
}

Result<Installation> Installation::begin(const std::string& wanted) {
  Installation out;
  std::error_code error;
  fs::path folder = fs::weakly_canonical(fs::absolute(wanted), error);
  if (folder.filename().empty()) folder = folder.parent_path();
  out.folder_ = folder.string();
  const fs::path parent = folder.parent_path();
  const std::string hidden = "." + folder.filename().string();
  if (!is_empty_or_absent(out.folder_) && !read_source(out.folder_))
    return fail(ErrorCode::kInvalid,
                wanted + ": holds something that no fetch has put there; choose another --to");
  fs::create_directories(parent, error);
  if (error) return fail(ErrorCode::kUnavailable, parent.string() + ": " + error.message());
  out.previous_ = parent / (hidden + ".previous");
  const std::string lock = parent / (hidden + ".lock");
  out.lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (out.lock_ < 0) return tl::unexpected(system_error(lock).error());
  if (::flock(out.lock_, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::kUnavailable, wanted + ": another fetch is at work there");
  remove_leftovers(parent, hidden + ".new-");
  std::string work = parent / (hidden + ".new-XXXXXX");
  if (::mkdtemp(work.data()) == nullptr) return tl::unexpected(system_error(work).error());
  out.work_ = work;
  out.staging_ = work + "/rules";
  out.archive_ = work + "/archive";
  fs::create_directory(out.staging_, error);
  return out;
}

Installation::Installation(Installation&& other) noexcept
    : folder_(std::move(other.folder_)),
      previous_(std::move(other.previous_)),
      work_(std::exchange(other.work_, {})),
      staging_(std::move(other.staging_)),
      archive_(std::move(other.archive_)),
      lock_(std::exchange(other.lock_, -1)) {}

Installation::~Installation() {
  std::error_code error;
  if (!work_.empty()) fs::remove_all(work_, error);
  if (lock_ >= 0) ::close(lock_);
}

Status Installation::commit() {
  // All bytes are on the disk before any name is changed.
  if (const int handle = ::open(staging_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      handle >= 0) {
    ::syncfs(handle);
    ::close(handle);
  }
  std::error_code error;
  if (is_empty_or_absent(folder_)) {
    fs::remove(folder_, error);
    if (::rename(staging_.c_str(), folder_.c_str()) != 0) return system_error(folder_);
    return {};
  }
  fs::remove_all(previous_, error);
  if (swap_names(staging_, folder_)) {
    if (::rename(staging_.c_str(), previous_.c_str()) != 0) return system_error(previous_);
    return {};
  }
  // A file system that cannot exchange names: the folder is away for a moment.
  if (::rename(folder_.c_str(), previous_.c_str()) != 0) return system_error(folder_);
  if (::rename(staging_.c_str(), folder_.c_str()) != 0) return system_error(folder_);
  return {};
}

Status Installation::roll_back() {
  std::error_code error;
  if (!fs::exists(previous_, error))
    return fail(ErrorCode::kNotFound, folder_ + ": there is no version before this one");
  if (swap_names(previous_, folder_)) return {};
  const std::string aside = work_ + "/aside";
  if (::rename(folder_.c_str(), aside.c_str()) != 0 ||
      ::rename(previous_.c_str(), folder_.c_str()) != 0 ||
      ::rename(aside.c_str(), previous_.c_str()) != 0)
    return system_error(folder_);
  return {};
}

}  // namespace tocsin::cli::rules
