// SPDX-License-Identifier: Apache-2.0
//
// Whether a cluster has and permits what the pipeline needs, and what to do when it does not.
//
//   brokers, properties, needs -> connection, brokers, topics, permissions, group -> Findings
//
// Permissions are found by trying, in ways that change nothing: a produce request with a number of
// acknowledgements that brokers refuse after they have looked at the ACLs, an offset for a topic
// that does not exist. A transactional id is tried by registering it; brokers forget it after a
// week.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/bus/bus.h"

namespace tocsin::bus::kafka {

enum class Health : std::uint8_t { kGood, kNote, kProblem };

struct Finding {
  std::string what;
  Health health = Health::kGood;
  std::string found;
  std::string advice;  // what to do; empty when all is well
};

struct TopicNeed {
  std::string name;
  bool read = false;
  bool write = false;
};

struct HealthNeeds {
  std::vector<TopicNeed> topics;
  std::string group;             // that reads the topic of events; empty: none is needed
  std::string transactional_id;  // of a writer in transactions; empty: none is needed
  bool probe = false;  // measure the clock of the broker, with a topic that is deleted afterwards
};

// Takes seconds; a cluster that does not answer, some ten. Threads: any.
[[nodiscard]] std::vector<Finding> check_health(
    const std::string& brokers, const std::map<std::string, std::string>& properties,
    const HealthNeeds& needs);

// "3.8 or 3.9" from the newest version of Produce requests that a broker takes.
[[nodiscard]] std::string release_of(int produce_version_max);

}  // namespace tocsin::bus::kafka
