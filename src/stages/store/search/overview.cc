// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <tuple>
#include <utility>

#include "core/event/level.h"
#include "stages/store/docid.h"
#include "stages/store/schema.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/pages.h"
#include "stages/store/search/ranges.h"

namespace tocsin::store::search {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr UnixNanos kBegin = -9'100'000'000'000'000'000, kEnd = 9'100'000'000'000'000'000;
constexpr std::size_t kTop = 10;

// Some alerts that have all of this in common.
struct Bunch {
  UnixNanos time = 0;  // of the first second they may be of
  std::string_view rule_id, tactics, techniques;
  std::int64_t score = 0, alerts = 1;
};
struct Crowd {
  char kind = 'h';
  std::string_view name;
  std::int64_t score = 0, alerts = 1;
};
using VisitBunch = std::function<void(const Bunch&)>;
using VisitCrowd = std::function<void(const Crowd&)>;

Status each_counted_bunch(sqlite::Database& db, const Span& span, const VisitBunch& visit) {
  TOCSIN_TRY(auto query, db.prepare("SELECT start, rule_id, score, tactics, techniques, alerts"
                                    " FROM rule_counts WHERE unit = ? AND start >= ? AND start < ?"
                                    " AND alerts > 0"));
  query.bind(1, span.unit).bind(2, span.from).bind(3, span.to);
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    visit({.time = query.integer(0) * kSecond,
           .rule_id = query.text(1),
           .tactics = query.text(3),
           .techniques = query.text(4),
           .score = query.integer(2),
           .alerts = query.integer(5)});
  }
}

Status each_counted_crowd(sqlite::Database& db, const Span& span, const VisitCrowd& visit) {
  TOCSIN_TRY(auto query,
             db.prepare("SELECT kind, name, score, alerts FROM entity_counts WHERE unit = ?"
                        " AND start >= ? AND start < ? AND kind IN ('h', 'u') AND alerts > 0"));
  query.bind(1, span.unit).bind(2, span.from).bind(3, span.to);
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return {};
    visit({.kind = query.text(0) == "u" ? 'u' : 'h',
           .name = query.text(1),
           .score = query.integer(2),
           .alerts = query.integer(3)});
  }
}

Status each_single(sqlite::Database& db, const Selection& selection, const VisitBunch& bunch,
                   const VisitCrowd& crowd) {
  return each_fact(db, selection, [&](const Fact& fact) {
    if (bunch)
      bunch({.time = time_of_docid(fact.docid),
             .rule_id = fact.rule_id,
             .tactics = fact.tactics,
             .techniques = fact.techniques,
             .score = fact.score});
    if (!crowd) return;
    crowd({.kind = 'h', .name = fact.host, .score = fact.score});
    crowd({.kind = 'u', .name = fact.user, .score = fact.score});
  });
}

// Alerts of a range: from the counts by `counted`, at its ends one by one.
Status each_span(sqlite::Database& db, const Selection& range,
                 std::initializer_list<std::int64_t> units,
                 const std::function<Status(const Span&)>& counted, const VisitBunch& bunch,
                 const VisitCrowd& crowd) {
  for (const Span& span : spans_of_docids(range.sql.first, range.sql.last, units)) {
    if (span.unit != 0) {
      TOCSIN_TRY_STATUS(counted(span));
      continue;
    }
    Selection edge;
    edge.sql.first = span.from;
    edge.sql.last = span.to - 1;
    TOCSIN_TRY_STATUS(each_single(db, edge, bunch, crowd));
  }
  return {};
}

// All alerts of the selection: from the counts where nothing but time chooses them.
Status each_bunch(sqlite::Database& db, const Selection& selection,
                  std::initializer_list<std::int64_t> units, const VisitBunch& bunch,
                  const VisitCrowd& crowd) {
  if (selection.sql.first > selection.sql.last) return {};
  if (!selection.whole()) return each_single(db, selection, bunch, crowd);
  if (bunch)
    TOCSIN_TRY_STATUS(each_span(
        db, selection, units, [&](const Span& span) { return each_counted_bunch(db, span, bunch); },
        bunch, {}));
  if (crowd)
    TOCSIN_TRY_STATUS(each_span(
        db, selection, {kThirtyDays, kDay, kHour},
        [&](const Span& span) { return each_counted_crowd(db, span, crowd); }, {}, crowd));
  return {};
}

