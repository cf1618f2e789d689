// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules test: events that rules must and must not match, through the same engine as detect.
//
//   *.test.yml + rules -> run -> FAILED lines with the explained condition, summary, JUnit XML
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "app/cli/rules/cases.h"
#include "app/cli/rules/explain/event_input.h"
#include "app/cli/rules/explain/view.h"
#include "app/cli/rules/junit.h"
#include "app/cli/rules/rules.h"
#include "app/insight/explain/written.h"
#include "app/pipeline/classifier.h"
#include "stages/produce/files/files.h"

namespace tocsin::cli::rules {
namespace {

struct TestOptions {
  RulePaths rules;
  std::string junit;
  std::vector<std::string> only;
  bool untested = false;
};

// What an event or a file of events did.
struct Ran {
  std::uint64_t events = 0, matching = 0;
  std::string trouble;
};

class CaseRunner {
 public:
  CaseRunner(const sigma::RuleSet& set, const sigma::Taxonomy& taxonomy)
      : set_(set),
        taxonomy_(taxonomy),
        classifier_(match::Engine::build(set.rules, taxonomy), taxonomy) {
    for (const sigma::Rule& rule : set.rules) by_id_[rule.id] = &rule;
  }

  CaseOutcome run(const RuleCase& c) {
    CaseOutcome out{&c, {}, {}};
    const auto found = by_id_.find(lower_ascii(c.rule_id));
    if (found == by_id_.end()) {
      out.failure = why_unknown(c.rule_id);
      return out;
    }
    const sigma::Rule& rule = *found->second;
    const Ran ran = c.event_file.empty() ? run_event(c, rule) : run_file(c, rule);
    out.failure = judge(c, ran);
    if (!out.failure.empty() && ran.events > 0) out.details = explain(c, rule);
    return out;
  }

 private:
  std::string why_unknown(const std::string& id) const {
    for (const sigma::Diagnostic& d : set_.diagnostics)
      if (d.severity == sigma::Severity::kError && lower_ascii(d.rule) == lower_ascii(id))
        return fmt::format("the rule was rejected: {}:{}: {}", d.path, d.mark.line, d.message);
    return fmt::format("no rule has the id {}", id);
  }

  bool fires(std::string_view json, const sigma::Rule& rule, Ran& ran) {
    if (const Status status = classifier_.classify(json, {}, result_); !status) {
      if (ran.trouble.empty()) ran.trouble = status.error().message;
      return false;
    }
    ++ran.events;
    const auto& fired = result_.verdict.rules;
    return std::find(fired.begin(), fired.end(), rule.id) != fired.end();
  }

  Ran run_event(const RuleCase& c, const sigma::Rule& rule) {
    Ran ran;
    ran.matching = fires(c.event_json, rule, ran);
    return ran;
  }

  Ran run_file(const RuleCase& c, const sigma::Rule& rule) {
    Ran ran;
    auto source = produce::open_files({c.event_file}, {produce::Format::kAuto});
    if (!source) {
      ran.trouble = source.error().message;
      return ran;
    }
    RawEvent event;
    produce::Problem problem;
    for (;;) {
      const produce::Next next = (*source)->next(event, problem);
      if (next == produce::Next::kEnd) return ran;
      if (next == produce::Next::kProblem && ran.trouble.empty()) ran.trouble = problem.message;
      if (next != produce::Next::kEvent) continue;
      const std::uint64_t number =
          event.origin.line != 0 ? event.origin.line : event.origin.record_id;
      if (c.line == 0 || c.line == number) ran.matching += fires(event.json, rule, ran);
    }
  }

  static std::string judge(const RuleCase& c, const Ran& ran) {
    const std::string where = c.event_file.empty() ? "" : c.event_file + ": ";
    if (ran.events == 0)
      return where + (ran.trouble.empty() ? "there is no such event" : ran.trouble);
    if (c.count && ran.matching != *c.count)
      return fmt::format("{}{} of {} events match, but {} should", where, ran.matching, ran.events,
                         *c.count);
    if (c.match && ran.matching == 0)
      return where +
             (ran.events == 1
                  ? "the rule does not match, but should"
                  : fmt::format("the rule matches none of {} events, but should", ran.events));
    if (!c.match && ran.matching > 0)
      return where + (ran.events == 1 ? "the rule matches, but should not"
                                      : fmt::format("the rule matches {} of {} events, but should "
                                                    "match none",
                                                    ran.matching, ran.events));
    return {};
  }

  // Without colours, because it also goes into the JUnit file.
  std::string explain(const RuleCase& c, const sigma::Rule& rule) {
    RuleTrial trial(rule, taxonomy_);
    ExplainedEvent event;
    if (c.event_file.empty()) {
      if (!trial.take(c.event_json)) return {};
      trial.describe(event);
    } else {
      auto chosen = choose_event({c.event_file, c.line}, trial);
      if (!chosen) return {};
      event = *std::move(chosen);
    }
    Style style = style_of(STDOUT_FILENO);
    style.colour = false;
    std::string out;
    if (!event.place.empty()) out += "    event " + printable(event.place, style) + "\n";
    if (!event.route_read)
      out += fmt::format("    the event is {}, which the rule's logsource ({}) does not read\n",
                         printable(event.route, style),
                         printable(logsource_text(rule.logsource), style));
    const insight::EventView view = trial.view();
    return out + render_tree(insight::explain_rule(rule, insight::written_rule(rule), &view), true,
                             style, false, 4);
  }

