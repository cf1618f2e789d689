// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/document_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "stages/produce/files/line_source.h"

namespace tocsin::produce {
namespace {

// NUL: what a crash leaves behind; 0x1e: RFC 7464 text sequences.
constexpr std::string_view kBetweenValues(" \t\r\n\x1e\0", 6);
constexpr std::size_t kWrapperBytesMax = 256;

// Removes `token` and the blanks before it.
bool take(std::string_view& text, std::string_view token) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || !text.substr(at).starts_with(token)) return false;
  text.remove_prefix(at + token.size());
  return true;
}

// Removes the opening of a wrapper up to and with its '['.
bool take_records(std::string_view& text) {
  if (!take(text, "{")) return false;
  if (!take(text, "\"Records\"") && !take(text, "\"records\"")) return false;
  return take(text, ":") && take(text, "[");
}

constexpr std::uint64_t kLookedAgainMin = 1u << 20;

class ViewStream final : public ByteStream {
 public:
  explicit ViewStream(std::string_view text) : text_(text) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t size = text_.copy(into.data(), into.size());
    text_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view text_;
};

}  // namespace

LineValues values_of_line(std::string_view line) {
  LineValues out;
  if (line.empty() || (line.front() != '{' && line.front() != '[')) return out;
  DocumentSource source("", InputBuffer(std::make_unique<ViewStream>(line)), line.size());
  RawEvent event;
  Problem problem;
  for (;;) {
    const Next what = source.next(event, problem);
    if (what == Next::kEnd) return out;
    if (what == Next::kEvent) out.values.push_back(std::move(event.json));
    out.damaged |= what == Next::kProblem;
  }
}

bool starts_records(std::string_view text) { return take_records(text); }

Next DocumentSource::next(RawEvent& event, Problem& problem) {
  idle_ = false;
  for (;;) {
    if (ended_) return Next::kEnd;
    if (skip_ && !skip()) return at_end(problem);
    const std::string_view have = input_.unread();
    const std::size_t blanks = std::min(have.find_first_not_of(kBetweenValues), have.size());
    if (blanks != 0) consume(blanks);
    if (blanks == have.size()) {
      if (!more()) return at_end(problem);
      continue;
    }
    if (enter_or_leave()) continue;
    if (idle_) return Next::kIdle;
    const char c = input_.unread().front();
    return c == '{' || c == '[' ? read_value(event, problem) : stray(problem);
  }
}

// False at the end, on an error, and when there is nothing now.
bool DocumentSource::more() {
  Result<bool> filled = input_.fill();
  if (filled) return *filled;
  if (filled.error().code == ErrorCode::kUnavailable)
    idle_ = true;
  else
    error_ = std::move(filled).error();
  return false;
}

// Passes over the rest of a value; false when the stream pauses or ends first.
bool DocumentSource::skip() {
  for (;;) {
    const std::size_t before = skip_->size();
    const JsonExtent::State state = skip_->feed(input_.unread());
    consume(skip_->size() - before);
    if (state != JsonExtent::State::kOpen) {
      skip_.reset();
      return true;
    }
    if (!more()) return false;
  }
}

// True when the next byte opens, separates or closes an array of events, and was taken.
bool DocumentSource::enter_or_leave() {
  const char c = input_.unread().front();
  if (inside_.empty()) {
    if (c == '[') {
      consume(1);
      inside_.push_back(Inside::kArray);
      return true;
    }
    if (c == ',') {  // lines that were cut out of an array
      consume(1);
      return true;
    }
    if (c != '{') return false;
    while (input_.unread().size() < kWrapperBytesMax && more()) {
    }
    std::string_view text = input_.unread();
    if (idle_ || !take_records(text)) return false;
    consume(input_.unread().size() - text.size());
    inside_.push_back(Inside::kRecords);
    return true;
  }
  if (c != ',' && c != ']') return false;
  consume(1);
  if (c == ',') return true;
  if (inside_.back() == Inside::kRecords) {  // what follows in the wrapper holds no event
    skip_.emplace();
    skip_->feed("{\"\":0");
  }
  inside_.pop_back();
  return true;
}

