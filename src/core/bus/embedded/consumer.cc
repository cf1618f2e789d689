// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/log.h"
#include "core/bus/embedded/membership.h"
#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/partition_log.h"
#include "core/bus/embedded/transactions.h"
#include "core/bus/embedded/waiter.h"

namespace tocsin::bus::embedded {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Even when nobody says that the group changed, look: a topic may have been created.
constexpr Milliseconds kSyncInterval{1'000};

struct Owned {
  Cursor cursor;
  std::int64_t began = -1;      // where the group was when it was claimed
  std::int64_t delivered = -1;  // the next offset after what the caller has in hand
  std::int64_t committed = -1;
  bool unwanted = false;  // to be given up
  SteadyClock::time_point unwanted_since;

  [[nodiscard]] bool in_hand() const { return committed < delivered; }
};

class EmbeddedConsumer final : public Consumer, public CommitPoint {
 public:
  EmbeddedConsumer(const Settings& settings, ConsumerOptions options,
                   std::unique_ptr<Database> database, std::unique_ptr<Membership> membership)
      : settings_(settings),
        options_(std::move(options)),
        database_(std::move(database)),
        membership_(std::move(membership)),
        signal_(Signal::of(settings.path)) {}
  ~EmbeddedConsumer() override { close(); }

  Result<Batch> poll(std::size_t messages_max, Milliseconds timeout) override;
  Status commit(const Offsets& offsets) override;
  Status rewind() override;
  Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
      TransactionOptions options) override {
    return embedded::open_transactional_producer(settings_, std::move(options), *this);
  }
  Status commit_with(const Offsets& offsets, const std::function<Status(Database&)>& more) override;
  std::vector<TopicPartition> assignment() override;
  std::vector<PartitionPosition> positions() override;
  void close() override;

 private:
  [[nodiscard]] Status follow_group();
  [[nodiscard]] Status sync();
  void apply(const Round& round);
  [[nodiscard]] bool may_release(PartitionId id) const;
  [[nodiscard]] Status read(BatchBuilder& builder, std::size_t messages_max);
  [[nodiscard]] Owned* find(const TopicPartition& where);
  // False when a partition is not ours; the others are in `rows` all the same.
  [[nodiscard]] bool progress_of(const Offsets& offsets, std::vector<Progress>& rows);
  void note_committed(const std::vector<Progress>& rows);
  void tell_loss(const TopicPartition& where, std::int64_t first, std::int64_t next) const;

  const Settings settings_;
  const ConsumerOptions options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Membership> membership_;
  std::shared_ptr<Signal> signal_;
  std::map<PartitionId, Owned> owned_;
  PartitionId last_served_ = 0;
  SteadyClock::time_point last_sync_;
  bool closed_ = false;
};

Result<Batch> EmbeddedConsumer::poll(std::size_t messages_max, Milliseconds timeout) {
  if (closed_) return fail(ErrorCode::kInvalid, "the consumer is closed");
  Waiter waiter(signal_, timeout);
  while (true) {
    TOCSIN_TRY_STATUS(follow_group());
    BatchBuilder builder;
    TOCSIN_TRY_STATUS(read(builder, messages_max));
    if (builder.size() > 0) return builder.finish();
    TOCSIN_TRY(const bool again, waiter.wait(*database_));
    if (!again) return Batch{};
  }
}

Status EmbeddedConsumer::follow_group() {
  TOCSIN_TRY(bool due, membership_->changed(*database_));
  due = due || SteadyClock::now() - last_sync_ >= kSyncInterval;
  for (const auto& [id, owned] : owned_) due = due || (owned.unwanted && may_release(id));
  return due ? sync() : Status{};
}

Status EmbeddedConsumer::sync() {
  TOCSIN_TRY(const Round round,
             membership_->sync(*database_, [this](PartitionId id) { return may_release(id); }));
  apply(round);
  last_sync_ = SteadyClock::now();
  if (!round.claimed.empty()) signal_->notify();
  return {};
}

// What the caller has in hand is committed first; a caller that never commits is waited for only so
// long.
bool EmbeddedConsumer::may_release(PartitionId id) const {
  const auto found = owned_.find(id);
  if (found == owned_.end() || !found->second.in_hand()) return true;
  return found->second.unwanted &&
         SteadyClock::now() - found->second.unwanted_since >= options_.session_timeout;
}

void EmbeddedConsumer::apply(const Round& round) {
  std::erase_if(owned_, [&](const auto& entry) {
    return std::find(round.owned.begin(), round.owned.end(), entry.first) == round.owned.end();
  });
  for (auto& [id, owned] : owned_) {
    const bool unwanted =
        std::find(round.unwanted.begin(), round.unwanted.end(), id) != round.unwanted.end();
    if (unwanted && !owned.unwanted) owned.unwanted_since = SteadyClock::now();
    owned.unwanted = unwanted;
  }
  for (const Claim& claim : round.claimed) {
    owned_.insert_or_assign(
        claim.partition.id,
        Owned{.cursor = Cursor(claim.partition.id,
                               std::make_shared<const std::string>(claim.partition.topic),
                               claim.partition.number, claim.position),
              .began = claim.position,
              .unwanted_since = {}});
  }
}

// One after the other, beginning behind the one that was served last, so that none starves.
Status EmbeddedConsumer::read(BatchBuilder& builder, std::size_t messages_max) {
  auto next = owned_.upper_bound(last_served_);
  for (std::size_t i = 0; i < owned_.size() && builder.size() < messages_max; ++i, ++next) {
    if (next == owned_.end()) next = owned_.begin();
    Owned& owned = next->second;
    if (owned.unwanted) continue;
    const std::size_t before = builder.size();
    TOCSIN_TRY_STATUS(owned.cursor.read(*database_, builder, messages_max));
    if (const auto gap = owned.cursor.take_gap())
      tell_loss(owned.cursor.where(), gap->first, gap->next);
    if (builder.size() == before) continue;
    owned.delivered = owned.cursor.position();
    last_served_ = next->first;
  }
  return {};
}

void EmbeddedConsumer::tell_loss(const TopicPartition& where, std::int64_t first,
                                 std::int64_t next) const {
  const Loss loss{where, first, next};
  log_error(
      "bus: {}: topic {} partition {}: the records from offset {} to {} ({} of them) were deleted "
      "before group {} had read them; retention is too short for how far it is behind",
      settings_.url, where.topic, where.partition, first, next - 1, loss.records(), options_.group);
  if (options_.on_loss) options_.on_loss(loss);
}

Owned* EmbeddedConsumer::find(const TopicPartition& where) {
  for (auto& [id, owned] : owned_) {
    if (owned.cursor.is(where.topic, where.partition)) return &owned;
  }
  return nullptr;
}

bool EmbeddedConsumer::progress_of(const Offsets& offsets, std::vector<Progress>& rows) {
  bool all = true;
  for (const auto& [where, offset] : offsets) {
    const Owned* const owned = find(where);
    if (owned != nullptr) rows.push_back({owned->cursor.id(), offset});
    all = all && owned != nullptr;
  }
  return all;
}

void EmbeddedConsumer::note_committed(const std::vector<Progress>& rows) {
  bool release = false;
  for (const Progress& done : rows) {
    Owned& owned = owned_.at(done.partition);
    owned.committed = std::max(owned.committed, done.next_offset);
    release = release || (owned.unwanted && !owned.in_hand());
  }
  if (release) static_cast<void>(sync());  // give it up now rather than at the next poll
}

Status EmbeddedConsumer::commit(const Offsets& offsets) {
  std::vector<Progress> rows;
  const bool ours = progress_of(offsets, rows);
  if (!rows.empty()) TOCSIN_TRY_STATUS(membership_->commit(*database_, rows));
  note_committed(rows);
  if (!ours) return fail(ErrorCode::kStale, "a partition of the batch was lost to another member");
  return {};
}

Status EmbeddedConsumer::commit_with(const Offsets& offsets,
                                     const std::function<Status(Database&)>& more) {
  std::vector<Progress> rows;
  if (!progress_of(offsets, rows))
    return fail(ErrorCode::kStale, "a partition of the batch was lost to another member");
  TOCSIN_TRY_STATUS(membership_->commit_with(*database_, rows, [&] { return more(*database_); }));
  note_committed(rows);
  return {};
}

Status EmbeddedConsumer::rewind() {
  for (auto& [id, owned] : owned_) {
    TOCSIN_TRY(const std::optional<std::int64_t> committed, membership_->committed(*database_, id));
    const TopicPartition where = owned.cursor.where();
    owned.cursor = Cursor(id, std::make_shared<const std::string>(where.topic), where.partition,
                          committed.value_or(owned.began));
    owned.committed = committed.value_or(-1);
    owned.delivered = -1;
  }
  return {};
}

std::vector<TopicPartition> EmbeddedConsumer::assignment() {
  std::vector<TopicPartition> list;
  for (const auto& [id, owned] : owned_) list.push_back(owned.cursor.where());
  std::sort(list.begin(), list.end());
  return list;
}

std::vector<PartitionPosition> EmbeddedConsumer::positions() {
  std::vector<PartitionPosition> list;
  for (const auto& [id, owned] : owned_) {
    PartitionPosition& one = list.emplace_back(
        PartitionPosition{owned.cursor.where(), owned.cursor.position(), -1, owned.began});
    const auto row = find_partition(*database_, id);
    if (!row || !*row) continue;
    // Where retention left nothing, nothing is waiting.
    one.end = (*row)->first_offset == (*row)->end_offset ? one.next : (*row)->end_offset;
  }
  return list;
}

void EmbeddedConsumer::close() {
  if (closed_) return;
  closed_ = true;
  owned_.clear();
  membership_->leave(*database_);
  signal_->notify();
}

}  // namespace

Result<std::unique_ptr<Consumer>> open_consumer(const Settings& settings, ConsumerOptions options) {
  if (options.group.empty() || options.topics.empty())
    return fail(ErrorCode::kInvalid, "a consumer needs a group and at least one topic");
  TOCSIN_TRY(std::unique_ptr<Database> database,
             Database::open({.path = settings.path,
                             .synchronous_full = settings.synchronous_full,
                             .page_count_max = settings.page_count_max}));
  TOCSIN_TRY(std::unique_ptr<Membership> membership, Membership::open(settings, options));
  return std::make_unique<EmbeddedConsumer>(settings, std::move(options), std::move(database),
                                            std::move(membership));
}

}  // namespace tocsin::bus::embedded
