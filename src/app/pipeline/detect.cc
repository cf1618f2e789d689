// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "app/pipeline/detect_records.h"
#include "app/pipeline/detect_spans.h"
#include "app/pipeline/metrics/detect_meter.h"
#include "base/check.h"
#include "base/log.h"
#include "core/event/event_id.h"

namespace tocsin::pipeline {
namespace {

using bus::Milliseconds;

constexpr Milliseconds kPollTimeout{200};
constexpr Milliseconds kFlushTimeout{30'000};
constexpr Milliseconds kRetryFirst{100};
constexpr Milliseconds kRetryMax{5'000};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The first failed delivery of a worker's alerts and dead letters; told by the producer's thread.
class DeliveryWatch {
 public:
  void on_delivery(const bus::Delivery& delivery) {
    if (!delivery.error) return;
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = delivery.error;
  }
  std::optional<Error> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(failure_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<Error> failure_;
};

class Worker {
 public:
  Worker(const DetectParts& parts, const DetectOptions& options, const std::atomic<bool>& stop,
         DetectStats& stats, std::size_t number)
      : parts_(parts),
        options_(options),
        stop_(stop),
        stats_(stats),
        number_(number),
        spans_(parts.tracer,
               {options.raw_topic, options.dead_letter_topic, options.group,
                parts.bus.describe().starts_with("kafka") ? "kafka" : "tocsin_embedded"}),
        meter_(parts.meter.worker(number)) {}

  Status run();

 private:
  void take_new_rules();
  Status process(const bus::Batch& batch, UnixNanos received);
  void admit_alerts(const bus::Message& message);
  void add_alert(Alert alert);
  void account();
  void classify(const bus::Message& message);
  Status write_outputs();
  template <class Write>
  Status write_with_retries(std::string_view output, const Write& write);
  Status send(const std::string& topic, bus::Record record);
  Status send_alerts_and_dead_letters();
  bool drained(std::string& said) const;
  void meter(UnixNanos received);
  void clear();

  const DetectParts& parts_;
  const DetectOptions& options_;
  const std::atomic<bool>& stop_;
  DetectStats& stats_;
  const std::size_t number_;
  DeliveryWatch watch_;
  std::unique_ptr<bus::Producer> producer_;  // its own, so that a failure is this worker's
  std::unique_ptr<RuleSeat> seat_;
  AlertFilter filter_;
  RuleCounts counts_;  // of the batch
  std::vector<match::Matcher::RuleWork> work_;
  std::int64_t swap_ns_ = 0;  // what taking new rules cost before this batch
  DetectSpans spans_;
  WorkerMeter& meter_;
  Classification result_;
  std::vector<EventOutcome> outcomes_;
  std::vector<Verdict> verdicts_;
  std::vector<Alert> alerts_;
  std::vector<bus::Record> alert_records_, dead_letters_;
  std::vector<SinkTime> sink_times_;
};

void Worker::clear() {
  outcomes_.clear();
  verdicts_.clear();
  alerts_.clear();
  alert_records_.clear();
  dead_letters_.clear();
  sink_times_.clear();
}

void Worker::take_new_rules() {
  const UnixNanos start = now_ns();
  swap_ns_ = 0;
  if (!parts_.rules.take(number_, seat_)) return;
  filter_.adopt(seat_->rules->suppression, *seat_->rules->taxonomy);
  swap_ns_ = now_ns() - start;
}

// Verdicts name every rule that matched; alerts are thinned as the user wants it.
void Worker::admit_alerts(const bus::Message& message) {
  for (Alert& alert : result_.alerts) {
    const UnixNanos received = message.timestamp_ms * 1'000'000;
    const bool out = filter_.admit(alert, message.value, received);
    if (parts_.account != nullptr) {
      const UnixNanos seen = alert.timestamp != 0 ? alert.timestamp : received;
      counts_of(counts_, alert.rule_id).add({"", 0, 1, out ? 0U : 1U, 0, seen, seen});
    }
    (out ? stats_.alerts : stats_.suppressed).fetch_add(1, std::memory_order_relaxed);
    meter_.matched(alert.level, out);
    if (out) add_alert(std::move(alert));
  }
}

// What each rule did and cost in the batch.
void Worker::account() {
  if (parts_.account == nullptr) return;
  work_.clear();
  seat_->classifier.take_work(work_);
  const auto& rules = seat_->rules->engine->rules();
  for (const auto& [rule, evaluated, nanoseconds] : work_)
    counts_of(counts_, rules[rule].id).add({"", evaluated, 0, 0, nanoseconds, 0, 0});
  parts_.account->add(counts_);
}

void Worker::add_alert(Alert alert) {
  alert_records_.push_back(alert_record(alert, spans_.context_of_alert(result_.parent)));
  alerts_.push_back(std::move(alert));
}

void Worker::classify(const bus::Message& message) {
  stats_.events.fetch_add(1, std::memory_order_relaxed);
  stats_.bytes.fetch_add(message.value.size(), std::memory_order_relaxed);
  EventOutcome& outcome = outcomes_.emplace_back();
  outcome.message = &message;
  outcome.classify_start = now_ns();
  outcome.first_alert = alerts_.size();
  EventSource source;
  source.event_id = message.header("event_id");
  source.traceparent = message.header("traceparent");
  source.file_path = message.header("log.file.path");
  source.line = number_of(message.header("log.offset"));
  source.record_id = number_of(message.header("winlog.record_id"));
  source.fallback_id = event_id_from_position(message.topic, message.partition, message.offset);
  if (const Status status = seat_->classifier.classify(message.value, source, result_); !status) {
    log_warning("{}/{}/{}: {}; sent to {}", message.topic, message.partition, message.offset,
                status.error().message, options_.dead_letter_topic);
    dead_letters_.push_back(dead_letter(message, status.error()));
    stats_.dead_letters.fetch_add(1, std::memory_order_relaxed);
    meter_.dead_letter("event.invalid");
    outcome.classify_end = now_ns();
    outcome.parent = context_of_unread(source);
    outcome.error_code = kUnreadable;
    outcome.error_message = status.error().message;
    return;
  }
  outcome.classify_end = now_ns();
  meter_.classified(outcome.classify_end - outcome.classify_start);
  outcome.parent = result_.parent;
  outcome.repaired = result_.repaired;
  outcome.verdict = verdicts_.size();
  Verdict& verdict = result_.verdict;
  verdict.latency_us =
      std::max<std::int64_t>(0, (verdict.classified_at - message.timestamp_ms * 1'000'000) / 1'000);
  verdict.truth = message.header("tocsin.truth.tactic");
  verdict.truth_scenario = message.header("tocsin.truth.scenario");
  verdict.truth_technique = message.header("tocsin.truth.technique");
  if (result_.repaired) stats_.repaired.fetch_add(1, std::memory_order_relaxed);
  if (verdict.detected()) stats_.detections.fetch_add(1, std::memory_order_relaxed);
  verdicts_.push_back(verdict);
  admit_alerts(message);
  outcome.alerts = alerts_.size() - outcome.first_alert;
}

// An output that fails is tried again until it works or the stage is told to stop: the events wait
// in the topic. What no retry mends (kInvalid) is given back at once.
template <class Write>
Status Worker::write_with_retries(std::string_view output, const Write& write) {
  Milliseconds wait = kRetryFirst;
  for (;;) {
    const UnixNanos start = now_ns();
    Status status = write();
    if (status) {
      meter_.wrote(output, now_ns() - start);
      return status;
    }
    const bool again = status.error().code != ErrorCode::kInvalid && !stop_;
    meter_.write_failed(output, status.error(), again);
    if (!again) return status;
    log_error("output {}: {}; trying again in {} ms", output, status.error().message, wait.count());
    stats_.retries.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::sleep_for(wait);
    wait = std::min(wait * 2, kRetryMax);
  }
}

Status Worker::send(const std::string& topic, bus::Record record) {
  const std::size_t most = parts_.bus.value_bytes_max();
  if (record.value.size() <= most) return producer_->send(topic, std::move(record));
  record.value.resize(most);
  record.headers.push_back({"truncated", "true"});
  return producer_->send(topic, std::move(record));
}

Status Worker::send_alerts_and_dead_letters() {
  if (alert_records_.empty() && dead_letters_.empty()) return {};
  for (const bus::Record& record : alert_records_)
    TOCSIN_TRY_STATUS(send(options_.alerts_topic, record));
  for (const bus::Record& record : dead_letters_)
    TOCSIN_TRY_STATUS(send(options_.dead_letter_topic, record));
  TOCSIN_TRY_STATUS(producer_->flush(kFlushTimeout));
  if (auto failure = watch_.take()) return tl::unexpected<Error>(*std::move(failure));
  return {};
}

Status Worker::write_outputs() {
  for (store::Sink* sink : parts_.sinks) {
    const UnixNanos start = now_ns();
    TOCSIN_TRY_STATUS(
        write_with_retries(sink->name(), [&] { return sink->write(verdicts_, alerts_); }));
    sink_times_.push_back({sink->name(), start, now_ns()});
  }
  return write_with_retries("alerts", [&] { return send_alerts_and_dead_letters(); });
}

Status Worker::process(const bus::Batch& batch, UnixNanos received) {
  clear();
  UnixNanos last = received - swap_ns_;
  for (const bus::Message& message : batch.messages()) {
    classify(message);
    if (!parts_.rules.measuring()) continue;
    const UnixNanos now = now_ns();
    parts_.rules.note_gap(now - std::exchange(last, now));
  }
  TOCSIN_TRY_STATUS(write_outputs());
  account();
  return {};
}

void Worker::meter(UnixNanos received) {
  const UnixNanos done = now_ns();
  for (const EventOutcome& outcome : outcomes_) {
    if (outcome.verdict == EventOutcome::kNone) continue;
    const bool kept = parts_.tracer.enabled() && (outcome.parent.flags & 1) != 0;
    meter_.settled(*outcome.message, kept ? &outcome.parent.trace : nullptr, done);
  }
  meter_.committed(received, done);
  meter_.remembered(seat_->classifier.memo_use());
}

// Whether the group has nothing left to read. A group that has not committed anything yet is not
// in the list, or without the partition: then all of the partition is left.
bool Worker::drained(std::string& said) const {
  const auto topics = parts_.bus.topics();
  const auto groups = parts_.bus.groups();
  if (!topics || !groups) {
    said = (topics ? groups.error() : topics.error()).message;
    return false;
  }
  std::set<std::int32_t> unread;
  for (const bus::TopicInfo& topic : *topics) {
    if (topic.name != options_.raw_topic) continue;
    for (const bus::PartitionInfo& p : topic.partitions)
      if (p.end_offset > p.first_offset) unread.insert(p.partition);
  }
  for (const bus::GroupInfo& group : *groups) {
    if (group.name != options_.group) continue;
    for (const bus::GroupPartition& p : group.partitions)
      if (p.where.topic == options_.raw_topic && p.lag == 0) unread.erase(p.where.partition);
  }
  return unread.empty();
}

Status Worker::run() {
  bus::ConsumerOptions consumer_options;
  consumer_options.group = options_.group;
  consumer_options.topics = {options_.raw_topic};
  consumer_options.session_timeout = Milliseconds(options_.session_timeout_ms);
  // The process as well: the lists of a group's members show who reads what.
  consumer_options.client_id = fmt::format("tocsin-detect-{}-{}", getpid(), number_ + 1);
  bus::ProducerOptions producer_options;
  producer_options.client_id = fmt::format("tocsin-detect-{}", number_ + 1);
  producer_options.on_delivery = [this](const bus::Delivery& d) { watch_.on_delivery(d); };
  TOCSIN_TRY(producer_, parts_.bus.open_producer(std::move(producer_options)));
  TOCSIN_TRY(const auto consumer, parts_.bus.open_consumer(std::move(consumer_options)));
  auto last_message = std::chrono::steady_clock::now();
  bool away = false;
  while (!stop_.load(std::memory_order_relaxed)) {
    meter_.turn(*consumer, *producer_);
    take_new_rules();
    const UnixNanos poll_start = now_ns();
    auto batch = consumer->poll(options_.batch_messages_max, kPollTimeout);
    const UnixNanos received = now_ns();
    if (!batch) {
      if (batch.error().code != ErrorCode::kUnavailable) return tl::unexpected(batch.error());
      meter_.poll_failed(batch.error());
      if (!std::exchange(away, true)) log_warning("{}; waiting for it", batch.error().message);
      std::this_thread::sleep_for(kPollTimeout);
      continue;
    }
    meter_.taken(*consumer, *batch, received);
    if (std::exchange(away, false)) log_info("{} is back", parts_.bus.describe());
    if (batch->empty()) {
      const auto idle = std::chrono::steady_clock::now() - last_message;
      std::string said;
      if (options_.idle_exit_ms > 0 && idle > Milliseconds(options_.idle_exit_ms) && drained(said))
        break;
      continue;
    }
    last_message = std::chrono::steady_clock::now();
    TOCSIN_TRY_STATUS(process(*batch, received));
    if (const Status committed = consumer->commit(*batch); !committed) {
      // Everything is written; whoever has the partition now writes it again, to the same ids.
      stats_.lost_partitions.fetch_add(1, std::memory_order_relaxed);
      log_warning("commit: {}", committed.error().message);
    }
    meter(received);
    spans_.record(
        {*batch, outcomes_, verdicts_, alerts_, sink_times_, poll_start, received, now_ns()});
  }
  consumer->close();
  meter_.rest();
  if (filter_.forgotten() > 0)
    log_warning("suppression: {} keys were forgotten, more than {} were in use",
                filter_.forgotten(), Suppressor::kKeysMax);
  return {};
}

Status create_topics(bus::Bus& bus, const DetectOptions& options) {
  for (const std::string& topic :
       {options.raw_topic, options.alerts_topic, options.dead_letter_topic})
    TOCSIN_TRY_STATUS(bus.create_topic(topic, {}));
  return {};
}

}  // namespace

Status run_detect(const DetectParts& parts, const DetectOptions& options,
                  const std::atomic<bool>& stop, DetectStats& stats) {
  TOCSIN_CHECK(parts.rules.workers() == options.workers);
  for (bool told = false;;) {
    Status created = create_topics(parts.bus, options);
    if (created) break;
    if (created.error().code != ErrorCode::kUnavailable) return created;
    if (!std::exchange(told, true)) log_warning("{}; waiting for it", created.error().message);
    if (stop.load(std::memory_order_relaxed)) return {};
    std::this_thread::sleep_for(kPollTimeout);
  }
  std::atomic<bool> stop_all{false};
  std::mutex mutex;
  Status first_failure;
  std::vector<std::jthread> threads;
  std::atomic<std::size_t> running{options.workers};
  for (std::size_t i = 0; i < options.workers; ++i) {
    threads.emplace_back([&, i] {
      Worker worker(parts, options, stop_all, stats, i);
      Status status = worker.run();
      if (!status) {
        const std::lock_guard lock(mutex);
        if (first_failure) first_failure = std::move(status);
        stop_all = true;
      }
      --running;
    });
  }
  while (running > 0) {
    if (stop) stop_all = true;
    std::this_thread::sleep_for(Milliseconds(20));
  }
  threads.clear();
  return first_failure;
}

}  // namespace tocsin::pipeline
