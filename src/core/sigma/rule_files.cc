// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/rule_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {
namespace {

namespace fs = std::filesystem;

constexpr int kFolderDepthMax = 100;

// A folder in a folder, or what has the name of a rule file.
struct Entry {
  std::string name;
  bool is_folder = false;
  bool has_inode = false;  // a dead link has none: it is told when it is read
  unsigned long device = 0, inode = 0;
};

// Sorted by name. Returns 0, or what went wrong.
int list(const std::string& folder, std::vector<Entry>& out) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), &::closedir);
  const int descriptor = dir ? ::dirfd(dir.get()) : -1;
  if (descriptor < 0) return errno;
  for (;;) {
    errno = 0;
    const dirent* const found = ::readdir(dir.get());
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    const bool perhaps_folder = found->d_type != DT_REG;
    if (name == "." || name == ".." || (!perhaps_folder && !is_rule_file(name))) continue;
    struct stat info{};
    Entry entry{std::string(name)};
    if (::fstatat(descriptor, found->d_name, &info, 0) == 0) {
      entry.has_inode = true;
      entry.device = info.st_dev;
      entry.inode = info.st_ino;
      entry.is_folder = S_ISDIR(info.st_mode);
      if (!entry.is_folder && !(S_ISREG(info.st_mode) && is_rule_file(name))) continue;
    } else if (!is_rule_file(name)) {
      continue;
    }
    out.push_back(std::move(entry));
  }
  const int error = errno;
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return error;
}

}  // namespace

bool is_rule_file(std::string_view name) {
  const auto ends_with = [name](std::string_view end) {
    return name.size() >= end.size() && lower_ascii(name.substr(name.size() - end.size())) == end;
  };
  if (ends_with(".test.yml") || ends_with(".test.yaml")) return false;
  return ends_with(".yml") || ends_with(".yaml");
}

bool RuleFileFinder::is_new(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return true;  // reading it will tell why
  return seen_.emplace(info.st_dev, info.st_ino).second;
}

void RuleFileFinder::walk(const std::string& folder, int depth, RuleFiles& out) {
  std::vector<Entry> entries;
  if (const int error = list(folder, entries); error != 0) {
    out.unreadable.push_back(
        {ErrorCode::kUnavailable,
         fmt::format("{}: cannot be listed: {}", folder, std::generic_category().message(error))});
    return;
  }
  const std::string before = folder.ends_with('/') ? folder : folder + '/';
  for (const Entry& entry : entries) {
    const bool folder_to_leave =
        entry.is_folder && (entry.name.starts_with('.') || depth >= kFolderDepthMax);
    if (folder_to_leave) continue;
    if (entry.has_inode && !seen_.emplace(entry.device, entry.inode).second) continue;
    if (entry.is_folder)
      walk(before + entry.name, depth + 1, out);
    else
      out.files.push_back(before + entry.name);
  }
}

Result<RuleFiles> RuleFileFinder::find(const std::string& root) {
  std::error_code error;
  RuleFiles out;
  const fs::file_status status = fs::status(root, error);
  if (!fs::exists(status))
    return fail(ErrorCode::kNotFound, fmt::format("{}: no such file or folder of rules", root));
  if (!is_new(root)) return out;
  if (fs::is_directory(status))
    walk(root, 0, out);
  else
    out.files.push_back(root);
  return out;
}

Result<std::string> read_rule_file(const std::string& path, std::size_t bytes_max) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::string text;
  char buffer[65536];
  ssize_t n = 1;
  while (text.size() <= bytes_max && n != 0) {
    n = ::read(file, buffer, sizeof buffer);
    if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  const int error = errno;
  ::close(file);
  if (n < 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: cannot be read: {}", path, std::strerror(error)));
  return text;
}

}  // namespace tocsin::sigma
