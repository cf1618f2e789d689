// SPDX-License-Identifier: Apache-2.0
#include "core/bus/spool/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "base/log.h"

namespace tocsin::bus::spool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".seg";
constexpr std::uint64_t kSegmentBytes = 16ULL << 20;
constexpr std::uint64_t kSegmentsAtLeast = 8;  // so that a small spool gives room back in steps
constexpr std::uint32_t kPayloadMax = 1U << 30;

struct FrameHead {
  std::uint32_t bytes;
  std::uint32_t checksum;
};
static_assert(sizeof(FrameHead) == 8);

struct DoneFile {
  std::uint64_t segment;
  std::uint64_t offset;
  std::uint32_t checksum;  // of the sixteen bytes before
  std::uint32_t reserved;
};
static_assert(sizeof(DoneFile) == 24);

template <class T>
std::string_view bytes_of(const T& value, std::size_t size = sizeof(T)) {
  return {reinterpret_cast<const char*>(&value), size};
}

tl::unexpected<Error> failure(const std::string& path, std::string_view what) {
  const ErrorCode code =
      errno == ENOSPC || errno == EDQUOT ? ErrorCode::kExhausted : ErrorCode::kUnavailable;
  return fail(code, fmt::format("spool {}: {}: {}", path, what, std::strerror(errno)));
}

bool read_at(int file, std::uint64_t offset, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(file, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

// The payload of the frame at `offset`, or nothing when it is not whole or not what was written.
enum class Frame { kGood, kShort, kDamaged };
Frame read_frame(int file, std::uint64_t offset, std::uint64_t file_bytes, std::string& payload) {
  FrameHead head{};
  if (offset + sizeof head > file_bytes ||
      !read_at(file, offset, reinterpret_cast<char*>(&head), sizeof head))
    return Frame::kShort;
  if (head.bytes > kPayloadMax) return Frame::kDamaged;
  if (offset + sizeof head + head.bytes > file_bytes) return Frame::kShort;
  payload.resize(head.bytes);
  if (!read_at(file, offset + sizeof head, payload.data(), payload.size())) return Frame::kShort;
  return checksum(payload) == head.checksum ? Frame::kGood : Frame::kDamaged;
}

std::vector<std::uint64_t> segment_numbers(const std::string& folder) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong == std::errc() && std::string_view(end) == kSuffix) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string segment_path(const std::string& folder, std::uint64_t number) {
  return fmt::format("{}/{:010}{}", folder, number, kSuffix);
}

std::optional<Place> read_done(const std::string& folder) {
  std::ifstream file(folder + "/done", std::ios::binary);
  DoneFile done{};
  if (!file.read(reinterpret_cast<char*>(&done), sizeof done)) return std::nullopt;
  if (checksum(bytes_of(done, 16)) != done.checksum) return std::nullopt;
  return Place{done.segment, done.offset};
}

// A locked file, or nothing when somebody else has the lock. The file may be deleted between
// opening and locking it, by an owner that leaves: then it is made anew.
std::optional<int> take_lock(const std::string& path) {
  for (;;) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return std::nullopt;
    struct stat mine{}, there{};
    const bool locked = ::flock(file, LOCK_EX | LOCK_NB) == 0;
    if (locked && ::fstat(file, &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
        mine.st_ino == there.st_ino)
      return file;
    const int reason = errno;
    ::close(file);
    if (!locked) {
      errno = reason;
      return std::nullopt;
    }
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
  }
}

std::uint64_t segment_bytes_max(std::uint64_t bytes_max) {
  return std::min(kSegmentBytes, bytes_max / kSegmentsAtLeast);
}

}  // namespace

std::string Spool::path_of(std::uint64_t segment) const {
  return segment_path(options_.folder, segment);
}

