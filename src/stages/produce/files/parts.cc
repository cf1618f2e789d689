// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/parts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "stages/produce/files/archive_source.h"
#include "stages/produce/files/encoding.h"
#include "stages/produce/files/input.h"
#include "stages/produce/files/line_source.h"

namespace tocsin::produce {
namespace {

constexpr std::size_t kLook = 64u << 10;
constexpr std::uint64_t kNowhere = UINT64_MAX;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

// As LineSource gives a line.
std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line[0] == ' ' || line[0] == '\t' || line[0] == '\r' || line[0] == '\0'))
    line.remove_prefix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Problem long_line_problem(const std::string& path, std::uint64_t line, std::uint64_t offset,
                          std::size_t bytes_max, std::string_view start) {
  Problem problem;
  problem.origin = {path, line, 0};
  problem.byte_offset = offset;
  problem.code = "line.too_long";
  problem.message = fmt::format("{}:{}: the line is longer than {} bytes; it was left out", path,
                                line, bytes_max);
  problem.bytes.assign(start.substr(0, kProblemBytesMax));
  return problem;
}

}  // namespace

void LineCounts::publish(std::size_t part, std::uint64_t lines) {
  const std::lock_guard lock(mutex_);
  if (counts_.size() <= part) counts_.resize(part + 1);
  counts_[part] = lines;
  while (sums_.size() <= counts_.size() && counts_[sums_.size() - 1])
    sums_.push_back(sums_.back() + *counts_[sums_.size() - 1]);
  published_.notify_all();
}

std::uint64_t LineCounts::lines_before(std::size_t part) {
  std::unique_lock lock(mutex_);
  published_.wait(lock, [&] { return sums_.size() > part; });
  return sums_[part];
}

SharedFile::~SharedFile() { ::close(descriptor_); }

Result<std::size_t> SharedFile::read(std::uint64_t offset, char* into, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(descriptor_, into + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorCode::kInvalid, fmt::format("cannot read: {}", errno_text(errno)));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

PartPlan::PartPlan(const std::vector<std::string>& paths, FilesOptions options)
    : options_(options) {
  for (const std::string& path : paths) find_files(path, files_);
  for (const FoundFile& file : files_) bytes_total_ += file.bytes;
  for (const FoundFile& file : files_)
    if (file.is_stream) bytes_total_ = 0;
}

std::optional<Part> PartPlan::next() {
  const std::lock_guard lock(mutex_);
  if (file_ == files_.size()) return std::nullopt;
  if (!std::exchange(looked_, true)) look_at(files_[file_]);
  Part part;
  if (bytes_) {
    part = next_lines();
  } else if (!evtx_.empty()) {
    part.kind = Part::Kind::kEvtx;
    part.evtx = evtx_.back();
    evtx_.pop_back();
    part.last_of_file = evtx_.empty();
  }
  part.number = number_++;
  part.file = file_;
  part.first_of_file = parts_++ == 0;
  if (part.last_of_file) {
    ++file_;
    parts_ = 0;
    looked_ = false;
    bytes_.reset();
    lines_.reset();
  }
  return part;
}

// Decides how the file is cut; leaves bytes_ and evtx_ empty for one whole part.
void PartPlan::look_at(const FoundFile& file) {
  if (!file.error.empty() || file.is_stream || file.bytes == 0) return;
  const int descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return;  // reading it will tell why
  auto bytes = std::make_shared<const SharedFile>(descriptor);
  std::array<char, 8> start{};
  const Result<std::size_t> got = bytes->read(0, start.data(), start.size());
  if (!got) return;
  const std::string_view magic(start.data(), *got);
  if (looks_like_evtx(magic)) {
    if (file.bytes < 2 * kEvtxBytes || options_.format == Format::kJson) return;
    if (auto ranges = split_evtx(file.path, kEvtxBytes))
      evtx_.assign(ranges->rbegin(), ranges->rend());
    return;
  }
  if (looks_like_archive(magic) || encoding_of(magic) != Encoding::kUtf8) return;
  if (!look_at_lines(file)) return;
  bytes_ = std::move(bytes);
  lines_ = std::make_shared<LineCounts>();
  at_ = magic.starts_with(kMark) ? kMark.size() : 0;
}

bool PartPlan::look_at_lines(const FoundFile& file) {
  Result<std::unique_ptr<ByteStream>> stream = open_file_stream(file.path);
  if (!stream) return false;
  InputBuffer bytes(*std::move(stream));
  Input input;
  input.label = input.name = input.path = file.path;
  input.given = file.given;
  input.options = options_;
  return open_input(input, bytes).lines != nullptr;
}

// From at_ to the first line end behind kLinesBytes; a line that is longer than an event may be is
// a part by itself.
Part PartPlan::next_lines() {
  const std::uint64_t size = files_[file_].bytes;
  Part part;
  part.kind = Part::Kind::kLines;
  part.begin = at_;
  part.end = size;
  part.bytes = bytes_;
  part.lines = lines_;
  part.lines_part = parts_;
  if (size - std::min(size, at_) > kLinesBytes) {
    const std::uint64_t target = at_ + kLinesBytes;
    std::uint64_t newline = find_newline(target - 1, target + options_.line_bytes_max);
    if (newline == kNowhere) newline = find_last_newline(at_, target);
    if (newline == kNowhere) {
      newline = find_newline(target, size);
      part.kind = Part::Kind::kLongLine;
    }
    part.end = newline == kNowhere ? size : newline + 1;
    if (part.kind == Part::Kind::kLongLine && part.end - part.begin <= options_.line_bytes_max)
      part.kind = Part::Kind::kLines;
  }
  at_ = part.end;
  part.last_of_file = part.end >= size;
  return part;
}

// The first newline in [from, limit) of the file.
std::uint64_t PartPlan::find_newline(std::uint64_t from, std::uint64_t limit) const {
  std::vector<char> bytes(4096);
  limit = std::min(limit, files_[file_].bytes);
  while (from < limit) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), limit - from));
    const Result<std::size_t> got = bytes_->read(from, bytes.data(), want);
    if (!got || *got == 0) return kNowhere;
    if (const void* found = std::memchr(bytes.data(), '\n', *got))
      return from + static_cast<std::uint64_t>(static_cast<const char*>(found) - bytes.data());
    from += *got;
    bytes.resize(kLook);
  }
  return kNowhere;
}

