// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "stages/produce/files/byte_stream.h"

namespace tocsin::produce {
namespace {

constexpr int kDepthMax = 64;

struct DirClose {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

void list_folder(const std::string& folder, int depth, std::vector<FoundFile>& files) {
  const std::unique_ptr<DIR, DirClose> dir(::opendir(folder.c_str()));
  if (!dir) {
    files.push_back({.path = folder, .error = errno_text(errno)});
    return;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  const std::string prefix = folder.ends_with('/') ? folder : folder + '/';
  for (const std::string& name : names) {
    const std::string path = prefix + name;
    struct stat link{};
    struct stat info{};
    if (::lstat(path.c_str(), &link) != 0) continue;  // gone meanwhile
    if (S_ISDIR(link.st_mode)) {
      if (depth < kDepthMax) list_folder(path, depth + 1, files);
    } else if (::stat(path.c_str(), &info) != 0) {
      files.push_back({.path = path, .error = errno_text(errno)});
    } else if (S_ISREG(info.st_mode)) {
      files.push_back({.path = path, .bytes = static_cast<std::uint64_t>(info.st_size)});
    }
  }
}

}  // namespace

void find_files(const std::string& path, std::vector<FoundFile>& files) {
  if (path == "-") {
    files.push_back({.path = path, .given = true, .is_stream = true});
    return;
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    files.push_back({.path = path, .given = true, .error = errno_text(errno)});
  } else if (S_ISDIR(info.st_mode)) {
    list_folder(path, 0, files);
  } else {
    const bool regular = S_ISREG(info.st_mode);
    files.push_back({.path = path,
                     .bytes = regular ? static_cast<std::uint64_t>(info.st_size) : 0,
                     .given = true,
                     .is_stream = !regular});
  }
}

}  // namespace tocsin::produce
