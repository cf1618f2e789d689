// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/detect_worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "app/pipeline/detect_records.h"
#include "app/pipeline/detect_spans.h"
#include "app/pipeline/metrics/detect_meter.h"
#include "app/pipeline/slices.h"
#include "app/pipeline/tuning/decisions.h"
#include "base/log.h"

namespace tocsin::pipeline {
namespace {

using bus::Milliseconds;

constexpr Milliseconds kPollTimeout{200};
constexpr Milliseconds kTransactionMin{10'000};
constexpr Milliseconds kRetryFirst{100};
constexpr Milliseconds kRetryMax{5'000};

// What a verdict's texts may hold on to from one batch to the next.
constexpr std::size_t kTextKept = 1'024;

std::size_t text_capacity(const Verdict& v) {
  return v.host.capacity() + v.channel.capacity() + v.provider.capacity() +
         v.event_code.capacity() + v.truth.capacity() + v.truth_scenario.capacity() +
         v.truth_technique.capacity();
}

// What a batch adds to the stats once it is committed.
struct Tally {
  std::uint64_t events = 0, bytes = 0, detections = 0, alerts = 0, suppressed = 0;
  std::uint64_t dead_letters = 0, repaired = 0;

  void add_to(DetectStats& stats) const {
    const auto add = [](std::atomic<std::uint64_t>& counter, std::uint64_t more) {
      if (more > 0) counter.fetch_add(more, std::memory_order_relaxed);
    };
    add(stats.events, events);
    add(stats.bytes, bytes);
    add(stats.detections, detections);
    add(stats.alerts, alerts);
    add(stats.suppressed, suppressed);
    add(stats.dead_letters, dead_letters);
    add(stats.repaired, repaired);
  }
};

// A batch that is in the sinks, and is told of once it is committed.
struct Turn {
  bus::Batch batch;
  std::size_t outcomes_begin = 0, outcomes_end = 0;  // of the worker's
  std::vector<SinkTime> sink_times;
  Tally tally;
  RuleCounts counts;
  UnixNanos poll_start = 0;
  UnixNanos received = 0;
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
        writer_(random_writer()),
        commit_interval_(options.guarantee == Guarantee::kExactlyOnce ? parts.bus.commit_interval()
                                                                      : Milliseconds(0)),
        spans_(parts.tracer,
               {options.raw_topic, options.dead_letter_topic, options.group,
                parts.bus.describe().starts_with("kafka") ? "kafka" : "tocsin_embedded"}),
        meter_(parts.meter.worker(number)) {
    meter_.may_dead_letter(kUnreadable);
  }

  Status run();

 private:
  void take_new_rules();
  Status process(bus::Batch batch, UnixNanos poll_start, UnixNanos received);
  [[nodiscard]] bool gathers() const { return commit_interval_ > Milliseconds(0); }
  [[nodiscard]] Milliseconds until_due() const;
  Status settle();
  Status settle_earlier();
  void tell_turns();
  bool admit(Alert& alert, std::string_view event, UnixNanos received);
  void admit_alerts(const bus::Message& message);
  void add_alert(Alert alert);
  void add_verdict_record(const EventOutcome& outcome);
  void count_work();
  void classify(const bus::Message& message);
  [[nodiscard]] std::span<const Verdict> verdicts() const {
    return {verdicts_.data(), verdict_count_};
  }
  store::SinkBatch sink_batch() const;
  Status write_outputs();
  Status write_sink(store::Sink& sink, std::string_view output);
  Status publish(const Publication& publication);
  template <class Write>
  Status write_with_retries(std::string_view output, const Write& write, bool timed = true);
  Status open_bus();
  Status go_back(const Error& error);
  void meter(const Turn& turn, std::span<const EventOutcome> outcomes);
  void clear();
  void begin_batch();

  const DetectParts& parts_;
  const DetectOptions& options_;
  const std::atomic<bool>& stop_;
  DetectStats& stats_;
  const std::size_t number_;
  const std::int64_t writer_;           // who this is to the sinks
  const Milliseconds commit_interval_;  // zero: each batch is committed by itself
  std::unique_ptr<bus::Consumer> consumer_;
  std::unique_ptr<Publisher> publisher_;
  Milliseconds pause_ = kRetryFirst;  // after a batch that was undone
  std::unique_ptr<RuleSeat> seat_;
  AlertFilter filter_;
  Decisions decisions_;
  bus::Offsets losses_counted_;  // up to where, of each partition
  Tally tally_;                  // of the batch
  RuleCounts counts_;            // of the batch
  std::vector<match::Matcher::RuleWork> work_;
  std::int64_t swap_ns_ = 0;  // what taking new rules cost before this batch
  DetectSpans spans_;
  WorkerMeter& meter_;
  Findings findings_;
  // Of the batches that are not committed yet, those of the batch in hand last: from batch_begin_
  // on. The batches before it are turns_.
  std::vector<Turn> turns_;
  std::vector<EventOutcome> outcomes_;
  // The first verdict_count_ are in use. The others are kept for later: making their texts anew for
  // every event costs more than filling them.
  std::vector<Verdict> verdicts_;
  std::size_t verdict_count_ = 0;
  std::vector<std::size_t> large_verdicts_;  // those with texts that are not kept
  std::vector<Alert> alerts_;
  struct {
    std::size_t outcomes = 0, verdicts = 0, alerts = 0, decisions = 0;
  } batch_begin_;
  std::optional<Error> failed_in_poll_;  // of the commit before partitions went to other members
  // Of the batch in hand.
  std::vector<bus::Record> verdict_records_, alert_records_, dead_letters_;
  Slices slices_;
  std::vector<store::Place> verdict_places_, alert_places_;
  store::Place place_;  // of the message that is classified
  std::vector<SinkTime> sink_times_;
};

// Nothing is open: all was committed, or undone.
void Worker::clear() {
  turns_.clear();
  outcomes_.clear();
  for (const std::size_t i : large_verdicts_) verdicts_[i] = {};
  large_verdicts_.clear();
  verdict_count_ = 0;
  alerts_.clear();
  slices_.clear();
}

void Worker::begin_batch() {
  batch_begin_ = {outcomes_.size(), verdict_count_, alerts_.size(), decisions_.noted()};
  verdict_records_.clear();
  alert_records_.clear();
  dead_letters_.clear();
  slices_.next_batch();
  verdict_places_.clear();
  alert_places_.clear();
  sink_times_.clear();
  tally_ = {};
  counts_.clear();
}

void Worker::take_new_rules() {
  const UnixNanos start = now_ns();
  swap_ns_ = 0;
  if (!parts_.rules.take(number_, seat_)) return;
  filter_.adopt(seat_->rules->suppression, *seat_->rules->taxonomy);
  swap_ns_ = now_ns() - start;
}

bool Worker::admit(Alert& alert, std::string_view event, UnixNanos received) {
  const Uuid key = Decisions::key_of(alert.alert_id, slices_.of(place_).partition, place_.offset);
  if (const auto known = decisions_.recall(key)) {
    alert.suppressed = known->suppressed;
    decisions_.note(key, *known);
    return known->out;
  }
  const bool out = filter_.admit(alert, event, received);
  if (seat_->rules->suppression != nullptr && !seat_->rules->suppression->empty())
    decisions_.note(key, {out, alert.suppressed});
  return out;
}

// Verdicts name every rule that matched; alerts are thinned as the user wants it.
void Worker::admit_alerts(const bus::Message& message) {
  for (Alert& alert : findings_.alerts) {
    const UnixNanos received = message.timestamp_ms * 1'000'000;
    const bool out = admit(alert, message.value, received);
    if (parts_.account != nullptr) {
      const UnixNanos seen = alert.timestamp != 0 ? alert.timestamp : received;
      counts_of(counts_, alert.rule_id).add({"", 0, 1, out ? 0U : 1U, 0, seen, seen});
    }
    (out ? tally_.alerts : tally_.suppressed) += 1;
    meter_.matched(alert.level, out);
    if (out) add_alert(std::move(alert));
  }
}

// What the batch cost each rule.
void Worker::count_work() {
  if (parts_.account == nullptr) return;
  work_.clear();
  seat_->classifier.take_work(work_);
  const auto& rules = seat_->rules->engine->rules();
  for (const auto& [rule, evaluated, nanoseconds] : work_)
    counts_of(counts_, rules[rule].id).add({"", evaluated, 0, 0, nanoseconds, 0, 0});
}

void Worker::add_alert(Alert alert) {
  alert_records_.push_back(alert_record(alert, spans_.context_of_alert(findings_.parent)));
  alerts_.push_back(std::move(alert));
  alert_places_.push_back(place_);
}

// After the alerts: that an event has some decides on its trace.
void Worker::add_verdict_record(const EventOutcome& outcome) {
  const Verdict& verdict = verdicts_[outcome.verdict];
  if (options_.detections_only && !verdict.detected()) return;
  const bool matters = outcome.alerts > 0 || outcome.repaired;
  const store::Slice& slice = slices_.of(place_);
  verdict_records_.push_back(
      verdict_record(verdict, matters ? spans_.context_of_alert(outcome.parent) : outcome.parent,
                     {slice.topic, slice.partition, place_.offset}));
}

void Worker::classify(const bus::Message& message) {
  tally_.events += 1;
  tally_.bytes += message.value.size();
  place_ = slices_.place_of(message);
  EventOutcome& outcome = outcomes_.emplace_back();
  outcome.message = &message;
  outcome.classify_start = now_ns();
  outcome.first_alert = alerts_.size();
  const EventHeaders headers = read_headers(message);
  if (verdict_count_ == verdicts_.size()) verdicts_.emplace_back();
  Verdict& verdict = verdicts_[verdict_count_];
  const Status status =
      seat_->classifier.classify(message.value, headers.source, verdict, findings_);
  if (!status) {
    log_warning("{}/{}/{}: {}; sent to {}", message.topic, message.partition, message.offset,
                status.error().message, options_.dead_letter_topic);
    dead_letters_.push_back(dead_letter(message, status.error()));
    tally_.dead_letters += 1;
    meter_.dead_letter(kUnreadable);
    outcome.classify_end = now_ns();
    outcome.parent = context_of_unread(headers.source);
    outcome.error_code = kUnreadable;
    outcome.error_message = status.error().message;
    return;
  }
  outcome.classify_end = now_ns();
  meter_.classified(outcome.classify_end - outcome.classify_start);
  outcome.parent = findings_.parent;
  outcome.repaired = findings_.repaired;
  outcome.verdict = verdict_count_++;
  verdict.latency_us =
      std::max<std::int64_t>(0, (verdict.classified_at - message.timestamp_ms * 1'000'000) / 1'000);
  verdict.truth = headers.truth;
  verdict.truth_scenario = headers.truth_scenario;
  verdict.truth_technique = headers.truth_technique;
  if (findings_.repaired) tally_.repaired += 1;
  if (verdict.detected()) tally_.detections += 1;
  if (text_capacity(verdict) > kTextKept) large_verdicts_.push_back(outcome.verdict);
  verdict_places_.push_back(place_);
  admit_alerts(message);
  outcome.alerts = alerts_.size() - outcome.first_alert;
  if (!options_.verdicts_topic.empty()) add_verdict_record(outcome);
}

// An output that fails is tried again until it works or the stage is told to stop: the events wait
// in the topic. What no retry mends (kInvalid, kStale) is given back at once.
template <class Write>
Status Worker::write_with_retries(std::string_view output, const Write& write, bool timed) {
  Milliseconds wait = kRetryFirst;
  for (;;) {
    const UnixNanos start = now_ns();
    Status status = write();
    if (status) {
      if (timed) meter_.wrote(output, now_ns() - start);
      return status;
    }
    const ErrorCode code = status.error().code;
    // Nothing is wrong with an output that asks who writes: write_sink() answers.
    if (code == ErrorCode::kStale) return status;
    const bool again = code != ErrorCode::kInvalid && !stop_.load(std::memory_order_relaxed);
    meter_.write_failed(output, status.error(), again);
    if (!again) return status;
    // It may take longer than a transaction lasts.
    if (!turns_.empty()) TOCSIN_TRY_STATUS(settle_earlier());
    log_error("output {}: {}; trying again in {} ms", output, status.error().message, wait.count());
    stats_.retries.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::sleep_for(wait);
    wait = std::min(wait * 2, kRetryMax);
  }
}

store::SinkBatch Worker::sink_batch() const {
  return {.verdicts = verdicts().subspan(batch_begin_.verdicts),
          .alerts = std::span(alerts_).subspan(batch_begin_.alerts),
          .verdict_places = verdict_places_,
          .alert_places = alert_places_,
          .slices = slices_.all(),
          .group = options_.group,
          .writer = writer_};
}

// A sink that does not know this worker as the writer of a partition is told so, and then the bus
// is asked whether it is true: another may have taken the partition over while this one was
// stopped.
Status Worker::write_sink(store::Sink& sink, std::string_view output) {
  const auto write = [&] { return sink.write(sink_batch()); };
  Status written = write_with_retries(output, write);
  if (written || written.error().code != ErrorCode::kStale) return written;
  TOCSIN_TRY_STATUS(write_with_retries(output, [&] { return sink.claim(sink_batch()); }, false));
  TOCSIN_TRY_STATUS(settle_earlier());
  return write_with_retries(output, write);
}

Status Worker::publish(const Publication& publication) {
  if (options_.guarantee == Guarantee::kExactlyOnce) {
    const UnixNanos start = now_ns();
    Status done = publisher_->publish(publication);
    if (done)
      meter_.wrote("alerts", now_ns() - start);
    else if (done.error().code != ErrorCode::kStale)
      meter_.write_failed("alerts", done.error(), true);
    return done;
  }
  Status done = write_with_retries("alerts", [&] { return publisher_->publish(publication); });
  if (done || done.error().code != ErrorCode::kStale) return done;
  // Everything is written; whoever has the partition now writes it again, to the same ids.
  stats_.lost_partitions.fetch_add(1, std::memory_order_relaxed);
  log_warning("commit: {}", done.error().message);
  return {};
}

Status Worker::write_outputs() {
  for (store::Sink* sink : parts_.sinks) {
    const UnixNanos start = now_ns();
    TOCSIN_TRY_STATUS(write_sink(*sink, sink->name()));
    sink_times_.push_back({sink->name(), start, now_ns()});
  }
  const bus::Offsets behind = slices_.behind();
  const Publication publication{verdict_records_, alert_records_, dead_letters_, behind};
  return gathers() ? publisher_->add(publication) : publish(publication);
}

// A commit costs round trips during which nothing is read, whatever is in it. So several batches
// that are in the sinks may wait for one, but not for long, and not with too many events.
Milliseconds Worker::until_due() const {
  if (!gathers() || outcomes_.size() >= options_.batch_messages_max) return Milliseconds(0);
  const std::chrono::nanoseconds open(now_ns() - turns_.front().received);
  return std::max(Milliseconds(0),
                  commit_interval_ - std::chrono::duration_cast<Milliseconds>(open));
}

Status Worker::process(bus::Batch batch, UnixNanos poll_start, UnixNanos received) {
  begin_batch();
  UnixNanos last = received - swap_ns_;
  for (const bus::Message& message : batch.messages()) {
    classify(message);
    if (!parts_.rules.measuring()) continue;
    const UnixNanos now = now_ns();
    parts_.rules.note_gap(now - std::exchange(last, now));
  }
  TOCSIN_TRY_STATUS(write_outputs());
  count_work();
  turns_.push_back({std::move(batch), batch_begin_.outcomes, outcomes_.size(),
                    std::exchange(sink_times_, {}), tally_, std::exchange(counts_, {}), poll_start,
                    received});
  return until_due() == Milliseconds(0) ? settle() : Status{};
}

// Commits what is open.
Status Worker::settle() {
  if (turns_.empty()) return {};
  if (gathers()) {
    const bus::Offsets behind = slices_.behind();
    TOCSIN_TRY_STATUS(publish({{}, {}, {}, behind}));
  }
  decisions_.committed(decisions_.noted());
  tell_turns();
  clear();
  pause_ = kRetryFirst;
  return {};
}

// Commits the batches before the one in hand, if any, and where that one begins: which the bus
// refuses when a partition of it is another's.
Status Worker::settle_earlier() {
  TOCSIN_TRY_STATUS(publisher_->publish({{}, {}, {}, slices_.before()}));
  decisions_.committed(std::exchange(batch_begin_.decisions, 0));
  tell_turns();
  slices_.settle_before();
  return {};
}

// They are committed.
void Worker::tell_turns() {
  if (turns_.empty()) return;
  const UnixNanos done = now_ns();
  for (Turn& turn : turns_) {
    const auto outcomes =
        std::span(outcomes_).subspan(turn.outcomes_begin, turn.outcomes_end - turn.outcomes_begin);
    turn.tally.add_to(stats_);
    if (parts_.account != nullptr) parts_.account->add(turn.counts);
    UnixNanos none = 0;
    stats_.first_batch_at.compare_exchange_strong(none, turn.received, std::memory_order_relaxed);
    meter(turn, outcomes);
    spans_.record({turn.batch, outcomes, verdicts(), alerts_, turn.sink_times, turn.poll_start,
                   turn.received, done});
  }
  stats_.last_batch_done.store(done, std::memory_order_relaxed);
  turns_.clear();
}

// After a batch that could not be committed: what it was made of is read again. Errors that no
// repetition mends are given back.
Status Worker::go_back(const Error& error) {
  publisher_->undo();
  clear();
  if (error.code == ErrorCode::kInvalid || error.code == ErrorCode::kUnsupported)
    return tl::unexpected(error);
  stats_.undone.fetch_add(1, std::memory_order_relaxed);
  if (error.code == ErrorCode::kStale)
    stats_.lost_partitions.fetch_add(1, std::memory_order_relaxed);
  decisions_.undone();
  log_warning("{}; the batch is undone and read again", error.message);
  while (!stop_.load(std::memory_order_relaxed)) {
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(pause_ * 2, kRetryMax);
    const Status back = consumer_->rewind();
    if (back) return {};
    log_warning("{}; trying again in {} ms", back.error().message, pause_.count());
  }
  // Told to stop: nothing is lost, but who asked should know that something is left to do.
  return error.code == ErrorCode::kStale ? Status{} : Status{tl::unexpected(error)};
}

void Worker::meter(const Turn& turn, std::span<const EventOutcome> outcomes) {
  const UnixNanos done = now_ns();
  for (const EventOutcome& outcome : outcomes) {
    if (outcome.verdict == EventOutcome::kNone) continue;
    const bool kept = parts_.tracer.enabled() && (outcome.parent.flags & 1) != 0;
    meter_.settled(*outcome.message, kept ? &outcome.parent.trace : nullptr, done);
  }
  meter_.committed(turn.received, done);
  meter_.remembered(seat_->classifier.memo_use());
}

// Ends early, without a publisher, when the stage is told to stop before the bus is there.
Status Worker::open_bus() {
  bus::ConsumerOptions consumer;
  consumer.group = options_.group;
  consumer.topics = {options_.raw_topic};
  consumer.session_timeout = Milliseconds(options_.session_timeout_ms);
  // The process as well: the lists of a group's members show who reads what.
  consumer.client_id = fmt::format("tocsin-detect-{}-{}", getpid(), number_ + 1);
  if (!options_.instance_id.empty())
    consumer.instance_id = fmt::format("{}-{}", options_.instance_id, number_ + 1);
  consumer.on_loss = [this](const bus::Loss& loss) {
    // Going back after a batch that was undone meets the same gap again.
    std::int64_t& counted = losses_counted_[loss.where];
    const std::int64_t first = std::max(counted, loss.first_missing);
    if (loss.first_available <= first) return;
    counted = loss.first_available;
    const auto records = static_cast<std::uint64_t>(loss.first_available - first);
    stats_.lost_events.fetch_add(records, std::memory_order_relaxed);
    meter_.lost(records);
  };
  if (gathers())
    consumer.before_revoke = [this] {
      if (const Status done = settle(); !done) failed_in_poll_ = done.error();
    };
  TOCSIN_TRY(consumer_, parts_.bus.open_consumer(std::move(consumer)));
  PublisherOptions options;
  options.guarantee = options_.guarantee;
  options.client_id = fmt::format("tocsin-detect-{}", number_ + 1);
  options.transactional_id = fmt::format("{}-{}", options_.transactional_id, number_ + 1);
  options.transaction_timeout =
      std::max(Milliseconds(options_.session_timeout_ms), kTransactionMin);
  options.verdicts_topic = options_.verdicts_topic;
  options.alerts_topic = options_.alerts_topic;
  options.dead_letter_topic = options_.dead_letter_topic;
  for (bool told = false; !stop_.load(std::memory_order_relaxed);) {
    auto opened = Publisher::open(parts_.bus, *consumer_, options);
    if (opened) {
      publisher_ = *std::move(opened);
      break;
    }
    if (opened.error().code != ErrorCode::kUnavailable) return tl::unexpected(opened.error());
    meter_.waits_for_bus(opened.error());
    if (!std::exchange(told, true)) log_warning("{}; waiting for it", opened.error().message);
    std::this_thread::sleep_for(kPollTimeout);
  }
  return {};
}

Status Worker::run() {
  TOCSIN_TRY_STATUS(open_bus());
  auto last_message = std::chrono::steady_clock::now();
  bool away = false;
  while (!stop_.load(std::memory_order_relaxed)) {
    meter_.turn(*consumer_, publisher_ ? publisher_->pending() : 0);
    take_new_rules();
    const UnixNanos poll_start = now_ns();
    auto batch = consumer_->poll(options_.batch_messages_max - outcomes_.size(),
                                 turns_.empty() ? kPollTimeout : until_due());
    const UnixNanos received = now_ns();
    if (failed_in_poll_) {
      TOCSIN_TRY_STATUS(go_back(*std::exchange(failed_in_poll_, std::nullopt)));
      continue;
    }
    if (!turns_.empty() && (!batch || (batch->empty() && until_due() == Milliseconds(0)))) {
      if (const Status done = settle(); !done) TOCSIN_TRY_STATUS(go_back(done.error()));
    }
    if (!batch) {
      if (batch.error().code != ErrorCode::kUnavailable) return tl::unexpected(batch.error());
      meter_.poll_failed(batch.error());
      if (!std::exchange(away, true)) log_warning("{}; waiting for it", batch.error().message);
      std::this_thread::sleep_for(kPollTimeout);
      continue;
    }
    meter_.taken(*consumer_, *batch, received);
    if (std::exchange(away, false)) log_info("{} is back", parts_.bus.describe());
    if (batch->empty()) {
      const auto idle = std::chrono::steady_clock::now() - last_message;
      if (options_.idle_exit_ms > 0 && idle > Milliseconds(options_.idle_exit_ms) &&
          turns_.empty() && drained(parts_.bus, options_.group, {options_.raw_topic}))
        break;
      continue;
    }
    last_message = std::chrono::steady_clock::now();
    if (const Status done = process(*std::move(batch), poll_start, received); !done)
      TOCSIN_TRY_STATUS(go_back(done.error()));
  }
  if (const Status done = settle(); !done) TOCSIN_TRY_STATUS(go_back(done.error()));
  publisher_.reset();
  consumer_->close();
  meter_.rest();
  if (filter_.forgotten() > 0)
    log_warning("suppression: {} keys were forgotten, more than {} were in use",
                filter_.forgotten(), Suppressor::kKeysMax);
  return {};
}

}  // namespace

Status run_detect_worker(const DetectParts& parts, const DetectOptions& options,
                         const std::atomic<bool>& stop, DetectStats& stats, std::size_t number) {
  return Worker(parts, options, stop, stats, number).run();
}

}  // namespace tocsin::pipeline
