// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "core/bus/embedded/membership.h"
#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/partition_log.h"
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

class EmbeddedConsumer final : public Consumer {
 public:
  EmbeddedConsumer(const Settings& settings, const ConsumerOptions& options,
                   std::unique_ptr<Database> database, std::unique_ptr<Membership> membership)
      : session_timeout_(options.session_timeout),
        database_(std::move(database)),
        membership_(std::move(membership)),
        signal_(Signal::of(settings.path)) {}
  ~EmbeddedConsumer() override { close(); }

  Result<Batch> poll(std::size_t messages_max, Milliseconds timeout) override;
  Status commit(const Batch& batch) override;
  std::vector<TopicPartition> assignment() override;
  std::vector<PartitionPosition> positions() override;
  void close() override;

 private:
  [[nodiscard]] Status follow_group();
  [[nodiscard]] Status sync();
  void apply(const Round& round);
  [[nodiscard]] bool may_release(PartitionId id) const;
  [[nodiscard]] Status read(BatchBuilder& builder, std::size_t messages_max);
  [[nodiscard]] Owned* find(std::string_view topic, std::int32_t partition);

  const Milliseconds session_timeout_;
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
         SteadyClock::now() - found->second.unwanted_since >= session_timeout_;
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
    if (builder.size() == before) continue;
    owned.delivered = owned.cursor.position();
    last_served_ = next->first;
  }
  return {};
}

Owned* EmbeddedConsumer::find(std::string_view topic, std::int32_t partition) {
  for (auto& [id, owned] : owned_) {
    if (owned.cursor.is(topic, partition)) return &owned;
  }
  return nullptr;
}

Status EmbeddedConsumer::commit(const Batch& batch) {
  std::map<Owned*, Progress> progress;
  bool stale = false;
  std::string_view topic;
  std::int32_t partition = -1;
  Owned* owned = nullptr;
  for (const Message& message : batch.messages()) {
    if (message.partition != partition || message.topic != topic) {
      topic = message.topic;
      partition = message.partition;
      owned = find(topic, partition);
      stale = stale || owned == nullptr;
    }
    if (owned == nullptr) continue;
    Progress& done = progress[owned];
    done.partition = owned->cursor.id();
    done.next_offset = std::max(done.next_offset, message.offset + 1);
  }
  std::vector<Progress> rows;
  for (const auto& [partition_owned, done] : progress) rows.push_back(done);
  if (!rows.empty()) TOCSIN_TRY_STATUS(membership_->commit(*database_, rows));
  bool release = false;
  for (const auto& [partition_owned, done] : progress) {
    partition_owned->committed = std::max(partition_owned->committed, done.next_offset);
    release = release || (partition_owned->unwanted && !partition_owned->in_hand());
  }
  if (release) static_cast<void>(sync());  // give it up now rather than at the next poll
  if (stale) return fail(ErrorCode::kStale, "a partition of the batch was lost to another member");
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
  return std::make_unique<EmbeddedConsumer>(settings, options, std::move(database),
                                            std::move(membership));
}

}  // namespace tocsin::bus::embedded
