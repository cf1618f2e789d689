// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <simdjson.h>

#include "app/cli/views/report_text.h"

using namespace tocsin;
using namespace tocsin::cli;

namespace {

Statistics sample() {
  Statistics all;
  store::Summary& s = all.summary;
  s.verdicts = 1'204;
  s.detected = 4;
  s.alerts = 5;
  s.first_classified = 1'700'000'000'000'000'000;
  s.last_classified = s.first_classified + 2'000'000'000;
  s.classes = {{"None", 1'200}, {"Credential Access", 3}, {"Impact", 1}};
  s.levels = {{"high", 5}};
  s.rules = {{"4f2a", "LSASS access", "high", 5, 2}};
  s.hosts = {{"ws1", 1'204, 4}};
  s.latency = {1'000, 2'000, 3'000, 4'000, 5'000};
  for (const store::TruthRow& row :
       {store::TruthRow{"impact", "Impact", "impact", "wipe", true, 1},
        store::TruthRow{"credential-access", "Credential Access", "credential-access", "dump", true,
                        2},
        store::TruthRow{"credential-access", "None", "", "dump", false, 2},
        store::TruthRow{"benign", "None", "", "", false, 1'198},
        store::TruthRow{"benign", "Credential Access", "credential-access", "", true, 1}})
    store::add_truth(s.scoring, row);
  return all;
}

constexpr Style kPlain{.colour = false, .unicode = false, .width = 100};

}  // namespace

TEST_CASE("report: what people look for stands in the text") {
  const std::string text = render_report(sample(), kPlain);
  for (const char* part :
       {"1,204 classified, 4 with a match (0.3%)", "p50 1.00 ms", "Credential Access  ###",
        "and 1,200 events without a match", "LSASS access", "ws1",
        "detection rate        60.0%  3 of 5 attack events",
        "false positive rate    0.1%  1 of 1,199 benign events",
        "scenarios seen       100.0%  2 of 2", "Attack scenarios"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("report: the matrix has a row per truth in kill-chain order and a column per class") {
  const std::string text = render_scoring(sample().summary.scoring, kPlain);
  const std::size_t matrix = text.find("truth \\ class");
  REQUIRE(matrix != std::string::npos);
  CHECK(text.substr(matrix, text.find("\n\n", matrix) - matrix) ==
        "truth \\ class      crede  impac   none\n"
        "-----------------  -----  -----  -----\n"
        "credential-access      2      .      2\n"
        "impact                 .      1      .\n"
        "benign                 1      .  1,198");
}

TEST_CASE("report: without truth there is no score, and an empty store is no error") {
  CHECK(render_scoring({}, kPlain).empty());
  CHECK(render_report({}, kPlain).find("0 classified") != std::string::npos);
}

TEST_CASE("report: as JSON") {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  const std::string text = report_json(sample());
  REQUIRE(parser.parse(text).get(json) == simdjson::SUCCESS);
  CHECK(std::int64_t(json["verdicts"]) == 1'204);
  CHECK(std::int64_t(json["classes"]["Impact"]) == 1);
  CHECK(double(json["truth"]["detection_rate"]) == doctest::Approx(0.6));
  CHECK(std::int64_t(json["truth"]["confusion"]["benign"]["none"]) == 1'198);
  CHECK(double(json["truth"]["tactics"]["credential-access"]["class"]["precision"]) ==
        doctest::Approx(2.0 / 3));
  const std::string empty = report_json({});
  REQUIRE(parser.parse(empty).get(json) == simdjson::SUCCESS);
  CHECK(json["truth"].error() == simdjson::NO_SUCH_FIELD);
}
