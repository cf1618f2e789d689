// SPDX-License-Identifier: Apache-2.0
//
// What a scan keeps: histogram, findings, sorted rows, the order of the input, the report's rows.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>
#include <thread>

#include "app/cli/page/page.h"
#include "app/cli/scan/damage.h"
#include "app/cli/scan/html/alert_data.h"
#include "app/cli/scan/html/report.h"
#include "app/cli/scan/in_order.h"
#include "app/cli/scan/timeline.h"

namespace tocsin::cli::scan {
namespace {

constexpr UnixNanos kSecond = 1'000'000'000;

Alert an_alert(std::uint64_t n) {
  Alert alert;
  alert.rule_id = fmt::format("rule-{}", n % 7);
  alert.rule_name = "Title";
  alert.level = static_cast<Level>(n % 5);
  alert.host = fmt::format("host-{}", n % 3);
  alert.timestamp = static_cast<UnixNanos>(1'700'000'000 + n * n * 37) * kSecond;
  alert.tactics = {n % 2 == 0 ? "execution" : "impact"};
  alert.record_id = n;
  return alert;
}

TEST_CASE("histogram: the same whatever the order, and never more buckets than its limit") {
  std::vector<UnixNanos> times;
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i)
    times.push_back(static_cast<UnixNanos>(random() % 4'000'000'000) * kSecond -
                    2'000'000'000 * kSecond);
  Histogram forward, merged, part;
  for (const UnixNanos time : times) forward.add(time, Level::kHigh);
  for (std::size_t i = times.size(); i-- > 0;) {
    part.add(times[i], Level::kHigh);
    if (i % 100 == 0) merged.merge(std::exchange(part, {}));
  }
  CHECK(forward.buckets().size() <= Histogram::kBucketsMax);
  CHECK(forward.width() == merged.width());
  CHECK(forward.buckets() == merged.buckets());
  std::uint64_t total = 0;
  for (const auto& [at, counts] : forward.buckets()) total += counts[3];
  CHECK(total == times.size());
}

TEST_CASE("findings: merged in parts they are those of the whole") {
  Findings whole, merged, part;
  for (std::uint64_t n = 0; n < 1'000; ++n) {
    whole.add(an_alert(n));
    part.add(an_alert(n));
    if (n % 13 == 0) merged.merge(std::exchange(part, {}));
  }
  merged.merge(std::move(part));
  CHECK(merged.counts.alerts == 1'000);
  CHECK(merged.alerts.first == whole.alerts.first);
  CHECK(merged.alerts.last == an_alert(999).timestamp);
  REQUIRE(merged.rules.size() == 7);
  for (const auto& [id, rule] : whole.rules) {
    CAPTURE(id);
    const RuleTally& other = merged.rules.at(id);
    CHECK(other.tally.by_level == rule.tally.by_level);
    CHECK(other.first_record == rule.first_record);
    CHECK(other.tally.seen.last == rule.tally.seen.last);
    CHECK(other.hosts == rule.hosts);
  }
  CHECK(merged.hosts.at("host-1").by_level == whole.hosts.at("host-1").by_level);
  CHECK(merged.tactics.at("impact").alerts() == 500);
}

TEST_CASE("findings: hosts beyond the limit are counted as one") {
  Findings findings;
  Alert alert = an_alert(1);
  for (std::size_t n = 0; n < Findings::kHostsMax + 50; ++n) {
    alert.host = std::to_string(n);
    findings.add(alert);
  }
  CHECK(findings.hosts.size() == Findings::kHostsMax + 1);
  CHECK(findings.hosts.at("(others)").alerts() == 50);
}

TEST_CASE("sorted rows: by time, of equals as they came, those without a time last") {
  SortedRows rows;
  const auto add = [&](UnixNanos time, const std::string& text) {
    REQUIRE(rows.add({.text = text, .rows = {{time, text.size()}}}).has_value());
  };
  add(3, "c");
  add(0, "z");
  add(1, "a");
  const std::string big(SortedRows::kMemoryMax, 'x');  // what follows comes after a spill
  add(2, big);
  add(1, "b");
  add(0, "!");
  std::FILE* file = std::tmpfile();
  REQUIRE(rows.write_to(file).has_value());
  std::string out(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  CHECK(std::fread(out.data(), 1, out.size(), file) == out.size());
  std::fclose(file);
  CHECK(out.size() == big.size() + 5);
  CHECK(out.substr(0, 3) == "abx");
  CHECK(out.substr(out.size() - 4) == "xcz!");
}

TEST_CASE("in order: whatever threads finish first, and with little room to wait in") {
  std::string seen;
  InOrder order([&](Chunk& chunk) { seen += chunk.text; }, 1);
  std::atomic<std::size_t> next = 0;
  constexpr std::size_t kParts = 200;
  std::string want;
  for (std::size_t part = 0; part < kParts; ++part) want += fmt::format("{0}a {0}b ", part);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (std::size_t part = next++; part < kParts; part = next++) {
        for (const char* piece : {"a", "b"}) {
          Chunk chunk;
          chunk.text = fmt::format("{}{} ", part, piece);
          order.push(part, std::move(chunk));
        }
        order.finish(part);
      }
    });
  threads.clear();
  CHECK(seen == want);
}

TEST_CASE("damage: rows by file and kind, events that were read, three warnings a row") {
  Damage damage;
  produce::Problem problem;
  problem.origin.path = "a.evtx";
  problem.code = "evtx.bad_record";
  problem.message = "a.evtx at byte 70: 12 bytes hold no whole record";
  int told = 0;
  for (int i = 0; i < 5; ++i) told += damage.add(problem);
  CHECK(told == 3);
  damage.add_events("a.evtx", 10);
  damage.add_events("a.evtx", 5);
  damage.add_events("whole.evtx", 7);
  damage.finish_file();
  problem.code = "file.not_a_log";
  problem.skipped_only = true;
  for (const char* path : {"notes.txt", "x.zip!__MACOSX/._a.json", "._a.evtx"}) {
    problem.origin.path = path;
    CHECK_FALSE(damage.add(problem));
  }
  CHECK(damage.passed_over() == 3);
  REQUIRE(damage.rows().size() == 1);
  const DamageRow row = damage.rows().front();
  CHECK(row.message == "at byte 70: 12 bytes hold no whole record");
  CHECK(row.count == 5);
  CHECK(row.events == 15);
  CHECK(damage.problems() == 5);
}

TEST_CASE(
    "damage: a file is lost when nothing of it could be read, or it was named and is no log") {
  struct Case {
    const char* path;
    const char* code;
    bool skipped_only;
    std::uint64_t events;
    std::uint64_t lost;
  };
  const Case cases[] = {
      {"a.evtx", "evtx.bad_header", false, 0, 1},  {"a.evtx", "evtx.bad_header", false, 7, 0},
      {"a.jsonl", "event.invalid", false, 0, 1},   {"a.jsonl", "file.unreadable", false, 7, 1},
      {"in/a.log", "file.not_a_log", true, 0, 0},  {"named.log", "file.not_a_log", true, 0, 1},
      {"named.txt", "file.not_a_log", true, 0, 1}, {"named.log", "file.empty", true, 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    CAPTURE(c.code);
    Damage damage({"in", "named.log", "named.txt"});
    produce::Problem problem;
    problem.origin.path = c.path;
    problem.code = c.code;
    problem.skipped_only = c.skipped_only;
    for (int i = 0; i < 2; ++i) damage.add(problem);
    if (c.events != 0) damage.add_events(c.path, c.events);
    damage.finish_file();
    CHECK(damage.lost_files() == c.lost);
    REQUIRE(damage.rows().size() == 1);
    CHECK(damage.rows()[0].events == c.events);
  }
}

TEST_CASE("damage: what the members of a damaged archive gave was read from it") {
  Damage damage;
  produce::Problem problem;
  problem.origin.path = "a.zip";
  problem.code = "archive.corrupt";
  damage.add(problem);
  damage.add_events("a.zip!b.jsonl", 3);
  damage.add_events("a.zip!c.jsonl", 4);
  damage.add_events("a.zipper", 5);
  damage.finish_file();
  CHECK(damage.rows()[0].events == 7);
  CHECK(damage.lost_files() == 0);
}

TEST_CASE("damage: a message names its file once") {
  produce::Problem problem;
  problem.origin.path = "a.json";
  problem.message = "a.json: No such file or directory";
  CHECK(message_of(problem) == "a.json: No such file or directory");
  problem.message = "a.json:7: byte 70: this is not JSON";
  CHECK(message_of(problem) == problem.message);
  problem.message = "cannot be opened";
  CHECK(message_of(problem) == "a.json: cannot be opened");
}

TEST_CASE("report: the most severe stay, and nothing a log says is markup") {
  html::Report report(10);
  Findings findings;
  for (std::uint64_t n = 0; n < 100; ++n) {
    Alert alert = an_alert(n);
    alert.host = "<img src=x>&\"'";
    alert.file_path = "</script>";
    alert.matched_fields = {{"F<", std::string(html::kReportValueMax + 9, '<')}};
    findings.add(alert);
    report.add(std::move(alert));
  }
  const std::string page = report.render(findings, Damage(), {.paths = {"<b>"}});
  CHECK(page.find("10 of 100 alerts") != std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("<b></b>") == std::string::npos);
  const std::size_t begin = page.find("id=\"data\">") + 10;
  const std::string data = page.substr(begin, page.find("</script>", begin) - begin);
  CHECK(data.find('<') == std::string::npos);
  CHECK(data.find("[9 bytes more]") != std::string::npos);
  // Critical are 4, 9, 14, ...: the first ten of them. A row holds line, record id, user.
  CHECK(data.find(",0,49,\"\"") != std::string::npos);
  CHECK(data.find(",0,54,\"\"") == std::string::npos);
  CHECK(data.find(",0,48,\"\"") == std::string::npos);
  CHECK(page::escaped("<\xE2\x80\xAE>&\"'\xFF") ==
        "&lt;\xEF\xBF\xBD&gt;&amp;&quot;&#39;\xEF\xBF\xBD");
}

}  // namespace
}  // namespace tocsin::cli::scan
