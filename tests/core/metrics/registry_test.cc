// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/registry.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/metrics/exposition.h"
#include "core/metrics/process.h"

using namespace tocsin;
using namespace tocsin::metrics;

namespace {

constexpr std::array kBounds = {0.001, 0.01, 1.0};
constexpr Family kEvents{"t_events_total", Kind::kCounter, "Events.", {}};
constexpr Family kDepth{"t_depth", Kind::kGauge, "Depth \\ of\nthe \"queue\".", {}};
constexpr Family kTime{"t_time_seconds", Kind::kHistogram, "Time.", kBounds};
constexpr std::array kAll = {&kEvents, &kDepth, &kTime};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
  }
  return lines;
}

}  // namespace

TEST_CASE("registry: cells with the same labels are added up") {
  Registry registry(Labels{{"stage", "s"}});
  registry.declare(kAll);
  registry.counter(kEvents, {{"kind", "a"}}).add(2);
  registry.counter(kEvents, {{"kind", "a"}}).add(3);
  registry.counter(kEvents, {{"kind", "b"}}).add();
  registry.histogram(kTime).observe(0.01);
  registry.histogram(kTime).observe_many(2, 2);
  const Registry::Asking asking = registry.ask([](Answers& answers) {
    answers.add(kDepth, {}, 4);
    answers.add(kDepth, {}, 0.5);
  });
  CHECK(lines_of(to_text(registry.scrape(), Format::kPrometheus)) ==
        std::vector<std::string>{
            "# HELP t_depth Depth \\\\ of\\nthe \"queue\".",
            "# TYPE t_depth gauge",
            "t_depth{stage=\"s\"} 4.5",
            "# HELP t_events_total Events.",
            "# TYPE t_events_total counter",
            "t_events_total{stage=\"s\",kind=\"a\"} 5",
            "t_events_total{stage=\"s\",kind=\"b\"} 1",
            "# HELP t_time_seconds Time.",
            "# TYPE t_time_seconds histogram",
            "t_time_seconds_bucket{stage=\"s\",le=\"0.001\"} 0",
            "t_time_seconds_bucket{stage=\"s\",le=\"0.01\"} 1",
            "t_time_seconds_bucket{stage=\"s\",le=\"1.0\"} 1",
            "t_time_seconds_bucket{stage=\"s\",le=\"+Inf\"} 3",
            "t_time_seconds_sum{stage=\"s\"} 4.01",
            "t_time_seconds_count{stage=\"s\"} 3",
        });
}

TEST_CASE("exposition: OpenMetrics names families without _total, has exemplars and an end") {
  Registry registry;
  registry.declare(kAll);
  registry.counter(kEvents, {{"path", "a\\b\"c\nd"}}).add();
  Histogram& time = registry.histogram(kTime);
  time.observe(0.005);
  TraceId trace{};
  for (std::size_t i = 0; i < trace.size(); ++i) trace[i] = static_cast<std::uint8_t>(i * 16);
  time.note({trace, 0.005, 1'700'000'000'250'000'000});
  const auto lines = lines_of(to_text(registry.scrape(), Format::kOpenMetrics));
  const std::vector<std::string> want = {
      "# HELP t_depth Depth \\\\ of\\nthe \\\"queue\\\".",
      "# TYPE t_depth gauge",
      "# HELP t_events Events.",
      "# TYPE t_events counter",
      "t_events_total{path=\"a\\\\b\\\"c\\nd\"} 1",
      "# HELP t_time_seconds Time.",
      "# TYPE t_time_seconds histogram",
      "t_time_seconds_bucket{le=\"0.001\"} 0",
      "t_time_seconds_bucket{le=\"0.01\"} 1 # {trace_id=\"00102030405060708090a0b0c0d0e0f0\"} "
      "0.005 "
      "1700000000.250",
      "t_time_seconds_bucket{le=\"1.0\"} 1",
      "t_time_seconds_bucket{le=\"+Inf\"} 1",
      "t_time_seconds_sum 0.005",
      "t_time_seconds_count 1",
      "# EOF",
  };
  CHECK(lines == want);
}

