// SPDX-License-Identifier: Apache-2.0
#include "base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>

#include "base/check.h"

namespace tocsin {
namespace {

Status system_failure(const std::string& path, const char* what, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(full ? ErrorCode::kExhausted : ErrorCode::kUnavailable,
              fmt::format("{}: {}: {}", path, what, std::strerror(error)));
}

// Closes what it holds; move-only.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// flock() for a scope. It belongs to the open file, so threads need a mutex of their own around it.
class FileLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {
    do {
      result_ = ::flock(fd_, LOCK_EX);
    } while (result_ != 0 && errno == EINTR);
  }
  ~FileLock() { ::flock(fd_, LOCK_UN); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  [[nodiscard]] bool held() const { return result_ == 0; }

 private:
  int fd_;
  int result_ = -1;
};

// Where the last whole line ends: after the last newline before `size`, or 0.
off_t end_of_lines(int fd, off_t size) {
  std::array<char, 4096> block;
  while (size > 0) {
    const off_t at = std::max<off_t>(0, size - static_cast<off_t>(block.size()));
    const ssize_t got = ::pread(fd, block.data(), static_cast<std::size_t>(size - at), at);
    if (got <= 0) return size;  // cannot tell: leave the file alone
    const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
    const std::size_t newline = bytes.rfind('\n');
    if (newline != std::string_view::npos) return at + static_cast<off_t>(newline) + 1;
    size = at;
  }
  return 0;
}

class Tail final : public LockedTail {
 public:
  Tail(const std::string& path, int fd, const struct stat& info, std::int64_t size)
      : path_(path),
        fd_(fd),
        inode_(info.st_ino),
        modified_(std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec),
        size_(size) {}
  bool is_file() const override { return fd_ >= 0; }
  std::uint64_t inode() const override { return inode_; }
  std::int64_t size() const override { return size_; }
  Status cut(std::int64_t size) override {
    TOCSIN_CHECK(is_file() && size <= size_);
    if (::ftruncate(fd_, size) != 0) return system_failure(path_, "cannot cut off rows", errno);
    size_ = size;
    return {};
  }
  UnixNanos modified() const override { return modified_; }
  Status rename_to(const std::string& path) override {
    TOCSIN_CHECK(is_file());
    if (::rename(path_.c_str(), path.c_str()) != 0)
      return system_failure(path_, "cannot be renamed", errno);
    renamed_ = true;
    return {};
  }
  [[nodiscard]] bool renamed() const { return renamed_; }

 private:
  const std::string& path_;
  int fd_;
  std::uint64_t inode_;
  UnixNanos modified_;
  std::int64_t size_;
  bool renamed_ = false;
};

class Impl final : public AppendFile {
 public:
  Impl(std::string path, AppendFileOptions options)
      : path_(std::move(path)), options_(std::move(options)) {}

  Status append(const Lines& lines) override {
    const std::lock_guard guard(mutex_);
    for (int round = 0; round < 8; ++round) {
      if (file_.get() < 0) TOCSIN_TRY_STATUS(reopen());
      if (!regular_) return append_to_device(lines);
      {
        const FileLock lock(file_.get());
        if (!lock.held()) return system_failure(path_, "cannot lock", errno);
        if (still_named()) {
          TOCSIN_TRY(const bool done, append_locked(lines));
          if (done) return {};
        }
      }
      // Rotated away, while we waited or by the lines themselves. Not before the lock is gone,
      // which knows the file by its number.
      file_ = Descriptor();
    }
    return fail(ErrorCode::kUnavailable, path_ + ": is replaced faster than it can be opened");
  }

  // Opens the file, refuses a foreign one, and writes the header of a new one.
  Status start() {
    const std::lock_guard guard(mutex_);
    std::error_code ignored;  // open() says it better
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
    TOCSIN_TRY_STATUS(reopen());
    if (!regular_) return options_.header.empty() ? Status{} : write_all(options_.header);
    const FileLock lock(file_.get());
    if (!lock.held()) return system_failure(path_, "cannot lock", errno);
    return mend().map([](off_t) {});
  }