// visit(start in nanoseconds, class, events, detected)
using VisitEvents = std::function<void(UnixNanos, std::string_view, std::int64_t, std::int64_t)>;

Status each_events(sqlite::Database& db, UnixNanos from, UnixNanos to, std::int64_t exact_step,
                   std::initializer_list<std::int64_t> units, const VisitEvents& visit) {
  for (const Span& span : spans_of_time(from, to, units)) {
    // Before 1970 the division rounds up: such an event is counted a step later.
    TOCSIN_TRY(auto query,
               span.unit == 0
                   ? db.prepare(fmt::format(
                         "SELECT ({0}) / {1} * {1}, class, count(*), sum(rules <> '') FROM verdicts"
                         " INDEXED BY verdicts_by_time WHERE {0} >= ?2 AND {0} < ?3 AND ?1 = 0"
                         " GROUP BY 1, 2",
                         kVerdictTime, exact_step))
                   : db.prepare("SELECT start * 1000000000, class, events, detected FROM"
                                " event_counts WHERE unit = ?1 AND start >= ?2 AND start < ?3"
                                " AND events > 0"));
    query.bind(1, span.unit).bind(2, span.from).bind(3, span.to);
    while (true) {
      TOCSIN_TRY(const bool row, query.step());
      if (!row) break;
      visit(query.integer(0), query.text(1), query.integer(2), query.integer(3));
    }
  }
  return {};
}

template <class Map>
std::vector<NamedCount> most_first(const Map& counts) {
  std::vector<NamedCount> out;
  for (const auto& [name, count] : counts) out.push_back({name, count});
  std::stable_sort(out.begin(), out.end(),
                   [](const NamedCount& a, const NamedCount& b) { return a.count > b.count; });
  return out;
}

void add_count(std::map<std::string, std::int64_t, std::less<>>& counts, std::string_view name,
               std::int64_t more) {
  const auto found = counts.find(name);
  if (found != counts.end())
    found->second += more;
  else
    counts.emplace(std::string(name), more);
}

struct Rank {
  std::int64_t alerts = 0, score = 0;
  void add(std::int64_t more, std::int64_t severity) {
    alerts += more;
    score = std::max(score, severity);
  }
};
using Ranks = std::map<std::string, Rank, std::less<>>;

std::vector<RankedName> top_of(const Ranks& ranks) {
  std::vector<RankedName> out;
  for (const auto& [name, rank] : ranks)
    if (!name.empty())
      out.push_back({"", name, std::string(level_of_score(rank.score)), rank.alerts});
  std::stable_sort(out.begin(), out.end(),
                   [](const RankedName& a, const RankedName& b) { return a.alerts > b.alerts; });
  if (out.size() > kTop) out.resize(kTop);
  return out;
}

void add_rank(Ranks& ranks, std::string_view name, std::int64_t alerts, std::int64_t score) {
  auto found = ranks.find(name);
  if (found == ranks.end()) found = ranks.emplace(std::string(name), Rank()).first;
  found->second.add(alerts, score);
}

std::vector<NamedCount> by_severity(const std::map<std::int64_t, std::int64_t>& scores) {
  std::vector<NamedCount> out;
  for (auto at = scores.rbegin(); at != scores.rend(); ++at)
    out.push_back({std::string(level_of_score(at->first)), at->second});
  return out;
}

// ---- the line of time -------------------------------------------------------------------------

