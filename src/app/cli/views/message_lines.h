// SPDX-License-Identifier: Apache-2.0
//
// Messages of a topic as lines of JSON, and what of a topic to show.
//
//   bus::Message + MessageFilter -> one JSON object per line -> stdout
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::cli {

// "earliest", "latest", an offset ("1200"), the last N of each partition ("-20"), or a time (RFC
// 3339).
[[nodiscard]] Result<bus::ReadFrom> parse_read_from(const std::string& text);

// TEXT: the value holds it. NAME=TEXT: the header NAME (or, for "key", the key) is it, or the value
// holds the whole of it. An empty filter lets everything pass.
class MessageFilter {
 public:
  explicit MessageFilter(std::string text);
  [[nodiscard]] bool passes(const bus::Message& message) const;

 private:
  std::string text_;
  std::string_view name_;  // views into text_
  std::string_view wanted_;
};

// Writes {"topic","partition","offset","timestamp","key","headers":{},"value"}. The value is JSON
// when it is JSON, else a string; bytes that are not UTF-8 come as "value_base64" (and
// "key_base64"). Threads: one thread.
class MessageLines {
 public:
  MessageLines();
  ~MessageLines();
  // Appends one line with its newline.
  void append(std::string& out, const bus::Message& message);

 private:
  struct Parser;
  [[nodiscard]] bool minified(std::string_view json);
  std::unique_ptr<Parser> parser_;
};

}  // namespace tocsin::cli
