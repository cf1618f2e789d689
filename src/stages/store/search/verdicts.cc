// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "stages/store/counts.h"
#include "stages/store/docid.h"
#include "stages/store/schema.h"
#include "stages/store/search/language/terms.h"
#include "stages/store/search/scan.h"

namespace tocsin::store::search {

const char* const kVerdictColumns =
    "v.event_id, v.trace_id, v.timestamp, v.classified_at, v.host, v.channel, v.provider,"
    " v.event_code, v.class, v.level, v.tactics, v.techniques, v.rules, v.score, v.latency_us,"
    " (SELECT name FROM topics WHERE id = v.topic), v.partition, v.log_offset";

namespace {

std::vector<std::string> strings(std::string_view joined) {
  std::vector<std::string> out;
  for (const std::string_view item : split_list(joined)) out.emplace_back(item);
  return out;
}

bool is_of_alerts(Field field) {
  switch (field) {
    case Field::kText:
    case Field::kUser:
    case Field::kRule:
    case Field::kLevel:
    case Field::kTactic:
    case Field::kTechnique:
    case Field::kStatus:
    case Field::kAssignee:
      return true;
    default:
      return false;
  }
}

// One alert can be asked for all of it.
bool asks_one_alert(const Node& node) {
  if (node.kind == Node::Kind::kTerm) return is_of_alerts(node.term.field);
  return node.kind != Node::Kind::kNot &&
         std::all_of(node.children.begin(), node.children.end(), asks_one_alert);
}

// What all rows must meet, split by how it is looked for.
struct Plan {
  std::vector<Node> alerts;  // of one and the same alert
  std::vector<Node> own;     // the rest
  const Term* host = nullptr;

  void add(const Node& node) {
    if (asks_one_alert(node)) {
      alerts.push_back(node);
    } else if (node.kind == Node::Kind::kAnd) {
      for (const Node& child : node.children) add(child);
    } else {
      if (host == nullptr && node.kind == Node::Kind::kTerm && node.term.field == Field::kHost)
        host = &node.term;
      own.push_back(node);
    }
  }

  [[nodiscard]] Query alert_query() const {
    if (alerts.empty()) return {};
    if (alerts.size() == 1) return Query{alerts.front()};
    Node all;
    all.kind = Node::Kind::kAnd;
    all.children = alerts;
    return Query{std::move(all)};
  }
};

bool host_is(const Term& term, std::string_view host) {
  const auto holds = [&](std::string_view name) {
    const std::string have = folded_value(name);
    if (have.empty()) return false;
    return term.compare == Compare::kPrefix ? have.starts_with(term.value) : have == term.value;
  };
  return holds(host) || (!term.exact && holds(short_host(host)));
}

bool class_is(const Term& term, std::string_view name) {
  const std::string have = slug(name);
  return term.compare == Compare::kPrefix ? have.starts_with(term.value) : have == term.value;
}

// The names in `sql` that the term means.
template <class Holds>
Result<std::vector<std::string>> names_among(sqlite::Database& db, const char* sql, Holds&& holds) {
  TOCSIN_TRY(auto query, db.prepare(sql));
  std::vector<std::string> out;
  while (true) {
    TOCSIN_TRY(const bool row, query.step());
    if (!row) return out;
    if (holds(query.text(0))) out.emplace_back(query.text(0));
  }
}

Result<std::vector<std::string>> hosts_meant(sqlite::Database& db, const Term& term) {
  return names_among(db, "SELECT DISTINCT host FROM host_counts WHERE unit = 86400",
                     [&](std::string_view host) { return host_is(term, host); });
}

// Conditions on "v" with their values.
class Compiler {
 public:
  Compiler(sqlite::Database& db, std::vector<Value>& values) : db_(db), values_(values) {}

  Result<std::string> condition(const Node& node) {
    if (asks_one_alert(node)) return of_alerts(Query{node});
    if (node.kind == Node::Kind::kTerm) return own(node.term);
    if (node.kind == Node::Kind::kNot) {
      TOCSIN_TRY(const std::string inner, condition(node.children.front()));
      return fmt::format("NOT ({})", inner);
    }
    if (node.kind == Node::Kind::kOr) return joined(node.children, " OR ");
    Plan plan;
    plan.add(node);
    return all_of(plan);
  }

