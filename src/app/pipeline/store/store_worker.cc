// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/store/store_worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "app/pipeline/detect_records.h"
#include "app/pipeline/metrics/store_meter.h"
#include "base/log.h"

namespace tocsin::pipeline {

using bus::Milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr Milliseconds kPollTimeout{200};
constexpr Milliseconds kFlushTimeout{30'000};
constexpr Milliseconds kPauseFirst{200};
constexpr Milliseconds kPauseMax{30'000};
constexpr Milliseconds kStep{20};

constexpr const char* kBadAlert = "alert.invalid";
constexpr const char* kBadVerdict = "verdict.invalid";
constexpr const char* kRefused = "sink.refused";

}  // namespace

// Dead letters are few: a producer of their own, opened with the first.
class DeadLetterBox {
 public:
  DeadLetterBox(bus::Bus& bus, std::string topic) : bus_(bus), topic_(std::move(topic)) {}

  // All of them are durable on return.
  Status send(const std::vector<bus::Record>& letters) {
    if (letters.empty()) return {};
    if (!producer_) {
      bus::ProducerOptions options;
      options.client_id = "tocsin-store-dead-letters";
      options.on_delivery = [this](const bus::Delivery& delivery) {
        if (!delivery.error) return;
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = delivery.error;
      };
      TOCSIN_TRY(producer_, bus_.open_producer(std::move(options)));
    }
    for (const bus::Record& letter : letters) {
      bus::Record copy = letter;
      if (copy.value.size() > bus_.value_bytes_max()) {
        copy.value.resize(bus_.value_bytes_max());
        copy.headers.push_back({"truncated", "true"});
      }
      TOCSIN_TRY_STATUS(producer_->send(topic_, copy));
    }
    TOCSIN_TRY_STATUS(producer_->flush(kFlushTimeout));
    const std::lock_guard lock(mutex_);
    if (auto failure = std::exchange(failure_, std::nullopt))
      return tl::unexpected<Error>(*std::move(failure));
    return {};
  }

 private:
  bus::Bus& bus_;
  const std::string topic_;
  std::mutex mutex_;
  std::optional<Error> failure_;
  std::unique_ptr<bus::Producer> producer_;  // last: its threads call back
};

StoreWorker::StoreWorker(const StoreParts& parts, const StoreOptions& options, StoreSink& sink,
                         SinkMeter& meter, const std::atomic<bool>& stop, StoreStats& stats)
    : parts_(parts),
      options_(options),
      sink_(sink),
      meter_(meter),
      stop_(stop),
      stats_(stats),
      group_(group_of(options, sink)),
      dead_letters_(std::make_unique<DeadLetterBox>(parts.bus, options.dead_letter_topic)),
      pause_(kPauseFirst),
      spans_(parts.tracer, sink.sink->name()) {
  if (sink.alerts) topics_.push_back(options.alerts_topic);
  if (sink.verdicts) topics_.push_back(options.verdicts_topic);
  for (const char* code : {kBadAlert, kBadVerdict, kRefused}) meter_.may_dead_letter(code);
}

StoreWorker::~StoreWorker() = default;

void StoreWorker::wait(Milliseconds length) const {
  for (; length.count() > 0 && !stop_.load(std::memory_order_relaxed); length -= kStep)
    std::this_thread::sleep_for(std::min(length, kStep));
}

Status StoreWorker::open() {
  bus::ConsumerOptions consumer;
  consumer.group = group_;
  consumer.topics = topics_;
  consumer.session_timeout = Milliseconds(options_.session_timeout_ms);
  consumer.client_id = fmt::format("tocsin-store-{}-{}", sink_.name, getpid());
  if (!options_.instance_id.empty())
    consumer.instance_id = fmt::format("{}-{}", options_.instance_id, sink_.name);
  consumer.on_loss = [this](const bus::Loss& loss) {
    const auto records = static_cast<std::uint64_t>(std::max<std::int64_t>(0, loss.records()));
    stats_.lost.fetch_add(records, std::memory_order_relaxed);
    meter_.lost(records);
  };
  TOCSIN_TRY(consumer_, parts_.bus.open_consumer(std::move(consumer)));
  return {};
}

void StoreWorker::add_dead_letter(const bus::Message& message, const char* code,
                                  const std::string& why) {
  log_warning("{}: {}/{}/{}: {}; sent to {}", sink_.name, message.topic, message.partition,
              message.offset, why, options_.dead_letter_topic);
  bus::Record& letter = letters_.emplace_back(
      dead_letter(message, {ErrorCode::kInvalid, fmt::format("{}: {}", sink_.name, why)}));
  for (bus::Header& header : letter.headers) {
    if (header.key == "error.stage") header.value = "store";
    if (header.key == "error.code") header.value = code;
  }
  meter_.dead_letter(code);
}

void StoreWorker::read(const bus::Message& message) {
  const store::Place place = slices_.place_of(message);
  if (message.topic == options_.alerts_topic) {
    auto alert = reader_.alert(message.value);
    if (!alert) return add_dead_letter(message, kBadAlert, alert.error().message);
    alerts_.push_back(*std::move(alert));
    alert_places_.push_back(place);
    alert_messages_.push_back(&message);
    return;
  }
  auto verdict = reader_.verdict(message.value);
  if (!verdict) return add_dead_letter(message, kBadVerdict, verdict.error().message);
  verdict->truth = message.header(kTruthTactic);
  verdict->truth_scenario = message.header(kTruthScenario);
  verdict->truth_technique = message.header(kTruthTechnique);
  verdicts_.push_back(*std::move(verdict));
  verdict_places_.push_back(place);
  verdict_messages_.push_back(&message);
  origins_.push_back(event_origin(message));
}

// A sink that does not know this worker as the writer of a partition is told so, and then the bus
// is asked whether it is true: another may have taken the partition over meanwhile.
Status StoreWorker::write() {
  const store::SinkBatch batch{.verdicts = verdicts_,
                               .alerts = alerts_,
                               .verdict_places = verdict_places_,
                               .alert_places = alert_places_,
                               .slices = slices_.all(),
                               .origins = origins_,
                               .group = group_,
                               .writer = writer_,
                               .rejected = &rejected_};
  write_start_ = now_ns();
  Status written = sink_.sink->write(batch);
  if (!written && written.error().code == ErrorCode::kStale) {
    TOCSIN_TRY_STATUS(sink_.sink->claim(batch));
    TOCSIN_TRY_STATUS(consumer_->commit(slices_.before()));
    write_start_ = now_ns();
    rejected_.clear();
    written = sink_.sink->write(batch);
  }
  write_end_ = now_ns();
  if (written) meter_.wrote(write_end_ - write_start_);
  return written;
}

Status StoreWorker::process(const bus::Batch& batch, UnixNanos received) {
  slices_.clear();
  verdicts_.clear();
  alerts_.clear();
  verdict_places_.clear();
  alert_places_.clear();
  verdict_messages_.clear();
  alert_messages_.clear();
  origins_.clear();
  rejected_.clear();
  letters_.clear();
  for (const bus::Message& message : batch.messages()) read(message);
  TOCSIN_TRY_STATUS(write());
  for (const store::Rejection& one : rejected_)
    add_dead_letter(*(one.is_alert ? alert_messages_ : verdict_messages_)[one.index], kRefused,
                    one.reason);
  TOCSIN_TRY_STATUS(dead_letters_->send(letters_));
  TOCSIN_TRY_STATUS(consumer_->commit(slices_.behind()));

  const auto refused_alerts = static_cast<std::size_t>(
      std::count_if(rejected_.begin(), rejected_.end(), [](const auto& r) { return r.is_alert; }));
  const std::size_t alerts = alerts_.size() - refused_alerts;
  const std::size_t verdicts = verdicts_.size() - (rejected_.size() - refused_alerts);
  stats_.verdicts.fetch_add(verdicts, std::memory_order_relaxed);
  stats_.alerts.fetch_add(alerts, std::memory_order_relaxed);
  stats_.dead_letters.fetch_add(letters_.size(), std::memory_order_relaxed);
  meter_.committed(verdicts, alerts, received, now_ns());

  if (!parts_.tracer.enabled()) return {};
  std::vector<StoredRecord> records;
  for (const bus::Message* message : verdict_messages_) records.push_back({message, nullptr});
  for (std::size_t i = 0; i < alerts_.size(); ++i)
    records.push_back({alert_messages_[i], &alerts_[i]});
  spans_.record({records, write_start_, write_end_});
  return {};
}

// The records wait in their topic. What is there of them already is not written twice.
Status StoreWorker::go_back(const Error& error) {
  if (error.code == ErrorCode::kStale) {
    stats_.undone.fetch_add(1, std::memory_order_relaxed);
    meter_.refused_commit();
    log_warning("{}: {}; the batch is read again by whoever has its partitions", sink_.name,
                error.message);
  } else {
    stats_.retries.fetch_add(1, std::memory_order_relaxed);
    meter_.write_failed(error);
    if (stop_.load(std::memory_order_relaxed)) return tl::unexpected(error);
    log_error("{}: {}; trying again in {} ms", sink_.name, error.message, pause_.count());
  }
  do {
    wait(pause_);
    pause_ = std::min(pause_ * 2, kPauseMax);
    const Status back = consumer_->rewind();
    if (back) return {};
    log_warning("{}: {}; trying again in {} ms", sink_.name, back.error().message, pause_.count());
  } while (!stop_.load(std::memory_order_relaxed));
  return {};
}

bool StoreWorker::is_done() const {
  return options_.idle_exit_ms > 0 && drained(parts_.bus, group_, topics_);
}

Status StoreWorker::run() {
  TOCSIN_TRY_STATUS(open());
  auto last_message = SteadyClock::now();
  bool away = false;
  while (!stop_.load(std::memory_order_relaxed)) {
    meter_.turn(*consumer_);
    auto batch = consumer_->poll(options_.batch_messages_max, kPollTimeout);
    const UnixNanos received = now_ns();
    if (!batch) {
      if (batch.error().code != ErrorCode::kUnavailable) return tl::unexpected(batch.error());
      meter_.poll_failed(batch.error());
      if (!std::exchange(away, true))
        log_warning("{}: {}; waiting for it", sink_.name, batch.error().message);
      wait(kPollTimeout);
      continue;
    }
    meter_.taken(*consumer_, *batch);
    if (std::exchange(away, false)) log_info("{}: {} is back", sink_.name, parts_.bus.describe());
    if (batch->empty()) {
      const auto idle = SteadyClock::now() - last_message;
      if (idle > Milliseconds(options_.idle_exit_ms) && is_done()) break;
      continue;
    }
    last_message = SteadyClock::now();
    if (const Status done = process(*batch, received); !done) {
      TOCSIN_TRY_STATUS(go_back(done.error()));
      continue;
    }
    pause_ = kPauseFirst;
  }
  consumer_->close();
  meter_.rest();
  return {};
}

}  // namespace tocsin::pipeline
