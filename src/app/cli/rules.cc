// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules: what a detection engineer does with rules before they run: check, list, explain,
// test, coverage. (tidy: utf-8)
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "app/cli/command.h"
#include "app/cli/rule_cases.h"
#include "app/cli/rule_options.h"
#include "app/cli/tables.h"
#include "app/pipeline/classifier.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "core/sigma/attack.h"
#include "core/sigma/evaluate.h"
#include "core/sigma/rule_set.h"
#include "stages/normalize/normalizer.h"

namespace tocsin::cli {
namespace {

struct RulesCommand {
  RuleOptions rules;
  bool json = false;
  bool warnings = false;
  std::string rule, event;
  std::string junit;
};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int usage_error(const Error& error) {
  report(error);
  return kUsage;
}

int check(const RulesCommand& options) {
  const auto set = load_rules(options.rules);
  if (!set) return usage_error(set.error());
  std::string out;
  if (options.json) {
    JsonWriter json(out);
    json.object([&] {
      json.member("files", set->files);
      json.member("rules", set->rules.size());
      json.member("rejected", set->rejected);
      json.member("ignored", set->ignored);
      json.key("diagnostics");
      json.array([&] {
        for (const sigma::Diagnostic& d : set->diagnostics) {
          std::string one;
          sigma::append_json(one, d);
          json.raw(one);
        }
      });
    });
    out += "\n";
  } else {
    const Style style = style_of(STDOUT_FILENO);
    std::size_t warnings = 0;
    for (const sigma::Diagnostic& d : set->diagnostics) {
      const bool error = d.severity == sigma::Severity::kError;
      warnings += !error;
      if (error || options.warnings) out += to_text(d) + "\n";
    }
    const bool bad = set->rejected > 0;
    out += tinted(fmt::format("{} rules in {} files are good", set->rules.size(), set->files),
                  bad ? Tint::kNone : Tint::kGreen, style);
    out += bad ? tinted(fmt::format(", {} rejected", set->rejected), Tint::kRed, style)
               : ", none rejected";
    if (set->ignored > 0) out += fmt::format(", {} left out (correlations, filters)", set->ignored);
    if (warnings > 0)
      out += fmt::format(", {} warnings{}", warnings,
                         options.warnings ? "" : " (--warnings shows them)");
    out += "\n";
  }
  print(out);
  return set->rejected > 0 ? kFailed : kDone;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

int list(const RulesCommand& options) {
  const auto set = load_rules(options.rules);
  if (!set) return usage_error(set.error());
  std::string out;
  if (options.json) {
    for (const sigma::Rule& rule : set->rules) {
      JsonWriter json(out);
      const auto strings = [&](std::string_view name, const std::vector<std::string>& items) {
        json.key(name);
        json.array([&] {
          for (const std::string& item : items) json.value(item);
        });
      };
      json.object([&] {
        json.member("id", rule.id);
        json.member("title", rule.title);
        json.member("level", to_string(rule.level));
        json.member("status", rule.status);
        json.member("author", rule.author);
        json.member("path", rule.path);
        json.member("category", rule.logsource.category);
        json.member("product", rule.logsource.product);
        json.member("service", rule.logsource.service);
        strings("tactics", rule.tactics);
        strings("techniques", rule.techniques);
      });
      out.push_back('\n');
    }
  } else {
    Table table;
    table.columns = {{"ID"},
                     {"LEVEL"},
                     {"LOGSOURCE"},
                     {"TACTICS", Align::kLeft, true},
                     {"TITLE", Align::kLeft, true}};
    for (const sigma::Rule& rule : set->rules) {
      const sigma::Logsource& l = rule.logsource;
      table.rows.push_back(
          {rule.id, std::string(to_string(rule.level)),
           l.category.empty() ? l.product + "/" + l.service : l.product + "/" + l.category,
           joined(rule.tactics), rule.title});
    }
    out = render_table(table, style_of(STDOUT_FILENO));
  }
  print(out);
  return kDone;
}

// The condition as a tree with what each predicate found.
class Explanation {
 public:
  Explanation(const sigma::Rule& rule, const FieldTable& fields, const NormalizedEvent& event,
              const Style& style)
      : rule_(rule), fields_(fields), event_(event), style_(style) {}

  std::string text() {
    print_expr(rule_.condition, 1);
    return out_;
  }

 private:
  bool holds(const sigma::Expr& expr) const {
    using Kind = sigma::Expr::Kind;
    const auto all = [&](bool want) {
      return std::all_of(expr.children.begin(), expr.children.end(),
                         [&](const sigma::Expr& child) { return holds(child) == want; });
    };
    switch (expr.kind) {
      case Kind::kAnd:
        return all(true);
      case Kind::kOr:
        return !all(false);
      case Kind::kNot:
        return !holds(expr.children.front());
      case Kind::kPredicate:
        return predicate_matches(sigma::compile(rule_.predicates[expr.predicate]), fields_,
                                 event_.values);
    }
    return false;
  }

  void print_expr(const sigma::Expr& expr, int depth) {
    static constexpr std::string_view kNames[] = {"all of", "any of", "not"};
    const bool yes = holds(expr);
    out_ += std::string(static_cast<std::size_t>(depth) * 2, ' ');
    out_ += yes ? tinted(style_.unicode ? "✔ " : "yes ", Tint::kGreen, style_)
                : tinted(style_.unicode ? "✘ " : "no  ", Tint::kRed, style_);
    if (expr.kind == sigma::Expr::Kind::kPredicate) {
      out_ += printable(describe(rule_.predicates[expr.predicate]), style_) + "\n";
      return;
    }
    out_ += std::string(kNames[static_cast<std::size_t>(expr.kind)]) + "\n";
    for (const sigma::Expr& child : expr.children) print_expr(child, depth + 1);
  }

  std::string describe(const sigma::Predicate& p) const {
    static constexpr std::string_view kOps[] = {"=",          "starts with", "ends with",
                                                "contains",   "matches",     "matches regex",
                                                "in network", "<",           "<=",
                                                ">",          ">=",          "=",
                                                "like field", "exists",      "is null or missing"};
    std::string text = p.is_keyword() ? "any value" : p.field;
    text += fmt::format(" {}", kOps[static_cast<std::size_t>(p.op)]);
    if (p.op == sigma::Op::kFieldRef)
      text += " " + p.other_field;
    else if (p.op == sigma::Op::kWildcard)
      text += " '" + p.pattern.to_string() + "'";
    else if (p.op >= sigma::Op::kLess && p.op <= sigma::Op::kNumberEqual)
      text += fmt::format(" {}", p.number);
    else if (p.op < sigma::Op::kExists)
      text += " '" + p.text + "'";
    return text + values_of(p);
  }

  std::string values_of(const sigma::Predicate& p) const {
    if (p.is_keyword()) return {};
    std::string text;
    for (const FieldValue& value : event_.values)
      if (value.field == fields_.find(p.field))
        text += fmt::format(" [event: {:.120}]", value.text);
    return text.empty() ? " [event: no such field]" : text;
  }

  const sigma::Rule& rule_;
  const FieldTable& fields_;
  const NormalizedEvent& event_;
  Style style_;
  std::string out_;
};

Result<std::string> read_event(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (path != "-" && !file) return fail(ErrorCode::kNotFound, path + ": cannot be read");
  std::string text;
  if (path == "-") {
    char buffer[65536];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;)
      text.append(buffer, n);
  } else {
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

// `rule` is an id of the loaded rules, or a rule file.
int explain(const RulesCommand& options) {
  RuleOptions where = options.rules;
  const bool is_file = options.rule.ends_with(".yml") || options.rule.ends_with(".yaml");
  if (is_file) where.paths = {options.rule};
  const auto set = load_rules(where);
  if (!set) return usage_error(set.error());
  const auto found = std::find_if(set->rules.begin(), set->rules.end(), [&](const sigma::Rule& r) {
    return is_file || r.id == options.rule || r.title == options.rule;
  });
  if (found == set->rules.end()) {
    for (const sigma::Diagnostic& d : set->diagnostics)
      std::fprintf(stderr, "%s\n", to_text(d).c_str());
    return usage_error(
        {ErrorCode::kNotFound, "no rule with the id or title '" + options.rule + "'"});
  }
  const auto event_text = read_event(options.event);
  if (!event_text) return usage_error(event_text.error());
  auto taxonomy = load_taxonomy(options.rules);
  if (!taxonomy) return usage_error(taxonomy.error());
  const auto engine = match::Engine::build({*found}, *taxonomy);
  normalize::Normalizer normalizer(*taxonomy, engine->fields());
  NormalizedEvent event;
  if (const Status status = normalizer.normalize(*event_text, event); !status)
    return report(status.error());
  const sigma::Route& route = taxonomy->routes()[event.route];
  const sigma::Logsource& l = found->logsource;
  const bool reads = sigma::Taxonomy::reads(l, route);
  const bool condition = sigma::matches(*found, engine->fields(), event.values);
  const Style style = style_of(STDOUT_FILENO);
  std::string out = fmt::format("{}  {}\n", found->id, printable(found->title, style));
  out += fmt::format(
      "logsource: the rule reads category='{}' product='{}' service='{}'; the event is {}: {}\n",
      l.category, l.product, l.service, route.name, reads ? "read" : "NOT read");
  out += "condition:\n" + Explanation(*found, engine->fields(), event, style).text();
  const bool match = reads && condition;
  out += tinted(match ? "The rule matches.\n" : "The rule does not match.\n",
                match ? Tint::kGreen : Tint::kRed, style);
  print(out);
  return kDone;
}

struct CaseResult {
  const RuleCase* rule_case;
  std::string failure;  // empty: passed
};

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out.push_back(c);
  }
  return out;
}

bool write_junit(const std::string& path, const std::vector<CaseResult>& results,
                 std::size_t failed) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"tocsin rules\" tests=\"{}\" "
      "failures=\"{}\">\n",
      results.size(), failed);
  for (const CaseResult& r : results) {
    out += fmt::format(R"(  <testcase classname="{}" name="{}")", xml(r.rule_case->rule_id),
                       xml(r.rule_case->name));
    out += r.failure.empty()
               ? std::string("/>\n")
               : fmt::format("><failure message=\"{}\"/></testcase>\n", xml(r.failure));
  }
  out += "</testsuite>\n";
  std::ofstream file(path, std::ios::binary);
  file << out;
  return static_cast<bool>(file.flush());
}

