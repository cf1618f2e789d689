// SPDX-License-Identifier: Apache-2.0
#include "differential/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <stdexcept>

#include "core/sigma/evaluate.h"
#include "core/sigma/parse.h"
#include "stages/match/engine.h"
#include "stages/normalize/normalizer.h"

namespace tocsin::differential {
namespace {

constexpr std::size_t kShown = 3;

// What the program says of all events, in their order: JSON -> normalize -> match.
class Program {
 public:
  // `options`: whether literals wait for candidates may not change a match.
  explicit Program(std::vector<sigma::Rule> rules, match::EngineOptions options = {})
      : engine_(match::Engine::build(std::move(rules), taxonomy(), options)),
        matcher_(engine_),
        normalizer_(taxonomy(), engine_->fields(), {.decode = false}),
        decoder_(taxonomy(), engine_->fields(), {.decode = true}) {}

  void read(const std::string& json) {
    Status status = normalizer_.normalize(json, event_);
    if (status) status = decoder_.normalize(json, decoded_);
    if (!status)
      throw std::logic_error("the normalizer refuses " + json + ": " + status.error().message);
  }
  std::vector<bool> engine_says() {
    std::vector<bool> out(engine_->rules().size(), false);
    for (const match::RuleIndex rule : matcher_.match(event_)) out[rule] = true;
    return out;
  }
  bool evaluator_says(std::size_t rule) const {
    return sigma::Taxonomy::reads(engine_->rules()[rule].logsource,
                                  taxonomy().routes()[event_.route]) &&
           sigma::matches(engine_->rules()[rule], engine_->fields(), decoded_.values);
  }

 private:
  static const sigma::Taxonomy& taxonomy() { return sigma::Taxonomy::built_in(); }

  std::shared_ptr<const match::Engine> engine_;
  match::Matcher matcher_;
  normalize::Normalizer normalizer_, decoder_;
  NormalizedEvent event_, decoded_;  // values as JSON writes them, for the engine; as text
};

struct Rules {
  std::vector<yaml::Node> trees;
  std::vector<sigma::Rule> parsed;
};

Rules read_rules(const World& world) {
  Rules out;
  sigma::ParseOptions options;
  for (const auto& [name, values] : world.placeholders) options.placeholders[name] = values;
  for (const std::string& text : world.rules) {
    auto parsed = sigma::parse_rules(text, "world.yml", options);
    if (parsed.rules.size() != 1)
      throw std::logic_error(
          "the program refuses a legal rule:\n" + text +
          (parsed.diagnostics.empty() ? "" : parsed.diagnostics.front().message));
    out.parsed.push_back(std::move(parsed.rules.front()));
    auto trees = yaml::parse(text);
    out.trees.push_back(std::move(trees.value().front()));
  }
  return out;
}

// Whether a world of this rule and this event alone shows the difference too: if not, what came
// before matters (memos).
bool alone_differs(const sigma::Rule& rule, const std::string& json, bool oracle) {
  Program program({rule});
  program.read(json);
  return program.engine_says()[0] != oracle || program.evaluator_says(0) != oracle;
}

}  // namespace

Outcome judge(const World& world) {
  const Rules rules = read_rules(world);
  Program program(rules.parsed);
  Program waiting(rules.parsed, {.eager_literals_max = 0});
  Outcome out;
  for (const JsonValue& event : world.events) {
    const std::string json = world.choose ? write(event, world.choose) : write(event);
    const Observed observed = observe(event);
    program.read(json);
    const std::vector<bool> engine = program.engine_says();
    waiting.read(json);
    const std::vector<bool> engine_that_waits = waiting.engine_says();
    for (std::size_t i = 0; i < rules.parsed.size(); ++i) {
      const bool evaluator = program.evaluator_says(i);
      const bool oracle =
          reads(rules.trees[i], observed) && detects(rules.trees[i], observed, world.placeholders);
      ++out.pairs;
      out.matched += oracle;
      if (engine[i] == oracle && engine_that_waits[i] == oracle && evaluator == oracle) continue;
      if (++out.differences <= kShown)
        out.first += fmt::format(
            "engine {}, the one that waits {}, evaluator {}, oracle {}; alone: {}\n{}event: {}\n",
            engine[i], engine_that_waits[i], evaluator, oracle,
            alone_differs(rules.parsed[i], json, oracle) ? "the same" : "right", world.rules[i],
            json.substr(0, 2000));
    }
  }
  return out;
}

std::string rule_text(std::size_t number, const std::string& logsource,
                      const std::string& detection) {
  return fmt::format(
      "title: r{0}\nid: 00000000-0000-4000-8000-{0:012}\nlogsource: {1}\ndetection:\n{2}\n", number,
      logsource, detection);
}

JsonValue sysmon_event(std::vector<JsonMember> members) {
  members.emplace_back("Channel", JsonValue::string("Microsoft-Windows-Sysmon/Operational"));
  members.emplace_back("EventID", JsonValue::number("1"));
  return JsonValue::object(std::move(members));
}

std::string yaml_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::size_t cases_wanted(std::size_t otherwise) {
  const char* const given = std::getenv("TOCSIN_TEST_CASES");
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

}  // namespace tocsin::differential
