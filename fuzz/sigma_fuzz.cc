// SPDX-License-Identifier: Apache-2.0
//
// Any text as a rule file: it is refused with a diagnostic, or gives rules that compile and run,
// and the engine says what the plain evaluator says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/sigma/evaluate.h"
#include "core/sigma/parse.h"
#include "stages/match/engine.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sigma::ParsedFile parsed = sigma::parse_rules(text, "fuzz.yml");
  const bool has_error =
      std::any_of(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                  [](const auto& d) { return d.severity == sigma::Severity::kError; });
  check(has_error == (parsed.rejected > 0));
  if (parsed.rules.empty()) return 0;
  const sigma::Taxonomy& taxonomy = sigma::Taxonomy::built_in();
  const auto engine = match::Engine::build(parsed.rules, taxonomy);
  match::Matcher matcher(engine);
  // The text itself is the value of every field.
  NormalizedEvent event;
  event.route = taxonomy.windows_route("Microsoft-Windows-Sysmon/Operational", "1");
  const std::string value(text.substr(0, 256));
  for (FieldId field = 0; field < engine->fields().size(); ++field)
    event.values.push_back({field, ValueKind::kString, value});
  const auto fired = matcher.match(event);
  for (match::RuleIndex i = 0; i < engine->rules().size(); ++i) {
    const bool want =
        sigma::Taxonomy::reads(engine->rules()[i].logsource, taxonomy.routes()[event.route]) &&
        sigma::matches(engine->rules()[i], engine->fields(), event.values);
    check(want == (std::find(fired.begin(), fired.end(), i) != fired.end()));
  }
  return 0;
}
