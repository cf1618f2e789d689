// SPDX-License-Identifier: Apache-2.0
//
// Regex: one compiled regular expression of a rule. RE2 (linear time) where it accepts the pattern;
// PCRE2 with a match limit for what only PCRE2 accepts (look-around, back references), so that no
// event can stall a worker.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::sigma {

struct RegexFlags {
  bool ignore_case = false;
  bool multi_line = false;  // ^ and $ also match at line breaks
  bool dot_all = false;     // . also matches a line break
};

// Limits of one expression; beyond them compile() fails with kExhausted.
inline constexpr std::size_t kRegexBytesMax = 16'384;
inline constexpr std::size_t kRegexMemoryMax = 8 << 20;

// Ownership: owns its program. Threads: immutable, share freely.
class Regex {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const Regex>> compile(const std::string& pattern,
                                                                    RegexFlags flags);
  virtual ~Regex() = default;
  // Whether the expression is found anywhere in `text`.
  [[nodiscard]] virtual bool found_in(std::string_view text) const = 0;
  // False for a pattern that only PCRE2 takes.
  [[nodiscard]] virtual bool linear_time() const = 0;
  // What it took to compile it, in instructions of its program.
  [[nodiscard]] virtual std::size_t cost() const = 0;
};

}  // namespace tocsin::sigma