// For a range of this length at most, buckets of this length. Whole hours and days can be read from
// the counts.
std::int64_t bucket_for(std::int64_t seconds) {
  constexpr std::array<std::pair<std::int64_t, std::int64_t>, 10> kSteps = {{
      {2 * kMinute, 1},
      {20 * kMinute, 10},
      {100 * kMinute, kMinute},
      {8 * kHour, 5 * kMinute},
      {kDay + kHour, 15 * kMinute},
      {4 * kDay, kHour},
      {11 * kDay, 3 * kHour},
      {100 * kDay, kDay},
      {730 * kDay, 7 * kDay},
      {3'650 * kDay, 30 * kDay},
  }};
  for (const auto& [longest, bucket] : kSteps)
    if (seconds <= longest) return bucket;
  return 365 * kDay;
}

struct Extent {
  UnixNanos from = 0, to = 0;
  [[nodiscard]] bool empty() const { return from >= to; }
};

// Where the range is open, it ends with the first and the last minute that something was seen in.
Result<Extent> extent_of(sqlite::Database& db, const TimeRange& range) {
  Extent out{range.from.value_or(0), range.to.value_or(0)};
  if (range.from && range.to) return out;
  std::int64_t first = 0, last = 0;
  bool any = false;
  const auto widen = [&](std::int64_t low, std::int64_t high) {
    first = any ? std::min(first, low) : low;
    last = any ? std::max(last, high) : high;
    any = true;
  };
  // Each end by itself: then it is one look into an index.
  TOCSIN_TRY(auto events,
             db.prepare("SELECT (SELECT min(start) FROM event_counts WHERE unit = 60), (SELECT"
                        " max(start) FROM event_counts WHERE unit = 60) WHERE EXISTS (SELECT 1 FROM"
                        " event_counts WHERE unit = 60)"));
  TOCSIN_TRY(const bool some, events.step());
  if (some) widen(events.integer(0) * kSecond, (events.integer(1) + kMinute) * kSecond);
  TOCSIN_TRY(auto alerts, db.prepare("SELECT (SELECT min(docid) FROM alerts), (SELECT max(docid)"
                                     " FROM alerts) WHERE EXISTS (SELECT 1 FROM alerts)"));
  TOCSIN_TRY(const bool alert, alerts.step());
  if (alert) widen(time_of_docid(alerts.integer(0)), time_of_docid(alerts.integer(1)) + kSecond);
  if (!any) return Extent{};
  if (!range.from) out.from = range.to ? std::min(first, *range.to) : first;
  if (!range.to) out.to = range.from ? std::max(last, *range.from) : last;
  return out;
}

class Timeline {
 public:
  Timeline(const Extent& extent, std::int64_t bucket) : step_(bucket * kSecond) {
    if (extent.empty()) return;
    first_ = floor_div(extent.from, step_);
    const std::int64_t last = floor_div(extent.to - 1, step_);
    points_.resize(static_cast<std::size_t>(std::min<std::int64_t>(last - first_ + 1, kMost)));
    for (std::size_t i = 0; i < points_.size(); ++i)
      points_[i].time = (first_ + static_cast<std::int64_t>(i)) * step_;
  }

  // The one that the time belongs to; null beyond the ends.
  TimelinePoint* at(UnixNanos time) {
    const std::int64_t index = floor_div(time, step_) - first_;
    if (index < 0 || index >= static_cast<std::int64_t>(points_.size())) return nullptr;
    return &points_[static_cast<std::size_t>(index)];
  }

  [[nodiscard]] std::vector<TimelinePoint> take() { return std::move(points_); }

 private:
  static constexpr std::int64_t kMost = 2'000;
  std::int64_t step_, first_ = 0;
  std::vector<TimelinePoint> points_;
};

// What a range and its events ask of the line; its alerts are added by add().
class TimelineReader {
 public:
  static Result<TimelineReader> open(sqlite::Database& db, const TimeRange& range, Overview& out) {
    TOCSIN_TRY(const Extent extent, extent_of(db, range));
    out.range = range;
    if (extent.empty()) return TimelineReader(extent, 1);
    out.range = {extent.from, extent.to};
    out.bucket_seconds = bucket_for((extent.to - extent.from) / kSecond);
    return TimelineReader(extent, out.bucket_seconds);
  }

  // Days can be told by days: then one pass over the counts serves the sums and the line.
  [[nodiscard]] bool in_days() const { return bucket_ % kDay == 0; }

  void add(const Bunch& bunch) {
    TimelinePoint* point = line_.at(bunch.time);
    if (point == nullptr) return;
    point->alerts += bunch.alerts;
    add_count(point->levels, level_of_score(bunch.score), bunch.alerts);
    for (const std::string_view tactic : split_list(bunch.tactics))
      add_count(point->tactics, tactic, bunch.alerts);
  }

  Status add_alerts(sqlite::Database& db, const Selection& selection) {
    const auto visit = [this](const Bunch& bunch) { add(bunch); };
    if (in_days()) return each_bunch(db, selection, {kDay, kHour}, visit, {});
    if (bucket_ % kHour == 0) return each_bunch(db, selection, {kHour}, visit, {});
    return each_bunch(db, selection, {}, visit, {});
  }

  Status add_events(sqlite::Database& db) {
    if (extent_.empty()) return {};
    const auto visit = [this](UnixNanos time, std::string_view, std::int64_t events, std::int64_t) {
      if (TimelinePoint* point = line_.at(time)) point->events += events;
    };
    const auto [from, to] = extent_;
    constexpr std::int64_t kStep = kMinute * kSecond;
    if (in_days()) return each_events(db, from, to, kStep, {kDay, kHour, kMinute}, visit);
    if (bucket_ % kHour == 0) return each_events(db, from, to, kStep, {kHour, kMinute}, visit);
    if (bucket_ % kMinute == 0) return each_events(db, from, to, kStep, {kMinute}, visit);
    return each_events(db, from, to, kSecond, {}, visit);
  }

  [[nodiscard]] std::vector<TimelinePoint> take() { return line_.take(); }

 private:
  TimelineReader(const Extent& extent, std::int64_t bucket)
      : extent_(extent), bucket_(bucket), line_(extent, bucket) {}

  Extent extent_;
  std::int64_t bucket_;
  Timeline line_;
};

// ---- totals -----------------------------------------------------------------------------------

Result<std::int64_t> count_hosts(sqlite::Database& db, UnixNanos from, UnixNanos to) {
  std::set<std::string, std::less<>> hosts;
  TOCSIN_TRY(auto whole, db.prepare("SELECT host FROM host_counts WHERE unit = ?1 AND"
                                    " start >= ?2 AND start < ?3 AND events > 0"));
  TOCSIN_TRY(auto rows, db.prepare(fmt::format("SELECT DISTINCT host FROM verdicts INDEXED BY"
                                               " verdicts_by_time WHERE {0} >= ?2 AND {0} < ?3"
                                               " AND ?1 = 0",
                                               kVerdictTime)));
  for (const Span& span : spans_of_time(from, to, {kDay, kHour})) {
    sqlite::Statement& query = span.unit == 0 ? rows : whole;
    query.bind(1, span.unit).bind(2, span.from).bind(3, span.to);
    while (true) {
      TOCSIN_TRY(const bool row, query.step());
      if (!row) break;
      if (!hosts.contains(query.text(0))) hosts.emplace(query.text(0));
    }
  }
  return static_cast<std::int64_t>(hosts.size());
}

Status read_events(sqlite::Database& db, const TimeRange& range, Overview& out) {
  const UnixNanos from = range.from.value_or(kBegin), to = range.to.value_or(kEnd);
  std::map<std::string, std::int64_t, std::less<>> classes;
  TOCSIN_TRY_STATUS(each_events(
      db, from, to, kMinute * kSecond, {kDay, kHour, kMinute},
      [&](UnixNanos, std::string_view name, std::int64_t events, std::int64_t detected) {
        out.events += events;
        out.detections += detected;
        add_count(classes, name, events);
      }));
  out.classes = most_first(classes);
  TOCSIN_TRY(out.hosts, count_hosts(db, from, to));
  return {};
}

Result<std::int64_t> count_open(sqlite::Database& db, const Selection& selection) {
  Selection open = selection;
  std::vector<std::string> statuses;
  for (const char* status : {"new", "in_progress"})
    if (selection.statuses.empty() ||
        std::find(selection.statuses.begin(), selection.statuses.end(), status) !=
            selection.statuses.end())
      statuses.emplace_back(status);
  if (statuses.empty()) return 0;
  open.statuses = std::move(statuses);
  return count(db, open);
}

// Gives each bunch to `also`, too, when it is there.
Status read_ranks(sqlite::Database& db, const Selection& selection, const VisitBunch& also,
                  Overview& out) {
  Ranks rules, hosts, users;
  std::map<std::int64_t, std::int64_t> scores;
  std::map<std::string, std::int64_t, std::less<>> tactics;
  TOCSIN_TRY_STATUS(each_bunch(
      db, selection, {kDay, kHour},
      [&](const Bunch& bunch) {
        if (also) also(bunch);
        out.alerts += bunch.alerts;
        scores[bunch.score] += bunch.alerts;
        add_rank(rules, bunch.rule_id, bunch.alerts, bunch.score);
        for (const std::string_view tactic : split_list(bunch.tactics))
          add_count(tactics, tactic, bunch.alerts);
      },
      [&](const Crowd& crowd) {
        add_rank(crowd.kind == 'u' ? users : hosts, crowd.name, crowd.alerts, crowd.score);
      }));
  out.levels = by_severity(scores);
  out.tactics = most_first(tactics);
  out.top_hosts = top_of(hosts);
  out.top_users = top_of(users);
  out.top_rules = top_of(rules);
  for (RankedName& rule : out.top_rules) {
    rule.id = rule.name;
    TOCSIN_TRY(rule.name, name_of_rule(db, rule.id));
  }
  return {};
}

}  // namespace