 private:
  Status reopen() {
    Descriptor file(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (file.get() < 0 && (errno == EACCES || errno == ENXIO || errno == EINVAL))
      file = Descriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (file.get() < 0)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: cannot open for writing: {}", path_, std::strerror(errno)));
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) return system_failure(path_, "cannot stat", errno);
    regular_ = S_ISREG(info.st_mode);
    file_ = std::move(file);
    return regular_ ? check_kind(info.st_size) : Status{};
  }

  Status check_kind(off_t size) const {
    const std::string expected = options_.header.empty() && options_.first != '\0'
                                     ? std::string(1, options_.first)
                                     : options_.header;
    std::string start(std::min<std::size_t>(expected.size(), static_cast<std::size_t>(size)), '\0');
    const ssize_t got = ::pread(file_.get(), start.data(), start.size(), 0);
    if (got < 0) return system_failure(path_, "cannot read", errno);
    if (expected.starts_with(start)) return {};
    return fail(ErrorCode::kInvalid,
                path_ + ": exists and holds something else; name another file or move it away");
  }

  bool still_named() const {
    struct stat ours{};
    struct stat named{};
    return ::fstat(file_.get(), &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  }

  // Cuts a torn tail and writes the header of an empty file; the size then.
  Result<off_t> mend() {
    struct stat info{};
    if (::fstat(file_.get(), &info) != 0)
      return tl::unexpected(system_failure(path_, "cannot stat", errno).error());
    const off_t whole = end_of_lines(file_.get(), info.st_size);
    if (whole != info.st_size && ::ftruncate(file_.get(), whole) != 0)
      return tl::unexpected(system_failure(path_, "cannot cut a torn line", errno).error());
    if (whole != 0 || options_.header.empty()) return whole;
    TOCSIN_TRY_STATUS(write_or_undo(options_.header, 0));
    return static_cast<off_t>(options_.header.size());
  }

  Status append_to_device(const Lines& lines) const {
    Tail tail(path_, -1, {}, -1);
    TOCSIN_TRY(const std::string_view bytes, lines(tail));
    TOCSIN_CHECK(bytes.empty() || bytes.back() == '\n');
    return write_all(bytes);
  }

  // False when the file was put aside.
  Result<bool> append_locked(const Lines& lines) {
    struct stat info{};
    if (::fstat(file_.get(), &info) != 0)
      return tl::unexpected(system_failure(path_, "cannot stat", errno).error());
    TOCSIN_TRY(const off_t size, mend());
    Tail tail(path_, file_.get(), info, size);
    TOCSIN_TRY(const std::string_view bytes, lines(tail));
    if (tail.renamed()) {
      sync_folder();
      return false;
    }
    TOCSIN_CHECK(bytes.empty() || bytes.back() == '\n');
    if (bytes.empty()) return true;
    TOCSIN_TRY_STATUS(write_or_undo(bytes, tail.size()));
    if (options_.sync && ::fdatasync(file_.get()) != 0)
      return tl::unexpected(system_failure(path_, "cannot sync", errno).error());
    if (options_.sync && info.st_size == 0) sync_folder();
    return true;
  }

  // A new name, too, must survive a power loss. Some file systems cannot, and say so: no matter.
  void sync_folder() const {
    if (!options_.sync) return;
    const std::string folder = std::filesystem::path(path_).parent_path().string();
    const Descriptor opened(
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() >= 0) ::fsync(opened.get());
  }

  Status write_or_undo(std::string_view bytes, off_t size_before) {
    Status written = write_all(bytes);
    // When even this fails, the next writer's mend() cuts the half line.
    if (!written && ::ftruncate(file_.get(), size_before) != 0) return written;
    return written;
  }

  Status write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_failure(path_, "cannot write", errno);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }

  const std::string path_;
  const AppendFileOptions options_;
  std::mutex mutex_;
  Descriptor file_;
  bool regular_ = true;
};

}  // namespace

Result<std::unique_ptr<AppendFile>> AppendFile::open(std::string path, AppendFileOptions options) {
  auto file = std::make_unique<Impl>(std::move(path), std::move(options));
  TOCSIN_TRY_STATUS(file->start());
  return std::unique_ptr<AppendFile>(std::move(file));
}

}  // namespace tocsin
