// SPDX-License-Identifier: Apache-2.0
//
// Diagnostic: one thing that is wrong with a rule file, told so that its author can mend it.
#pragma once

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
  std::string hint;     // what to do; may be empty
  std::string excerpt;  // the line of the file; may be empty
};

// "path:line:column: error: message [code]" and, indented below, excerpt and hint.
[[nodiscard]] std::string to_text(const Diagnostic& diagnostic);
void append_json(std::string& out, const Diagnostic& diagnostic);

}  // namespace tocsin::sigma