TEST_CASE("exposition: the format is the one that the scraper asks for") {
  struct Case {
    const char* accept;
    Format want;
  };
  for (const auto& [accept, want] : {
           Case{"", Format::kPrometheus},
           Case{"*/*", Format::kPrometheus},
           Case{"text/plain;version=0.0.4", Format::kPrometheus},
           Case{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::kOpenMetrics},
           Case{"text/plain, application/openmetrics-text; q=0.5", Format::kOpenMetrics},
           Case{"application/openmetrics-text;q=0, text/plain", Format::kPrometheus},
           Case{"application/openmetrics-text;q=0.0", Format::kPrometheus},
       }) {
    CAPTURE(accept);
    CHECK(format_wanted(accept) == want);
  }
}

TEST_CASE("registry: a callback is asked until it is withdrawn") {
  Registry registry;
  registry.declare(kAll);
  int asked = 0;
  {
    const Registry::Asking asking = registry.ask([&asked](Answers&) { ++asked; });
    static_cast<void>(registry.scrape());
    CHECK(asked == 1);
  }
  static_cast<void>(registry.scrape());
  CHECK(asked == 1);
}

// What a torn exemplar would look like: halves of two traces, or a value that is not its trace's.
TEST_CASE("cells: readers beside a writer see whole exemplars and counts that only grow") {
  Registry registry;
  registry.declare(kAll);
  Histogram& time = registry.histogram(kTime);
  Counter& events = registry.counter(kEvents);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> seen{0};
  std::uint64_t rounds = 0;
  std::thread writer([&] {
    // As a worker does it: many in a row, then something else. Until enough were read beside it.
    for (std::uint64_t i = 1; i <= 20'000'000 && seen < 500; ++i) {
      if (i % 200 == 0) std::this_thread::yield();
      TraceId trace;
      trace.fill(static_cast<std::uint8_t>(i));
      const double value = static_cast<double>(i % 256) * 1e-6;
      time.observe(value);
      time.note({trace, value, static_cast<UnixNanos>(i)});
      events.add();
      rounds = i;
    }
    done = true;
  });
  double last = 0;
  while (!done) {
    for (const FamilySamples& family : registry.scrape()) {
      for (const Sample& sample : family.samples) {
        if (family.family == &kEvents) {
          CHECK(sample.value >= last);
          last = sample.value;
        }
        if (!sample.histogram) continue;
        for (const auto& exemplar : sample.histogram->exemplars) {
          if (!exemplar) continue;
          ++seen;
          TraceId want;
          want.fill(static_cast<std::uint8_t>(exemplar->time));
          CHECK(exemplar->trace == want);
          CHECK(exemplar->value == static_cast<double>(exemplar->time % 256) * 1e-6);
        }
      }
    }
  }
  writer.join();
  CHECK(seen >= 500);
  CHECK(events.value() == rounds);
  CHECK(time.value().counts[0] == rounds);
}

TEST_CASE("process: memory, time and files of this process") {
  Registry registry(Labels{{"stage", "s"}});
  registry.declare(process_families());
  const Registry::Asking asking = registry.ask(add_process);
  const auto families = registry.scrape();
  CHECK(families.size() == process_families().size());
  for (const FamilySamples& family : families) {
    CAPTURE(family.family->name);
    REQUIRE(family.samples.size() == 1);
    CHECK(family.samples[0].labels.empty());
    if (family.family->name == "process_resident_memory_bytes")
      CHECK(family.samples[0].value > 1e6);
    else if (family.family->name == "process_start_time_seconds")
      CHECK(static_cast<double>(now_ns()) / 1e9 - family.samples[0].value < 3'600);
    else
      CHECK(family.samples[0].value >= 0);
  }
}
