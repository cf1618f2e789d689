// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/transactions.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "core/bus/embedded/partitioner.h"
#include "core/bus/embedded/store/chunk.h"
#include "core/bus/embedded/store/partition_log.h"
#include "core/bus/embedded/store/signal.h"

namespace tocsin::bus::embedded {
namespace {

using SteadyClock = std::chrono::steady_clock;

class EmbeddedTransactions final : public TransactionalProducer {
 public:
  EmbeddedTransactions(const Settings& settings, std::unique_ptr<Database> lookup,
                       CommitPoint& consumer)
      : settings_(settings),
        lookup_(std::move(lookup)),
        consumer_(consumer),
        signal_(Signal::of(settings_.path)) {}

  Status send(std::string_view topic, Record record) override;
  Status commit(const Offsets& offsets) override;
  void abort() override { chunks_.clear(); }

 private:
  struct Topic {
    std::vector<PartitionRow> partitions;
    std::size_t next = 0;  // for records without a key
  };
  [[nodiscard]] Result<Topic*> find_topic(const std::string& name);
  void expire_now_and_then();

  const Settings settings_;
  std::unique_ptr<Database> lookup_;
  CommitPoint& consumer_;
  std::shared_ptr<Signal> signal_;
  std::map<std::string, Topic> topics_;
  std::map<PartitionId, std::vector<ChunkWriter>> chunks_;  // of the open transaction
  SteadyClock::time_point last_expiry_ = SteadyClock::now();
};

Result<EmbeddedTransactions::Topic*> EmbeddedTransactions::find_topic(const std::string& name) {
  if (const auto found = topics_.find(name); found != topics_.end()) return &found->second;
  TOCSIN_TRY(std::vector<PartitionRow> partitions, find_partitions(*lookup_, name));
  if (partitions.empty())
    return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", name));
  return &topics_.emplace(name, Topic{std::move(partitions), 0}).first->second;
}

Status EmbeddedTransactions::send(std::string_view topic, Record record) {
  if (record.value.size() > settings_.value_bytes_max)
    return fail(ErrorCode::kInvalid,
                fmt::format("topic {}: a value of {} bytes is larger than the bound of {}", topic,
                            record.value.size(), settings_.value_bytes_max));
  TOCSIN_TRY(Topic* const found, find_topic(std::string(topic)));
  const std::size_t count = found->partitions.size();
  const std::size_t index =
      record.key.empty()
          ? found->next++ % count
          : static_cast<std::size_t>(partition_of(record.key, static_cast<std::int32_t>(count)));
  std::vector<ChunkWriter>& chunks = chunks_[found->partitions[index].id];
  if (chunks.empty() || chunks.back().bytes() >= ChunkWriter::kBytesMax) chunks.emplace_back();
  chunks.back().append(record,
                       record.timestamp_ms != 0 ? record.timestamp_ms : now_ns() / 1'000'000);
  return {};
}

Status EmbeddedTransactions::commit(const Offsets& offsets) {
  Status done = consumer_.commit_with(offsets, [&](Database& database) -> Status {
    for (auto& [id, chunks] : chunks_) {
      for (ChunkWriter& chunk : chunks) {
        TOCSIN_TRY(const auto base, append_chunk(database, id, chunk));
        if (!base) return fail(ErrorCode::kNotFound, "a topic that is written to was deleted");
      }
    }
    return {};
  });
  chunks_.clear();  // finished chunks take no more records, so a failure ends the transaction, too
  if (!done) {
    if (done.error().code == ErrorCode::kExhausted) lookup_->checkpoint();
    topics_.clear();
    return done;
  }
  signal_->notify();
  expire_now_and_then();
  return {};
}

void EmbeddedTransactions::expire_now_and_then() {
  if (SteadyClock::now() - last_expiry_ < settings_.retention_interval) return;
  last_expiry_ = SteadyClock::now();
  const auto expired = expire_old_chunks(*lookup_, now_ns() / 1'000'000);
  if (!expired) log_debug("bus: retention: {}", expired.error().message);
}

}  // namespace

Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
    const Settings& settings, TransactionOptions /*options*/, CommitPoint& consumer) {
  TOCSIN_TRY(std::unique_ptr<Database> lookup,
             Database::open({.path = settings.path,
                             .synchronous_full = settings.synchronous_full,
                             .page_count_max = settings.page_count_max}));
  return std::make_unique<EmbeddedTransactions>(settings, std::move(lookup), consumer);
}

}  // namespace tocsin::bus::embedded
