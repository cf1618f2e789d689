// SPDX-License-Identifier: Apache-2.0
//
// Diagnostic: one thing that is wrong with a rule file, told so that its author can mend it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"

namespace tocsin::sigma {

enum class Severity : std::uint8_t { kWarning, kError };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;  // stable: "yaml", "rule.no_condition", "modifier.unknown", ...
  std::string path;  // of the file
  yaml::Mark mark;   // line 0: the file as a whole
  std::string rule;  // id or title where known
  std::string message;
  std::string hint;       // what to do; may be empty
  std::string excerpt;    // the line of the file, or the part of it around the mark; may be empty
  std::size_t caret = 0;  // which character of the excerpt is meant
};

inline constexpr std::size_t kExcerptBytesMax = 160;

// The lines of a file, to show them. Views the text.
class SourceText {
 public:
  explicit SourceText(std::string_view text) : text_(text) {}
  // Fills in excerpt and caret from the mark.
  void show(Diagnostic& diagnostic) const;

 private:
  std::string_view line(std::size_t number) const;
  std::string_view text_;
  mutable std::vector<std::size_t> starts_;  // of the lines, found when first asked for
};

// "path:line:column: error: message [code]" and, indented below, excerpt with a caret, and hint.
[[nodiscard]] std::string to_text(const Diagnostic& diagnostic);
void append_json(std::string& out, const Diagnostic& diagnostic);

}  // namespace tocsin::sigma