Next DocumentSource::read_value(RawEvent& event, Problem& problem) {
  JsonExtent extent;
  for (;;) {
    const JsonExtent::State state = extent.feed(input_.unread().substr(extent.size()));
    if (state == JsonExtent::State::kComplete && extent.size() <= value_bytes_max_) {
      event.json.assign(input_.unread().substr(0, extent.size()));
      event.origin.path = path_;
      event.origin.line = line_;
      event.origin.record_id = 0;
      event.truth = {};
      consume(extent.size());
      return Next::kEvent;
    }
    if (state == JsonExtent::State::kBroken) {
      begin_problem(problem, "json.invalid", "this is not JSON");
      if (const std::size_t whole = whole_line_within(extent.size()); whole != 0) {
        drop(whole, problem);
        return Next::kProblem;
      }
      problem.byte_offset += extent.size();
      resync(extent.size(), problem);
      return Next::kProblem;
    }
    if (extent.size() > value_bytes_max_) {
      begin_problem(
          problem, "line.too_long",
          fmt::format("the value is longer than {} bytes; it was left out", value_bytes_max_));
      problem.bytes.assign(input_.unread().substr(0, kProblemBytesMax));
      consume(extent.size());
      if (state == JsonExtent::State::kOpen) skip_ = std::move(extent);
      return Next::kProblem;
    }
    if (!more()) return idle_ ? Next::kIdle : value_cut_off(problem);
  }
}

// The end came inside a value: its bytes are one problem; why the stream ended is told by at_end().
Next DocumentSource::value_cut_off(Problem& problem) {
  const std::size_t whole = whole_line_within(input_.unread().size());
  begin_problem(
      problem, "json.truncated",
      whole != 0 ? "the line ends inside this value" : "the input ends inside this value");
  drop(whole != 0 ? whole : input_.unread().size(), problem);
  return Next::kProblem;
}

// Where in the first `size` bytes, which are no value, a line begins that is one by itself: what
// stands before it was cut off there, and its open brackets took the line for a part of it. 0:
// none. Only as long as not more is read twice than was read: hostile text would have each of its
// lines bring back all behind it.
std::size_t DocumentSource::whole_line_within(std::size_t size) {
  if (looked_again_ + size > kLookedAgainMin + input_.offset()) return 0;
  looked_again_ += size;
  const std::string_view have = input_.unread();
  for (std::size_t at = have.find('\n'); at < size; at = have.find('\n', at)) {
    ++at;
    if (at == have.size() || have[at] != '{') continue;
    if (is_one_json_value(have.substr(at, have.find('\n', at) - at))) return at;
  }
  return 0;
}

Next DocumentSource::stray(Problem& problem) {
  begin_problem(problem, "json.invalid", "a JSON object was expected here");
  if (inside_.empty()) {
    resync(1, problem);
    return Next::kProblem;
  }
  const std::size_t size =
      std::min(input_.unread().find_first_of("{[]", 1), input_.unread().size());
  problem.bytes.assign(input_.unread().substr(0, std::min(size, kProblemBytesMax)));
  consume(size);
  return Next::kProblem;
}

Next DocumentSource::at_end(Problem& problem) {
  if (idle_) return Next::kIdle;
  ended_ = true;
  if (error_) {
    problem = stream_problem(*error_, path_, input_.offset(), line_);
    return Next::kProblem;
  }
  if (inside_.empty() && !skip_) return Next::kEnd;
  begin_problem(problem, "json.truncated", "the input ends inside an array or object");
  return Next::kProblem;
}

// Consumes up to the next line that starts with a bracket, looking from `from` on.
void DocumentSource::resync(std::size_t from, Problem& problem) {
  // One byte of overlap, so that a newline and its bracket are seen together.
  std::size_t at = from == 0 ? 0 : from - 1;
  for (;;) {
    const std::string_view have = input_.unread();
    for (at = have.find('\n', at); at != std::string_view::npos && at + 1 < have.size();
         at = have.find('\n', at + 1)) {
      if (have[at + 1] != '{' && have[at + 1] != '[') continue;
      drop(at + 1, problem);
      return;
    }
    drop(std::min(at, have.size()),
         problem);  // a newline at the very end stays: its bracket may follow
    at = 0;
    if (!more()) {
      drop(input_.unread().size(), problem);
      return;
    }
  }
}

void DocumentSource::drop(std::size_t size, Problem& problem) {
  const std::size_t room = kProblemBytesMax - problem.bytes.size();
  problem.bytes.append(input_.unread().substr(0, std::min(size, room)));
  consume(size);
}

void DocumentSource::begin_problem(Problem& problem, std::string code,
                                   std::string_view what) const {
  problem = {};
  problem.origin = {path_, line_, 0};
  problem.byte_offset = input_.offset();
  problem.message = fmt::format("{}:{}: byte {}: {}", path_, line_, input_.offset(), what);
  problem.code = std::move(code);
}

void DocumentSource::consume(std::size_t bytes) {
  const std::string_view gone = input_.unread().substr(0, bytes);
  line_ += static_cast<std::uint64_t>(std::count(gone.begin(), gone.end(), '\n'));
  input_.consume(bytes);
}

}  // namespace tocsin::produce
