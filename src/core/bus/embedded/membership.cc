// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/membership.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "base/log.h"

namespace tocsin::bus::embedded {
namespace {

// The machine's monotonic clock, which all of its processes share: a set clock throws out nobody.
std::int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

Result<std::int64_t> find_or_create_group(Database& database, const std::string& name) {
  std::int64_t id = 0;
  const Status written = database.write([&]() -> Status {
    TOCSIN_TRY_STATUS(database.run("INSERT OR IGNORE INTO consumer_groups(name) VALUES(?1)", name));
    return database.each(
        "SELECT id FROM consumer_groups WHERE name = ?1",
        [&](const Row& row) { id = row.integer(0); }, name);
  });
  TOCSIN_TRY_STATUS(written);
  return id;
}

}  // namespace

std::vector<SharedPartition> share_out(std::vector<SharedPartition> partitions,
                                       const std::vector<MemberRow>& members, std::int64_t member) {
  std::vector<SharedPartition> mine;
  std::size_t turn = 0;
  for (SharedPartition& partition : partitions) {
    std::vector<std::int64_t> readers;
    for (const MemberRow& row : members)
      if (std::find(row.topics.begin(), row.topics.end(), partition.topic) != row.topics.end())
        readers.push_back(row.id);
    if (readers.empty()) continue;
    std::sort(readers.begin(), readers.end());
    if (readers[turn++ % readers.size()] == member) mine.push_back(std::move(partition));
  }
  return mine;
}

Membership::Membership(const Settings& settings, ConsumerOptions options)
    : settings_(settings), options_(std::move(options)) {}

Result<std::unique_ptr<Membership>> Membership::open(const Settings& settings,
                                                     ConsumerOptions options) {
  std::unique_ptr<Membership> made(new Membership(settings, std::move(options)));
  TOCSIN_TRY(made->beat_database_, Database::open({.path = settings.path,
                                                   .synchronous_full = settings.synchronous_full,
                                                   .page_count_max = settings.page_count_max,
                                                   .busy_wait = Milliseconds(1'000)}));
  TOCSIN_TRY(made->group_, find_or_create_group(*made->beat_database_, made->options_.group));
  made->beating_ = std::thread([self = made.get()] { self->beat_until_stopped(); });
  return made;
}

Membership::~Membership() { stop_beating(); }

void Membership::stop_beating() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (beating_.joinable()) beating_.join();
}

// Its own thread, so that a member with a long batch in hand is not taken for dead.
void Membership::beat_until_stopped() {
  const Milliseconds pause =
      std::clamp(options_.session_timeout / 4, Milliseconds(20), Milliseconds(1'000));
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, pause, [&] { return stopping_; })) {
    lock.unlock();
    beat();
    lock.lock();
  }
}

void Membership::beat() {
  Database& database = *beat_database_;
  const std::int64_t member = member_;
  if (member == 0) return;
  const Status status = database.write([&]() -> Status {
    TOCSIN_TRY_STATUS(
        database.run("UPDATE members SET beat_ms = ?2 WHERE id = ?1", member, monotonic_ms()));
    return expire_silent(database);
  });
  if (!status) log_debug("bus: heartbeat: {}", status.error().message);
}

Result<std::int64_t> Membership::generation(Database& database) {
  std::int64_t generation = 0;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT generation FROM consumer_groups WHERE id = ?1",
      [&](const Row& row) { generation = row.integer(0); }, group_));
  return generation;
}

Status Membership::bump(Database& database) {
  return database.run("UPDATE consumer_groups SET generation = generation + 1 WHERE id = ?1",
                      group_);
}

Result<bool> Membership::changed(Database& database) {
  if (member_ == 0) return true;
  TOCSIN_TRY(const std::int64_t now, generation(database));
  return now != generation_;
}

Status Membership::ensure_member(Database& database) {
  bool known = false;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT 1 FROM members WHERE id = ?1", [&](const Row&) { known = true; }, member_.load()));
  if (known) return {};
  std::int64_t id = 0;
  TOCSIN_TRY_STATUS(database.each(
      "INSERT INTO members(consumer_group, client, session_ms, beat_ms) VALUES(?1, ?2, ?3, ?4) "
      "RETURNING id",
      [&](const Row& row) { id = row.integer(0); }, group_, options_.client_id,
      std::int64_t{options_.session_timeout.count()}, monotonic_ms()));
  for (const std::string& topic : options_.topics)
    TOCSIN_TRY_STATUS(database.run(
        "INSERT OR IGNORE INTO subscriptions(member, topic) VALUES(?1, ?2)", id, topic));
  member_ = id;
  return bump(database);
}

// A beat from the future is from before the machine's last start.
Status Membership::expire_silent(Database& database) {
  std::vector<std::int64_t> silent;
  const std::int64_t now = monotonic_ms();
  TOCSIN_TRY_STATUS(database.each(
      "SELECT id FROM members WHERE consumer_group = ?1 AND (beat_ms + session_ms < ?2 OR "
      "beat_ms > ?2 + 60000)",
      [&](const Row& row) { silent.push_back(row.integer(0)); }, group_, now));
  for (const std::int64_t member : silent) {
    TOCSIN_TRY_STATUS(database.run("DELETE FROM members WHERE id = ?1", member));
    TOCSIN_TRY_STATUS(database.run("DELETE FROM subscriptions WHERE member = ?1", member));
    TOCSIN_TRY_STATUS(database.run("DELETE FROM owners WHERE consumer_group = ?1 AND member = ?2",
                                   group_, member));
  }
  return silent.empty() ? Status{} : bump(database);
}

Result<std::vector<SharedPartition>> Membership::wanted(Database& database) {
  std::map<std::int64_t, MemberRow> members;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT m.id, s.topic FROM members m JOIN subscriptions s ON s.member = m.id "
      "WHERE m.consumer_group = ?1",
      [&](const Row& row) {
        MemberRow& member = members[row.integer(0)];
        member.id = row.integer(0);
        member.topics.emplace_back(row.text(1));
      },
      group_));
  std::vector<SharedPartition> partitions;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT p.id, t.name, p.number FROM partitions p JOIN topics t ON p.topic = t.id "
      "WHERE t.name IN (SELECT s.topic FROM members m JOIN subscriptions s ON s.member = m.id "
      "WHERE m.consumer_group = ?1) ORDER BY t.name, p.number",
      [&](const Row& row) {
        partitions.push_back(
            {row.integer(0), std::string(row.text(1)), static_cast<std::int32_t>(row.integer(2))});
      },
      group_));
  std::vector<MemberRow> rows;
  for (auto& [id, member] : members) rows.push_back(std::move(member));
  return share_out(std::move(partitions), rows, member_);
}