  // Never empty.
  Result<std::string> all_of(const Plan& plan) {
    TOCSIN_TRY(std::string out, joined(plan.own, " AND "));
    if (plan.alerts.empty()) return out;
    const std::string alerts = of_alerts(plan.alert_query());
    return fmt::format("({} AND {})", out, alerts);
  }

  std::string among(std::string_view column, const std::vector<std::string>& names) {
    // Never true; a plain "0" would leave the planner without a use for the index it is given.
    if (names.empty()) return fmt::format("length({}) < 0", column);
    std::string marks;
    for (const std::string& name : names) {
      values_.emplace_back(name);
      marks += marks.empty() ? "?" : ",?";
    }
    return fmt::format("{} IN ({})", column, marks);
  }

 private:
  Result<std::string> joined(const std::vector<Node>& nodes, std::string_view by) {
    std::string out;
    for (const Node& node : nodes) {
      TOCSIN_TRY(const std::string part, condition(node));
      if (!out.empty()) out += by;
      out += part;
    }
    return nodes.empty() ? std::string("1") : "(" + out + ")";
  }

  std::string of_alerts(const Query& query) {
    Selection selection{compile_alerts(query, {}, "a.rowid"), {}};
    if (!selection.sql.match.empty()) values_.emplace_back(selection.sql.match);
    values_.emplace_back(selection.sql.first);
    values_.emplace_back(selection.sql.last);
    for (Value& value : selection.sql.values) values_.push_back(std::move(value));
    return selection.sql.match.empty()
               ? fmt::format("v.event_id IN (SELECT a.event_id {})", from_where(selection, ""))
               : fmt::format("v.event_id IN (SELECT f.event_id {})",
                             from_where(selection, "CROSS JOIN alerts f ON f.docid = a.rowid"));
  }

  std::string text(const Term& term, std::string_view column) {
    values_.emplace_back(term.value);
    if (term.compare != Compare::kPrefix) return fmt::format("tocsin_fold(v.{}) = ?", column);
    values_.emplace_back(term.value);
    return fmt::format("substr(tocsin_fold(v.{}), 1, length(?)) = ?", column);
  }

  std::string time(const Term& term) {
    values_.emplace_back(term.time);
    const char* const sign = term.compare == Compare::kLess        ? "<"
                             : term.compare == Compare::kLessEqual ? "<="
                             : term.compare == Compare::kGreater   ? ">"
                                                                   : ">=";
    return fmt::format("({}) {} ?", kVerdictTimeOfV, sign);
  }

  Result<std::string> own(const Term& term) {
    switch (term.field) {
      case Field::kHost: {
        TOCSIN_TRY(const auto hosts, hosts_meant(db_, term));
        return among("v.host", hosts);
      }
      case Field::kClass: {
        TOCSIN_TRY(const auto classes,
                   names_among(db_, "SELECT DISTINCT class FROM event_counts WHERE unit = 86400",
                               [&](std::string_view name) { return class_is(term, name); }));
        return among("v.class", classes);
      }
      case Field::kChannel:
        return text(term, "channel");
      case Field::kProvider:
        return text(term, "provider");
      case Field::kCode:
        return text(term, "event_code");
      case Field::kEventId:
        values_.emplace_back(Blob{term.value});
        return std::string("v.event_id = ?");
      case Field::kTraceId:
        values_.emplace_back(Blob{term.value});
        values_.emplace_back(Blob{term.value});
        return std::string(
            "((v.trace_id = ? AND v.trace_id <> v.event_id) OR"
            " (v.event_id = ? AND v.trace_id = v.event_id))");
      default:
        return time(term);
    }
  }

  sqlite::Database& db_;
  std::vector<Value>& values_;
};

constexpr UnixNanos kBegin = -9'100'000'000'000'000'000, kEnd = 9'100'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

// Looks for the verdicts of a plan, latest first, and gives each to `visit` until it is false.
class Search {
 public:
  using Visit = std::function<bool(const sqlite::Statement&)>;

  Search(sqlite::Database& db, const Query& query, const TimeRange& range, const char* columns)
      : db_(db), columns_(columns) {
    from_ = range.from.value_or(kBegin);
    to_ = range.to.value_or(kEnd);
    if (query.root) plan_.add(*query.root);
    // Ranges of time that all must meet.
    for (const Node& node : plan_.own)
      if (node.kind == Node::Kind::kTerm && node.term.field == Field::kTime) narrow(node.term);
  }

