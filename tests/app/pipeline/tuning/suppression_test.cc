// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "app/pipeline/tuning/alert_filter.h"
#include "app/pipeline/tuning/decisions.h"
#include "base/uuid.h"

using namespace tocsin;
using namespace tocsin::pipeline;

namespace {

constexpr UnixNanos kMinute = 60'000'000'000;

SuppressionKey key(int n) { return sha256_128(fmt::format("{}", n)); }

Alert alert_of(std::string rule, std::string host, std::string user, UnixNanos time, int event) {
  Alert alert;
  alert.event_id = Uuid::hashed(fmt::format("{}", event));
  alert.rule_id = std::move(rule);
  alert.host = std::move(host);
  alert.user = std::move(user);
  alert.timestamp = time;
  return alert;
}

std::shared_ptr<const SuppressionPlan> plan_of(std::optional<Suppression> rest,
                                               std::vector<Override> overrides = {}) {
  Tuning tuning;
  tuning.suppress = std::move(rest);
  tuning.overrides = std::move(overrides);
  return std::make_shared<const SuppressionPlan>(tuning);
}

}  // namespace

TEST_CASE("suppressor: the first of a window goes out, the next after it says how many did not") {
  struct Step {
    int key;
    UnixNanos minute;
    int want;  // -1: held back; otherwise the count
  };
  const Step steps[] = {
      {1, 0, 0},  {1, 1, -1},   {1, 9, -1},   {2, 9, 0},  // another key has a window of its own
      {1, 10, 2}, {1, 11, -1},                            // the window starts with what went out
      {1, 5, -1},                                         // late, but near
      {1, 40, 2}, {1, -100, 0}, {1, -95, -1},             // an old log read again
      {2, 30, 0},
  };
  Suppressor suppressor;
  for (const Step& step : steps) {
    CAPTURE(step.key);
    CAPTURE(step.minute);
    const auto got = suppressor.admit(key(step.key), step.minute * kMinute, 10 * kMinute);
    CHECK((got ? static_cast<int>(*got) : -1) == step.want);
  }
}

TEST_CASE("suppressor: absurd times neither overflow nor stop it") {
  Suppressor suppressor;
  CHECK(suppressor.admit(key(1), INT64_MAX, kMinute) == 0u);
  CHECK(suppressor.admit(key(1), INT64_MIN, kMinute) == 0u);
  CHECK_FALSE(suppressor.admit(key(1), INT64_MIN + 5, kMinute).has_value());
  CHECK(suppressor.admit(key(1), INT64_MAX, kMinute) == 1u);
}

TEST_CASE("suppressor: memory is bounded; what was used least recently goes first") {
  Suppressor suppressor(3);
  for (const int n : {1, 2, 3}) CHECK(suppressor.admit(key(n), 0, kMinute) == 0u);
  CHECK_FALSE(suppressor.admit(key(1), 1, kMinute).has_value());  // now 2 is the oldest
  CHECK(suppressor.admit(key(4), 0, kMinute) == 0u);
  CHECK(suppressor.keys() == 3);
  CHECK(suppressor.forgotten() == 1);
  CHECK_FALSE(suppressor.admit(key(1), 2, kMinute).has_value());
  CHECK(suppressor.admit(key(2), 2, kMinute) == 0u);  // forgotten, so it goes out again
  for (int n = 10; n < 1000; ++n) CHECK(suppressor.admit(key(n), 0, kMinute) == 0u);
  CHECK(suppressor.keys() == 3);
}

