// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/line_source.h"

#include <fmt/format.h>

#include <cstring>

namespace tocsin::produce {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Without what stands before the value and the carriage return behind it; what else follows the
// value is the agent's own. Zero bytes before a line are what a writer leaves behind when its file
// was truncated under it.
std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (is_blank(line.front()) || line.front() == '\0')) line.remove_prefix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Problem stream_problem(const Error& error, const std::string& path, std::uint64_t offset,
                       std::uint64_t line) {
  Problem problem;
  problem.origin = {path, line, 0};
  problem.byte_offset = offset;
  problem.code = error.code == ErrorCode::kCorrupt ? "archive.corrupt" : "file.unreadable";
  problem.message = fmt::format("{}: {}; what came before was read", path, error.message);
  return problem;
}

Next LineSource::next(RawEvent& event, Problem& problem) {
  for (;;) {
    if (ended_) return Next::kEnd;
    std::string_view line;
    switch (find_line(line, problem)) {
      case Line::kWhole:
        if (emit(line, event)) return Next::kEvent;
        break;
      case Line::kNone:
        if (!ended_) return Next::kIdle;
        break;
      case Line::kTooLong:
      case Line::kError:
        return Next::kProblem;
    }
  }
}

LineSource::Line LineSource::find_line(std::string_view& line, Problem& problem) {
  for (;;) {
    const std::string_view have = input_.unread();
    const void* found = have.size() == searched_
                            ? nullptr
                            : std::memchr(have.data() + searched_, '\n', have.size() - searched_);
    if (found != nullptr) {
      const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - have.data());
      if (size > options_.line_bytes_max && !skipping_) {
        cut_too_long(have.substr(0, size), problem);
        return Line::kTooLong;
      }
      line = have.substr(0, size);
      consume_next_ = size + 1;
      searched_ = 0;
      return Line::kWhole;
    }
    searched_ = have.size();
    if (skipping_) {
      input_.consume(have.size());
      searched_ = 0;
    } else if (have.size() > options_.line_bytes_max) {
      cut_too_long(have, problem);
      return Line::kTooLong;
    }
    const Result<bool> more = input_.fill();
    if (more && *more) continue;
    if (!more && more.error().code == ErrorCode::kUnavailable) return Line::kNone;
    if (more && options_.follow) return Line::kNone;
    line = input_.unread();
    if (!line.empty()) {  // the last line has no newline; an error comes again after it
      consume_next_ = line.size();
      searched_ = 0;
      return Line::kWhole;
    }
    ended_ = true;
    if (more) return Line::kNone;
    problem = stream_problem(more.error(), path_, input_.offset(), line_);
    return Line::kError;
  }
}

// False when there is nothing to give: a blank line, or the end of one that was too long.
bool LineSource::emit(std::string_view line, RawEvent& event) {
  const bool was_skipping = skipping_;
  skipping_ = false;
  if (!was_skipping) ++line_;
  const std::string_view text = was_skipping ? std::string_view() : trimmed(line);
  if (!text.empty()) {
    event.json.assign(text);
    event.origin.path = path_;
    event.origin.line = line_;
    event.origin.record_id = 0;
    event.truth = {};
  }
  input_.consume(consume_next_);
  return !text.empty();
}

void LineSource::cut_too_long(std::string_view line, Problem& problem) {
  ++line_;
  problem = {};
  problem.origin = {path_, line_, 0};
  problem.byte_offset = input_.offset();
  problem.code = "line.too_long";
  problem.message = fmt::format("{}:{}: the line is longer than {} bytes; it was left out", path_,
                                line_, options_.line_bytes_max);
  problem.bytes.assign(line.substr(0, kProblemBytesMax));
  skipping_ = true;
}

}  // namespace tocsin::produce
