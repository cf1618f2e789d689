// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/archive_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "stages/produce/files/line_source.h"

namespace tocsin::produce {
namespace {

struct ArchiveFree {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveFree>;

// An archive may grow to so many times its size; logs stay far below.
constexpr std::uint64_t kGrowthMax = 250;
constexpr std::uint64_t kGrowthFreeBytes = 128u << 20;  // to which it may grow however small it is

}  // namespace

// What came out of an archive and of all archives inside it, against what went in.
struct Unpacked {
  archive* outermost = nullptr;
  std::uint64_t taken = 0;  // the furthest byte of the outermost that was read
  std::uint64_t bytes = 0;
  bool too_many = false;

  void add(std::size_t size) {
    bytes += size;
    if (bytes <= kGrowthFreeBytes) return;
    const la_int64_t at = archive_filter_bytes(outermost, -1);
    if (at > 0) taken = std::max(taken, static_cast<std::uint64_t>(at));
    too_many = bytes > kGrowthFreeBytes && bytes / kGrowthMax > taken;
  }
};

namespace {

std::string archive_error(archive* handle) {
  const char* text = archive_error_string(handle);
  return text != nullptr ? text : "damaged archive";
}

// The bytes of the member that the archive stands at.
class MemberStream final : public ByteStream {
 public:
  MemberStream(archive* handle, std::shared_ptr<Unpacked> unpacked)
      : handle_(handle), unpacked_(std::move(unpacked)) {}

  // Block by block, not archive_read_data(): that one drops what it has when a later block is
  // damaged.
  Result<std::size_t> read(std::span<char> into) override {
    if (error_) return tl::unexpected(*error_);
    while (block_.empty()) {
      if (unpacked_->too_many) return std::size_t{0};  // ArchiveSource tells it
      const void* data = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int got = archive_read_data_block(handle_, &data, &size, &offset);
      if (got == ARCHIVE_EOF) return std::size_t{0};
      if (got != ARCHIVE_OK && got != ARCHIVE_WARN && got != ARCHIVE_RETRY) {
        error_ = Error{ErrorCode::kCorrupt, archive_error(handle_)};
        return tl::unexpected(*error_);
      }
      block_ = {static_cast<const char*>(data), size};
      unpacked_->add(size);
    }
    const std::size_t size = std::min(into.size(), block_.size());
    std::memcpy(into.data(), block_.data(), size);
    block_.remove_prefix(size);
    return size;
  }

 private:
  archive* handle_;
  std::shared_ptr<Unpacked> unpacked_;
  std::string_view block_;      // libarchive's, until the next one is asked for
  std::optional<Error> error_;  // libarchive answers only once
};

// Gives libarchive the bytes of a stream.
struct Feed {
  InputBuffer bytes;
  bool (*stop)() = nullptr;
  std::size_t taken = 0;

  static la_ssize_t read(archive* handle, void* self, const void** block) {
    Feed& feed = *static_cast<Feed*>(self);
    feed.bytes.consume(feed.taken);
    feed.taken = 0;
    while (feed.bytes.unread().empty()) {
      const Result<bool> more = feed.bytes.fill();
      if (more && !*more) return 0;
      const bool waits = !more && more.error().code == ErrorCode::kUnavailable;
      const bool stopped = waits && feed.stop != nullptr && feed.stop();
      if (more || (waits && !stopped)) continue;
      archive_set_error(handle, EIO, "%s",
                        stopped ? "stopped before its end" : more.error().message.c_str());
      return ARCHIVE_FATAL;
    }
    *block = feed.bytes.unread().data();
    feed.taken = feed.bytes.unread().size();
    return static_cast<la_ssize_t>(feed.taken);
  }
};

class ArchiveSource final : public Source {
 public:
  ArchiveSource(Input input, std::unique_ptr<Feed> feed)
      : input_(std::move(input)), feed_(std::move(feed)), handle_(archive_read_new()) {
    archive* handle = handle_.get();
    if (input_.unpacked == nullptr) {
      input_.unpacked = std::make_shared<Unpacked>();
      input_.unpacked->outermost = handle;
    }
    archive_read_support_filter_gzip(handle);
    archive_read_support_filter_zstd(handle);
    archive_read_support_filter_bzip2(handle);
    archive_read_support_filter_xz(handle);
    archive_read_support_format_zip(handle);
    // The zero bytes that a truncated log begins with look like the end of a tar.
    if (!has_log_extension(input_.name)) archive_read_support_format_tar(handle);
    archive_read_support_format_raw(handle);
    constexpr std::size_t kBlock = 256u << 10;
    const int opened = feed_ ? archive_read_open(handle, feed_.get(), nullptr, &Feed::read, nullptr)
                             : archive_read_open_filename(handle, input_.path.c_str(), kBlock);
    if (opened != ARCHIVE_OK) failed_ = archive_error(handle);
  }

