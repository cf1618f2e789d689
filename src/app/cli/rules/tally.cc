// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/tally.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/sqlite.h"

namespace tocsin::cli::rules {

Result<Tally> tally_alerts(const std::string& path,
                           const std::function<bool(const sigma::Rule&)>& chosen) {
  TOCSIN_TRY(sqlite::Database db, sqlite::Database::open(path, sqlite::Mode::kRead));
  TOCSIN_TRY(sqlite::Statement rows,
             db.prepare("SELECT tactics, techniques, level, rule_name, rule_id, count(*) FROM "
                        "alerts GROUP BY tactics, techniques, level, rule_name, rule_id"));
  Tally out;
  out.what = "alerts";
  for (;;) {
    TOCSIN_TRY(const bool more, rows.step());
    if (!more) return out;
    const auto words = [&](int column) {
      return CLI::detail::split(std::string(rows.text(column)), ';');
    };
    sigma::Rule rule;
    rule.tactics = words(0);
    rule.techniques = words(1);
    std::erase(rule.tactics, "");
    std::erase(rule.techniques, "");
    rule.level = parse_level(rows.text(2)).value_or(Level::kMedium);
    rule.title = rows.text(3);
    rule.id = rows.text(4);
    if (!chosen || chosen(rule))
      out.add(rule.tactics, rule.techniques, rule.level,
              static_cast<std::uint64_t>(rows.integer(5)), rule.title);
  }
}

insight::NavigatorLayer layer_of(const Tally& tally, std::string_view score) {
  insight::NavigatorLayer out;
  const bool rules = tally.what == "rules";
  out.name = rules ? "Tocsin rule coverage" : "Tocsin alerts";
  out.colour = rules ? "#66b1ff" : "#ff6666";
  out.description = fmt::format("{} {}, {} techniques; score: {}", tally.total, tally.what,
                                tally.techniques.size(),
                                score == "level" ? "highest severity" : "number of " + tally.what);
  for (const auto& [id, count] : tally.techniques) {
    insight::TechniqueScore& technique = out.techniques[id];
    technique.score =
        score == "level" ? severity_score(count.highest) : static_cast<double>(count.total());
    technique.comment = fmt::format("{} {}, e.g. {}", count.total(), tally.what, count.example);
    for (std::size_t i = 0; i < count.levels.size(); ++i)
      if (count.levels[i] > 0)
        technique.counts[std::string(to_string(static_cast<Level>(i)))] = count.levels[i];
  }
  return out;
}

}  // namespace tocsin::cli::rules
