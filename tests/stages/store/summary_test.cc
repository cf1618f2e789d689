// SPDX-License-Identifier: Apache-2.0
#include "stages/store/summary.h"

#include <doctest/doctest.h>

#include "fixture.h"
#include "stages/store/lookup.h"
#include "stages/store/sink.h"

using namespace tocsin;
using namespace tocsin::store;
using test::TempDir;

namespace {

Verdict with_truth(unsigned number, bool detected, const char* truth, const char* scenario = "") {
  Verdict v = test::verdict(number, detected);  // credential-access and stealth when detected
  v.truth = truth;
  v.truth_scenario = scenario;
  v.latency_us = number;
  return v;
}

}  // namespace

TEST_CASE("summary: counts, latency by nearest rank, and the score against the truth") {
  const TempDir dir;
  std::vector<Verdict> batch = {
      with_truth(1, true, "credential-access", "dump"),   // right
      with_truth(2, false, "credential-access", "dump"),  // missed
      with_truth(3, true, "stealth", "hide"),             // right only by any tactic
      with_truth(4, true, "benign"),                      // false positive
      with_truth(5, false, "benign"),
      with_truth(6, false, "impact", "wipe"),  // a scenario missed as a whole
      with_truth(7, true, ""),                 // without truth: counted, not scored
  };
  std::vector<Alert> alerts;
  for (const Verdict& v : batch)
    if (v.detected()) alerts.push_back(test::alert_of(v));
  auto sink = open_sqlite(dir / "t.db", {});
  REQUIRE(sink.has_value());
  REQUIRE((*sink)->write(batch, alerts).has_value());

  const auto s = summarize(dir / "t.db");
  REQUIRE(s.has_value());
  CHECK(s->verdicts == 7);
  CHECK(s->detected == 4);
  CHECK(s->alerts == 4);
  REQUIRE(s->classes.size() == 2);
  CHECK(s->classes[0].name == "Credential Access");
  CHECK(s->classes[0].count == 4);
  CHECK(s->latency.p50 == 4);
  CHECK(s->latency.p90 == 7);
  CHECK(s->latency.max == 7);
  REQUIRE(s->rules.size() == 1);
  CHECK(s->rules[0].count == 4);
  CHECK(s->rules[0].level == "high");

  const Scoring& score = s->scoring;
  CHECK(score.malicious == 4);
  CHECK(score.malicious_detected == 2);
  CHECK(score.benign == 2);
  CHECK(score.benign_detected == 1);
  CHECK(score.confusion.at("stealth").at("credential-access") == 1);
  CHECK(score.confusion.at("benign").at("none") == 1);
  const TacticScore& access = score.tactics.at("credential-access");
  CHECK(access.events == 2);
  CHECK(access.strict.true_positives == 1);
  CHECK(access.strict.false_positives == 2);
  CHECK(access.strict.false_negatives == 1);
  CHECK(access.strict.precision() == doctest::Approx(1.0 / 3));
  CHECK(access.strict.recall() == doctest::Approx(0.5));
  CHECK(access.strict.f1() == doctest::Approx(0.4));
  const TacticScore& stealth = score.tactics.at("stealth");
  CHECK(stealth.strict.recall() == 0);
  CHECK(stealth.strict.precision() == -1);
  CHECK(stealth.any_of.recall() == 1);
  CHECK(stealth.any_of.false_positives == 2);
  REQUIRE(score.scenarios.size() == 3);
  CHECK(score.scenarios[0].name == "dump");
  CHECK(score.scenarios[0].detected == 1);
  CHECK(score.scenarios[2].name == "wipe");
  CHECK(score.scenarios[2].detected == 0);
}

TEST_CASE("summary: an empty store, a missing one and a foreign one") {
  const TempDir dir;
  REQUIRE(open_sqlite(dir / "t.db", {}).has_value());
  const auto s = summarize(dir / "t.db");
  REQUIRE(s.has_value());
  CHECK(s->verdicts == 0);
  CHECK(s->scoring.empty());
  CHECK(summarize(dir / "none.db").error().code == ErrorCode::kNotFound);
  std::ofstream(dir / "text.db") << std::string(4'096, 'x');
  CHECK(summarize(dir / "text.db").error().code == ErrorCode::kCorrupt);
}

TEST_CASE("lookup: an event by its id and by its trace, with its rules") {
  const TempDir dir;
  Verdict v = test::verdict(1);
  v.trace_id[0] ^= 0xff;  // an agent brought its own trace
  auto sink = open_sqlite(dir / "t.db", {});
  REQUIRE((*sink)->write({{v, test::verdict(2)}}, {{test::alert_of(v)}}).has_value());
  const auto by_id = find_event(dir / "t.db", v.event_id);
  REQUIRE((by_id && *by_id));
  CHECK((*by_id)->trace_id == v.trace_id);
  CHECK((*by_id)->host == v.host);
  CHECK((*by_id)->rules == std::vector<std::string>{"LSASS \"access\" (high, " + v.rules[0] + ")"});
  const auto by_trace = find_event_by_trace(dir / "t.db", v.trace_id);
  REQUIRE((by_trace && *by_trace));
  CHECK((*by_trace)->event_id == v.event_id);
  CHECK_FALSE(find_event(dir / "t.db", Uuid::hashed("nobody"))->has_value());
}
