// SPDX-License-Identifier: Apache-2.0
//
// /attack: tactics and techniques with what was seen of them and what the rules cover; and the same
// as a layer for the ATT&CK Navigator.
#include "core/sigma/attack.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "app/console/data/alert_view.h"
#include "app/console/routes/routes.h"
#include "app/insight/navigator.h"

namespace tocsin::console {
namespace {

namespace search = store::search;

struct Cell {
  std::int64_t alerts = 0, rules = 0;
  std::string level;  // the highest of the alerts
  std::set<std::string> tactics;
};
using Cells = std::map<std::string, Cell>;

void add_tactics(Cell& cell, const std::string& technique, const std::vector<std::string>& tagged) {
  const sigma::Attack& attack = sigma::Attack::built_in();
  const std::vector<std::string> known = attack.technique_tactics(technique);
  const std::vector<std::string>& from = known.empty() ? tagged : known;
  for (const std::string& slug : from)
    if (const sigma::Tactic* tactic = attack.tactic(slug)) cell.tactics.insert(tactic->slug);
}

void add_rules(Cells& cells, const RuleView& rules) {
  for (std::size_t i = 0; i < rules.rules.size(); ++i) {
    if (!rules.enabled[i]) continue;
    for (const std::string& technique : rules.rules[i].techniques) {
      Cell& cell = cells[technique];
      ++cell.rules;
      add_tactics(cell, technique, rules.rules[i].tactics);
    }
  }
}

Checked<Cells> cells_of(const Context& context, const search::AlertFilter& filter) {
  Cells cells;
  TOCSIN_TRY(const auto seen, context.archive.techniques(filter));
  for (const search::TechniqueCount& technique : seen) {
    Cell& cell = cells[technique.id];
    cell.alerts = technique.alerts;
    cell.level = technique.level;
    add_tactics(cell, technique.id, technique.tactics);
  }
  if (const auto rules = context.rules.current()) add_rules(cells, **rules);
  return cells;
}

void write_technique(JsonWriter& json, const std::string& id, const Cell& cell) {
  const std::string_view name = sigma::Attack::built_in().technique_name(id);
  json.object([&] {
    json.member("id", id);
    json.member("name", name.empty() ? std::string_view(id) : name);
    json.member("alerts", cell.alerts);
    json.member("rules", cell.rules);
    text_or_null(json, "level", cell.level);
  });
}

Answer attack(const Context& context, const Call& call) {
  TOCSIN_TRY(const search::AlertFilter filter, range_and_query(call));
  TOCSIN_TRY(const Cells cells, cells_of(context, filter));
  Cell most;
  for (const auto& [id, cell] : cells) {
    most.alerts = std::max(most.alerts, cell.alerts);
    most.rules = std::max(most.rules, cell.rules);
  }
  return json_object([&](JsonWriter& json) {
    json.key("tactics");
    json.array([&] {
      for (const sigma::Tactic& tactic : sigma::Attack::built_in().tactics())
        json.object([&] {
          json.member("id", tactic.id);
          json.member("tactic", tactic.slug);
          json.member("name", tactic.name);
          json.key("techniques");
          json.array([&] {
            for (const auto& [id, cell] : cells)
              if (cell.tactics.contains(tactic.slug)) write_technique(json, id, cell);
          });
        });
    });
    json.key("max");
    json.object([&] {
      json.member("alerts", most.alerts);
      json.member("rules", most.rules);
    });
  });
}

Answer navigator(const Context& context, const Call& call) {
  search::AlertFilter filter;
  TOCSIN_TRY(filter.range, time_range(call));
  TOCSIN_TRY(const std::string what, call.text("what"));
  if (what != "alerts" && what != "rules")
    return refuse(ApiCode::kInvalid, "what: alerts or rules is wanted", "what");
  TOCSIN_TRY(const Cells cells, cells_of(context, filter));
  const bool alerts = what == "alerts";
  insight::NavigatorLayer layer;
  layer.name = alerts ? "Tocsin alerts" : "Tocsin rule coverage";
  layer.colour = alerts ? "#ff6666" : "#66b1ff";
  layer.description = fmt::format("score: number of {}", what);
  for (const auto& [id, cell] : cells) {
    const std::int64_t count = alerts ? cell.alerts : cell.rules;
    if (count == 0) continue;
    insight::TechniqueScore& score = layer.techniques[id];
    score.score = static_cast<double>(count);
    score.comment = fmt::format("{} {}", count, what);
  }
  Reply reply = json_reply(insight::navigator_json(layer));
  reply.headers.emplace_back("Content-Disposition",
                             fmt::format("attachment; filename=\"tocsin-{}.json\"", what));
  return reply;
}

}  // namespace

void add_attack_routes(Router& router, const Context& context) {
  router.add("GET", "/attack", Role::kViewer, {"from", "to", "q"},
             [&context](const Call& call) { return attack(context, call); });
  router.add("GET", "/attack/navigator", Role::kViewer, {"what", "from", "to"},
             [&context](const Call& call) { return navigator(context, call); });
}

}  // namespace tocsin::console
