// SPDX-License-Identifier: Apache-2.0
//
// /overview: the first page. /statistics: distributions, latency, and how right the classes are.
#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

#include "app/console/data/alert_view.h"
#include "app/console/data/figures.h"
#include "app/console/data/refreshed.h"
#include "app/console/routes/routes.h"
#include "stages/store/summary.h"

namespace tocsin::console {
namespace {

namespace search = store::search;

void write_ranked(JsonWriter& json, std::string_view name,
                  const std::vector<search::RankedName>& items) {
  json.key(name);
  json.array([&] {
    for (const search::RankedName& item : items)
      json.object([&] {
        if (!item.id.empty()) json.member("id", item.id);
        json.member("name", item.name);
        json.member("level", item.level);
        json.member("alerts", item.alerts);
      });
  });
}

void write_numbers(JsonWriter& json, std::string_view name,
                   const std::map<std::string, std::int64_t, std::less<>>& numbers) {
  json.key(name);
  json.object([&] {
    for (const auto& [key, number] : numbers) json.member(key, number);
  });
}

void write_range(JsonWriter& json, const search::TimeRange& range) {
  json.key("range");
  json.object([&] {
    time_member(json, "from", range.from.value_or(0));
    time_member(json, "to", range.to.value_or(0));
  });
}

void write_now(JsonWriter& json, const Context& context) {
  const Figures now = figures_of(context);
  json.key("now");
  json.object([&] {
    json.member("events_per_second", now.events_per_second);
    json.member("lag", now.lag);
    json.member("lag_seconds", static_cast<double>(now.lag_ms) / 1e3);
    json.key("latency_us");
    const auto latency = context.traces.known_latency();
    // From reading an event to having its outputs durable.
    if (!latency || latency->rows.empty() || latency->traces == 0) return json.null();
    const insight::LatencyRow& whole = latency->rows.back();
    json.object([&] {
      json.member("p50", whole.p50 / 1'000);
      json.member("p95", whole.p95 / 1'000);
      json.member("p99", whole.p99 / 1'000);
    });
  });
}

void write_timeline(JsonWriter& json, const search::Overview& overview) {
  json.key("timeline");
  json.object([&] {
    json.member("bucket_seconds", overview.bucket_seconds);
    json.key("points");
    json.array([&] {
      for (const search::TimelinePoint& point : overview.timeline)
        json.object([&] {
          json.member("time", format_rfc3339(point.time, 0));
          json.member("events", point.events);
          json.member("alerts", point.alerts);
          write_numbers(json, "levels", point.levels);
          write_numbers(json, "tactics", point.tactics);
        });
    });
  });
}

Answer overview(const Context& context, const Call& call) {
  TOCSIN_TRY(const search::AlertFilter filter, range_and_query(call));
  TOCSIN_TRY(const search::Overview found, context.archive.overview(filter));
  return json_object([&](JsonWriter& json) {
    write_range(json, found.range);
    json.key("totals");
    json.object([&] {
      json.member("events", found.events);
      json.member("detections", found.detections);
      json.member("alerts", found.alerts);
      json.member("hosts", found.hosts);
      json.member("open_alerts", found.open_alerts);
    });
    write_now(json, context);
    write_counts(json, "levels", "level", found.levels);
    write_counts(json, "tactics", "tactic", found.tactics);
    write_counts(json, "classes", "name", found.classes);
    write_timeline(json, found);
    write_ranked(json, "hosts", found.top_hosts);
    write_ranked(json, "rules", found.top_rules);
    write_ranked(json, "users", found.top_users);
  });
}

// The whole database is read for these, so an answer serves for a while.
using Summaries = Refreshed<store::Summary>;
constexpr std::chrono::seconds kSummaryKept{10};

void number_or_null(JsonWriter& json, std::string_view name, double number) {
  json.key(name);
  if (number < 0)
    json.null();
  else
    json.value(number);
}

// Rows are the truth, columns the class; benign events without a match are the right answer "none".
void write_scoring(JsonWriter& json, const store::Scoring& scoring) {
  json.key("scoring");
  if (scoring.empty()) return json.null();
  std::set<std::string> names;
  for (const auto& [truth, classes] : scoring.confusion) {
    names.insert(truth == "benign" ? "none" : truth);
    for (const auto& [name, count] : classes) names.insert(name);
  }
  store::Quality quality;
  for (const auto& [name, tactic] : scoring.tactics) {
    quality.true_positives += tactic.strict.true_positives;
    quality.false_positives += tactic.strict.false_positives;
    quality.false_negatives += tactic.strict.false_negatives;
  }
  json.object([&] {
    json.key("confusion");
    json.object([&] {
      list_member(json, "labels", {names.begin(), names.end()});
      json.key("rows");
      json.array([&] {
        for (const std::string& truth : names) {
          const auto row = scoring.confusion.find(truth == "none" ? "benign" : truth);
          json.array([&] {
            for (const std::string& name : names) {
              std::int64_t count = 0;
              if (row != scoring.confusion.end())
                if (const auto cell = row->second.find(name); cell != row->second.end())
                  count = cell->second;
              json.value(count);
            }
          });
        }
      });
    });
    number_or_null(json, "precision", quality.precision());
    number_or_null(json, "recall", quality.recall());
    number_or_null(json, "f1", quality.f1());
    json.member("malicious", scoring.malicious);
    json.member("malicious_detected", scoring.malicious_detected);
    json.member("benign", scoring.benign);
    json.member("benign_detected", scoring.benign_detected);
  });
}

Answer statistics(const Context& context, const Summaries& summaries, const Call& call) {
  TOCSIN_TRY(const search::TimeRange range, time_range(call));
  TOCSIN_TRY(const search::Statistics found, context.archive.statistics(range));
  TOCSIN_TRY(const store::Summary whole, summaries.get());
  return json_object([&](JsonWriter& json) {
    write_counts(json, "classes", "name", found.classes);
    write_counts(json, "levels", "level", found.levels);
    write_ranked(json, "hosts", found.hosts);
    json.key("hourly");
    json.array([&] {
      for (const search::HourCount& hour : found.hourly)
        json.object([&] {
          json.member("time", format_rfc3339(hour.time, 0));
          json.member("events", hour.events);
          json.member("detected", hour.detected);
        });
    });
    json.key("latency");
    json.object([&] {
      json.member("p50", whole.latency.p50);
      json.member("p90", whole.latency.p90);
      json.member("p95", whole.latency.p95);
      json.member("p99", whole.latency.p99);
      json.member("max", whole.latency.max);
    });
    write_scoring(json, whole.scoring);
  });
}

}  // namespace

void add_overview_routes(Router& router, const Context& context) {
  router.add("GET", "/overview", Role::kViewer, {"from", "to", "q"},
             [&context](const Call& call) { return overview(context, call); });
  const auto summaries = std::make_shared<Summaries>(
      [path = context.options.database] { return store::summarize(path); }, kSummaryKept);
  router.add(
      "GET", "/statistics", Role::kViewer, {"from", "to"},
      [&context, summaries](const Call& call) { return statistics(context, *summaries, call); });
}

}  // namespace tocsin::console
