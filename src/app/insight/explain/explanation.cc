// SPDX-License-Identifier: Apache-2.0
#include "app/insight/explain/explanation.h"

#include "base/json_writer.h"

namespace tocsin::insight {
namespace {

void write_node(JsonWriter& json, const Explained& node, bool has_event) {
  static constexpr std::string_view kKinds[] = {"all", "any", "not", "item"};
  json.object([&] {
    json.member("kind", kKinds[static_cast<std::size_t>(node.kind)]);
    if (!node.name.empty()) json.member(node.is_filter ? "filter" : "selection", node.name);
    if (has_event) json.member("holds", node.holds);
    if (node.kind != Explained::Kind::kItem) {
      json.key("children");
      json.array([&] {
        for (const Explained& child : node.children) write_node(json, child, has_event);
      });
      return;
    }
    json.member("key", node.key);
    json.member("field", node.field);
    json.member("all", node.all);
    json.member("negated", node.negated);
    json.key("patterns");
    json.array([&] {
      for (const ExplainedPattern& p : node.patterns)
        json.object([&] {
          json.member("text", p.text);
          json.member("meaning", p.words);
          if (has_event) json.member("holds", p.holds);
        });
    });
    if (!has_event) return;
    json.member("absent", node.values.empty() && !node.field.empty());
    json.key("values");
    json.array([&] {
      for (const SeenValue& value : node.values)
        json.object([&] {
          json.member("field", value.field);
          json.key("value");
          value.null ? json.null() : json.value(value.text);
          json.member("holds", value.holds);
        });
    });
  });
}

void write_event(JsonWriter& json, const ExplainedEvent& e) {
  json.object([&] {
    json.member("place", e.place);
    json.member("time", e.time);
    json.member("host", e.host);
    json.member("channel", e.channel);
    json.member("event_code", e.event_code);
    json.member("route", e.route);
    json.member("route_read", e.route_read);
    json.member("host_counts", e.host_counts);
    json.member("looked_at", e.looked_at);
    json.member("matching", e.matching);
  });
}

}  // namespace

std::string explanation_json(const Explanation& x) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    const sigma::Rule& rule = *x.rule;
    json.key("rule");
    json.object([&] {
      json.member("id", rule.id);
      json.member("title", rule.title);
      json.member("level", to_string(rule.level));
      json.member("status", rule.status);
      json.member("path", rule.path);
      json.member("product", rule.logsource.product);
      json.member("category", rule.logsource.category);
      json.member("service", rule.logsource.service);
      json.member("overrides", rule.tuning);
      json.key("filters");
      json.array([&] {
        for (const sigma::AppliedFilter& filter : rule.filters)
          json.object([&] {
            json.member("id", filter.id);
            json.member("title", filter.title);
            json.member("path", filter.path);
          });
      });
    });
    if (x.has_event) {
      json.member("matches", x.matches());
      json.key("event");
      write_event(json, x.event);
    } else {
      json.key("reads");
      json.array([&] {
        for (const std::string& route : x.routes) json.value(route);
      });
    }
    json.member("condition", x.condition);
    json.key("tree");
    write_node(json, x.tree, x.has_event);
  });
  out.push_back('\n');
  return out;
}

}  // namespace tocsin::insight
