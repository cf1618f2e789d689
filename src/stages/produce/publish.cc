// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/publish.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "stages/produce/identity.h"
#include "stages/produce/in_flight.h"

namespace tocsin::produce {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kDeadLetterBytesMax = 64u << 10;
constexpr std::size_t kShortLetterBytes = 512;  // of one that was refused for its size
constexpr int kRefusalsMax = 3;                 // event, dead letter, short dead letter
constexpr auto kIdlePause = 20ms;
constexpr auto kProgressEvery = 100ms;
// Looking at the clock for each event is not free.
constexpr std::uint64_t kEventsPerLook = 64;

// An event that the bus took from us and refused later, for good.
struct RefusedEvent {
  Error error{};
  bool letter = false;  // it was a dead letter already
  bool truncated = false;
  std::string key, bytes;
  std::vector<bus::Header> headers;
};

// Ownership: borrows the bus and the tracer.
// Threads:   one thread, but for InFlight.
class Publisher {
 public:
  Publisher(bus::Bus& bus, trace::Tracer& tracer, PublishOptions options)
      : options_(std::move(options)),
        value_bytes_max_(bus.value_bytes_max()),
        tracer_(tracer),
        pacer_(options_.pace),
        in_flight_(tracer, bus.describe().starts_with("kafka") ? "kafka" : "tocsin_embedded",
                   options_.topic, options_.cells) {}

  Status open(bus::Bus& bus) {
    bus::ProducerOptions options;
    options.client_id = "tocsin-produce";
    options.compression = options_.compression;
    options.on_delivery = [this](const bus::Delivery& delivery) { on_delivery(delivery); };
    if (!options_.spool) {
      TOCSIN_TRY(producer_, bus.open_producer(std::move(options)));
      return {};
    }
    bus::spool::SpooledProducerOptions spooled;
    spooled.spool = *options_.spool;
    spooled.prepare = options_.prepare;
    spooled.stop = options_.stop;
    spooled.on_drained = [this](const bus::spool::SpooledRecord& record,
                                const bus::Delivery& delivery,
                                bool recovered) { on_drained(record, delivery, recovered); };
    TOCSIN_TRY(auto opened,
               bus::spool::SpooledProducer::open(bus, std::move(options), std::move(spooled)));
    spooled_producer_ = opened.get();
    producer_ = std::move(opened);
    return {};
  }

  Result<PublishStats> run(const OpenSource& open_source) {
    do {
      TOCSIN_TRY(const std::unique_ptr<Source> source, open_source());
      const std::uint64_t before = stats_.read;
      read(*source);
      if (stats_.read == before) break;  // an empty source would loop without end
    } while (options_.loop && !stats_.stopped && !enough());
    drain();
    refresh();
    if (options_.on_progress) options_.on_progress(stats_);
    return stats_;
  }

 private:
  [[nodiscard]] bool enough() const { return options_.count != 0 && stats_.read >= options_.count; }
  [[nodiscard]] bool stopping() {
    if (options_.stop && options_.stop()) stats_.stopped = true;
    return stats_.stopped;
  }

  void read(Source& source) {
    RawEvent event;
    Problem problem;
    while (!enough() && !stopping()) {
      const UnixNanos started = now_ns();
      switch (source.next(event, problem)) {
        case Next::kEvent:
          ++stats_.read;
          if (options_.cells != nullptr) options_.cells->read.add();
          publish_event(event, started);
          tell_of_refused();
          break;
        case Next::kProblem:
          tell(problem);
          break;
        case Next::kIdle:
          show_progress(source);
          std::this_thread::sleep_for(kIdlePause);
          break;
        case Next::kEnd:
          stats_.source = source.progress();
          return;
      }
      if (stats_.read % kEventsPerLook == 0 || pacer_.active()) show_progress(source);
    }
    stats_.source = source.progress();
  }

