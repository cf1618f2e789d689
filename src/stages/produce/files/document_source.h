// SPDX-License-Identifier: Apache-2.0
//
// DocumentSource: events from JSON that is not one value a line: pretty-printed objects one after
// another, an array of objects, a wrapper such as CloudTrail's {"Records": [...]}.
//
//   InputBuffer -> DocumentSource -> RawEvent (exact bytes of each value, line of its first byte)
//
// Streaming: only the value at hand is held, so an array of any length costs no more than its
// longest element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stages/produce/files/byte_stream.h"
#include "stages/produce/files/json_extent.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

// Threads: one thread.
// Errors:  what is not JSON up to the next line that starts a value is one problem with its byte
// offset.
class DocumentSource final : public Source {
 public:
  DocumentSource(std::string path, InputBuffer input, std::size_t value_bytes_max)
      : path_(std::move(path)), input_(std::move(input)), value_bytes_max_(value_bytes_max) {}

  [[nodiscard]] Next next(RawEvent& event, Problem& problem) override;
  [[nodiscard]] SourceProgress progress() const override { return {input_.offset(), 0}; }

 private:
  enum class Inside : std::uint8_t { kArray, kRecords };

  [[nodiscard]] bool more();
  [[nodiscard]] bool skip();
  [[nodiscard]] bool enter_or_leave();
  [[nodiscard]] Next read_value(RawEvent& event, Problem& problem);
  [[nodiscard]] Next stray(Problem& problem);
  [[nodiscard]] Next value_cut_off(Problem& problem);
  [[nodiscard]] std::size_t whole_line_within(std::size_t size);
  void drop(std::size_t size, Problem& problem);
  [[nodiscard]] Next at_end(Problem& problem);
  void resync(std::size_t from, Problem& problem);
  void begin_problem(Problem& problem, std::string code, std::string_view what) const;
  void consume(std::size_t bytes);

  const std::string path_;
  InputBuffer input_;
  const std::size_t value_bytes_max_;
  std::vector<Inside> inside_;      // the arrays around the next value
  std::optional<JsonExtent> skip_;  // of a value whose rest is passed over
  std::uint64_t looked_again_ = 0;  // bytes that whole_line_within() gave back to be read anew
  std::uint64_t line_ = 1;          // of the first unread byte
  bool idle_ = false;               // the stream has nothing now
  std::optional<Error> error_;      // why the stream ended early
  bool ended_ = false;
};

// What a line holds that is not one object: those that are whole in it, read as a document is.
struct LineValues {
  std::vector<std::string> values;
  bool damaged = false;  // something else stands between or behind them
};
[[nodiscard]] LineValues values_of_line(std::string_view line);

// True when `text` starts with {"Records": [ (or "records"), blanks aside.
[[nodiscard]] bool starts_records(std::string_view text);

}  // namespace tocsin::produce