std::uint64_t PartPlan::find_last_newline(std::uint64_t from, std::uint64_t to) const {
  std::vector<char> bytes(static_cast<std::size_t>(to - from));
  const Result<std::size_t> got = bytes_->read(from, bytes.data(), bytes.size());
  if (!got) return kNowhere;
  const std::size_t at = std::string_view(bytes.data(), *got).rfind('\n');
  return at == std::string_view::npos ? kNowhere : from + at;
}

void PartReader::open(const Part& part) {
  part_ = part;
  told_ = 0;
  at_ = size_ = 0;
  line_ = 0;
  lines_before_.reset();
  failed_.reset();
  source_.reset();
  const FoundFile& file = plan_.files()[part.file];
  switch (part.kind) {
    case Part::Kind::kWhole:
      source_ = open_file(file, plan_.options());
      return;
    case Part::Kind::kLines:
    case Part::Kind::kLongLine:
      read_lines();
      return;
    case Part::Kind::kEvtx:
      auto source = open_evtx(file.path, part.evtx);
      if (source)
        source_ = *std::move(source);
      else
        failed_ = stream_problem(source.error(), file.path, part.evtx.begin, 0);
      return;
  }
}

void PartReader::read_lines() {
  const auto whole = static_cast<std::size_t>(part_.end - part_.begin);
  const bool too_long = part_.kind == Part::Kind::kLongLine;
  const std::size_t size = too_long ? kProblemBytesMax : whole;
  if (buffer_.size() < size + kPadding) buffer_.resize(size + kPadding);
  const Result<std::size_t> got = part_.bytes->read(part_.begin, buffer_.data(), size);
  if (got) {
    size_ = *got;
    std::memset(buffer_.data() + size_, 0, kPadding);
  } else {
    failed_ = stream_problem(got.error(), plan_.files()[part_.file].path, part_.begin, 0);
  }
  if (!too_long) find_line_ends();
  part_.lines->publish(part_.lines_part, too_long ? 1 : line_ends_.size());
}

void PartReader::find_line_ends() {
  line_ends_.clear();
  const char* const begin = buffer_.data();
  for (std::size_t at = 0; at < size_; at = line_ends_.back() + 1) {
    const void* const newline = std::memchr(begin + at, '\n', size_ - at);
    if (newline == nullptr) return;
    line_ends_.push_back(static_cast<std::size_t>(static_cast<const char*>(newline) - begin));
  }
}

Next PartReader::next(EventView& event, Problem& problem) {
  if (failed_) {
    problem = *std::move(failed_);
    failed_.reset();
    return Next::kProblem;
  }
  if (part_.kind == Part::Kind::kLines) return next_line(event, problem);
  if (part_.kind == Part::Kind::kLongLine) return tell_long_line(problem);
  if (!source_) return Next::kEnd;
  const Next what = source_->next(event_, problem);
  if (what == Next::kEvent)
    event = {event_.json, event_.origin.path, event_.origin.line, event_.origin.record_id};
  return what;
}

Next PartReader::next_line(EventView& event, Problem& problem) {
  while (at_ < size_) {
    const char* const begin = buffer_.data() + at_;
    const std::size_t size = (line_ < line_ends_.size() ? line_ends_[line_] : size_) - at_;
    const std::uint64_t offset = part_.begin + at_;
    at_ += size + 1;
    ++line_;
    if (size > plan_.options().line_bytes_max) {
      problem = long_line_problem(plan_.files()[part_.file].path, lines_before() + line_, offset,
                                  plan_.options().line_bytes_max, {begin, size});
      return Next::kProblem;
    }
    event.json = trimmed({begin, size});
    if (event.json.empty()) continue;
    event.path = plan_.files()[part_.file].path;
    event.line = line_;
    event.record_id = 0;
    return Next::kEvent;
  }
  return Next::kEnd;
}

Next PartReader::tell_long_line(Problem& problem) {
  if (std::exchange(size_, 0) == 0) return Next::kEnd;
  const std::string_view start(buffer_.data(), kProblemBytesMax);
  problem = long_line_problem(plan_.files()[part_.file].path, lines_before() + 1, part_.begin,
                              plan_.options().line_bytes_max, start);
  return Next::kProblem;
}

std::uint64_t PartReader::lines_before() {
  if (!lines_before_) lines_before_ = part_.lines->lines_before(part_.lines_part);
  return *lines_before_;
}

std::uint64_t PartReader::line(const EventView& event) {
  return part_.kind == Part::Kind::kLines ? lines_before() + event.line : event.line;
}

std::uint64_t PartReader::take_progress() {
  std::uint64_t done = part_.kind == Part::Kind::kLongLine ? part_.end - part_.begin : at_;
  if (source_) done = source_->progress().bytes_done;
  done = std::max(done, told_);
  return done - std::exchange(told_, done);
}

}  // namespace tocsin::produce
