// SPDX-License-Identifier: Apache-2.0
//
// A small random estate in a database, and the meaning of a search on it, written down once more
// and plainly: the search of an Archive must agree.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "core/event/verdict.h"
#include "stages/store/search/records.h"

namespace tocsin::test {

// One alert with what people said of it.
struct Known {
  Alert alert;
  std::string status = "new", assignee;

  [[nodiscard]] UnixNanos time() const {
    return alert.timestamp != 0 ? alert.timestamp : alert.created;
  }
};

[[nodiscard]] bool matches(const store::search::Node& node, const Known& known);
[[nodiscard]] bool matches(const store::search::AlertFilter& filter, const Known& known);
[[nodiscard]] std::string text_of(const store::search::Query& query);

class World {
 public:
  explicit World(std::mt19937& random);

  // The alerts by the sink, in random batches; the triage by Triage.
  void write(const std::string& path);

  [[nodiscard]] std::vector<std::size_t> matching(const store::search::AlertFilter& filter) const;
  [[nodiscard]] std::vector<Uuid> matching_verdicts(const store::search::Query& query,
                                                    const store::search::TimeRange& range) const;
  [[nodiscard]] std::size_t number_of(const Uuid& alert_id) const;
  [[nodiscard]] const std::vector<Known>& alerts() const { return alerts_; }
  [[nodiscard]] const std::vector<Verdict>& verdicts() const { return verdicts_; }

  store::search::Query random_query();
  UnixNanos random_time();
  std::vector<std::string> random_statuses();
  std::string random_host();
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

 private:
  template <class List>
  const std::string& any(const List& list);
  std::string random_value();
  store::search::Node random_node(int depth);
  store::search::Node random_term();
  void make_event(unsigned number);
  [[nodiscard]] bool holds(const store::search::Node& node, const Verdict& verdict) const;
  [[nodiscard]] bool one_alert_holds(const std::vector<store::search::Node>& all,
                                     const Verdict& verdict) const;

  std::mt19937& random_;
  std::vector<Verdict> verdicts_;
  std::vector<Known> alerts_;
};

}  // namespace tocsin::test
