// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/ocsf/finding.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/json_writer.h"
#include "core/sigma/attack.h"

namespace tocsin::store::ocsf {
namespace {

// The numbers of the schema.
constexpr int kCategoryFindings = 2;
constexpr int kClassDetectionFinding = 2004;
constexpr int kActivityCreate = 1;
constexpr int kTypeCreate = kClassDetectionFinding * 100 + kActivityCreate;
constexpr int kStatusNew = 1;
constexpr int kAnalyticRule = 1;
constexpr int kObservableHostname = 1;
constexpr int kObservableUser = 4;

struct Severity {
  int id;
  const char* name;
};

Severity severity_of(Level level) {
  switch (level) {
    case Level::kInformational:
      return {1, "Informational"};
    case Level::kLow:
      return {2, "Low"};
    case Level::kMedium:
      return {3, "Medium"};
    case Level::kHigh:
      return {4, "High"};
    case Level::kCritical:
      return {5, "Critical"};
  }
  return {0, "Unknown"};
}

std::int64_t milliseconds(UnixNanos time) { return time / 1'000'000; }

void named(JsonWriter& json, std::string_view key, std::string_view uid, std::string_view name) {
  json.key(key);
  json.object([&] {
    json.member("uid", uid);
    json.member("name", name.empty() ? uid : name);
  });
}

void tactic(JsonWriter& json, const sigma::Tactic& known) {
  named(json, "tactic", known.id, known.name);
}

// "T1003.001" is a sub-technique of "T1003".
void technique(JsonWriter& json, const sigma::Attack& attack, std::string_view id) {
  const std::string_view parent = id.substr(0, id.find('.'));
  named(json, "technique", parent, attack.technique_name(parent));
  if (parent.size() < id.size()) named(json, "sub_technique", id, attack.technique_name(id));
}

// Each technique with that one of the alert's tactics which it serves, then tactics that no
// technique stands for.
void attacks(JsonWriter& json, const Alert& alert) {
  const sigma::Attack& attack = sigma::Attack::built_in();
  std::vector<std::string> shown;
  json.key("attacks");
  json.array([&] {
    for (const std::string& id : alert.techniques) {
      const std::vector<std::string> serves = attack.technique_tactics(id);
      const auto found =
          std::find_if(alert.tactics.begin(), alert.tactics.end(), [&](const std::string& slug) {
            return std::find(serves.begin(), serves.end(), slug) != serves.end();
          });
      json.object([&] {
        const sigma::Tactic* known = found == alert.tactics.end() ? nullptr : attack.tactic(*found);
        if (known != nullptr) {
          tactic(json, *known);
          shown.push_back(*found);
        }
        technique(json, attack, id);
      });
    }
    for (const std::string& slug : alert.tactics) {
      const sigma::Tactic* known = attack.tactic(slug);
      if (known == nullptr || std::find(shown.begin(), shown.end(), slug) != shown.end()) continue;
      json.object([&] { tactic(json, *known); });
    }
  });
}

void finding_info(JsonWriter& json, const Alert& alert) {
  json.key("finding_info");
  json.object([&] {
    json.member("uid", alert.alert_id.to_string());
    json.member("title", alert.rule_name.empty() ? alert.rule_id : alert.rule_name);
    json.member("created_time", milliseconds(alert.created));
    if (alert.timestamp != 0) {
      json.member("first_seen_time", milliseconds(alert.timestamp));
      json.member("last_seen_time", milliseconds(alert.timestamp));
    }
    json.key("analytic");
    json.object([&] {
      json.member("type_id", kAnalyticRule);
      json.member("type", "Rule");
      json.member("uid", alert.rule_id);
      json.member("name", alert.rule_name);
      if (!alert.ruleset.empty()) json.member("category", alert.ruleset);
    });
    if (!alert.tactics.empty() || !alert.techniques.empty()) attacks(json, alert);
    json.key("related_events");
    json.array([&] { json.object([&] { json.member("uid", alert.event_id.to_string()); }); });
  });
}

void metadata(JsonWriter& json, const Alert& alert) {
  std::string trace;
  append_hex(trace, alert.trace_id.data(), alert.trace_id.size());
  json.key("metadata");
  json.object([&] {
    json.member("version", kSchemaVersion);
    json.key("product");
    json.object([&] {
      json.member("name", "Tocsin");
      json.member("vendor_name", "Tocsin");
      json.member("version", TOCSIN_VERSION);
    });
    json.member("uid", alert.alert_id.to_string());
    json.member("correlation_uid", trace);
    if (!alert.channel.empty()) json.member("log_name", alert.channel);
    if (!alert.provider.empty()) json.member("log_provider", alert.provider);
  });
}

// What of the event the rule matched.
void evidences(JsonWriter& json, const Alert& alert) {
  if (alert.matched_fields.empty() && alert.user.empty()) return;
  json.key("evidences");
  json.array([&] {
    json.object([&] {
      if (!alert.user.empty()) {
        json.key("actor");
        json.object([&] {
          json.key("user");
          json.object([&] { json.member("name", alert.user); });
        });
      }
      if (alert.matched_fields.empty()) return;
      json.key("data");
      json.object([&] {
        json.key("matched_fields");
        json.array([&] {
          for (const MatchedField& matched : alert.matched_fields)
            json.object([&] {
              json.member("field", matched.field);
              json.member("value", matched.value);
            });
        });
      });
    });
  });
}

void host_and_user(JsonWriter& json, const Alert& alert) {
  if (!alert.host.empty()) {
    json.key("resources");
    json.array([&] {
      json.object([&] {
        json.member("type", "host");
        json.member("name", alert.host);
      });
    });
  }
  if (alert.host.empty() && alert.user.empty()) return;
  json.key("observables");
  json.array([&] {
    const auto one = [&](const char* name, int type, const char* what, const std::string& value) {
      if (value.empty()) return;
      json.object([&] {
        json.member("name", name);
        json.member("type_id", type);
        json.member("type", what);
        json.member("value", value);
      });
    };
    one("resources[].name", kObservableHostname, "Hostname", alert.host);
    one("evidences[].actor.user.name", kObservableUser, "User Name", alert.user);
  });
}

void unmapped(JsonWriter& json, const Alert& alert) {
  json.key("unmapped");
  json.object([&] {
    json.member("event.code", alert.event_code);
    if (!alert.rule_author.empty()) json.member("rule.author", alert.rule_author);
    if (!alert.file_path.empty()) json.member("log.file.path", alert.file_path);
    if (alert.line != 0) json.member("log.offset", alert.line);
    if (alert.record_id != 0) json.member("winlog.record_id", alert.record_id);
    if (alert.suppressed != 0) json.member("tocsin.suppressed", alert.suppressed);
  });
}

}  // namespace

void append_finding(std::string& out, const Alert& alert) {
  const Severity severity = severity_of(alert.level);
  JsonWriter json(out);
  json.object([&] {
    json.member("category_uid", kCategoryFindings);
    json.member("category_name", "Findings");
    json.member("class_uid", kClassDetectionFinding);
    json.member("class_name", "Detection Finding");
    json.member("activity_id", kActivityCreate);
    json.member("activity_name", "Create");
    json.member("type_uid", kTypeCreate);
    json.member("type_name", "Detection Finding: Create");
    json.member("severity_id", severity.id);
    json.member("severity", severity.name);
    json.member("status_id", kStatusNew);
    json.member("status", "New");
    json.member("time", milliseconds(alert.timestamp != 0 ? alert.timestamp : alert.created));
    json.member("message", alert.rule_name);
    metadata(json, alert);
    finding_info(json, alert);
    evidences(json, alert);
    host_and_user(json, alert);
    unmapped(json, alert);
  });
}

}  // namespace tocsin::store::ocsf