std::string run_case(const RuleCase& c, pipeline::Classifier& classifier,
                     const std::vector<sigma::Rule>& rules) {
  const bool known = std::any_of(rules.begin(), rules.end(),
                                 [&](const sigma::Rule& r) { return r.id == c.rule_id; });
  if (!known) return fmt::format("no rule has the id {}", c.rule_id);
  pipeline::Classification result;
  if (const Status status = classifier.classify(c.event_json, {}, result); !status)
    return status.error().message;
  const auto& fired = result.verdict.rules;
  const bool matched = std::find(fired.begin(), fired.end(), c.rule_id) != fired.end();
  if (matched == c.match) return {};
  return c.match ? "the rule does not match, but should" : "the rule matches, but should not";
}

int test(const RulesCommand& options) {
  const auto cases = load_cases(options.rules.paths);
  if (!cases) return usage_error(cases.error());
  auto rules = compile_rules(options.rules);
  if (!rules) return usage_error(rules.error());
  pipeline::Classifier classifier(rules->engine, *rules->taxonomy);
  std::vector<CaseResult> results;
  std::map<std::string, int> cases_of_rule;
  std::size_t failed = 0;
  const Style style = style_of(STDOUT_FILENO);
  for (const RuleCase& c : cases->cases) {
    ++cases_of_rule[c.rule_id];
    results.push_back({&c, run_case(c, classifier, rules->engine->rules())});
    if (results.back().failure.empty()) continue;
    ++failed;
    print(tinted("FAILED", Tint::kRed, style) + fmt::format(" {}:{}: {}: {}\n", c.path, c.mark.line,
                                                            printable(c.name, style),
                                                            results.back().failure));
  }
  for (const CaseProblem& p : cases->problems)
    print(fmt::format("{}:{}: {}\n", p.path, p.mark.line, p.message));
  std::size_t untested = 0;
  for (const sigma::Rule& rule : rules->engine->rules())
    untested += cases_of_rule.count(rule.id) == 0;
  print(fmt::format("{} cases passed, {} failed, {} unreadable; {} of {} rules have no case\n",
                    results.size() - failed, failed, cases->problems.size(), untested,
                    rules->engine->rules().size()));
  if (!options.junit.empty() && !write_junit(options.junit, results, failed))
    return report({ErrorCode::kUnavailable, options.junit + ": cannot be written"});
  return failed + cases->problems.size() > 0 ? kFailed : kDone;
}