Result<std::int64_t> count_events(sqlite::Database& db, const TimeRange& range) {
  std::int64_t sum = 0;
  TOCSIN_TRY_STATUS(each_events(
      db, range.from.value_or(kBegin), range.to.value_or(kEnd), kMinute * kSecond,
      {kDay, kHour, kMinute},
      [&](UnixNanos, std::string_view, std::int64_t events, std::int64_t) { sum += events; }));
  return sum;
}

Result<Overview> read_overview(sqlite::Database& db, const Selection& selection,
                               const TimeRange& range) {
  Overview out;
  TOCSIN_TRY_STATUS(read_events(db, range, out));
  TOCSIN_TRY(auto timeline, TimelineReader::open(db, range, out));
  const bool at_once = timeline.in_days() || !selection.whole();
  VisitBunch also;
  if (at_once) also = [&](const Bunch& bunch) { timeline.add(bunch); };
  TOCSIN_TRY_STATUS(read_ranks(db, selection, also, out));
  if (!at_once) TOCSIN_TRY_STATUS(timeline.add_alerts(db, selection));
  TOCSIN_TRY_STATUS(timeline.add_events(db));
  TOCSIN_TRY(out.open_alerts, count_open(db, selection));
  out.timeline = timeline.take();
  return out;
}

Result<std::vector<TechniqueCount>> read_techniques(sqlite::Database& db,
                                                    const Selection& selection) {
  struct Sum {
    Rank rank;
    std::set<std::string, std::less<>> rules, tactics;
  };
  std::map<std::string, Sum, std::less<>> sums;
  TOCSIN_TRY_STATUS(each_bunch(db, selection, {kDay, kHour},
                               [&](const Bunch& bunch) {
                                 for (const std::string_view technique :
                                      split_list(bunch.techniques)) {
                                   auto found = sums.find(technique);
                                   if (found == sums.end())
                                     found = sums.emplace(std::string(technique), Sum()).first;
                                   Sum& sum = found->second;
                                   sum.rank.add(bunch.alerts, bunch.score);
                                   if (!sum.rules.contains(bunch.rule_id))
                                     sum.rules.emplace(bunch.rule_id);
                                   for (const std::string_view tactic : split_list(bunch.tactics))
                                     if (!sum.tactics.contains(tactic)) sum.tactics.emplace(tactic);
                                 }
                               },
                               {}));
  std::vector<TechniqueCount> out;
  for (const auto& [id, sum] : sums)
    out.push_back({id,
                   sum.rank.alerts,
                   static_cast<std::int64_t>(sum.rules.size()),
                   std::string(level_of_score(sum.rank.score)),
                   {sum.tactics.begin(), sum.tactics.end()}});
  return out;
}

Result<Statistics> read_statistics(sqlite::Database& db, const Selection& selection,
                                   const TimeRange& range) {
  Overview overview;
  TOCSIN_TRY_STATUS(read_ranks(db, selection, {}, overview));
  Statistics out;
  out.levels = std::move(overview.levels);
  out.hosts = std::move(overview.top_hosts);
  std::map<std::string, std::int64_t, std::less<>> classes;
  std::map<UnixNanos, HourCount> hours;
  TOCSIN_TRY_STATUS(each_events(
      db, range.from.value_or(kBegin), range.to.value_or(kEnd), kMinute * kSecond, {kHour, kMinute},
      [&](UnixNanos time, std::string_view name, std::int64_t events, std::int64_t detected) {
        add_count(classes, name, events);
        HourCount& hour = hours[floor_div(time, kHour * kSecond) * kHour * kSecond];
        hour.events += events;
        hour.detected += detected;
      }));
  out.classes = most_first(classes);
  for (const auto& [time, hour] : hours) out.hourly.push_back({time, hour.events, hour.detected});
  return out;
}

}  // namespace tocsin::store::search
