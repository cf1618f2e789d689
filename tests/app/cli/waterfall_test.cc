// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/waterfall.h"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <sstream>

using namespace tocsin;
using namespace tocsin::cli;
using trace::SpanKind;
using trace::StoredSpan;

namespace {

constexpr Style kPlain{.colour = false, .unicode = false, .width = 100};
constexpr UnixNanos kStart = 1'700'000'000'000'000'000;

StoredSpan span(std::uint8_t id, std::uint8_t parent, const char* service, const char* name,
                SpanKind kind, UnixNanos from_us, UnixNanos to_us) {
  StoredSpan out;
  out.trace[15] = 0xaa;
  out.id[7] = id;
  out.parent[7] = parent;
  out.service = service;
  out.name = name;
  out.kind = kind;
  out.start = kStart + from_us * 1'000;
  out.end = kStart + to_us * 1'000;
  return out;
}

std::vector<StoredSpan> five_spans() {
  std::vector<StoredSpan> spans = {
      span(5, 4, "tocsin-detect", "write_csv", SpanKind::kInternal, 900, 1'000),
      span(1, 0, "tocsin-produce", "produce_event", SpanKind::kInternal, 0, 50),
      span(2, 1, "tocsin-produce", "send raw-events", SpanKind::kProducer, 50, 200),
      span(3, 2, "tocsin-detect", "process raw-events", SpanKind::kConsumer, 700, 1'000),
      span(4, 3, "tocsin-detect", "classify_event", SpanKind::kInternal, 710, 800)};
  spans[4].events = {{kStart + 790'000, "alert", {{"rule.id", "4f2a"}, {"rule.level", "high"}}}};
  return spans;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("waterfall: header, five spans in order of their depth, the wait and the alert") {
  const WaterfallHeader header{
      .event_id = "id-1", .host = "ws1", .event_class = {}, .rules = {"R1", "R2"}};
  const auto lines = lines_of(render_waterfall(five_spans(), header, kPlain));
  const std::vector<std::string> starts = {
      "event  id-1",
      "trace  000000000000000000000000000000aa",
      "host   ws1",
      "rules  R1",
      "       R2",
      "time   1.00 ms from 2023-11-14T22:13:20.000000Z, 5 spans",
      "",
      "tocsin-produce  produce_event ",
      "tocsin-produce    send raw-events ",
      "                    waiting in topic ",
      "tocsin-detect       process raw-events ",
      "tocsin-detect         classify_event ",
      "                        * alert 4f2a rule.level=high  +790 us",
      "tocsin-detect           write_csv "};
  REQUIRE(lines.size() == starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    CAPTURE(lines[i]);
    CHECK(lines[i].starts_with(starts[i].substr(0, starts[i].find("  +790"))));
    CHECK(display_width(lines[i]) <= 100);
  }
  CHECK(lines[9].find("+200 us") != std::string::npos);
  CHECK(lines[9].find("500 us") != std::string::npos);
}

TEST_CASE("waterfall: bars stand where their time is") {
  const auto lines = lines_of(render_waterfall(five_spans(), {}, kPlain));
  const std::string& produce = lines[3];
  const std::string& wait = lines[5];
  const std::string& process = lines[6];
  const std::size_t axis = produce.find('#');
  REQUIRE(axis != std::string::npos);
  const std::size_t width = process.rfind('#') - axis + 1;
  CHECK(process.find('#') - axis == doctest::Approx(0.7 * static_cast<double>(width)).epsilon(0.1));
  const auto dots = std::count(wait.begin() + static_cast<std::ptrdiff_t>(axis), wait.end(), '.');
  CHECK(static_cast<double>(dots) ==
        doctest::Approx(0.5 * static_cast<double>(width)).epsilon(0.15));
}

TEST_CASE("waterfall: every terminal width is respected, in Unicode too") {
  for (const std::size_t width : {60u, 75u, 80u, 120u, 200u}) {
    for (const bool unicode : {false, true}) {
      CAPTURE(width);
      const Style style{.colour = false, .unicode = unicode, .width = width};
      for (const std::string& line : lines_of(render_waterfall(five_spans(), {}, style)))
        CHECK(display_width(line) <= width);
    }
  }
}

TEST_CASE("waterfall: incomplete, broken and hostile traces are still drawn") {
  auto orphans = five_spans();
  orphans.erase(orphans.begin() + 2);  // the send span is missing
  const std::string text = render_waterfall(orphans, {}, kPlain);
  CHECK(text.find("tocsin-detect   process raw-events") != std::string::npos);
  CHECK(text.find("waiting in topic") == std::string::npos);

  auto own_parent = five_spans();
  own_parent[1].parent = own_parent[1].id;
  CHECK(render_waterfall(own_parent, {}, kPlain).find("5 spans") != std::string::npos);

  auto hostile = five_spans();
  hostile[1].name = "\x1b[2Jgone";
  hostile[1].status = trace::SpanStatus::kError;
  hostile[1].status_message = "broken\r\n";
  const std::string safe = render_waterfall(hostile, {}, kPlain);
  CHECK(safe.find('\x1b') == std::string::npos);
  CHECK(safe.find("! broken??") != std::string::npos);

  auto instant = five_spans();
  for (StoredSpan& s : instant) s.start = s.end = kStart;
  CHECK(render_waterfall(instant, {}, kPlain).find("5 spans") != std::string::npos);
  CHECK(render_waterfall({}, {}, kPlain) == "no spans\n");
}

TEST_CASE("waterfall: spans whose parents form a ring are shown as well") {
  std::vector<StoredSpan> ring = {span(1, 2, "s", "a", SpanKind::kInternal, 0, 1),
                                  span(2, 1, "s", "b", SpanKind::kInternal, 0, 1)};
  CHECK(render_waterfall(ring, {}, kPlain).find("2 spans") != std::string::npos);
}

TEST_CASE("waterfall: as JSON") {
  const std::string text = trace_json(five_spans());
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  REQUIRE(parser.parse(text).get(json) == simdjson::SUCCESS);
  CHECK(std::string_view(json["trace_id"]) == "000000000000000000000000000000aa");
  CHECK(std::int64_t(json["duration_ns"]) == 1'000'000);
  CHECK(simdjson::dom::array(json["spans"]).size() == 5);
  CHECK(std::string_view(json.at_pointer("/spans/3/kind")) == "consumer");
  CHECK(std::string_view(json.at_pointer("/spans/4/events/0/attributes/rule.id")) == "4f2a");
}

TEST_CASE("waterfall: no gap is negative; what is moved is said") {
  auto spans = five_spans();
  for (StoredSpan& one : spans)
    if (one.service == std::string("tocsin-detect")) {
      one.start -= 600'000;  // as from a clock that is behind: before the acknowledgement
      one.end -= 600'000;
    }
  const auto lines = lines_of(render_waterfall(spans, {}, kPlain));
  bool told = false;
  bool waited = false;
  for (const std::string& line : lines) {
    told = told || line.find("drawn 100 us later") != std::string::npos;
    waited = waited || line.find("waiting in topic") != std::string::npos;
    if (line.find("process raw-events") != std::string::npos)
      CHECK(line.find("+200 us") != std::string::npos);
  }
  CHECK(told);
  CHECK_FALSE(waited);
}
