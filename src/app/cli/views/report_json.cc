// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/report_text.h"
#include "base/json_writer.h"
#include "core/sigma/attack.h"

namespace tocsin::cli {
namespace {

void ratio(JsonWriter& json, std::string_view name, double value) {
  json.key(name);
  if (value < 0)
    json.null();
  else
    json.value(value);
}

double rate(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : -1;
}

void time(JsonWriter& json, std::string_view name, UnixNanos value) {
  if (value != 0) json.member(name, format_rfc3339(value));
}

void counts(JsonWriter& json, std::string_view name, const std::vector<store::Count>& items) {
  json.key(name);
  json.object([&] {
    for (const store::Count& item : items) json.member(item.name, item.count);
  });
}

void quality(JsonWriter& json, std::string_view name, const store::Quality& q) {
  json.key(name);
  json.object([&] {
    json.member("true_positives", q.true_positives);
    json.member("false_positives", q.false_positives);
    json.member("false_negatives", q.false_negatives);
    ratio(json, "precision", q.precision());
    ratio(json, "recall", q.recall());
    ratio(json, "f1", q.f1());
  });
}

void host_classes(JsonWriter& json, const store::Trends& trends, const std::string& host) {
  const auto found = trends.hosts.find(host);
  if (found == trends.hosts.end()) return;
  json.key("classes");
  json.object([&] {
    for (const auto& [name, count] : found->second) json.member(name, count);
  });
}

void rules_and_hosts(JsonWriter& json, const store::Summary& s, const store::Trends& trends) {
  json.key("rules");
  json.array([&] {
    for (const store::RuleCount& rule : s.rules) {
      json.object([&] {
        json.member("id", rule.id);
        json.member("name", rule.name);
        json.member("level", rule.level);
        json.member("alerts", rule.count);
        json.member("hosts", rule.hosts);
      });
    }
  });
  json.key("hosts");
  json.array([&] {
    for (const store::HostCount& host : s.hosts) {
      json.object([&] {
        json.member("name", host.name);
        json.member("events", host.events);
        json.member("detected", host.detected);
        host_classes(json, trends, host.name);
      });
    }
  });
}

void scoring(JsonWriter& json, const store::Scoring& s) {
  json.member("attack_events", s.malicious);
  json.member("attack_events_detected", s.malicious_detected);
  ratio(json, "detection_rate", rate(s.malicious_detected, s.malicious));
  json.member("benign_events", s.benign);
  json.member("benign_events_detected", s.benign_detected);
  ratio(json, "false_positive_rate", rate(s.benign_detected, s.benign));
  json.key("confusion");
  json.object([&] {
    for (const auto& row : s.confusion) {
      json.key(row.first);
      json.object([&] {
        for (const auto& [predicted, count] : row.second) json.member(predicted, count);
      });
    }
  });
  json.key("tactics");
  json.object([&] {
    for (const auto& entry : s.tactics) {
      const auto& tactic = entry.second;
      json.key(entry.first);
      json.object([&] {
        json.member("events", tactic.events);
        json.member("detected", tactic.detected);
        quality(json, "class", tactic.strict);
        quality(json, "any_tactic", tactic.any_of);
      });
    }
  });
  json.key("scenarios");
  json.array([&] {
    for (const store::ScenarioScore& scenario : s.scenarios) {
      json.object([&] {
        json.member("name", scenario.name);
        json.member("events", scenario.events);
        json.member("detected", scenario.detected);
        json.member("right_tactic", scenario.attributed);
      });
    }
  });
}

void over_time(JsonWriter& json, const store::Trends& trends) {
  json.key("over_time");
  json.object([&] {
    json.member("width_s", trends.width / 1'000'000'000);
    json.member("events_outside", trends.outside);
    json.member("detected_outside", trends.outside_detected);
    json.member("events_without_time", trends.untimed);
    json.key("buckets");
    json.array([&] {
      for (const store::TimeBucket& bucket : trends.buckets) {
        json.object([&] {
          json.member("from", format_rfc3339(bucket.from));
          json.member("events", bucket.events);
          json.key("classes");
          json.object([&] {
            for (const auto& [name, count] : bucket.classes) json.member(name, count);
          });
        });
      }
    });
  });
}

void techniques(JsonWriter& json, const rules::Tally& alerts) {
  json.key("techniques");
  json.array([&] {
    for (const auto& [id, count] : alerts.techniques) {
      json.object([&] {
        json.member("id", id);
        json.member("name", sigma::Attack::built_in().technique_name(id));
        json.member("alerts", count.total());
      });
    }
  });
}

}  // namespace

std::string report_json(const Statistics& statistics) {
  const store::Summary& s = statistics.summary;
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("verdicts", s.verdicts);
    json.member("detected", s.detected);
    json.member("alerts", s.alerts);
    time(json, "first_event", s.first_event);
    time(json, "last_event", s.last_event);
    time(json, "first_classified", s.first_classified);
    time(json, "last_classified", s.last_classified);
    json.key("latency_us");
    json.object([&] {
      json.member("p50", s.latency.p50);
      json.member("p90", s.latency.p90);
      json.member("p95", s.latency.p95);
      json.member("p99", s.latency.p99);
      json.member("max", s.latency.max);
    });
    counts(json, "classes", s.classes);
    counts(json, "levels", s.levels);
    over_time(json, statistics.trends);
    rules_and_hosts(json, s, statistics.trends);
    techniques(json, statistics.alerts);
    if (!s.scoring.empty()) {
      json.key("truth");
      json.object([&] { scoring(json, s.scoring); });
    }
  });
  return out + "\n";
}

}  // namespace tocsin::cli