// A layer for MITRE's ATT&CK Navigator (format 4.5): how many rules name each technique.
int coverage(const RulesCommand& options) {
  const auto set = load_rules(options.rules);
  if (!set) return usage_error(set.error());
  std::map<std::string, std::vector<const sigma::Rule*>> by_technique;
  std::size_t most = 1;
  for (const sigma::Rule& rule : set->rules)
    for (const std::string& id : rule.techniques) by_technique[id].push_back(&rule);
  for (const auto& [id, rules] : by_technique) most = std::max(most, rules.size());
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("name", "Tocsin rule coverage");
    json.member("domain", "enterprise-attack");
    json.key("versions");
    json.object([&] { json.member("layer", "4.5"); });
    json.member("description",
                fmt::format("{} rules, {} techniques", set->rules.size(), by_technique.size()));
    json.key("techniques");
    json.array([&] {
      for (const auto& technique : by_technique) {
        json.object([&] {
          json.member("techniqueID", technique.first);
          json.member("score", technique.second.size());
          json.member("comment", technique.second.front()->title);
        });
      }
    });
    json.key("gradient");
    json.object([&] {
      json.key("colors");
      json.array([&] {
        json.value("#ffffff");
        json.value("#66b1ff");
      });
      json.member("minValue", 0);
      json.member("maxValue", most);
    });
  });
  print(out + "\n");
  return kDone;
}

}  // namespace

