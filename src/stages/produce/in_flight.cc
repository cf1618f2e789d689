// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/in_flight.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "stages/produce/publish.h"

namespace tocsin::produce {

std::string origin_text(const std::string& path, std::uint64_t line, std::uint64_t record_id) {
  if (line != 0) return fmt::format("{}:{}", path, line);
  if (record_id != 0) return fmt::format("{}#{}", path, record_id);
  return path;
}

std::uint64_t InFlight::add(Flight flight) {
  const std::lock_guard lock(mutex_);
  slots_.push_back({std::move(flight), std::nullopt, false});
  return first_token_ + slots_.size() - 1;
}

InFlight::Slot* InFlight::find(std::uint64_t token) {
  if (token < first_token_ || token - first_token_ >= slots_.size()) return nullptr;
  return &slots_[token - first_token_];
}

void InFlight::handed_over(std::uint64_t token, UnixNanos now) {
  std::unique_lock lock(mutex_);
  Slot* slot = find(token);
  if (slot == nullptr || slot->done) return;
  slot->flight.handed_over = now;
  if (slot->delivery) finish(*slot, lock);
}

void InFlight::refused(std::uint64_t token, const Error& error) {
  bus::Delivery delivery;
  delivery.token = token;
  delivery.error = error;
  on_delivery(delivery);
  handed_over(token, now_ns());
}

void InFlight::on_delivery(const bus::Delivery& delivery) {
  std::unique_lock lock(mutex_);
  if (delivery.token == kDeadLetterToken && delivery.error) {
    ++failed_;
    if (cells_ != nullptr) cells_->failed.add();
    log_warning("a dead letter was not stored: {}", delivery.error->message);
  }
  Slot* slot = find(delivery.token);
  if (slot == nullptr || slot->done || slot->delivery) return;
  slot->delivery = delivery;
  if (slot->delivery->acknowledged_at == 0) slot->delivery->acknowledged_at = now_ns();
  if (delivery.error) {
    ++failed_;
    log_warning("not stored: the event from {}: {}",
                origin_text(*slot->flight.path, slot->flight.line, slot->flight.record_id),
                delivery.error->message);
  } else {
    ++acknowledged_;
  }
  if (cells_ != nullptr) count(*slot);
  if (slot->flight.handed_over != 0) finish(*slot, lock);
}

// Under the lock, which makes one writer of many threads.
void InFlight::count(const Slot& slot) const {
  cells_->answered.add();
  if (slot.delivery->error) return cells_->failed.add();
  cells_->acknowledged.add();
  const UnixNanos now = slot.delivery->acknowledged_at;
  const double seconds = static_cast<double>(std::max<UnixNanos>(0, now - slot.flight.sent)) * 1e-9;
  cells_->send_seconds.observe(seconds);
  if (tracer_.enabled()) cells_->send_seconds.note({slot.flight.trace, seconds, now});
}

void InFlight::finish(Slot& slot, std::unique_lock<std::mutex>& lock) {
  slot.done = true;
  const bool traced = tracer_.enabled();
  Flight flight;
  bus::Delivery delivery;
  if (traced) {
    flight = std::move(slot.flight);
    delivery = std::move(*slot.delivery);
  }
  while (!slots_.empty() && slots_.front().done) {
    slots_.pop_front();
    ++first_token_;
  }
  lock.unlock();
  if (traced) tracer_.record(spans_of(flight, delivery));
}

std::vector<trace::Span> InFlight::spans_of(const Flight& flight,
                                            const bus::Delivery& delivery) const {
  std::vector<trace::Span> spans(2);
  trace::Span& produce = spans[0];
  produce.trace = flight.trace;
  produce.id = trace::span_id_of(flight.trace, "produce_event");
  produce.parent = flight.parent;
  produce.name = "produce_event";
  produce.kind = trace::SpanKind::kInternal;
  produce.start = flight.started;
  produce.end = std::max(flight.handed_over, flight.started);
  produce.attributes = {
      {"tocsin.event_id", flight.event_id.to_string()},
      {"tocsin.origin", origin_text(*flight.path, flight.line, flight.record_id)},
  };

  trace::Span& send = spans[1];
  send.trace = flight.trace;
  send.name = "send " + topic_;
  send.id = trace::span_id_of(flight.trace, "send raw-events");
  send.parent = produce.id;
  send.kind = trace::SpanKind::kProducer;
  send.start = flight.sent;
  send.end = std::max(delivery.acknowledged_at, flight.sent);
  send.attributes = {
      {"messaging.system", system_},
      {"messaging.operation.name", std::string("send")},
      {"messaging.operation.type", std::string("send")},
      {"messaging.destination.name", topic_},
      {"messaging.message.id", flight.event_id.to_string()},
      {"messaging.message.body.size", static_cast<std::int64_t>(flight.bytes)},
  };
  if (!flight.key.empty()) send.attributes.push_back({"messaging.kafka.message.key", flight.key});
  if (delivery.error) {
    send.status = trace::SpanStatus::kError;
    send.status_message = delivery.error->message;
  } else {
    send.attributes.push_back(
        {"messaging.destination.partition.id", std::to_string(delivery.where.partition)});
    send.attributes.push_back({"messaging.kafka.offset", delivery.offset});
  }
  return spans;
}

std::uint64_t InFlight::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return acknowledged_;
}

std::uint64_t InFlight::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

}  // namespace tocsin::produce
