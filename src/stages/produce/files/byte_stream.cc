// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace tocsin::produce {
namespace {

constexpr int kSilenceMs = 100;

class DescriptorStream final : public ByteStream {
 public:
  DescriptorStream(int descriptor, std::string path)
      : descriptor_(descriptor), path_(std::move(path)) {
    struct stat info{};
    waits_ = ::fstat(descriptor, &info) == 0 && !S_ISREG(info.st_mode);
  }
  DescriptorStream(const DescriptorStream&) = delete;
  DescriptorStream& operator=(const DescriptorStream&) = delete;
  ~DescriptorStream() override {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }

  Result<std::size_t> read(std::span<char> into) override {
    if (waits_) {
      pollfd wait{descriptor_, POLLIN, 0};
      if (::poll(&wait, 1, kSilenceMs) <= 0)
        return fail(ErrorCode::kUnavailable, path_ + ": nothing to read yet");
    }
    for (;;) {
      const ssize_t got = ::read(descriptor_, into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EINTR || errno == EAGAIN)
        return fail(ErrorCode::kUnavailable, path_ + ": nothing to read yet");
      return fail(ErrorCode::kInvalid, fmt::format("cannot read: {}", errno_text(errno)));
    }
  }

 private:
  const int descriptor_;
  const std::string path_;
  bool waits_ = false;
};

class RestStream final : public ByteStream {
 public:
  explicit RestStream(InputBuffer buffer) : buffer_(std::move(buffer)) {}

  Result<std::size_t> read(std::span<char> into) override {
    if (buffer_.unread().empty()) {
      TOCSIN_TRY(const bool more, buffer_.fill());
      if (!more) return std::size_t{0};
    }
    const std::string_view have = buffer_.unread();
    const std::size_t size = std::min(have.size(), into.size());
    std::memcpy(into.data(), have.data(), size);
    buffer_.consume(size);
    return size;
  }

 private:
  InputBuffer buffer_;
};

}  // namespace

std::string errno_text(int number) { return std::generic_category().message(number); }

std::unique_ptr<ByteStream> stream_of(int descriptor, std::string path) {
  return std::make_unique<DescriptorStream>(descriptor, std::move(path));
}

std::unique_ptr<ByteStream> stream_of(InputBuffer buffer) {
  return std::make_unique<RestStream>(std::move(buffer));
}

Result<std::unique_ptr<ByteStream>> open_file_stream(const std::string& path) {
  // Without O_NONBLOCK a pipe that nobody writes to would hold the caller here for good.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) {
    const int number = errno;
    return fail(number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInvalid, errno_text(number));
  }
  static_cast<void>(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL));
  return stream_of(descriptor, path);
}

Result<bool> InputBuffer::fill() {
  make_room();
  TOCSIN_TRY(const std::size_t got, stream_->read({data_.get() + end_, capacity_ - end_}));
  end_ += got;
  return got != 0;
}

void InputBuffer::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ >= kChunk) return;
  const std::size_t held = end_ - begin_;
  // Moving is worth it only while what is held is small beside the buffer; else the buffer doubles,
  // so that a long line costs linear time.
  if (capacity_ == 0 || held > capacity_ / 4) {
    const std::size_t capacity = std::max(4 * kChunk, 2 * capacity_);
    auto grown = std::make_unique_for_overwrite<char[]>(capacity);
    if (held != 0) std::memcpy(grown.get(), data_.get() + begin_, held);
    data_ = std::move(grown);
    capacity_ = capacity;
  } else if (held != 0) {
    std::memmove(data_.get(), data_.get() + begin_, held);
  }
  begin_ = 0;
  end_ = held;
}

}  // namespace tocsin::produce