void add_rules(Context& context) {
  auto options = std::make_shared<RulesCommand>();
  CLI::App* rules =
      context.root.add_subcommand("rules", "Check, list, explain and test Sigma rules");
  rules->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, int (*body)(const RulesCommand&),
                       bool needs_paths) {
    CLI::App* command = rules->add_subcommand(name, about);
    CLI::Option* paths = command->add_option(
        "DIR", options->rules.paths, "Files and folders of rules (default: the starter rules)");
    if (needs_paths) paths->required();
    command->add_option("--placeholders", options->rules.placeholders,
                        "YAML file with values of %placeholders%");
    command->callback([&context, options, body] { context.exit_code = body(*options); });
    return command;
  };
  CLI::App* check_command =
      add("check", "Read and compile every rule; tell what is wrong (exit 1 if any is rejected)",
          check, false);
  check_command->add_flag("--json", options->json, "Diagnostics as JSON");
  check_command->add_flag("--warnings", options->warnings, "Also what is doubtful");
  add("list", "The rules as a table", list, false)
      ->add_flag("--json", options->json, "One JSON object per line");
  CLI::App* test_command = add("test", "Run the cases in *.test.yml beside the rules", test, true);
  test_command->add_option("--junit", options->junit, "Also write the results as JUnit XML");
  add("coverage", "An ATT&CK Navigator layer of the techniques that the rules name", coverage,
      false);

  CLI::App* explain_command =
      rules->add_subcommand("explain", "Why a rule does or does not match an event");
  explain_command
      ->add_option("RULE", options->rule, "A rule file, or the id or title of a loaded rule")
      ->required();
  explain_command
      ->add_option("EVENT", options->event, "File with one event as JSON; - is standard input")
      ->required();
  add_rule_options(*explain_command, options->rules);
  explain_command->callback([&context, options] { context.exit_code = explain(*options); });
}

}  // namespace tocsin::cli
