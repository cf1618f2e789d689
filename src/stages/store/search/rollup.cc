// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/rollup.h"

#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "stages/store/search/group_sums.h"

namespace tocsin::store::search {
namespace {

constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
// What is younger is read anew: events of several hosts come in no strict order.
constexpr std::int64_t kRecent = std::int64_t{10} * 60 * 1'000'000 * kDocsOfMicrosecond;
constexpr std::chrono::hours kTrusted{1};

constexpr std::array kKept = {GroupBy::kHost, GroupBy::kUser, GroupBy::kTactic, GroupBy::kTechnique,
                              GroupBy::kLevel};

std::size_t place_of(GroupBy by) {
  return static_cast<std::size_t>(std::find(kKept.begin(), kKept.end(), by) - kKept.begin());
}

using Incidents = ByName<std::vector<GroupSum>>;

// `later` begins after all that `list` has.
void append_incidents(std::vector<GroupSum>& list, const std::vector<GroupSum>& later) {
  for (const GroupSum& sum : later) {
    if (!list.empty() && sum.first - list.back().last < kIncidentGap)
      list.back().add(sum);
    else
      list.push_back(sum);
  }
}

}  // namespace

struct Rollup::Books {
  std::array<ByName<GroupSum>, kKept.size()> sums;
  Incidents incidents;
  std::int64_t count = 0, scores = 0, first = 0, last = 0;

  // Every alert is open here; what is done is taken off when groups are made.
  void enter(const Fact& fact, NameNumbers& numbers) {
    Fact open = fact;
    open.status = "new";
    const std::uint32_t host = numbers.of(fact.host);
    for (std::size_t i = 0; i < kKept.size(); ++i)
      each_key(open, kKept[i],
               [&](std::string_view key) { at_name(sums[i], key).add(open, host); });
    add_to_incidents(at_name(incidents, open.host), open);
    if (count++ == 0) first = fact.docid;
    last = fact.docid;
    scores += fact.score;
  }

