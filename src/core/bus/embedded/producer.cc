// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "core/bus/embedded/partitioner.h"
#include "core/bus/embedded/store/chunk.h"
#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/partition_log.h"
#include "core/bus/embedded/store/signal.h"

namespace tocsin::bus::embedded {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kTransactionBytes = 8u << 20;
constexpr Milliseconds kCloseTimeout{5'000};
constexpr Milliseconds kRetryDelayMax{500};

struct Topic {
  std::string name;
  std::vector<PartitionRow> partitions;
  std::size_t next = 0;  // for records without a key
};

// A chunk on its way, and whom to tell.
struct Outgoing {
  TopicPartition where;
  PartitionId id = 0;
  ChunkWriter chunk;
  std::vector<std::uint64_t> tokens;
  std::optional<std::int64_t> base_offset;  // set when written
};

class EmbeddedProducer final : public Producer {
 public:
  EmbeddedProducer(const Settings& settings, ProducerOptions options,
                   std::unique_ptr<Database> database, std::unique_ptr<Database> lookup)
      : settings_(settings),
        options_(std::move(options)),
        database_(std::move(database)),
        lookup_(std::move(lookup)),
        signal_(Signal::of(settings_.path)),
        worker_([this] { work(); }) {}

  ~EmbeddedProducer() override {
    static_cast<void>(flush(kCloseTimeout));
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_worker_.notify_all();
    worker_.join();
    abandon_rest();
  }

  Status send(std::string_view topic, const Record& record, std::uint64_t token) override;
  Status flush(Milliseconds timeout) override;
  std::size_t pending() const override {
    const std::lock_guard lock(mutex_);
    return pending_records_;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  Result<Topic*> find_topic(const std::string& name);
  void enqueue(Topic& topic, const Record& record, std::uint64_t token);
  void seal_open_chunks();
  [[nodiscard]] bool due() const;

  void work();
  [[nodiscard]] std::vector<Outgoing> take(Lock& lock);
  [[nodiscard]] Status write(std::vector<Outgoing>& taken);
  [[nodiscard]] bool write_until_done(std::vector<Outgoing>& taken);
  void report(std::vector<Outgoing>& taken, const std::optional<Error>& error);
  void deliver(const Outgoing& outgoing, const std::optional<Error>& error) const;
  void expire_now_and_then();
  void abandon_rest();

  const Settings settings_;
  const ProducerOptions options_;
  std::unique_ptr<Database> database_;  // the worker's
  std::unique_ptr<Database> lookup_;    // under mutex_
  std::shared_ptr<Signal> signal_;

  mutable std::mutex mutex_;
  std::condition_variable wake_worker_;
  std::condition_variable progress_;  // room in the queue, or records acknowledged
  std::unordered_map<std::string, Topic> topics_;
  std::unordered_map<PartitionId, Outgoing> open_;
  std::deque<Outgoing> sealed_;
  std::size_t sealed_bytes_ = 0;
  std::size_t pending_records_ = 0;
  std::size_t pending_bytes_ = 0;
  std::uint64_t sent_ = 0;          // records accepted so far
  std::uint64_t acknowledged_ = 0;  // records done so far, in any way
  std::size_t flushing_ = 0;        // callers in flush(): do not linger
  SteadyClock::time_point oldest_;  // when the oldest open chunk got its first record
  std::optional<Error> trouble_;    // why the worker is trying again
  bool stopping_ = false;

  SteadyClock::time_point last_expiry_ = SteadyClock::now();
  std::thread worker_;
};

Result<Topic*> EmbeddedProducer::find_topic(const std::string& name) {
  if (const auto found = topics_.find(name); found != topics_.end()) return &found->second;
  TOCSIN_TRY(std::vector<PartitionRow> partitions, find_partitions(*lookup_, name));
  if (partitions.empty())
    return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", name));
  return &topics_.emplace(name, Topic{name, std::move(partitions), 0}).first->second;
}

Status EmbeddedProducer::send(std::string_view topic, const Record& record, std::uint64_t token) {
  if (record.value.size() > settings_.value_bytes_max)
    return fail(ErrorCode::kInvalid,
                fmt::format("topic {}: a value of {} bytes is larger than the bound of {}", topic,
                            record.value.size(), settings_.value_bytes_max));
  const std::size_t bytes = ChunkWriter::size_of(record);
  const std::string name(topic);
  Lock lock(mutex_);
  TOCSIN_TRY(Topic * found, find_topic(name));
  // A record larger than the whole queue may pass when it is alone.
  progress_.wait(lock, [&] {
    return pending_records_ < options_.queue_records_max &&
           (pending_bytes_ + bytes <= options_.queue_bytes_max || pending_records_ == 0);
  });
  TOCSIN_TRY(found, find_topic(name));  // it may have been deleted while we waited
  enqueue(*found, record, token);
  return {};
}

void EmbeddedProducer::enqueue(Topic& topic, const Record& record, std::uint64_t token) {
  const std::size_t count = topic.partitions.size();
  const std::size_t index =
      record.key.empty()
          ? topic.next++ % count
          : static_cast<std::size_t>(partition_of(record.key, static_cast<std::int32_t>(count)));
  const PartitionRow& partition = topic.partitions[index];
  const bool was_idle = open_.empty() && sealed_.empty();
  if (open_.empty()) oldest_ = SteadyClock::now();
  Outgoing& outgoing = open_[partition.id];
  if (outgoing.tokens.empty()) {
    outgoing.id = partition.id;
    outgoing.where = {topic.name, partition.number};
  }
  const std::size_t before = outgoing.chunk.bytes();
  outgoing.chunk.append(record,
                        record.timestamp_ms != 0 ? record.timestamp_ms : now_ns() / 1'000'000);
  outgoing.tokens.push_back(token);
  pending_bytes_ += outgoing.chunk.bytes() - before;
  pending_records_ += 1;
  sent_ += 1;
  const bool full = outgoing.chunk.bytes() >= ChunkWriter::kBytesMax;
  if (full) {
    sealed_bytes_ += outgoing.chunk.bytes();
    sealed_.push_back(std::move(outgoing));
    open_.erase(partition.id);
  }
  const bool crowded = pending_records_ >= options_.queue_records_max ||
                       pending_bytes_ >= options_.queue_bytes_max / 2;
  if (was_idle || full || crowded) wake_worker_.notify_one();
}

Status EmbeddedProducer::flush(Milliseconds timeout) {
  Lock lock(mutex_);
  const std::uint64_t target = sent_;
  ++flushing_;
  wake_worker_.notify_one();
  const bool done = progress_.wait_for(lock, timeout, [&] { return acknowledged_ >= target; });
  --flushing_;
  if (done) return {};
  if (trouble_) {
    return fail(trouble_->code,
                fmt::format("{} ({} records wait)", trouble_->message, pending_records_));
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: {} records are not yet written after {} ms", settings_.url,
                          pending_records_, timeout.count()));
}

bool EmbeddedProducer::due() const {
  if (!sealed_.empty()) return true;
  if (open_.empty()) return false;
  return stopping_ || flushing_ > 0 || SteadyClock::now() - oldest_ >= options_.linger ||
         pending_records_ >= options_.queue_records_max ||
         pending_bytes_ >= options_.queue_bytes_max / 2;
}

void EmbeddedProducer::work() {
  Lock lock(mutex_);
  while (true) {
    while (!due() && !(stopping_ && open_.empty())) {
      if (open_.empty())
        wake_worker_.wait(lock);
      else
        wake_worker_.wait_until(lock, oldest_ + options_.linger);
    }
    if (!due()) return;
    std::vector<Outgoing> taken = take(lock);
    lock.unlock();
    const bool written = write_until_done(taken);
    if (written) expire_now_and_then();
    lock.lock();
    if (!written) return;
  }
}

// The oldest chunks, as much as one transaction should hold.
std::vector<Outgoing> EmbeddedProducer::take(Lock& /*lock*/) {
  if (sealed_bytes_ < kTransactionBytes) {
    for (auto& [id, outgoing] : open_) {
      sealed_bytes_ += outgoing.chunk.bytes();
      sealed_.push_back(std::move(outgoing));
    }
    open_.clear();
  }
  std::vector<Outgoing> taken;
  std::size_t bytes = 0;
  while (!sealed_.empty() && bytes < kTransactionBytes) {
    bytes += sealed_.front().chunk.bytes();
    taken.push_back(std::move(sealed_.front()));
    sealed_.pop_front();
  }
  sealed_bytes_ -= bytes;
  return taken;
}

Status EmbeddedProducer::write(std::vector<Outgoing>& taken) {
  return database_->write([&]() -> Status {
    for (Outgoing& outgoing : taken) {
      TOCSIN_TRY(outgoing.base_offset, append_chunk(*database_, outgoing.id, outgoing.chunk));
    }
    return {};
  });
}

// False when the producer is being destroyed and the chunks could not be written; they are then
// back in the queue.
bool EmbeddedProducer::write_until_done(std::vector<Outgoing>& taken) {
  Milliseconds delay{5};
  while (true) {
    const Status status = write(taken);
    if (status) {
      signal_->notify();
      report(taken, std::nullopt);
      return true;
    }
    if (status.error().code == ErrorCode::kCorrupt) {
      report(taken, status.error());
      return true;
    }
    if (status.error().code == ErrorCode::kExhausted) database_->checkpoint();
    Lock lock(mutex_);
    if (!trouble_) log_warning("bus: cannot write, trying again: {}", status.error().message);
    trouble_ = status.error();
    if (stopping_) {
      for (auto it = taken.rbegin(); it != taken.rend(); ++it) {
        sealed_bytes_ += it->chunk.bytes();
        sealed_.push_front(std::move(*it));
      }
      return false;
    }
    wake_worker_.wait_for(lock, delay, [&] { return stopping_; });
    delay = std::min(delay * 2, kRetryDelayMax);
  }
}

void EmbeddedProducer::report(std::vector<Outgoing>& taken, const std::optional<Error>& error) {
  std::size_t records = 0;
  std::size_t bytes = 0;
  std::vector<std::string> gone;
  for (const Outgoing& outgoing : taken) {
    records += outgoing.tokens.size();
    bytes += outgoing.chunk.bytes() - ChunkWriter().bytes();
    if (!error && !outgoing.base_offset) {
      gone.push_back(outgoing.where.topic);
      deliver(outgoing, Error{ErrorCode::kNotFound,
                              fmt::format("topic {} was deleted", outgoing.where.topic)});
    } else {
      deliver(outgoing, error);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (trouble_ && !error) log_info("bus: writing again");
    trouble_ = error;
    for (const std::string& topic : gone) topics_.erase(topic);
    pending_records_ -= records;
    pending_bytes_ -= bytes;
    acknowledged_ += records;
  }
  progress_.notify_all();
}

void EmbeddedProducer::deliver(const Outgoing& outgoing, const std::optional<Error>& error) const {
  if (!options_.on_delivery) return;
  Delivery delivery{.token = 0,
                    .where = outgoing.where,
                    .offset = -1,
                    .acknowledged_at = now_ns(),
                    .error = error};
  for (std::size_t i = 0; i < outgoing.tokens.size(); ++i) {
    delivery.token = outgoing.tokens[i];
    if (!error) delivery.offset = *outgoing.base_offset + static_cast<std::int64_t>(i);
    options_.on_delivery(delivery);
  }
}

void EmbeddedProducer::expire_now_and_then() {
  if (SteadyClock::now() - last_expiry_ < settings_.retention_interval) return;
  last_expiry_ = SteadyClock::now();
  const auto expired = expire_old_chunks(*database_, now_ns() / 1'000'000);
  if (!expired) log_debug("bus: retention: {}", expired.error().message);
}

// After the worker has gone: whoever waits for a delivery learns that there will be none.
void EmbeddedProducer::abandon_rest() {
  seal_open_chunks();
  if (sealed_.empty()) return;
  const Error error = trouble_.value_or(Error{
      ErrorCode::kUnavailable, fmt::format("{}: closed before it was written", settings_.url)});
  log_error("bus: {} records were not written: {}", pending_records_, error.message);
  std::vector<Outgoing> rest(std::make_move_iterator(sealed_.begin()),
                             std::make_move_iterator(sealed_.end()));
  sealed_.clear();
  report(rest, error);
}

void EmbeddedProducer::seal_open_chunks() {
  for (auto& [id, outgoing] : open_) sealed_.push_back(std::move(outgoing));
  open_.clear();
}

}  // namespace

Result<std::unique_ptr<Producer>> open_producer(const Settings& settings, ProducerOptions options) {
  const DatabaseOptions database{.path = settings.path,
                                 .synchronous_full = settings.synchronous_full,
                                 .page_count_max = settings.page_count_max};
  TOCSIN_TRY(std::unique_ptr<Database> writer, Database::open(database));
  TOCSIN_TRY(std::unique_ptr<Database> lookup, Database::open(database));
  return std::make_unique<EmbeddedProducer>(settings, std::move(options), std::move(writer),
                                            std::move(lookup));
}

}  // namespace tocsin::bus::embedded
