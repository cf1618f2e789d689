// SPDX-License-Identifier: Apache-2.0
//
// /alerts: the list, groups of it, and one alert with all that is known of it.
#include <simdjson.h>

#include <algorithm>
#include <array>

#include "app/console/data/alert_view.h"
#include "app/console/data/message_view.h"
#include "app/console/routes/routes.h"
#include "app/insight/explain/trial.h"
#include "core/sigma/attack.h"

namespace tocsin::console {
namespace {

namespace search = store::search;

constexpr std::array<std::pair<std::string_view, search::SortBy>, 6> kSorts = {
    {{"time", search::SortBy::kTime},
     {"level", search::SortBy::kLevel},
     {"host", search::SortBy::kHost},
     {"rule", search::SortBy::kRule},
     {"user", search::SortBy::kUser},
     {"status", search::SortBy::kStatus}}};

constexpr std::array<std::pair<std::string_view, search::GroupBy>, 8> kGroups = {
    {{"rule", search::GroupBy::kRule},
     {"host", search::GroupBy::kHost},
     {"user", search::GroupBy::kUser},
     {"tactic", search::GroupBy::kTactic},
     {"technique", search::GroupBy::kTechnique},
     {"level", search::GroupBy::kLevel},
     {"status", search::GroupBy::kStatus},
     {"incident", search::GroupBy::kIncident}}};

Answer list(const Context& context, const Call& call) {
  TOCSIN_TRY(const search::AlertFilter filter, alert_filter(call));
  search::PageRequest page;
  TOCSIN_TRY(const std::int64_t limit, call.limit());
  page.limit = static_cast<std::size_t>(limit);
  TOCSIN_TRY(page.cursor, call.text("cursor"));
  TOCSIN_TRY(std::string sort, call.text("sort"));
  if (sort.empty()) sort = "-time";
  page.descending = sort.starts_with('-');
  if (page.descending) sort.erase(0, 1);
  const auto by = std::find_if(kSorts.begin(), kSorts.end(),
                               [&](const auto& entry) { return entry.first == sort; });
  if (by == kSorts.end())
    return refuse(ApiCode::kInvalid,
                  "sort: time, level, host, rule, user or status, with - for descending", "sort");
  page.sort = by->second;
  TOCSIN_TRY(const search::AlertPage found, context.archive.alerts(filter, page));
  return json_object([&](JsonWriter& json) {
    json.member("total", found.total);
    json.key("items");
    json.array([&] {
      for (const search::AlertRecord& record : found.items) write_row(json, record);
    });
    text_or_null(json, "next", found.next);
  });
}

Answer groups(const Context& context, const Call& call) {
  TOCSIN_TRY(const search::AlertFilter filter, alert_filter(call));
  TOCSIN_TRY(const std::string wanted, call.text("by"));
  const auto by = std::find_if(kGroups.begin(), kGroups.end(),
                               [&](const auto& entry) { return entry.first == wanted; });
  if (by == kGroups.end())
    return refuse(ApiCode::kInvalid,
                  "by: rule, host, user, tactic, technique, level, status or incident", "by");
  TOCSIN_TRY(const auto found, context.archive.groups(filter, by->second));
  return json_object([&](JsonWriter& json) {
    json.member("by", wanted);
    json.key("items");
    json.array([&] {
      for (const search::AlertGroup& group : found)
        json.object([&] {
          json.member("key", group.key);
          json.member("label", wanted == "tactic" ? tactic_name(group.label)
                                                  : std::string_view(group.label));
          json.member("level", group.level);
          json.member("count", group.count);
          json.member("hosts", group.hosts);
          time_member(json, "first", group.first);
          time_member(json, "last", group.last);
          json.member("open", group.open);
        });
    });
  });
}

// The event as it stands in the topic; none when it is gone, or when its place is another's by now.
std::optional<std::string> event_text(const Context& context, const search::AlertDetails& alert) {
  if (!alert.source || alert.source->offset < 0) return std::nullopt;
  const std::string id = alert.row.event_id.to_string();
  std::optional<std::string> out;
  const Status read =
      read_range(context.bus, {alert.source->topic, alert.source->partition}, alert.source->offset,
                 alert.source->offset + 1, [&](const bus::Message& message) {
                   const std::string_view header = message.header("event_id");
                   if (message.offset == alert.source->offset && (header.empty() || header == id))
                     out = message.value;
                   return false;
                 });
  if (!read && read.error().code != ErrorCode::kNotFound) return std::nullopt;
  return out;
}

void object_or_null(JsonWriter& json, std::string_view name, std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  simdjson::dom::object object;
  json.key(name);
  if (!text.empty() && parser.parse(text.data(), text.size()).get(element) == simdjson::SUCCESS &&
      element.get(object) == simdjson::SUCCESS)
    json.raw(simdjson::minify(element));
  else
    json.null();
}

void write_event(JsonWriter& json, const search::AlertDetails& alert,
                 const std::optional<std::string>& event) {
  json.key("event");
  json.object([&] {
    json.key("raw");
    if (event)
      json.value(*event);
    else
      json.null();
    object_or_null(json, "json", event ? std::string_view(*event) : std::string_view());
    if (alert.source) {
      json.member("topic", alert.source->topic);
      json.member("partition", alert.source->partition);
      json.member("offset", alert.source->offset);
    } else {
      for (const char* name : {"topic", "partition", "offset"}) {
        json.key(name);
        json.null();
      }
    }
  });
}

void write_why(JsonWriter& json, const RuleView& rules, const sigma::Rule* rule,
               const std::optional<std::string>& event) {
  json.key("why");
  if (rule != nullptr && event) {
    insight::RuleTrial trial(*rule, *rules.taxonomy);
    if (trial.take(*event)) {
      std::string text = insight::explanation_json(
          insight::explain_trial(*rule, trial, insight::written_rule(*rule)));
      text.pop_back();  // its newline
      return json.raw(text);
    }
  }
  json.null();
}

void write_rule(JsonWriter& json, const sigma::Rule* rule) {
  json.key("rule");
  if (rule == nullptr) return json.null();
  json.object([&] {
    json.member("id", rule->id);
    json.member("title", rule->title);
    json.member("level", to_string(rule->level));
    json.member("description", rule->description);
    list_member(json, "references", rule->references);
    list_member(json, "false_positives", rule->false_positives);
    json.member("author", rule->author);
    list_member(json, "tags", rule->tags);
    json.member("yaml", insight::rule_file_text(rule->path));
  });
}

std::string technique_url(std::string_view id) {
  std::string path(id);
  std::replace(path.begin(), path.end(), '.', '/');
  return "https://attack.mitre.org/techniques/" + path + "/";
}

void write_techniques(JsonWriter& json, const std::vector<std::string>& techniques) {
  json.key("techniques");
  json.array([&] {
    for (const std::string& id : techniques)
      json.object([&] {
        const std::string_view name = sigma::Attack::built_in().technique_name(id);
        json.member("id", id);
        json.member("name", name.empty() ? std::string_view(id) : name);
        json.member("url", technique_url(id));
      });
  });
}

void write_triage(JsonWriter& json, const search::AlertDetails& alert) {
  json.key("triage");
  json.object([&] {
    json.member("status", alert.row.status);
    text_or_null(json, "assignee", alert.row.assignee);
    json.key("history");
    json.array([&] {
      for (const search::TriageEntry& entry : alert.history)
        json.object([&] {
          time_member(json, "time", entry.time);
          json.member("user", entry.user);
          json.member("action", entry.action);
          json.member("from", entry.from);
          json.member("to", entry.to);
          json.member("note", entry.note);
        });
    });
  });
}

Answer one(const Context& context, const Call& call) {
  TOCSIN_TRY(const Uuid id, uuid_part(call, "alert_id"));
  TOCSIN_TRY(const auto found, context.archive.alert(id));
  if (!found) return refuse(ApiCode::kNotFound, "there is no such alert", "alert_id");
  const search::AlertDetails& alert = *found;
  const auto rules = context.rules.current();  // an alert can be looked at without
  const sigma::Rule* rule = rules ? (*rules)->find(alert.row.rule_id) : nullptr;
  const std::optional<std::string> event = event_text(context, alert);
  return json_object([&](JsonWriter& json) {
    object_or_null(json, "alert", alert.json);
    json.key("row");
    write_row(json, alert.row);
    write_event(json, alert, event);
    json.key("matched_fields");
    json.array([&] {
      for (const auto& [field, value] : alert.matched_fields)
        json.object([&] {
          json.member("field", field);
          json.member("value", value);
        });
    });
    write_why(json, rules ? **rules : RuleView{}, rule, event);
    write_rule(json, rule);
    write_techniques(json, alert.row.techniques);
    write_triage(json, alert);
    json.key("related");
    json.array([&] {
      for (const search::AlertRecord& record : alert.related) write_row(json, record);
    });
  });
}

}  // namespace

void add_alert_routes(Router& router, const Context& context) {
  router.add("GET", "/alerts", Role::kViewer, alert_params({"sort", "limit", "cursor"}),
             [&context](const Call& call) { return list(context, call); });
  router.add("GET", "/alerts/groups", Role::kViewer, alert_params({"by"}),
             [&context](const Call& call) { return groups(context, call); });
  router.add("GET", "/alerts/{alert_id}", Role::kViewer, {},
             [&context](const Call& call) { return one(context, call); });
}

}  // namespace tocsin::console
