// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/tally.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/sqlite.h"

namespace tocsin::cli::rules {

Result<Tally> tally_alerts(const std::string& path) {
  TOCSIN_TRY(sqlite::Database db, sqlite::Database::open(path, sqlite::Mode::kRead));
  TOCSIN_TRY(sqlite::Statement rows,
             db.prepare("SELECT tactics, techniques, level, rule_name, count(*) FROM alerts GROUP "
                        "BY tactics, techniques, level, rule_name"));
  Tally out;
  out.what = "alerts";
  for (;;) {
    TOCSIN_TRY(const bool more, rows.step());
    if (!more) return out;
    const auto words = [&](int column) {
      return CLI::detail::split(std::string(rows.text(column)), ';');
    };
    std::vector<std::string> tactics = words(0), ids = words(1);
    std::erase(tactics, "");
    std::erase(ids, "");
    out.add(tactics, ids, parse_level(rows.text(2)).value_or(Level::kMedium),
            static_cast<std::uint64_t>(rows.integer(4)), rows.text(3));
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
