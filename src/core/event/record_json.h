// SPDX-License-Identifier: Apache-2.0
//
// Verdicts and alerts as the JSON of their topics, and back.
//
//   Verdict -> append_json() -> record of `verdicts` -> RecordReader -> Verdict
//   Alert   -> append_json() (verdict.h) -> record of `alerts` -> RecordReader -> Alert
//
// A verdict's members have the names of the CSV columns; lists are arrays, and what the CSV file
// leaves empty is left out.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/event/verdict.h"

namespace tocsin {

// One compact JSON object, no newline.
void append_json(std::string& out, const Verdict& verdict);

// Reads both. Members that it does not know are passed over: a newer detector may write more.
// Ownership: owns a parser and its buffers.
// Threads:   one thread.
// Errors:    kInvalid names what is missing or wrong.
class RecordReader {
 public:
  RecordReader();
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // Without its truth, which travels in headers.
  [[nodiscard]] Result<Verdict> verdict(std::string_view json);
  [[nodiscard]] Result<Alert> alert(std::string_view json);

 private:
  struct Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace tocsin