  void publish_event(RawEvent& event, UnixNanos started) {
    const Identity& identity = reader_.read(event.json);
    if (pacer_.active()) {
      std::optional<UnixNanos> time;
      if (pacer_.reads_event_time()) time = parse_time(identity.time);
      // Stopped while waiting: the event is sent all the same, so that it is not lost.
      wait_until(pacer_.due(time, Pacer::Clock::now()), options_.stop);
      started = now_ns();
    }
    enter_path(event.origin.path);
    if (event.json.size() > value_bytes_max_) return refuse_too_large(event);

    Flight flight;
    flight.event_id = event_id_of(identity, event, absolute_path_);
    flight.trace = trace::trace_id_of(flight.event_id);
    std::optional<trace::Context> agent;
    if (!identity.traceparent.empty()) agent = trace::parse_traceparent(identity.traceparent);
    if (agent) {
      flight.trace = agent->trace;
      flight.parent = agent->span;
    }
    if (tracer_.enabled() || tracer_.sampler().off())
      flight.sampled = tracer_.sampler().keeps(flight.trace, agent ? &*agent : nullptr);
    flight.started = started;
    if (tracer_.enabled()) flight.key = identity.computer;  // for the spans
    flight.path = path_;
    flight.line = event.origin.line;
    flight.record_id = event.origin.record_id;
    flight.bytes = event.json.size();
    send(event, identity.computer, std::move(flight));
  }

  void send(RawEvent& event, const std::string& key, Flight flight) {
    record_.key = key;
    flight.sent = now_ns();
    write_headers(event, flight);
    // The source gets its buffer back, the one of the event before.
    record_.value.swap(event.json);
    stats_.bytes += record_.value.size();
    if (options_.cells != nullptr) {
      options_.cells->bytes.add(record_.value.size());
      options_.cells->sent.add();
    }
    const std::uint64_t token = in_flight_.add(std::move(flight));
    const Status status = producer_->send(options_.topic, record_, token);
    if (!status) return in_flight_.refused(token, status.error());
    in_flight_.handed_over(token, now_ns());
    ++stats_.sent;
  }

  // Into the headers of the event before, so that their texts keep their memory.
  void write_headers(const RawEvent& event, const Flight& flight) {
    std::size_t count = 0;
    const auto header = [&](std::string_view name) -> std::string& {
      if (count == record_.headers.size()) record_.headers.emplace_back();
      bus::Header& one = record_.headers[count++];
      one.key = name;
      one.value.clear();
      return one.value;
    };
    const auto number = [&](std::string_view name, std::uint64_t value) {
      const fmt::format_int digits(value);
      header(name).append(digits.data(), digits.size());
    };
    flight.event_id.append_to(header("event_id"));
    const std::uint8_t flags = flight.sampled ? 1 : 0;
    header("traceparent") =
        trace::format_traceparent({flight.trace, send_span_id(flight.trace), flags});
    // Whoever finds later that the event matters can complete its trace.
    if (!flight.sampled && tracer_.enabled())
      header("tracestate") = trace::format_tracestate({flight.started, flight.sent});
    append_source(header("source"), event.origin);
    header("content-type") = "application/json";
    const Truth& truth = event.truth;
    if (!truth.tactic.empty()) header("tocsin.truth.tactic") = truth.tactic;
    if (!truth.scenario.empty()) header("tocsin.truth.scenario") = truth.scenario;
    if (!truth.technique.empty()) header("tocsin.truth.technique") = truth.technique;
    if (event.origin.path != "synthetic") {
      header("log.file.path") = event.origin.path;
      if (event.origin.line != 0) number("log.offset", event.origin.line);
      if (event.origin.record_id != 0) number("winlog.record_id", event.origin.record_id);
    }
    record_.headers.resize(count);
  }

  static void append_source(std::string& out, const Origin& origin) {
    if (origin.path == "synthetic") {
      out += "synthetic";
      return;
    }
    out += origin.line != 0 ? "jsonl:" : origin.record_id != 0 ? "evtx:" : "file:";
    out += origin.path;
    if (origin.line == 0) return;
    const fmt::format_int digits(origin.line);
    out.push_back(':');
    out.append(digits.data(), digits.size());
  }

  [[nodiscard]] static std::string source_text(const Origin& origin) {
    std::string text;
    append_source(text, origin);
    return text;
  }

  void refuse_too_large(RawEvent& event) {
    Problem problem;
    problem.origin = event.origin;
    problem.code = "event.too_large";
    problem.message = fmt::format(
        "{}: the event has {} bytes, the bus takes {}; its first part is in the dead letter",
        origin_text(event.origin.path, event.origin.line, event.origin.record_id),
        event.json.size(), value_bytes_max_);
    problem.bytes.assign(event.json, 0, kDeadLetterBytesMax);
    tell(problem);
  }