Result<std::unique_ptr<Spool>> Spool::open(SpoolOptions options) {
  std::error_code error;
  fs::create_directories(options.folder, error);
  fs::permissions(options.folder, fs::perms::owner_all, error);  // events are nobody else's
  if (error)
    return fail(ErrorCode::kInvalid,
                fmt::format("spool {}: cannot be made: {}", options.folder, error.message()));
  const auto lock = take_lock(options.folder + "/lock");
  if (!lock && errno == EWOULDBLOCK)
    return fail(ErrorCode::kStale, fmt::format("spool {}: another process has it", options.folder));
  if (!lock) return failure(options.folder, "cannot be locked");
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(*lock, 0) != 0 || ::pwrite(*lock, pid.data(), pid.size(), 0) < 0)
    log_debug("spool {}: the owner's number could not be written", options.folder);
  std::unique_ptr<Spool> spool(new Spool(std::move(options), *lock));
  TOCSIN_TRY_STATUS(spool->recover());
  return spool;
}

Spool::~Spool() {
  if (Status stored = sync(); !stored) log_error("{}", stored.error().message);
  if (writer_ >= 0) ::close(writer_);
  if (reader_ >= 0) ::close(reader_);
  if (unacknowledged_ == 0 && damaged_bytes_ == 0 && segments_.size() <= 1) {
    std::error_code error;
    if (!segments_.empty()) fs::remove(path_of(segments_.front().number), error);
    fs::remove(options_.folder + "/done", error);
    fs::remove(options_.folder + "/lock", error);
    fs::remove(options_.folder, error);  // stays when something else is in it
  }
  ::close(lock_);
}

void Spool::load_done() {
  const auto stored = read_done(options_.folder);
  done_ = stored_done_ = stored.value_or(Place{});
}

Status Spool::store_done() {
  if (done_ == stored_done_) return {};
  DoneFile file{.segment = done_.segment, .offset = done_.offset, .checksum = 0, .reserved = 0};
  file.checksum = checksum(bytes_of(file, 16));
  const std::string path = options_.folder + "/done";
  const int handle = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (handle < 0) return failure(path, "cannot be opened");
  const bool written = ::pwrite(handle, &file, sizeof file, 0) == sizeof file;
  ::close(handle);
  if (!written) return failure(path, "cannot be written");
  stored_done_ = done_;
  return {};
}

Status Spool::recover() {
  load_done();
  const std::vector<std::uint64_t> numbers = segment_numbers(options_.folder);
  for (const std::uint64_t number : numbers) {
    if (number < done_.segment) {
      std::error_code error;
      fs::remove(path_of(number), error);
      continue;
    }
    Segment segment{.number = number, .bytes = 0};
    TOCSIN_TRY_STATUS(scan(segment, number == numbers.back()));
    segments_.push_back(segment);
    bytes_ += segment.bytes;
  }
  if (segments_.empty())
    done_ = {done_.segment + 1, 0};
  else if (segments_.front().number > done_.segment)
    done_ = {segments_.front().number, 0};
  read_ = done_;
  unread_ = unacknowledged_;
  return {};
}

// Counts what waits in a segment, and cuts off what is not whole: a write that a crash has torn, or
// damage, of which a copy is kept.
Status Spool::scan(Segment& segment, bool last) {
  const std::string path = path_of(segment.number);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status{};
  if (file < 0 || ::fstat(file, &status) != 0) return failure(path, "cannot be opened");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::uint64_t at = 0;
  Frame frame = Frame::kGood;
  while (at < size && (frame = read_frame(file, at, size, frame_)) == Frame::kGood) {
    at += sizeof(FrameHead) + frame_.size();
    if (Place{segment.number, at} > done_) ++unacknowledged_;
  }
  segment.bytes = at;
  if (at < size) {
    if (frame == Frame::kDamaged || !last) {
      damaged_bytes_ += size - at;
      std::error_code error;
      fs::copy_file(path, path + ".damaged", fs::copy_options::overwrite_existing, error);
      log_error(
          "spool {}: {} bytes from {} on are damaged and were not read; the file is kept as "
          "{}.damaged",
          path, size - at, at, path);
    }
    if (::ftruncate(file, static_cast<off_t>(at)) != 0)
      log_warning("spool {}: {} torn bytes at its end could not be cut off", path, size - at);
  }
  ::close(file);
  return {};
}

