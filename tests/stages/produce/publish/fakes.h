// SPDX-License-Identifier: Apache-2.0
//
// A bus in memory, a tracer that keeps its spans, a source from a list: enough to watch the
// producer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/bus/bus.h"
#include "core/trace/otlp.h"
#include "core/trace/tracer.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

struct FakeBus final : bus::Bus {
  struct Sent {
    std::string topic;
    bus::Record record;

    [[nodiscard]] std::string header(std::string_view name) const {
      for (const bus::Header& header : record.headers)
        if (header.key == name) return header.value;
      return "(none)";
    }
  };

  std::vector<Sent> sent;
  std::size_t value_max = 1000;
  std::string name = "embedded:/x";
  bool ack_in_send = true;   // otherwise in flush()
  std::string refuse_value;  // send() fails for this value
  std::string fail_value;    // the delivery of this value fails
  bool forget = false;       // never acknowledges

  [[nodiscard]] std::vector<Sent> of(std::string_view topic) const {
    std::vector<Sent> out;
    for (const Sent& one : sent)
      if (one.topic == topic) out.push_back(one);
    return out;
  }

  class FakeProducer final : public bus::Producer {
   public:
    FakeProducer(FakeBus& bus, bus::ProducerOptions options)
        : bus_(bus), options_(std::move(options)) {}

    Status send(std::string_view topic, const bus::Record& record, std::uint64_t token) override {
      if (!bus_.refuse_value.empty() && record.value == bus_.refuse_value)
        return fail(ErrorCode::kInvalid, "refused");
      bus::Delivery delivery;
      delivery.token = token;
      delivery.where = {std::string(topic), 2};
      delivery.offset = static_cast<std::int64_t>(bus_.sent.size());
      if (!bus_.fail_value.empty() && record.value == bus_.fail_value)
        delivery.error = Error{ErrorCode::kUnavailable, "broker away"};
      bus_.sent.push_back({std::string(topic), record});
      waiting_.push_back(delivery);
      if (bus_.ack_in_send && !bus_.forget) acknowledge();
      return {};
    }
    Status flush(bus::Milliseconds) override {
      if (bus_.forget) return fail(ErrorCode::kUnavailable, "no answer in time");
      acknowledge();
      return {};
    }
    std::size_t pending() const override { return waiting_.size(); }

   private:
    void acknowledge() {
      for (bus::Delivery& delivery : waiting_) {
        delivery.acknowledged_at = now_ns();
        options_.on_delivery(delivery);
      }
      waiting_.clear();
    }

    FakeBus& bus_;
    bus::ProducerOptions options_;
    std::vector<bus::Delivery> waiting_;
  };

  Result<std::unique_ptr<bus::Producer>> open_producer(bus::ProducerOptions options) override {
    return std::make_unique<FakeProducer>(*this, std::move(options));
  }
  Result<std::unique_ptr<bus::Consumer>> open_consumer(bus::ConsumerOptions) override {
    return fail(ErrorCode::kUnsupported, "");
  }
  Result<std::unique_ptr<bus::Reader>> open_reader(std::string, bus::ReadFrom) override {
    return fail(ErrorCode::kUnsupported, "");
  }
  Status create_topic(const std::string&, const bus::TopicOptions&) override { return {}; }
  Status delete_topic(const std::string&) override { return {}; }
  Result<std::vector<bus::TopicDifference>> compare_topic(const std::string&,
                                                          const bus::TopicOptions&) override {
    return std::vector<bus::TopicDifference>{};
  }
  Result<bus::Offsets> timestamps_at(const bus::Offsets&) override { return bus::Offsets{}; }
  Result<std::vector<bus::TopicInfo>> topics() override { return std::vector<bus::TopicInfo>{}; }
  Result<std::vector<bus::GroupInfo>> groups() override { return std::vector<bus::GroupInfo>{}; }
  std::size_t value_bytes_max() const override { return value_max; }
  std::string describe() const override { return name; }
};

struct FakeTracer final : trace::Tracer {
  std::vector<trace::Span> spans;
  bool on = true;

  trace::Sampler choice;

  using trace::Tracer::record;
  void record(trace::SpanChunk chunk) override {
    trace::for_each_span(
        chunk, [&](std::string_view bytes) { spans.push_back(trace::parse_span(bytes).value()); });
  }
  bool enabled() const override { return on; }
  const trace::Sampler& sampler() const override { return choice; }
  bool flush(std::chrono::milliseconds) override { return true; }
  trace::TracerStats stats() const override { return {}; }
};

using Item = std::variant<RawEvent, Problem>;

struct ListSource final : Source {
  explicit ListSource(std::vector<Item> list) : items(std::move(list)) {}
  std::vector<Item> items;
  std::size_t at = 0;

  Next next(RawEvent& event, Problem& problem) override {
    if (at == items.size()) return Next::kEnd;
    const Item& item = items[at++];
    if (const RawEvent* one = std::get_if<RawEvent>(&item)) {
      event = *one;
      return Next::kEvent;
    }
    problem = std::get<Problem>(item);
    return Next::kProblem;
  }
  SourceProgress progress() const override { return {at, items.size()}; }
};

}  // namespace tocsin::produce
