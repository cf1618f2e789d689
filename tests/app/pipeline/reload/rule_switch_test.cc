// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/rule_switch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "core/sigma/parse.h"

using namespace tocsin;
using namespace tocsin::pipeline;

namespace {

// A set of one rule that matches where the field A is `value`.
std::shared_ptr<const RuleSnapshot> snapshot_of(std::uint64_t number) {
  const std::string text = fmt::format(
      "title: T{0}\nlogsource: {{product: windows}}\ndetection: {{s: {{A: v{0}}}, condition: s}}\n",
      number);
  auto snapshot = std::make_shared<RuleSnapshot>();
  snapshot->number = number;
  snapshot->taxonomy = std::make_shared<const sigma::Taxonomy>(sigma::Taxonomy::built_in());
  snapshot->engine =
      match::Engine::build(sigma::parse_rules(text, "r.yml").rules, *snapshot->taxonomy);
  snapshot->suppression = std::make_shared<const SuppressionPlan>();
  return snapshot;
}

}  // namespace

TEST_CASE("switch: a worker gets the newest rules once, the old ones are freed by the other side") {
  auto first = snapshot_of(1);
  const std::weak_ptr<const RuleSnapshot> old = first;
  RuleSwitch rules(first, 2);
  first.reset();
  std::unique_ptr<RuleSeat> a, b;
  CHECK(rules.take(0, a));
  CHECK(rules.take(1, b));
  CHECK_FALSE(rules.take(0, a));
  CHECK(rules.collect());
  rules.publish(snapshot_of(2));
  rules.publish(snapshot_of(3));
  CHECK_FALSE(rules.collect());
  CHECK(rules.take(0, a));
  CHECK(a->rules->number == 3);
  CHECK(b->rules->number == 1);
  CHECK_FALSE(rules.collect());  // b works with the old ones
  CHECK_FALSE(old.expired());
  CHECK(rules.take(1, b));
  CHECK_FALSE(old.expired());  // not freed in the worker
  CHECK(rules.collect());
  CHECK(old.expired());
}

TEST_CASE("switch: workers match on while rules change under them") {
  constexpr std::size_t kWorkers = 3;
  constexpr std::uint64_t kLast = 40;
  RuleSwitch rules(snapshot_of(1), kWorkers);
  std::atomic<std::uint64_t> wrong{0}, matched{0};
  std::atomic<std::size_t> at_end{0};
  std::vector<std::jthread> workers;
  for (std::size_t w = 0; w < kWorkers; ++w)
    workers.emplace_back([&, w] {
      std::unique_ptr<RuleSeat> seat;
      Classification result;
      std::uint64_t number = 0;
      while (number < kLast) {
        if (rules.take(w, seat)) {
          wrong += seat->rules->number <= number;  // never back
          number = seat->rules->number;
        }
        const std::string event = fmt::format(
            R"({{"Event":{{"System":{{"Channel":"Security","EventID":1}},"EventData":{{"A":"v{}"}}}}}})",
            number);
        wrong += !seat->classifier.classify(event, {}, result).has_value();
        wrong += result.alerts.size() != 1;
        ++matched;
      }
      ++at_end;
    });
  for (std::uint64_t n = 2; n <= kLast; ++n) {
    rules.publish(snapshot_of(n));
    static_cast<void>(rules.collect());
  }
  while (at_end < kWorkers) std::this_thread::yield();
  workers.clear();
  CHECK(wrong == 0);
  CHECK(matched >= kWorkers);
  CHECK(rules.collect());
}