  const sigma::RuleSet& set_;
  const sigma::Taxonomy& taxonomy_;
  pipeline::Classifier classifier_;
  pipeline::Classification result_;
  std::map<std::string, const sigma::Rule*, std::less<>> by_id_;
};

bool is_meant(const RuleCase& c, const std::vector<std::string>& only) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& word) {
           const std::string want = lower_ascii(word);
           return lower_ascii(c.rule_id).starts_with(want) ||
                  lower_ascii(c.name).find(want) != std::string::npos ||
                  lower_ascii(c.path).find(want) != std::string::npos;
         });
}

void tell_untested(const sigma::RuleSet& set, const std::vector<CaseOutcome>& outcomes,
                   bool by_name, std::FILE* out) {
  std::map<std::string, int> cases;
  for (const CaseOutcome& outcome : outcomes) ++cases[lower_ascii(outcome.rule_case->rule_id)];
  std::size_t untested = 0;
  for (const sigma::Rule& rule : set.rules) {
    if (cases.contains(rule.id)) continue;
    ++untested;
    if (by_name) fmt::print(out, "no case: {}  {}\n", rule.id, printable(rule.path, {}));
  }
  fmt::print(out, "{} of {} rules have no case\n", untested, set.rules.size());
}

int test(const TestOptions& options) {
  RuleOptions where = options.rules.options;
  where.paths.insert(where.paths.begin(), options.rules.dirs.begin(), options.rules.dirs.end());
  const auto cases = load_cases(options.rules.dirs.empty() ? where.paths : options.rules.dirs);
  if (!cases) return usage_error(cases.error());
  const auto set = load_rules(where);
  if (!set) return usage_error(set.error());
  const auto taxonomy = load_taxonomy(where);
  if (!taxonomy) return usage_error(taxonomy.error());
  std::FILE* const out = options.junit == "-" ? stderr : stdout;  // for people
  CaseRunner runner(*set, *taxonomy);
  std::vector<CaseOutcome> outcomes;
  std::size_t failed = 0;
  const Style style = style_of(fileno(out));
  const std::string label = tinted("FAILED", Tint::kRed, style);
  for (const RuleCase& c : cases->cases) {
    if (!is_meant(c, options.only)) continue;
    const CaseOutcome& outcome = outcomes.emplace_back(runner.run(c));
    if (outcome.failure.empty()) continue;
    ++failed;
    fmt::print(out, "{} {}:{}: {}: {}\n{}", label, printable(c.path, style), c.mark.line,
               printable(c.name, style), printable(outcome.failure, style), outcome.details);
  }
  for (const CaseProblem& p : cases->problems)
    fmt::print(out, "{} {}:{}: {}\n", tinted("UNREADABLE", Tint::kRed, style),
               printable(p.path, style), p.mark.line, printable(p.message, style));
  fmt::print(out, "{} cases passed, {} failed, {} unreadable; ", outcomes.size() - failed, failed,
             cases->problems.size());
  tell_untested(*set, outcomes, options.untested, out);
  if (options.junit == "-")
    print(junit_xml(outcomes, cases->problems));
  else if (!options.junit.empty() &&
           !write_file(options.junit, junit_xml(outcomes, cases->problems)))
    return report({ErrorCode::kUnavailable, options.junit + ": cannot be written"});
  if (outcomes.empty() && cases->problems.empty()) {
    report({ErrorCode::kNotFound, "no case was found (NAME.test.yml beside a rule)"});
    return options.only.empty() ? kDone : kUsage;
  }
  return failed + cases->problems.size() > 0 ? kFailed : kDone;
}

}  // namespace

void add_test(CLI::App& rules, Context& context) {
  auto options = std::make_shared<TestOptions>();
  CLI::App* command = rules.add_subcommand(
      "test", "Run the cases in *.test.yml beside the rules: what must and must not match");
  command->add_option("DIR", options->rules.dirs,
                      "Files and folders of rules with their cases (default: those of --rules, "
                      "else the starter rules)");
  add_rule_options(*command, options->rules.options);
  command
      ->add_option("--only", options->only,
                   "Cases whose rule id begins with this, or whose name or file holds it")
      ->allow_extra_args(false);
  command->add_option("--junit", options->junit,
                      "Also write the results as JUnit XML; - is stdout");
  command->add_flag("--untested", options->untested, "Also name the rules that have no case");
  command->footer(
      "A case: name, match (true or false), and either event (a map) or event_file (JSON lines, "
      "EVTX, .gz,\n"
      ".zip; with line and count, if need be). All of it: docs/rules.md.\n"
      "\n"
      "Exit status: 0 every case turned out as it says; 1 one did not or cannot be read; 2 a path "
      "does\n"
      "not exist, or wrong usage.");
  command->callback([&context, options] { context.exit_code = test(*options); });
}

}  // namespace tocsin::cli::rules
