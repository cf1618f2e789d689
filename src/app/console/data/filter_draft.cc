// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/filter_draft.h"

#include <fmt/format.h>

#include <map>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/uuid.h"
#include "core/sigma/parse.h"

namespace tocsin::console {
namespace {

// A JSON string is a YAML one: nothing of a value gets out of its quotes.
std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string logsource_text(const sigma::Logsource& logsource) {
  std::string out = "logsource:\n";
  for (const auto& [name, value] :
       {std::pair("product", &logsource.product), std::pair("category", &logsource.category),
        std::pair("service", &logsource.service)})
    if (!value->empty()) out += fmt::format("  {}: {}\n", name, quoted(*value));
  return out;
}

}  // namespace

std::string escape_sigma(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '*' || c == '?') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

Result<std::string> draft_filter(const DraftRequest& request) {
  if (request.fields.empty())
    return fail(ErrorCode::kInvalid, "no field to tell the false positives by");
  std::map<std::string, std::vector<std::string>> selection;
  for (const auto& [field, value] : request.fields) selection[field].push_back(value);
  const std::string date = format_rfc3339(now_ns(), 0).substr(0, 10);
  std::string out =
      "# A draft: read it, narrow it, and move it to a folder that detect and serve have with "
      "--filters.\n";
  out += fmt::format("title: {}\n", quoted("False positive: " + request.rule_title));
  out += fmt::format("id: {}\n", Uuid::random().to_string());
  out += "status: experimental\n";
  out += fmt::format("description: {}\n",
                     quoted(fmt::format("Drafted in the console from alert {}. {}",
                                        request.alert_id, request.note)));
  out += fmt::format("author: {}\ndate: {}\n", quoted(request.user), date);
  out += logsource_text(request.logsource);
  out += fmt::format("filter:\n  rules:\n    - {}\n  selection:\n", quoted(request.rule_id));
  for (const auto& [field, values] : selection) {
    out += fmt::format("    {}:\n", quoted(field));
    for (const std::string& value : values)
      out += fmt::format("      - {}\n", quoted(escape_sigma(value)));
  }
  out += request.mode == sigma::FilterMode::kExclude ? "  condition: selection\n"
                                                     : "  condition: not selection\n";
  const sigma::ParsedFile parsed = sigma::parse_rules(out, "(draft)");
  for (const sigma::Diagnostic& d : parsed.diagnostics)
    if (d.severity == sigma::Severity::kError)
      return fail(ErrorCode::kInvalid, "these fields make no filter: " + d.message);
  if (parsed.filters.size() != 1) return fail(ErrorCode::kInvalid, "these fields make no filter");
  return out;
}

}  // namespace tocsin::console
