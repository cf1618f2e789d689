// SPDX-License-Identifier: Apache-2.0
//
// Membership: one consumer's place in its group, kept in the bus file so that every process sees
// the same.
//
//   join -> members, subscriptions -> share_out() (same rows, same answer) -> owners -> claim /
//   release
//
// A partition has at most one owner. A member that should give one up does so itself, after its
// batch is committed; only a member that has been silent for its session timeout is thrown out by
// the others.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/embedded/embedded_bus.h"
#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/partition_log.h"

namespace tocsin::bus::embedded {

struct SharedPartition {
  PartitionId id = 0;
  std::string topic;
  std::int32_t number = 0;
};

struct MemberRow {
  std::int64_t id = 0;  // in order of joining
  std::vector<std::string> topics;
};

// Which of `partitions` (in order) the member gets: in turn among the members that subscribe to the
// topic.
[[nodiscard]] std::vector<SharedPartition> share_out(std::vector<SharedPartition> partitions,
                                                     const std::vector<MemberRow>& members,
                                                     std::int64_t member);

// What a round of sync() changed.
struct Claim {
  SharedPartition partition;
  std::int64_t position = 0;  // where to read on
};
struct Round {
  std::vector<PartitionId> owned;     // before the claims
  std::vector<PartitionId> unwanted;  // owned, and to be given up when nothing of it is in hand
  std::vector<Claim> claimed;
};

struct Progress {
  PartitionId partition = 0;
  std::int64_t next_offset = 0;  // the first that is not done
};

// Threads:   one thread (the consumer's); the heartbeat has its own thread and connection.
// Errors:    those of Database.
class Membership {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Membership>> open(const Settings& settings,
                                                                ConsumerOptions options);
  ~Membership();

  // True when somebody joined, left, gave up a partition, or a topic changed since the last sync().
  [[nodiscard]] Result<bool> changed(Database& database);
  // Joins when not (or no longer) a member, throws out the silent, gives up those partitions for
  // which `may_release` says yes, and claims what is free and ours.
  [[nodiscard]] Result<Round> sync(Database& database,
                                   const std::function<bool(PartitionId)>& may_release);
  // kStale when one of the partitions is not ours; the others are committed all the same.
  [[nodiscard]] Status commit(Database& database, const std::vector<Progress>& progress);
  // Runs `more` in the transaction of the commit. kStale when one of the partitions is not ours:
  // then, and on any other error, nothing is done.
  [[nodiscard]] Status commit_with(Database& database, const std::vector<Progress>& progress,
                                   const std::function<Status()>& more);
  // Empty: nothing yet.
  [[nodiscard]] Result<std::optional<std::int64_t>> committed(Database& database, PartitionId id);
  void leave(Database& database);

 private:
  [[nodiscard]] Result<bool> store_progress(Database& database,
                                            const std::vector<Progress>& progress);
  [[nodiscard]] tl::unexpected<Error> not_ours() const;
  Membership(const Settings& settings, ConsumerOptions options);
  void beat_until_stopped();
  void beat();
  void stop_beating();

  [[nodiscard]] Status ensure_member(Database& database);
  [[nodiscard]] Status expire_silent(Database& database);
  [[nodiscard]] Result<std::vector<SharedPartition>> wanted(Database& database);
  [[nodiscard]] Result<Claim> claim(Database& database, const SharedPartition& partition);
  [[nodiscard]] Status bump(Database& database);
  [[nodiscard]] Result<std::int64_t> generation(Database& database);

  const Settings settings_;
  const ConsumerOptions options_;
  std::int64_t group_ = 0;
  std::atomic<std::int64_t> member_{0};  // 0: not a member
  std::int64_t generation_ = -1;

  std::unique_ptr<Database> beat_database_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread beating_;
};

}  // namespace tocsin::bus::embedded