  void tell(const Problem& problem) {
    if (options_.on_problem) options_.on_problem(problem);
    if (problem.skipped_only) {
      ++stats_.skipped;
      return;
    }
    ++stats_.problems;
    if (problem.code == "file.unreadable") ++stats_.unreadable;
    const std::size_t limit = std::min(kDeadLetterBytesMax, value_bytes_max_);
    bus::Record record;
    record.value = problem.bytes.substr(0, limit);
    record.headers = {
        {"error.stage", "produce"},
        {"error.code", problem.code},
        {"error.message", problem.message},
        {"origin", fmt::format("{}|{}",
                               origin_text(problem.origin.path, problem.origin.line,
                                           problem.origin.record_id),
                               problem.byte_offset)},
        {"source", source_text(problem.origin)},
        {"content-type", "application/octet-stream"},
    };
    if (problem.bytes.size() >= limit) record.headers.push_back({"truncated", "true"});
    if (tracer_.enabled()) record.headers.push_back({"traceparent", trace_problem(problem)});
    send_dead_letter(record);
  }

  // The bus's threads call it. A record that no retry makes fit becomes a dead letter, and a dead
  // letter that is too large itself a shorter one; both are sent by the thread that reads.
  void on_delivery(const bus::Delivery& delivery) {
    const bool letter = delivery.token == kDeadLetterToken;
    const bool refused =
        delivery.error && delivery.error->code == ErrorCode::kInvalid && delivery.record != nullptr;
    if (!refused || (letter && delivery.record->value.size() <= kShortLetterBytes))
      return in_flight_.on_delivery(delivery);
    RefusedEvent event;
    event.error = *delivery.error;
    event.letter = letter;
    const bus::Message& record = *delivery.record;
    event.key = record.key;
    event.bytes = record.value.substr(0, letter ? kShortLetterBytes : kDeadLetterBytesMax);
    event.truncated = event.bytes.size() < record.value.size();
    for (const auto& [name, value] : record.headers)
      event.headers.push_back({std::string(name), std::string(value)});
    if (!letter) {
      ++dead_lettered_;
      in_flight_.on_delivery(delivery);
    }
    const std::lock_guard lock(refused_mutex_);
    refused_.push_back(std::move(event));
  }

  // A record from the spool has its spans now, from what its headers tell.
  void on_drained(const bus::spool::SpooledRecord& spooled, const bus::Delivery& delivery,
                  bool recovered) {
    bus::Message message{.topic = spooled.topic,
                         .key = spooled.record.key,
                         .value = spooled.record.value,
                         .headers = {}};
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    for (const bus::Header& header : spooled.record.headers)
      headers.emplace_back(header.key, header.value);
    message.headers = headers;
    bus::Delivery told = delivery;
    told.record = &message;
    told.token = kDeadLetterToken;
    if (spooled.topic != options_.topic) return on_delivery(told);
    Flight flight;
    std::string path;
    for (const auto& [name, value] : spooled.record.headers) {
      if (name == "event_id") flight.event_id = Uuid::parse(value).value_or(Uuid{});
      if (name == "source") path = value;
      if (name != "traceparent") continue;
      if (const auto context = trace::parse_traceparent(value)) {
        flight.trace = context->trace;
        flight.sampled = (context->flags & 1) != 0;
      }
    }
    flight.started = flight.sent = flight.handed_over = spooled.spooled_at;
    flight.key = spooled.record.key;
    flight.path = std::make_shared<const std::string>(std::move(path));
    flight.bytes = spooled.record.value.size();
    told.token = in_flight_.add(std::move(flight));
    ++(recovered ? recovered_ : drained_);
    on_delivery(told);
  }

  void tell_of_refused() {
    std::vector<RefusedEvent> refused;
    {
      const std::lock_guard lock(refused_mutex_);
      refused.swap(refused_);
    }
    for (RefusedEvent& event : refused) {
      bus::Record record;
      record.key = std::move(event.key);
      record.value = std::move(event.bytes);
      record.headers = std::move(event.headers);
      if (!event.letter) {
        ++stats_.problems;
        std::string origin;
        for (const bus::Header& header : record.headers)
          if (header.key == "source") origin = header.value;
        record.headers.push_back({"error.stage", "produce"});
        record.headers.push_back({"error.code", "event.too_large"});
        record.headers.push_back({"error.message", event.error.message});
        record.headers.push_back({"origin", std::move(origin)});
      }
      if (event.truncated) record.headers.push_back({"truncated", "true"});
      send_dead_letter(record);
    }
  }

  void send_dead_letter(const bus::Record& record) {
    const Status status = producer_->send(options_.dead_letter_topic, record, kDeadLetterToken);
    if (status) return;
    ++dead_letters_refused_;
    if (options_.cells != nullptr) options_.cells->refused.add();
    log_error("dead letter not stored: {}", status.error().message);
  }

