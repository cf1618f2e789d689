// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules explain: what a rule means, and why it does or does not match an event.
//
//   RULE (+ EVENT) -> explain/ -> text or JSON
#include <fmt/format.h>
#include <unistd.h>

#include "app/cli/rules/explain/event_input.h"
#include "app/cli/rules/explain/view.h"
#include "app/cli/rules/rules.h"
#include "app/insight/explain/written.h"

namespace tocsin::cli::rules {
namespace {

struct ExplainOptions {
  RuleOptions rules;
  std::string rule;
  EventChoice event;
  std::string format = "text";
  bool all = false;
};

Result<sigma::RuleSet> load(const ExplainOptions& options) {
  RuleOptions where = options.rules;
  if (is_rule_path(options.rule)) where.paths = {options.rule};
  return load_rules(where);
}

Result<const sigma::Rule*> chosen(const sigma::RuleSet& set, const ExplainOptions& options) {
  if (!is_rule_path(options.rule)) return find_rule(set, options.rule);
  if (set.rules.size() == 1) return &set.rules.front();
  std::string message = options.rule + ": ";
  if (set.rules.empty()) {
    message += "holds no rule that can be used";
    for (const sigma::Diagnostic& d : set.diagnostics) message += "\n" + to_text(d);
  } else {
    message +=
        fmt::format("holds {} rules; give --rules this file and the id of one:", set.rules.size());
    for (const sigma::Rule& rule : set.rules)
      message += fmt::format("\n  {}  {}", rule.id, printable(rule.title, {}));
  }
  return fail(ErrorCode::kInvalid, message);
}

std::vector<std::string> routes_read(const sigma::Rule& rule, const sigma::Taxonomy& taxonomy) {
  std::vector<std::string> out;
  for (std::size_t i = 1; i < taxonomy.routes().size(); ++i)
    if (sigma::Taxonomy::reads(rule.logsource, taxonomy.routes()[i]))
      out.push_back(taxonomy.routes()[i].name);
  return out;
}

int explain(const ExplainOptions& options) {
  const auto set = load(options);
  if (!set) return usage_error(set.error());
  const auto rule = chosen(*set, options);
  if (!rule) return usage_error(rule.error());
  const auto taxonomy = load_taxonomy(options.rules);
  if (!taxonomy) return usage_error(taxonomy.error());
  const insight::WrittenRule written = insight::written_rule(**rule);
  Explanation out;
  out.rule = *rule;
  out.condition = written.condition((*rule)->mark);
  if (options.event.path.empty()) {
    out.routes = routes_read(**rule, *taxonomy);
    out.tree = insight::explain_rule(**rule, written, nullptr);
  } else {
    RuleTrial trial(**rule, *taxonomy);
    auto event = choose_event(options.event, trial);
    if (!event) return report(event.error());
    out.event = *std::move(event);
    out.has_event = true;
    const insight::EventView view = trial.view();
    out.tree = insight::explain_rule(**rule, written, &view);
  }
  print(options.format == "json" ? insight::explanation_json(out)
                                 : render_explanation(out, style_of(STDOUT_FILENO), options.all));
  return kDone;
}

}  // namespace

void add_explain(CLI::App& rules, Context& context) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = rules.add_subcommand(
      "explain", "What a rule means; with an event, why it does or does not match");
  command
      ->add_option("RULE", options->rule,
                   "Id, beginning of an id, part of a title, or a rule file (*.yml)")
      ->required();
  command->add_option("EVENT", options->event.path,
                      "Events: JSON, JSON lines, EVTX, .gz, .zip; - is standard input");
  command->add_option("--line,--record", options->event.number,
                      "The event at this line of a text, or with this record id of an EVTX "
                      "(default: the first that matches, else the first that the rule reads)");
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--all", options->all, "Every pattern and value, however many and long");
  add_rule_options(*command, options->rules);
  command->footer(
      "Examples:\n"
      "  tocsin rules explain 'shadow copies'                  what the rule means\n"
      "  tocsin rules explain rules/impact/x.yml event.json    why it matches, or does not\n"
      "  tocsin rules explain --rules sigma 4f2a9c Sysmon.evtx --record 1201\n"
      "\n"
      "Exit status: 0 also when the rule does not match; 1 when there is no such event; 2 when "
      "there is no such rule.");
  command->callback([&context, options] { context.exit_code = explain(*options); });
}

}  // namespace tocsin::cli::rules