Result<Claim> Membership::claim(Database& database, const SharedPartition& partition) {
  TOCSIN_TRY_STATUS(
      database.run("INSERT INTO owners(consumer_group, partition, member) VALUES(?1, ?2, ?3)",
                   group_, partition.id, member_.load()));
  Claim claim{partition, 0};
  bool committed = false;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT p.first_offset, p.end_offset, o.committed FROM partitions p LEFT JOIN offsets o "
      "ON o.partition = p.id AND o.consumer_group = ?1 WHERE p.id = ?2",
      [&](const Row& row) {
        committed = !row.is_null(2);
        if (committed)
          claim.position =
              row.integer(2);  // even where retention cut it off: the reader tells the gap
        else
          claim.position = row.integer(options_.start == StartAt::kEarliest ? 0 : 1);
      },
      group_, partition.id));
  return claim;
}

Result<Round> Membership::sync(Database& database,
                               const std::function<bool(PartitionId)>& may_release) {
  Round round;
  const std::int64_t member_before = member_;
  std::int64_t generation_after = generation_;
  const Status status = database.write([&]() -> Status {
    round = {};
    TOCSIN_TRY_STATUS(ensure_member(database));
    TOCSIN_TRY_STATUS(expire_silent(database));
    TOCSIN_TRY(const std::vector<SharedPartition> mine, wanted(database));
    std::set<PartitionId> taken;  // by anyone
    std::set<PartitionId> owned;
    TOCSIN_TRY_STATUS(database.each(
        "SELECT partition, member FROM owners WHERE consumer_group = ?1",
        [&](const Row& row) {
          taken.insert(row.integer(0));
          if (row.integer(1) == member_) owned.insert(row.integer(0));
        },
        group_));
    for (const PartitionId id : owned) {
      const bool keep = std::any_of(mine.begin(), mine.end(),
                                    [&](const SharedPartition& p) { return p.id == id; });
      if (!keep && may_release(id)) {
        TOCSIN_TRY_STATUS(database.run(
            "DELETE FROM owners WHERE consumer_group = ?1 AND partition = ?2", group_, id));
        TOCSIN_TRY_STATUS(bump(database));
        continue;
      }
      round.owned.push_back(id);
      if (!keep) round.unwanted.push_back(id);
    }
    for (const SharedPartition& partition : mine) {
      if (taken.contains(partition.id)) continue;
      TOCSIN_TRY(Claim claimed, claim(database, partition));
      round.claimed.push_back(std::move(claimed));
    }
    TOCSIN_TRY(generation_after, generation(database));
    return {};
  });
  if (!status) {
    member_ = member_before;
    return tl::unexpected(status.error());
  }
  generation_ = generation_after;
  return round;
}

