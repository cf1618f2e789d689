// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/publish.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "stages/produce/identity.h"
#include "stages/produce/in_flight.h"

namespace tocsin::produce {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kDeadLetterBytesMax = 64u << 10;
constexpr auto kIdlePause = 20ms;
constexpr auto kProgressEvery = 100ms;
// Looking at the clock for each event is not free.
constexpr std::uint64_t kEventsPerLook = 64;

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
    options.on_delivery = [this](const bus::Delivery& delivery) {
      in_flight_.on_delivery(delivery);
    };
    TOCSIN_TRY(producer_, bus.open_producer(std::move(options)));
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
    flight.key = identity.computer;
    flight.path = path_;
    flight.line = event.origin.line;
    flight.record_id = event.origin.record_id;
    flight.bytes = event.json.size();
    send(event, std::move(flight));
  }

  void send(RawEvent& event, Flight flight) {
    bus::Record record;
    record.key = flight.key;
    flight.sent = now_ns();
    record.headers = headers_of(event, flight);
    record.value = std::move(event.json);
    stats_.bytes += record.value.size();
    if (options_.cells != nullptr) {
      options_.cells->bytes.add(record.value.size());
      options_.cells->sent.add();
    }
    const std::uint64_t token = in_flight_.add(std::move(flight));
    const Status status = producer_->send(options_.topic, std::move(record), token);
    if (!status) return in_flight_.refused(token, status.error());
    in_flight_.handed_over(token, now_ns());
    ++stats_.sent;
  }

  [[nodiscard]] std::vector<bus::Header> headers_of(const RawEvent& event,
                                                    const Flight& flight) const {
    std::vector<bus::Header> headers;
    headers.reserve(10);
    headers.push_back({"event_id", flight.event_id.to_string()});
    const std::uint8_t flags = flight.sampled ? 1 : 0;
    headers.push_back({"traceparent", trace::format_traceparent(
                                          {flight.trace, send_span_id(flight.trace), flags})});
    // Whoever finds later that the event matters can complete its trace.
    if (!flight.sampled && tracer_.enabled())
      headers.push_back({"tracestate", trace::format_tracestate({flight.started, flight.sent})});
    headers.push_back({"source", source_text(event.origin)});
    headers.push_back({"content-type", "application/json"});
    const Truth& truth = event.truth;
    if (!truth.tactic.empty()) headers.push_back({"tocsin.truth.tactic", truth.tactic});
    if (!truth.scenario.empty()) headers.push_back({"tocsin.truth.scenario", truth.scenario});
    if (!truth.technique.empty()) headers.push_back({"tocsin.truth.technique", truth.technique});
    if (event.origin.path == "synthetic") return headers;
    headers.push_back({"log.file.path", event.origin.path});
    if (event.origin.line != 0)
      headers.push_back({"log.offset", std::to_string(event.origin.line)});
    if (event.origin.record_id != 0)
      headers.push_back({"winlog.record_id", std::to_string(event.origin.record_id)});
    return headers;
  }

  [[nodiscard]] static std::string source_text(const Origin& origin) {
    if (origin.path == "synthetic") return "synthetic";
    if (origin.line != 0) return fmt::format("jsonl:{}:{}", origin.path, origin.line);
    return (origin.record_id != 0 ? "evtx:" : "file:") + origin.path;
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
    const Status status =
        producer_->send(options_.dead_letter_topic, std::move(record), kDeadLetterToken);
    if (!status) {
      ++dead_letters_refused_;
      if (options_.cells != nullptr) options_.cells->refused.add();
      log_error("dead letter not stored: {}", status.error().message);
    }
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
    const Status status = producer_->flush(options_.flush_timeout);
    if (!status) log_error("{}", status.error().message);
    in_flight_.flush_spans();
    refresh();
    const std::uint64_t known = stats_.acknowledged + stats_.failed;
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
    stats_.acknowledged = in_flight_.acknowledged();
    stats_.failed = in_flight_.failed() + dead_letters_refused_ + not_acknowledged_;
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
  InFlight in_flight_;
  PublishStats stats_;
  const Pacer::Clock::time_point started_ = Pacer::Clock::now();
  Pacer::Clock::time_point shown_{};
  std::shared_ptr<const std::string> path_;
  std::string absolute_path_;
  std::uint64_t dead_letters_refused_ = 0;
  std::uint64_t not_acknowledged_ = 0;
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