  Status run(const Visit& visit) {
    if (from_ >= to_) return {};
    if (asks_ids()) return by_id(visit);
    if (!plan_.alerts.empty()) return by_alerts(visit);
    return plan_.host != nullptr ? by_hosts(visit) : by_time(visit);
  }

 private:
  void narrow(const Term& term) {
    if (term.compare == Compare::kLess || term.compare == Compare::kLessEqual)
      to_ = std::min(to_, term.time + (term.compare == Compare::kLessEqual ? 1 : 0));
    else
      from_ = std::max(from_, term.time + (term.compare == Compare::kGreater ? 1 : 0));
  }

  [[nodiscard]] bool asks_ids() const {
    return std::any_of(plan_.own.begin(), plan_.own.end(), [](const Node& node) {
      return node.kind == Node::Kind::kTerm &&
             (node.term.field == Field::kEventId || node.term.field == Field::kTraceId);
    });
  }

  static Result<bool> each(sqlite::Statement& query, const Visit& visit) {
    while (true) {
      TOCSIN_TRY(const bool row, query.step());
      if (!row) return true;
      if (visit(query)) continue;
      query.reset();
      return false;
    }
  }

  Status by_id(const Visit& visit) {
    std::vector<Value> values;
    TOCSIN_TRY(const std::string condition, Compiler(db_, values).all_of(plan_));
    TOCSIN_TRY(auto query,
               db_.prepare(fmt::format("SELECT {} FROM verdicts v WHERE {} AND ({}) >= ? AND ({}) <"
                                       " ? ORDER BY ({}) DESC",
                                       columns_, condition, kVerdictTimeOfV, kVerdictTimeOfV,
                                       kVerdictTimeOfV)));
    const int index = bind_values(query, 1, values);
    query.bind(index, from_).bind(index + 1, to_);
    return done(each(query, visit));
  }

