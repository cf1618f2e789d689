// SPDX-License-Identifier: Apache-2.0
#include "core/trace/lane.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace tocsin::trace {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kLongestDelay{5'000};
constexpr milliseconds kLongestRetryAfter{30'000};
constexpr std::chrono::seconds kWarnEvery{30};

}  // namespace

Lane::Lane(std::unique_ptr<Exporter> exporter, const TracerOptions& options)
    : exporter_(std::move(exporter)),
      options_(options),
      jitter_(static_cast<std::minstd_rand::result_type>(Clock::now().time_since_epoch().count())),
      worker_([this] { work(); }) {}

Lane::~Lane() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  exporter_->cancel();
  worker_.join();
  const TracerStats end = stats();
  if (end.dropped > 0)
    log_warning(
        "traces: {} spans were not delivered to {} ({} found the queue full, {} were rejected, {} "
        "found no taker)",
        end.dropped, exporter_->describe(), end.queue_full, end.rejected, end.no_taker);
}

void Lane::put(const Chunk& chunk) {
  const std::size_t count = chunk->spans;
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_spans_ + in_flight_ + count > options_.queue_spans_max ||
      bytes_held_ + chunk->bytes.size() > options_.queue_bytes_max) {
    stats_.queue_full += count;
    full_ = true;
    return;
  }
  const bool first = waiting_.empty();
  const bool had_batch = waiting_spans_ >= options_.batch_spans_max;
  if (first) oldest_ = Clock::now();
  waiting_.push_back(chunk);
  waiting_spans_ += count;
  bytes_held_ += chunk->bytes.size();
  // The worker sleeps either without work or until a batch is full: only these two moments matter
  // to it.
  if (first || (!had_batch && waiting_spans_ >= options_.batch_spans_max)) wake_.notify_one();
}

bool Lane::flush(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  ++flushing_;
  wake_.notify_one();
  const bool done =
      idle_.wait_until(lock, deadline, [&] { return waiting_spans_ == 0 && in_flight_ == 0; });
  --flushing_;
  return done;
}

TracerStats Lane::stats() const {
  const std::lock_guard lock(mutex_);
  TracerStats stats = stats_;
  stats.dropped = stats.queue_full + stats.rejected + stats.no_taker;
  stats.queued = waiting_spans_ + in_flight_;
  return stats;
}

void Lane::work() {
  std::vector<Chunk> batch;
  while (take(batch)) {
    deliver(batch);
    std::size_t bytes = 0;
    for (const Chunk& chunk : batch) bytes += chunk->bytes.size();
    batch.clear();
    const std::lock_guard lock(mutex_);
    bytes_held_ -= bytes;
    if (waiting_spans_ <= options_.queue_spans_max / 4 * 3 &&
        bytes_held_ <= options_.queue_bytes_max / 4 * 3)
      full_ = false;
  }
}

bool Lane::take(std::vector<Chunk>& batch) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
  wake_.wait_until(lock, oldest_ + options_.linger, [&] {
    return stopping_ || flushing_ > 0 || waiting_spans_ >= options_.batch_spans_max;
  });
  if (stopping_) {
    stats_.no_taker += waiting_spans_;
    waiting_.clear();
    waiting_spans_ = 0;
    idle_.notify_all();
    return false;
  }
  std::size_t spans = 0;
  while (!waiting_.empty() &&
         (batch.empty() || spans + waiting_.front()->spans <= options_.batch_spans_max)) {
    spans += waiting_.front()->spans;
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_spans_ -= spans;
  in_flight_ += spans;
  oldest_ = Clock::now();
  return true;
}

void Lane::deliver(ChunkRefs chunks) {
  std::size_t spans = 0;
  for (const Chunk& chunk : chunks) spans += chunk->spans;
  exporter_->encode(chunks);
  const Clock::time_point give_up = Clock::now() + options_.retry_for;
  for (int attempt = 0;; ++attempt) {
    const Outcome outcome = exporter_->send();
    if (outcome.kind == Outcome::Kind::kTaken) {
      const std::size_t rejected = std::min(outcome.rejected, spans);
      if (rejected > 0)
        warn("rejected some spans", outcome.reason);
      else
        recovered();
      refusals_ = 0;
      return settle({.exported = spans - rejected, .rejected = rejected});
    }
    if (outcome.kind == Outcome::Kind::kRefused) {
      warn("refused a batch of spans", outcome.reason);
      settle({.rejected = spans});
      return pause_after_refusals();
    }
    if (attempt == 0) warn("cannot take spans now; trying again", outcome.reason);
    if (!wait_before_retry(attempt, outcome.retry_after, give_up))
      return settle({.no_taker = spans});
  }
}

void Lane::settle(const Fate& fate) {
  const std::lock_guard lock(mutex_);
  in_flight_ -= fate.exported + fate.rejected + fate.no_taker;
  stats_.exported += fate.exported;
  stats_.rejected += fate.rejected;
  stats_.no_taker += fate.no_taker;
  idle_.notify_all();
}

// One batch may be at fault itself. A collector that refuses one after the other (a wrong address,
// a missing header) is asked ever less often; what does not fit into the queue meanwhile is not
// made.
void Lane::pause_after_refusals() {
  if (++refusals_ < 2) return;
  const milliseconds pause = std::min(kLongestDelay, kFirstDelay * (1 << std::min(refusals_, 10)));
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, pause, [&] { return stopping_ || flushing_ > 0; });
}

bool Lane::wait_before_retry(int attempt, milliseconds asked, Clock::time_point give_up) {
  const milliseconds step = std::min(kLongestDelay, kFirstDelay * (1 << std::min(attempt, 10)));
  // Half of it at random, so that many detectors do not come back in one moment.
  const milliseconds::rep spread =
      std::uniform_int_distribution<milliseconds::rep>(0, step.count() / 2)(jitter_);
  const milliseconds own = step / 2 + milliseconds(spread);
  const milliseconds delay = std::max(own, std::min(asked, kLongestRetryAfter));
  const Clock::time_point now = Clock::now();
  if (now >= give_up) return false;
  const Clock::time_point until = std::min(now + delay, give_up);  // one last attempt at the end
  std::unique_lock lock(mutex_);
  return !wake_.wait_until(lock, until, [&] { return stopping_; });
}

void Lane::warn(const char* what, const std::string& reason) {
  const Clock::time_point now = Clock::now();
  if (troubled_ && now - warned_at_ < kWarnEvery) return;
  troubled_ = true;
  warned_at_ = now;
  log_warning("traces: {} {}: {}", exporter_->describe(), what, reason);
}

void Lane::recovered() {
  if (!troubled_) return;
  troubled_ = false;
  log_info("traces: {} takes spans again", exporter_->describe());
}

}  // namespace tocsin::trace
