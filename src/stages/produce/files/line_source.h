// SPDX-License-Identifier: Apache-2.0
//
// LineSource: one event a line, whatever the line holds; judging it as JSON is for who reads the
// event.
//
//   InputBuffer -> LineSource -> RawEvent (line 1, 2, ...)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "stages/produce/files/byte_stream.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

struct LineOptions {
  std::size_t line_bytes_max = 16u
                               << 20;  // a longer line becomes a problem; its bytes are not held
  bool follow = false;  // at the end wait for more; half a line waits for its newline
};

// A problem carries at most this many of the original bytes.
inline constexpr std::size_t kProblemBytesMax = 64u << 10;

// The code of a problem for a stream that failed in the middle.
[[nodiscard]] Problem stream_problem(const Error& error, const std::string& path,
                                     std::uint64_t offset, std::uint64_t line);

// Threads: one thread.
// Cost:    one memchr and one copy for each line.
class LineSource final : public Source {
 public:
  LineSource(std::string path, InputBuffer input, LineOptions options)
      : path_(std::move(path)), input_(std::move(input)), options_(options) {}

  [[nodiscard]] Next next(RawEvent& event, Problem& problem) override;
  [[nodiscard]] SourceProgress progress() const override { return {input_.offset(), 0}; }

  // A followed file that will not grow any more: give what is left, then end.
  void stop_following() { options_.follow = false; }
  // Bytes of a line without its newline yet.
  [[nodiscard]] std::string_view half_line() const { return input_.unread(); }

 private:
  enum class Line : std::uint8_t { kWhole, kNone, kTooLong, kError };

  [[nodiscard]] Line find_line(std::string_view& line, Problem& problem);
  [[nodiscard]] bool emit(std::string_view line, RawEvent& event);
  void cut_too_long(std::string_view line, Problem& problem);

  const std::string path_;
  InputBuffer input_;
  LineOptions options_;
  std::uint64_t line_ = 0;        // of the line last given
  std::size_t searched_ = 0;      // bytes of unread() known to hold no newline
  std::size_t consume_next_ = 0;  // bytes of the line last given
  bool skipping_ = false;         // inside a line that was too long
  bool ended_ = false;
};

}  // namespace tocsin::produce