  NameNumbers hosts;  // of the sealed books; recent ones are numbered by them, too
};

struct Rollup::Totals {
  std::int64_t count = 0, scores = 0, first = 0, last = 0;
};

Rollup::Rollup()
    : sealed_(std::make_unique<Books>()),
      sealed_until_(kFirst),
      begun_(std::chrono::steady_clock::now()) {}
Rollup::~Rollup() = default;

void Rollup::forget() {
  *sealed_ = Books();
  sealed_until_ = kFirst;
  begun_ = std::chrono::steady_clock::now();
}

Result<Rollup::Totals> Rollup::read_totals(sqlite::Database& db) const {
  TOCSIN_TRY(auto query, db.prepare("SELECT total(alerts), total(alerts * score),"
                                    " (SELECT min(docid) FROM alerts),"
                                    " (SELECT max(docid) FROM alerts) FROM rule_hosts"));
  TOCSIN_TRY(const bool row, query.step());
  if (!row) return Totals();
  return Totals{query.integer(0), query.integer(1), query.integer(2), query.integer(3)};
}

bool Rollup::holds(const Totals& totals, const Books& recent) const {
  if (sealed_->count + recent.count != totals.count ||
      sealed_->scores + recent.scores != totals.scores)
    return false;
  if (totals.count == 0) return true;
  return totals.first == (sealed_->count > 0 ? sealed_->first : recent.first) &&
         totals.last == (recent.count > 0 ? recent.last : sealed_->last);
}

// In order, so that what was read before a failure is whole.
Status Rollup::seal(sqlite::Database& db, std::int64_t until) {
  Selection selection;
  selection.sql.first = sealed_until_;
  selection.sql.last = until - 1;
  TOCSIN_TRY_STATUS(each_fact(db, selection, [&](const Fact& fact) {
    sealed_->enter(fact, sealed_->hosts);
    sealed_until_ = fact.docid + 1;
  }));
  sealed_until_ = until;
  return {};
}

Status Rollup::read_recent(sqlite::Database& db, Books& recent) const {
  Selection selection;
  selection.sql.first = sealed_until_;
  return each_fact(db, selection, [&](const Fact& fact) { recent.enter(fact, sealed_->hosts); });
}

namespace {

struct Incident {
  const GroupSum* sum = nullptr;
  std::string_view host;
};

// Of each host those of both books, in the order of time. `joined` keeps what had to be put
// together.
std::vector<Incident> all_incidents(const Incidents& sealed, const Incidents& recent,
                                    std::deque<std::vector<GroupSum>>& joined) {
  std::vector<Incident> out;
  const auto add = [&](std::string_view host, const std::vector<GroupSum>& incidents) {
    for (const GroupSum& sum : incidents) out.push_back({&sum, host});
  };
  for (const auto& [host, incidents] : sealed) {
    const auto later = recent.find(host);
    if (later == recent.end()) {
      add(host, incidents);
    } else {
      append_incidents(joined.emplace_back(incidents), later->second);
      add(host, joined.back());
    }
  }
  for (const auto& [host, incidents] : recent)
    if (!sealed.contains(host)) add(host, incidents);
  return out;
}

// Only of those that are shown a text is made: there may be a hundred thousand.
Result<std::vector<AlertGroup>> kept_incidents(sqlite::Database& db, const Incidents& sealed,
                                               const Incidents& recent) {
  ByName<std::vector<std::int64_t>> done;  // docids by host
  TOCSIN_TRY_STATUS(
      each_done(db, [&](const Fact& fact) { at_name(done, fact.host).push_back(fact.docid); }));
  std::deque<std::vector<GroupSum>> joined;
  std::vector<Incident> incidents = all_incidents(sealed, recent, joined);
  const auto end_of = [](const Incident& one) { return time_of_docid(one.sum->last); };
  if (incidents.size() > kIncidentsMax) {
    const auto cut = incidents.begin() + static_cast<std::ptrdiff_t>(kIncidentsMax);
    std::nth_element(incidents.begin(), cut, incidents.end(),
                     [&](const Incident& a, const Incident& b) { return end_of(a) > end_of(b); });
    // With all that ended at the same moment as the last: which of them stay is told by their keys.
    const UnixNanos last = end_of(*cut);
    std::erase_if(incidents, [&](const Incident& one) { return end_of(one) < last; });
  }
  std::vector<AlertGroup> out;
  for (const Incident& one : incidents) {
    out.push_back(incident_group(*one.sum, one.host));
    if (const auto found = done.find(one.host); found != done.end())
      out.back().open -= std::count_if(
          found->second.begin(), found->second.end(),
          [&](std::int64_t docid) { return docid >= one.sum->first && docid <= one.sum->last; });
  }
  sort_latest_first(out);
  return out;
}

Result<std::vector<AlertGroup>> kept_sums(sqlite::Database& db, GroupBy by,
                                          const ByName<GroupSum>& sealed,
                                          const ByName<GroupSum>& recent) {
  ByName<std::int64_t> done;
  TOCSIN_TRY_STATUS(each_done(db, [&](const Fact& fact) {
    each_key(fact, by, [&](std::string_view key) { ++at_name(done, key); });
  }));
  std::vector<AlertGroup> out;
  const auto write = [&](const std::string& key, const GroupSum& sum) {
    out.push_back(sum.group(key));
    if (const auto found = done.find(key); found != done.end()) out.back().open -= found->second;
  };
  for (const auto& [key, sum] : sealed) {
    const auto later = recent.find(key);
    if (later == recent.end()) {
      write(key, sum);
    } else {
      GroupSum both = sum;
      both.add(later->second);
      write(key, both);
    }
  }
  for (const auto& [key, sum] : recent)
    if (!sealed.contains(key)) write(key, sum);
  sort_most_first(out);
  return out;
}

}  // namespace

Result<std::vector<AlertGroup>> Rollup::groups(sqlite::Database& db, GroupBy by) {
  const std::lock_guard lock(mutex_);
  TOCSIN_TRY(const Totals totals, read_totals(db));
  if (std::chrono::steady_clock::now() - begun_ > kTrusted) forget();
  Books recent;
  // Once more from the beginning when it does not add up; then it is what the rows say.
  for (bool again : {true, false}) {
    if (totals.count > 0 && totals.last - kRecent > sealed_until_)
      TOCSIN_TRY_STATUS(seal(db, totals.last - kRecent));
    recent = Books();
    TOCSIN_TRY_STATUS(read_recent(db, recent));
    if (!again || holds(totals, recent)) break;
    forget();
  }
  if (by == GroupBy::kIncident) return kept_incidents(db, sealed_->incidents, recent.incidents);
  const std::size_t place = place_of(by);
  return kept_sums(db, by, sealed_->sums[place], recent.sums[place]);
}

}  // namespace tocsin::store::search
