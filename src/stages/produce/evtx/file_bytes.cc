// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/file_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tocsin::produce::evtx {

Result<FileBytes> FileBytes::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const int reason = errno;
    return fail(reason == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                fmt::format("{}: cannot be opened: {}", path, std::strerror(reason)));
  }
  FileBytes file(descriptor, 0);  // closes it on every way out
  struct stat status{};
  if (::fstat(descriptor, &status) != 0)
    return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalid, fmt::format("{}: is not a regular file", path));
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

FileBytes::FileBytes(FileBytes&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      memory_(std::move(other.memory_)),
      size_(std::exchange(other.size_, 0)) {}

FileBytes::~FileBytes() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::string_view> FileBytes::read(std::uint64_t offset, std::size_t size) {
  const std::uint64_t left = offset < size_ ? size_ - offset : 0;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, size));
  if (descriptor_ < 0) return std::string_view(memory_).substr(std::min(offset, size_), wanted);
  if (memory_.size() < wanted) memory_.resize(wanted);
  std::size_t done = 0;
  while (done < wanted) {
    const ssize_t got = ::pread(descriptor_, memory_.data() + done, wanted - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kUnavailable, std::strerror(errno));
    if (got == 0) break;  // it has become shorter since
    done += static_cast<std::size_t>(got);
  }
  return std::string_view(memory_).substr(0, done);
}

}  // namespace tocsin::produce::evtx