// False when one of the partitions is not ours; the others are stored all the same.
Result<bool> Membership::store_progress(Database& database, const std::vector<Progress>& progress) {
  bool ours = true;
  for (const Progress& done : progress) {
    TOCSIN_TRY_STATUS(database.run(
        "INSERT INTO offsets(consumer_group, partition, committed) "
        "SELECT ?1, ?2, ?3 WHERE EXISTS(SELECT 1 FROM owners WHERE consumer_group = ?1 AND "
        "partition = ?2 AND member = ?4) ON CONFLICT DO UPDATE SET committed = "
        "max(committed, excluded.committed)",
        group_, done.partition, done.next_offset, member_.load()));
    ours = ours && database.changes() > 0;
  }
  return ours;
}

tl::unexpected<Error> Membership::not_ours() const {
  return fail(ErrorCode::kStale, "group " + options_.group +
                                     ": a partition of the batch belongs to another member now");
}

Status Membership::commit(Database& database, const std::vector<Progress>& progress) {
  bool ours = true;
  const Status written = database.write([&]() -> Status {
    TOCSIN_TRY(ours, store_progress(database, progress));
    return {};
  });
  TOCSIN_TRY_STATUS(written);
  return ours ? Status{} : not_ours();
}

Status Membership::commit_with(Database& database, const std::vector<Progress>& progress,
                               const std::function<Status()>& more) {
  return database.write([&]() -> Status {
    TOCSIN_TRY(const bool ours, store_progress(database, progress));
    return ours ? more() : not_ours();
  });
}

Result<std::optional<std::int64_t>> Membership::committed(Database& database, PartitionId id) {
  std::optional<std::int64_t> committed;
  TOCSIN_TRY_STATUS(database.each(
      "SELECT committed FROM offsets WHERE consumer_group = ?1 AND partition = ?2",
      [&](const Row& row) { committed = row.integer(0); }, group_, id));
  return committed;
}

void Membership::leave(Database& database) {
  stop_beating();
  const std::int64_t member = member_;
  if (member == 0) return;
  const Status status = database.write([&]() -> Status {
    TOCSIN_TRY_STATUS(database.run("DELETE FROM members WHERE id = ?1", member));
    TOCSIN_TRY_STATUS(database.run("DELETE FROM subscriptions WHERE member = ?1", member));
    TOCSIN_TRY_STATUS(database.run("DELETE FROM owners WHERE consumer_group = ?1 AND member = ?2",
                                   group_, member));
    return bump(database);
  });
  if (!status) log_debug("bus: leaving group {}: {}", options_.group, status.error().message);
  member_ = 0;
}

}  // namespace tocsin::bus::embedded
