// SPDX-License-Identifier: Apache-2.0
//
// The report's page and its CSV files: what is in them, and that no text gets out of its place.
#include "app/cli/page/page.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "app/cli/report/aggregates.h"
#include "app/cli/report/report_page.h"

using namespace tocsin;
using namespace tocsin::cli;

namespace {

constexpr UnixNanos kMinute = 60'000'000'000;
constexpr UnixNanos kStart = 1'772'400'000'000'000'000;
constexpr const char* kHostile = "<img/src=x/onerror=alert(1)>\"'&\xE2\x80\xAE\x1b]0";

Statistics sample(const std::string& text) {
  Statistics s;
  s.summary.verdicts = 1'200;
  s.summary.detected = 30;
  s.summary.alerts = 33;
  s.summary.classes = {{"None", 1'170}, {"Execution", 20}, {text, 10}};
  s.summary.levels = {{"high", 30}, {text, 3}};
  s.summary.rules = {{text, text, "high", 30, 2}, {"id", "Title", text, 3, 1}};
  s.summary.hosts = {{text, 900, 25}, {"", 300, 5}};
  s.summary.latency = {1'000, 2'000, 3'000, 4'000, 5'000};
  s.trends.width = kMinute;
  s.trends.buckets = {{kStart, 700, {{"Execution", 20}}},
                      {kStart + 3 * kMinute, 500, {{text, 10}}}};
  s.trends.hosts = {{text, {{"Execution", 20}, {text, 5}}}};
  s.trends.outside = 12;
  s.trends.untimed = 7;
  s.alerts.what = "alerts";
  s.alerts.add({"execution", text}, {"T1059.001", text}, Level::kHigh, 30, text);
  s.stages = Latency{};
  s.stages->rows = {{.step = text, .service = text, .count = 5, .p50 = 10, .share = 0.5}};
  s.stages->bottleneck = text;
  store::add_truth(s.summary.scoring, {"execution", "Execution", "execution", text, true, 20});
  store::add_truth(s.summary.scoring, {text, text, text, text, true, 10});
  store::add_truth(s.summary.scoring, {"benign", "None", "", "", false, 1'170});
  return s;
}

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

const CsvFile& named(const std::vector<CsvFile>& files, std::string_view name) {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const CsvFile& file) { return file.name == name; });
  REQUIRE(found != files.end());
  return *found;
}

}  // namespace

TEST_CASE("report page: every part is there") {
  const std::string page = report_page(sample("Odd"), {.now = kStart, .db = "d/tocsin.db"});
  for (const char* part :
       {"Tocsin report", "d/tocsin.db", "<b>1,200</b><span>events</span>", "Detections over time",
        "2026-03-01 21:20:00 to 2026-03-01 21:21:00\n700 events\nExecution: 20",
        "12 events of other times", "7 events do not say", "Alerts by level", "Top rules",
        "Top hosts", "(none)", "T1059.001", "PowerShell", "Latency", "The bottleneck is Odd",
        "Confusion matrix", "Precision and recall", "Attack scenarios",
        "30 of 30 attack events were detected, 0 of 1,170 benign ones"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  // Tactics have their place's colour, other classes one of their own.
  CHECK(page.find("<rect class=\"t3\" x=\"0.06\"") != std::string::npos);
  CHECK(page.find("<rect class=\"tx\" x=\"3.06\"") != std::string::npos);
}

TEST_CASE(
    "report page: self-contained, without script and style attributes; hostile text stays text") {
  const std::string harmless = report_page(sample("odd"), {.now = kStart, .db = "db"});
  const std::string page = report_page(sample(kHostile), {.now = kStart, .db = kHostile});
  // The same tags: no text has become one, nor ended one.
  CHECK(times(page, "<") == times(harmless, "<"));
  CHECK(times(page, ">") == times(harmless, ">"));
  CHECK(times(page, "\"") == times(harmless, "\""));
  CHECK(page.find("&lt;img/src=x") != std::string::npos);
  for (const char* part : {"<img", "\x1b", "\xE2\x80\xAE", "<script",
                           " style=", "http:", "https:", "src=\"", "href", "@import", "url("}) {
    CAPTURE(part);
    CHECK(page.find(part) == std::string::npos);
  }
  CHECK(page.find("default-src 'none'; style-src 'sha256-") != std::string::npos);
  CHECK(page.find("script-src") == std::string::npos);
}

TEST_CASE("report page: empty figures make an empty page, not a broken one") {
  const std::string page = report_page({}, {.now = kStart, .db = "db"});
  CHECK(page.find("No event matched a rule.") != std::string::npos);
  CHECK(page.find("Detections over time") == std::string::npos);
  CHECK(page.find("Confusion") == std::string::npos);
  CHECK(page.find("nan") == std::string::npos);
  CHECK(page.ends_with("</html>\n"));
}

TEST_CASE("aggregates: RFC 4180, one line a row, no formulas, and always the same files") {
  const std::vector<CsvFile> files = aggregates(sample("=a,\"b\"\nc"));
  const std::vector<CsvFile> empty = aggregates({});
  REQUIRE(files.size() == empty.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    CAPTURE(files[i].name);
    CHECK(files[i].name == empty[i].name);
    CHECK(files[i].text.starts_with(empty[i].text));
    CHECK(times(empty[i].text, "\r\n") == 1);
    CHECK(times(files[i].text, "\r\n") == times(files[i].text, "\n"));
  }
  CHECK(named(files, "hosts.csv").text ==
        "host,events,detected\r\n\"'=a,\"\"b\"\" c\",900,25\r\n,300,5\r\n");
  CHECK(named(files, "techniques.csv").text.find("T1059.001,PowerShell,30,0,30,0,0,0\r\n") !=
        std::string::npos);
  CHECK(named(files, "scores.csv").text.find("execution,20,20,20,0,0,1.000000,1.000000,1.000000") !=
        std::string::npos);
  CHECK(named(files, "latency.csv")
            .text.find("(from topic to verdict),,1200,1000000,3000000,4000000,5000000,\r\n") !=
        std::string::npos);
}