Status Spool::open_writer() {
  const bool fresh =
      segments_.empty() || segments_.back().bytes >= segment_bytes_max(options_.bytes_max);
  if (writer_ >= 0 && !fresh) return {};
  if (fresh) {
    if (writer_ >= 0) {
      static_cast<void>(::fdatasync(writer_));
      ::close(writer_);
      writer_ = -1;
    }
    const std::uint64_t number = segments_.empty() ? done_.segment : segments_.back().number + 1;
    segments_.push_back({number, 0});
  }
  const std::string path = path_of(segments_.back().number);
  writer_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (writer_ >= 0) return {};
  auto error = failure(path, "cannot be opened");
  if (fresh) segments_.pop_back();
  return error;
}

Status Spool::write_frame() {
  Segment& segment = segments_.back();
  std::string_view rest = frame_;
  std::uint64_t at = segment.bytes;
  while (!rest.empty()) {
    const ssize_t put = ::pwrite(writer_, rest.data(), rest.size(), static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      auto error = failure(path_of(segment.number), "cannot be written");
      if (::ftruncate(writer_, static_cast<off_t>(segment.bytes)) != 0)
        log_debug("spool {}: a half-written record stays until it is overwritten", options_.folder);
      return error;
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
    at += static_cast<std::uint64_t>(put);
  }
  segment.bytes = at;
  return {};
}

Result<Place> Spool::append(std::string_view topic, const Record& record, UnixNanos spooled_at) {
  frame_.assign(sizeof(FrameHead), '\0');
  append_bytes(frame_, topic, record, spooled_at);
  const std::string_view payload = std::string_view(frame_).substr(sizeof(FrameHead));
  const FrameHead head{.bytes = static_cast<std::uint32_t>(payload.size()),
                       .checksum = checksum(payload)};
  std::memcpy(frame_.data(), &head, sizeof head);
  if (bytes_ + frame_.size() > options_.bytes_max)
    return fail(ErrorCode::kExhausted, fmt::format("spool {}: full: {} of at most {} bytes",
                                                   options_.folder, bytes_, options_.bytes_max));
  TOCSIN_TRY_STATUS(open_writer());
  TOCSIN_TRY_STATUS(write_frame());
  bytes_ += frame_.size();
  unread_ += 1;
  unacknowledged_ += 1;
  unsynced_ = true;
  return Place{segments_.back().number, segments_.back().bytes};
}

void Spool::enter_next_segment() {
  if (reader_ >= 0) ::close(reader_);
  reader_ = -1;
  const auto after = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.number > read_.segment;
  });
  if (after != segments_.end()) read_ = {after->number, 0};
}

Result<bool> Spool::next(SpooledRecord& record, Place& behind) {
  while (unread_ > 0) {
    const auto segment = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& one) {
      return one.number == read_.segment;
    });
    if (segment == segments_.end() || read_.offset >= segment->bytes) {
      enter_next_segment();
      continue;
    }
    const std::string path = path_of(segment->number);
    if (reader_ < 0) reader_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (reader_ < 0) return failure(path, "cannot be opened");
    std::string payload;
    if (read_frame(reader_, read_.offset, segment->bytes, payload) != Frame::kGood)
      return fail(ErrorCode::kCorrupt,
                  fmt::format("spool {}: damaged at byte {}", path, read_.offset));
    read_.offset += sizeof(FrameHead) + payload.size();
    --unread_;
    behind = read_;
    TOCSIN_TRY(record, parse_record(payload));
    return true;
  }
  return false;
}

