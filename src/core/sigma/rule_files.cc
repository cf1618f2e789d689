// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/rule_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace tocsin::sigma {
namespace {

namespace fs = std::filesystem;

constexpr int kFolderDepthMax = 100;

}  // namespace

bool is_rule_file(std::string_view name) {
  if (name.ends_with(".test.yml") || name.ends_with(".test.yaml")) return false;
  return name.ends_with(".yml") || name.ends_with(".yaml");
}

bool RuleFileFinder::is_new(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return true;  // reading it will tell why
  return seen_.emplace(info.st_dev, info.st_ino).second;
}

void RuleFileFinder::walk(const std::string& folder, int depth, RuleFiles& out) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  std::vector<fs::directory_entry> entries;
  for (const fs::directory_iterator end; !error && it != end; it.increment(error))
    entries.push_back(*it);
  if (error) {
    out.unreadable.push_back({ErrorCode::kUnavailable,
                              fmt::format("{}: cannot be listed: {}", folder, error.message())});
    return;
  }
  std::sort(entries.begin(), entries.end());
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    const std::string path = entry.path().string();
    if (entry.is_directory(error)) {
      if (name.starts_with('.') || depth >= kFolderDepthMax || !is_new(path)) continue;
      walk(path, depth + 1, out);
    } else if (is_rule_file(name) && (entry.is_regular_file(error) || !entry.exists(error)) &&
               is_new(path)) {  // a dead link is told when it is read
      out.files.push_back(path);
    }
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
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file)
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::string text;
  char buffer[65536];
  while (text.size() <= bytes_max) {
    const std::size_t n = std::fread(buffer, 1, sizeof buffer, file.get());
    text.append(buffer, n);
    if (n < sizeof buffer) break;  // the end, or an error
  }
  if (std::ferror(file.get()) != 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  return text;
}

}  // namespace tocsin::sigma