  Next next(RawEvent& event, Problem& problem) override {
    for (;;) {
      if (member_) {
        const Next what = member_->next(event, problem);
        if (what != Next::kEnd && what != Next::kIdle) return what;
        member_.reset();
      }
      if (input_.unpacked->too_many && !ended_) {
        ended_ = true;
        if (input_.unpacked->outermost == handle_.get()) return tell_growth(problem);
      }
      if (failed_ && !ended_) return tell_failure(problem);
      if (ended_) return Next::kEnd;
      if (std::unique_ptr<Problem> found = open_member()) {
        problem = std::move(*found);
        return Next::kProblem;
      }
    }
  }

  SourceProgress progress() const override {
    const la_int64_t bytes = archive_filter_bytes(handle_.get(), -1);
    return {bytes < 0 ? 0 : static_cast<std::uint64_t>(bytes), 0};
  }

 private:
  // Goes to the next member; a problem when there is nothing to read in it.
  std::unique_ptr<Problem> open_member() {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(handle_.get(), &entry);
    if (got == ARCHIVE_EOF) {
      ended_ = true;
      return std::exchange(any_member_, true) ? nullptr : tell_empty();
    }
    any_member_ = true;
    if (got < ARCHIVE_WARN) {
      failed_ = archive_error(handle_.get());
      return nullptr;
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) return nullptr;
    const Input member = describe(entry);
    InputBuffer bytes(std::make_unique<MemberStream>(handle_.get(), input_.unpacked));
    Opened opened = open_input(member, bytes);
    member_ = std::move(opened.source);
    return std::move(opened.problem);
  }

  [[nodiscard]] Input describe(archive_entry* entry) const {
    Input member;
    member.options = input_.options;
    member.options.follow = false;
    member.depth = input_.depth + 1;
    member.unpacked = input_.unpacked;
    if (archive_format(handle_.get()) == ARCHIVE_FORMAT_RAW) {  // one compressed file
      member.label = input_.label;
      member.name = input_.name;
      member.given = input_.given;
      return member;
    }
    const char* name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) name = archive_entry_pathname(entry);
    member.name = name != nullptr ? name : "?";
    member.label = fmt::format("{}!{}", input_.label, member.name);
    return member;
  }

  Next tell_growth(Problem& problem) {
    problem = {};
    problem.origin.path = input_.label;
    problem.byte_offset = progress().bytes_done;
    problem.code = "archive.bomb";
    problem.message = fmt::format(
        "{}: grows to more than {} times its size, as no log does: the rest of it is left out; "
        "unpack it by hand if it is one",
        input_.label, kGrowthMax);
    return Next::kProblem;
  }

  std::unique_ptr<Problem> tell_empty() {
    auto problem = std::make_unique<Problem>();
    problem->origin.path = input_.label;
    problem->code = "file.empty";
    problem->message = fmt::format("{}: the archive is empty", input_.label);
    problem->skipped_only = true;
    return problem;
  }

  Next tell_failure(Problem& problem) {
    problem = stream_problem(Error{ErrorCode::kCorrupt, *failed_}, input_.label,
                             progress().bytes_done, 0);
    failed_.reset();
    ended_ = true;
    return Next::kProblem;
  }

  Input input_;
  std::unique_ptr<Feed> feed_;
  ArchiveHandle handle_;
  std::unique_ptr<Source> member_;  // reads through handle_: gone before it moves on
  std::optional<std::string> failed_;
  bool any_member_ = false;
  bool ended_ = false;
};

}  // namespace

bool looks_like_archive(std::string_view first_bytes) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view magic :
       {"PK\x03\x04"sv, "PK\x05\x06"sv, "\x1F\x8B"sv, "\x28\xB5\x2F\xFD"sv, "BZh"sv,
        "\xFD"
        "7zXZ\0"sv})
    if (first_bytes.starts_with(magic)) return true;
  return false;
}

std::unique_ptr<Source> open_archive_file(Input input) {
  return std::make_unique<ArchiveSource>(std::move(input), nullptr);
}

std::unique_ptr<Source> open_archive_stream(Input input, InputBuffer bytes) {
  auto feed = std::make_unique<Feed>(Feed{std::move(bytes), input.options.stop});
  return std::make_unique<ArchiveSource>(std::move(input), std::move(feed));
}

}  // namespace tocsin::produce