  // What is no event has a trace as well, of one span: an error. Its id derives from where the
  // bytes stand, so that reading them again does not make a second one.
  [[nodiscard]] std::string trace_problem(const Problem& problem) {
    const std::string origin =
        origin_text(problem.origin.path, problem.origin.line, problem.origin.record_id);
    trace::Span span;
    span.trace = sha256_128(
        fmt::format("tocsin:problem\n{}\n{}\n{}", origin, problem.byte_offset, problem.code));
    span.id = trace::span_id_of(span.trace, "produce_event");
    span.name = "produce_event";
    span.start = span.end = now_ns();
    span.attributes = {{"error.type", problem.code}, {"tocsin.origin", origin}};
    span.events = {
        {span.start, "dead_letter", {{"messaging.destination.name", options_.dead_letter_topic}}}};
    span.status = trace::SpanStatus::kError;
    span.status_message = problem.message;
    tracer_.record(std::vector{span});
    return trace::format_traceparent({span.trace, span.id, 1});
  }

  // Everything sent becomes durable, or is counted as failed.
  void drain() {
    Status status;
    for (int round = 0; round < kRefusalsMax && status; ++round) {
      status = producer_->flush(options_.flush_timeout);
      tell_of_refused();
    }
    if (!status) log_error("{}", status.error().message);
    in_flight_.flush_spans();
    refresh();
    const std::uint64_t known =
        stats_.acknowledged + stats_.failed + stats_.spooled + dead_lettered_;
    if (known >= stats_.sent) return;
    not_acknowledged_ = stats_.sent - known;
    if (options_.cells != nullptr) options_.cells->refused.add(not_acknowledged_);
  }

  void enter_path(const std::string& path) {
    if (path_ && *path_ == path) return;
    path_ = std::make_shared<const std::string>(path);
    absolute_path_ = path;
    if (path == "-" || path == "synthetic") return;
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (!error) absolute_path_ = absolute.lexically_normal().string();
  }

  void refresh() {
    // Each that was drained is counted twice in flight: as spooled, and as delivered (or failed).
    stats_.recovered = recovered_;
    stats_.acknowledged =
        in_flight_.acknowledged() - std::min(in_flight_.acknowledged(), stats_.recovered);
    stats_.spooled = in_flight_.spooled() - std::min(in_flight_.spooled(), drained_.load());
    if (spooled_producer_ != nullptr) stats_.spool = spooled_producer_->stats();
    stats_.failed =
        in_flight_.failed() - dead_lettered_ + dead_letters_refused_ + not_acknowledged_;
    stats_.seconds = std::chrono::duration<double>(Pacer::Clock::now() - started_).count();
  }

  void show_progress(const Source& source) {
    if (!options_.on_progress) return;
    const auto now = Pacer::Clock::now();
    if (now - shown_ < kProgressEvery) return;
    shown_ = now;
    stats_.source = source.progress();
    refresh();
    options_.on_progress(stats_);
  }

  const PublishOptions options_;
  const std::size_t value_bytes_max_;
  trace::Tracer& tracer_;
  Pacer pacer_;
  IdentityReader reader_;
  bus::Record record_;  // of the event under way
  InFlight in_flight_;
  PublishStats stats_;
  const Pacer::Clock::time_point started_ = Pacer::Clock::now();
  Pacer::Clock::time_point shown_{};
  std::shared_ptr<const std::string> path_;
  std::string absolute_path_;
  std::uint64_t dead_letters_refused_ = 0;
  std::uint64_t not_acknowledged_ = 0;
  std::mutex refused_mutex_;
  std::vector<RefusedEvent> refused_;            // to become dead letters
  std::atomic<std::uint64_t> dead_lettered_{0};  // failed in flight, and are dead letters now
  std::atomic<std::uint64_t> drained_{0};        // of this run, from the spool
  std::atomic<std::uint64_t> recovered_{0};      // of earlier runs
  bus::spool::SpooledProducer* spooled_producer_ = nullptr;  // producer_, when it is one
  std::unique_ptr<bus::Producer> producer_;  // last: its thread calls in_flight_ until it is gone
};

}  // namespace

Result<PublishStats> publish(const OpenSource& open_source, bus::Bus& bus, trace::Tracer& tracer,
                             PublishOptions options) {
  Publisher publisher(bus, tracer, std::move(options));
  TOCSIN_TRY_STATUS(publisher.open(bus));
  return publisher.run(open_source);
}

}  // namespace tocsin::produce