  // An event's alerts have its time, and are neighbours in the index.
  Status by_alerts(const Visit& visit) {
    TimeRange range{floor_div(from_, 1'000) * 1'000, to_};  // alerts are placed to the microsecond
    if (from_ == kBegin) range.from.reset();
    if (to_ == kEnd) range.to.reset();
    const Selection selection{compile_alerts(plan_.alert_query(), range, "a.rowid"), {}};
    Plan rest = plan_;
    rest.alerts.clear();
    std::vector<Value> values;
    TOCSIN_TRY(const std::string condition, Compiler(db_, values).all_of(rest));
    const bool indexed = !selection.sql.match.empty();
    const std::string joins =
        fmt::format("{} CROSS JOIN verdicts v ON v.event_id = {}.event_id",
                    indexed ? "CROSS JOIN alerts f ON f.docid = a.rowid" : "", indexed ? "f" : "a");
    TOCSIN_TRY(auto query,
               db_.prepare(fmt::format("SELECT {0} {1} AND {2} AND ({3}) >= ? AND ({3}) < ?"
                                       " ORDER BY a.rowid DESC",
                                       columns_, from_where(selection, joins), condition,
                                       kVerdictTimeOfV)));
    const int index = bind_values(query, bind(query, selection), values);
    query.bind(index, from_).bind(index + 1, to_);
    std::set<Uuid> seen;
    return done(each(query, [&](const sqlite::Statement& row) {
      return !seen.insert(uuid_of(row.blob(0))).second || visit(row);
    }));
  }

  // Hour by hour, those in which one of the hosts had events.
  Status by_hosts(const Visit& visit) {
    TOCSIN_TRY(const auto hosts, hosts_meant(db_, *plan_.host));
    if (hosts.empty()) return {};
    std::vector<Value> values, names;
    TOCSIN_TRY(const std::string condition, Compiler(db_, values).all_of(plan_));
    TOCSIN_TRY(auto query, db_.prepare(by_time_sql(condition)));
    TOCSIN_TRY(auto starts,
               db_.prepare(fmt::format("SELECT DISTINCT start FROM host_counts WHERE unit = ? AND"
                                       " start >= ? AND start < ? AND {} ORDER BY start DESC",
                                       Compiler(db_, names).among("host", hosts))));
    const auto read_starts = [&](std::int64_t unit, std::int64_t from,
                                 std::int64_t to) -> Result<std::vector<std::int64_t>> {
      starts.bind(1, unit).bind(2, from).bind(3, to);
      bind_values(starts, 4, names);
      std::vector<std::int64_t> out;
      while (true) {
        TOCSIN_TRY(const bool row, starts.step());
        if (!row) return out;
        out.push_back(starts.integer(0));
      }
    };
    const std::int64_t first = floor_div(from_, kSecond), end = floor_div(to_ - 1, kSecond) + 1;
    TOCSIN_TRY(const auto days, read_starts(kDay, floor_div(first, kDay) * kDay, end));
    for (const std::int64_t day : days) {
      TOCSIN_TRY(const auto hours, read_starts(kHour, day, day + kDay));
      for (const std::int64_t hour : hours) {
        query.bind(1, std::max(from_, hour * kSecond));
        query.bind(2, std::min(to_, (hour + kHour) * kSecond));
        bind_values(query, 3, values);
        TOCSIN_TRY(const bool on, each(query, visit));
        if (!on) return {};
      }
    }
    return {};
  }

  Status by_time(const Visit& visit) {
    std::vector<Value> values;
    TOCSIN_TRY(const std::string condition, Compiler(db_, values).all_of(plan_));
    TOCSIN_TRY(auto query, db_.prepare(by_time_sql(condition)));
    query.bind(1, from_).bind(2, to_);
    bind_values(query, 3, values);
    return done(each(query, visit));
  }

  [[nodiscard]] std::string by_time_sql(const std::string& condition) const {
    // A class other than None is that of a detection, of which there is an index of its own.
    return fmt::format(
        "SELECT {0} FROM verdicts v INDEXED BY {1} WHERE ({2}) >= ? AND ({2}) < ?{3} AND {4}"
        " ORDER BY ({2}) DESC",
        columns_, wants_detections() ? "verdicts_detected" : "verdicts_by_time", kVerdictTimeOfV,
        wants_detections() ? " AND rules <> ''" : "", condition);
  }

  [[nodiscard]] bool wants_detections() const {
    return std::any_of(plan_.own.begin(), plan_.own.end(), [](const Node& node) {
      return node.kind == Node::Kind::kTerm && node.term.field == Field::kClass &&
             !class_is(node.term, "None");
    });
  }

  static Status done(const Result<bool>& result) {
    if (!result) return tl::unexpected(result.error());
    return {};
  }

  sqlite::Database& db_;
  const char* columns_;
  Plan plan_;
  UnixNanos from_ = 0, to_ = 0;
};

std::optional<LogPosition> position_of(const sqlite::Statement& row, int first_column) {
  const std::string_view topic = row.text(first_column);
  const std::int64_t offset = row.integer(first_column + 2);
  if (topic.empty() || offset < 0) return std::nullopt;
  return LogPosition{std::string(topic), static_cast<std::int32_t>(row.integer(first_column + 1)),
                     offset};
}

}  // namespace

EventRecord verdict_of(const sqlite::Statement& row) {
  EventRecord event;
  event.event_id = uuid_of(row.blob(0));
  event.trace_id = uuid_of(row.blob(1)).bytes;
  event.classified_at = row.integer(3);
  event.time = effective_time(row.integer(2), event.classified_at);
  event.host = row.text(4);
  event.channel = row.text(5);
  event.provider = row.text(6);
  event.code = row.text(7);
  event.event_class = row.text(8);
  event.level = row.text(9);
  event.tactics = strings(row.text(10));
  event.techniques = strings(row.text(11));
  event.rules = strings(row.text(12));
  event.score = row.integer(13);
  event.latency_us = row.integer(14);
  event.source = position_of(row, 15);
  return event;
}

Status each_verdict(sqlite::Database& db, const Query& query, const TimeRange& range,
                    std::size_t limit, const std::function<void(const EventRecord&)>& visit) {
  if (limit == 0) return {};
  std::size_t found = 0;
  return Search(db, query, range, kVerdictColumns).run([&](const sqlite::Statement& row) {
    visit(verdict_of(row));
    return ++found < limit;
  });
}

Result<std::int64_t> count_verdicts(sqlite::Database& db, const Query& query,
                                    const TimeRange& range) {
  std::int64_t count = 0;
  TOCSIN_TRY_STATUS(Search(db, query, range, "v.event_id").run([&](const sqlite::Statement&) {
    return ++count > 0;
  }));
  return count;
}

}  // namespace tocsin::store::search