TEST_CASE("alert filter: keys are rule and host, other fields, or all rules together") {
  const Suppression by_host{false, {"host"}, 10 * kMinute};
  const Suppression by_image{false, {"host", "Image"}, 10 * kMinute};
  const Suppression any_user{true, {"user"}, 10 * kMinute};
  const Suppression off{false, {"host"}, 0};
  std::vector<Override> overrides(3);
  overrides[0].rules = {{"IMAGE", {}}};
  overrides[0].suppress = by_image;
  overrides[1].rules = {{"any1", {}}, {"any2", {}}};
  overrides[1].suppress = any_user;
  overrides[2].rules = {{"never", {}}};
  overrides[2].suppress = off;
  AlertFilter filter;
  filter.adopt(plan_of(by_host, overrides), sigma::Taxonomy::built_in());
  const auto json = [](const char* image) {
    return fmt::format(R"({{"Event":{{"System":{{"Channel":"C","EventID":1,"Computer":"h"}},)"
                       R"("EventData":{{"Image":"{}"}}}}}})",
                       image);
  };
  struct Step {
    const char *rule, *host, *user, *image;
    bool out;
  };
  const Step steps[] = {
      {"r1", "h1", "u1", "a", true},    {"r1", "H1", "u2", "b", false},  // the host, without case
      {"r1", "h2", "u1", "a", true},    {"r2", "h1", "u1", "a", true},
      {"image", "h1", "u1", "a", true}, {"image", "h1", "u1", "A", false},
      {"image", "h1", "u1", "b", true}, {"image", "h2", "u1", "a", true},
      {"any1", "h1", "u1", "a", true},  {"any2", "h9", "u1", "a", false},
      {"any2", "h9", "u2", "a", true},  {"never", "h1", "u1", "a", true},
      {"never", "h1", "u1", "a", true},
  };
  int event = 0;
  for (const Step& step : steps) {
    CAPTURE(step.rule);
    CAPTURE(step.host);
    Alert alert = alert_of(step.rule, step.host, step.user, kMinute, ++event);
    CHECK(filter.admit(alert, json(step.image), 0) == step.out);
  }
}

TEST_CASE(
    "alert filter: an event without a time counts by its arrival, one without the field by none") {
  AlertFilter filter;
  filter.adopt(plan_of(Suppression{false, {"Image"}, kMinute}), sigma::Taxonomy::built_in());
  Alert first = alert_of("r", "h", "u", 0, 1);
  CHECK(filter.admit(first, "{}", 5 * kMinute));
  Alert second = alert_of("r", "h", "u", 0, 2);
  CHECK_FALSE(filter.admit(second, "this is no JSON", 5 * kMinute + 1));
  Alert third = alert_of("r", "h", "u", 0, 3);
  CHECK(filter.admit(third, "{}", 6 * kMinute));
  CHECK(third.suppressed == 1);
}

TEST_CASE("alert filter: a new plan keeps what is remembered; no plan holds nothing back") {
  AlertFilter filter;
  Alert alert = alert_of("r", "h", "u", 1, 1);
  CHECK(filter.admit(alert, "{}", 0));
  CHECK(filter.admit(alert, "{}", 0));
  const Suppression by_host{false, {"host"}, kMinute};
  filter.adopt(plan_of(by_host), sigma::Taxonomy::built_in());
  CHECK(filter.admit(alert, "{}", 0));
  filter.adopt(plan_of(by_host), sigma::Taxonomy::built_in());
  CHECK_FALSE(filter.admit(alert, "{}", 0));
  filter.adopt(plan_of(std::nullopt), sigma::Taxonomy::built_in());
  CHECK(filter.admit(alert, "{}", 0));
}

TEST_CASE(
    "decisions: an alert of a batch that was undone is decided as before, each of its offsets") {
  Decisions decisions;
  const Uuid alert = Uuid::hashed("alert");
  const auto at = [&](std::int64_t offset) { return Decisions::key_of(alert, 2, offset); };
  decisions.note(at(5), {true, 7});
  decisions.note(at(50), {false, 0});
  CHECK_FALSE(decisions.recall(at(5)));
  decisions.undone();
  REQUIRE(decisions.recall(at(5)));
  CHECK(decisions.recall(at(5))->out);
  CHECK(decisions.recall(at(5))->suppressed == 7);
  REQUIRE(decisions.recall(at(50)));
  CHECK_FALSE(decisions.recall(at(50))->out);
  CHECK_FALSE(decisions.recall(Decisions::key_of(alert, 3, 5)));
  decisions.note(at(5), {true, 7});
  decisions.committed();
  CHECK_FALSE(decisions.recall(at(5)));
  CHECK(decisions.recall(at(50)));
}