void Spool::skip_unread() {
  if (segments_.empty()) return;
  const Place end{segments_.back().number, segments_.back().bytes};
  if (reader_ >= 0 && end.segment != read_.segment) {
    ::close(reader_);
    reader_ = -1;
  }
  read_ = end;
  unread_ = 0;
}

void Spool::acknowledge(Place behind, std::uint64_t records) {
  done_ = std::max(done_, behind);
  unacknowledged_ -= std::min(unacknowledged_, records);
}

// Segments of which everything is acknowledged, the one that is being written among them once
// nothing waits.
void Spool::delete_finished() {
  while (!segments_.empty()) {
    const Segment& first = segments_.front();
    const bool all_done = done_.segment > first.number ||
                          (done_.segment == first.number && done_.offset >= first.bytes);
    if (!all_done) break;
    const bool writing = segments_.size() == 1;
    if (writing && (unacknowledged_ > 0 || first.bytes == 0)) break;
    if (writing && writer_ >= 0) {
      ::close(writer_);
      writer_ = -1;
    }
    if (reader_ >= 0 && read_.segment == first.number) {
      ::close(reader_);
      reader_ = -1;
    }
    bytes_ -= first.bytes;
    std::error_code error;
    fs::remove(path_of(first.number), error);
    const std::uint64_t next = first.number + 1;
    segments_.pop_front();
    done_ = std::max(done_, Place{next, 0});
    read_ = std::max(read_, Place{next, 0});
  }
}

Status Spool::sync() {
  if (unsynced_ && writer_ >= 0 && ::fdatasync(writer_) != 0)
    return failure(path_of(segments_.back().number), "cannot be synced");
  unsynced_ = false;
  // Before a segment goes, the place moves behind it: else a crash here would read it again.
  TOCSIN_TRY_STATUS(store_done());
  delete_finished();
  return store_done();
}

SpoolState Spool::state() const {
  SpoolState state{
      .records = unacknowledged_, .bytes = bytes_, .oldest = 0, .damaged_bytes = damaged_bytes_};
  if (unacknowledged_ == 0) return state;
  // The first eight bytes of a payload are the time.
  for (const Segment& segment : segments_) {
    const std::uint64_t at = segment.number == done_.segment ? done_.offset : 0;
    if (segment.number < done_.segment || at >= segment.bytes) continue;
    const int file = ::open(path_of(segment.number).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) break;
    if (!read_at(file, at + sizeof(FrameHead), reinterpret_cast<char*>(&state.oldest),
                 sizeof state.oldest))
      state.oldest = 0;
    ::close(file);
    break;
  }
  return state;
}

Result<SpoolReport> inspect(const std::string& folder) {
  SpoolReport report{.folder = folder, .state = {}, .owner = 0};
  const int lock = ::open((folder + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock >= 0) {
    if (::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      std::array<char, 16> text{};
      const ssize_t got = ::pread(lock, text.data(), text.size(), 0);
      if (got > 0) std::from_chars(text.data(), text.data() + got, report.owner);
    }
    ::close(lock);
  }
  const Place done = read_done(folder).value_or(Place{});
  std::string payload;
  for (const std::uint64_t number : segment_numbers(folder)) {
    const std::string path = segment_path(folder, number);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (file < 0 && errno == ENOENT) continue;  // its owner is at work
    if (file < 0 || ::fstat(file, &status) != 0) return failure(path, "cannot be opened");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    report.state.bytes += size;
    std::uint64_t at = number == done.segment ? done.offset : 0;
    if (number < done.segment) at = size;
    while (at < size && read_frame(file, at, size, payload) == Frame::kGood) {
      if (report.state.oldest == 0 && payload.size() >= sizeof(UnixNanos))
        std::memcpy(&report.state.oldest, payload.data(), sizeof(UnixNanos));
      ++report.state.records;
      at += sizeof(FrameHead) + payload.size();
    }
    if (at < size && report.owner == 0) report.state.damaged_bytes += size - at;
    ::close(file);
  }
  return report;
}

}  // namespace tocsin::bus::spool
