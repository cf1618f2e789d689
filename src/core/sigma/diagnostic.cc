// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/diagnostic.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace tocsin::sigma {
namespace {
std::string_view name_of(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}
}  // namespace

std::string to_text(const Diagnostic& d) {
  std::string out = d.path;
  if (d.mark.line != 0) out += fmt::format(":{}:{}", d.mark.line, d.mark.column);
  out += fmt::format(": {}: {} [{}]", name_of(d.severity), d.message, d.code);
  if (!d.excerpt.empty()) out += fmt::format("\n    {}", d.excerpt);
  if (!d.hint.empty()) out += fmt::format("\n    hint: {}", d.hint);
  return out;
}

void append_json(std::string& out, const Diagnostic& d) {
  JsonWriter json(out);
  json.object([&] {
    json.member("severity", name_of(d.severity));
    json.member("code", d.code);
    json.member("path", d.path);
    json.member("line", d.mark.line);
    json.member("column", d.mark.column);
    json.member("rule", d.rule);
    json.member("message", d.message);
    json.member("hint", d.hint);
    json.member("excerpt", d.excerpt);
  });
}

}  // namespace tocsin::sigma
