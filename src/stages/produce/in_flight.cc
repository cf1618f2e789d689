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

namespace {

constexpr UnixNanos kSpansWaitNs = 200'000'000;

void append_origin(std::string& out, const std::string& path, std::uint64_t line,
                   std::uint64_t record_id) {
  out += path;
  if (line == 0 && record_id == 0) return;
  out.push_back(line != 0 ? ':' : '#');
  const fmt::format_int number(line != 0 ? line : record_id);
  out.append(number.data(), number.size());
}

}  // namespace

std::string origin_text(const std::string& path, std::uint64_t line, std::uint64_t record_id) {
  std::string text;
  append_origin(text, path, line, record_id);
  return text;
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
  } else if (delivery.spooled) {
    ++spooled_;
  } else {
    ++acknowledged_;
  }
  if (cells_ != nullptr) count(*slot);
  if (slot->flight.handed_over != 0) finish(*slot, lock);
}

// Under the lock, which makes one writer of many threads.
void InFlight::count(const Slot& slot) const {
  if (slot.delivery->spooled) return;  // is answered when it comes from the spool
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
  const UnixNanos now = std::max(slot.flight.handed_over, slot.delivery->acknowledged_at);
  if (tracer_.enabled() && !slot.delivery->spooled && (slot.flight.sampled || slot.delivery->error))
    record_spans(slot.flight, *slot.delivery);
  while (!slots_.empty() && slots_.front().done) {
    slots_.pop_front();
    ++first_token_;
  }
  if (writer_.spans() == 0) return;
  const bool due = writer_.full() || slots_.empty() || now - oldest_span_ > kSpansWaitNs;
  if (!due) return;
  trace::SpanChunk chunk = writer_.take();
  lock.unlock();
  tracer_.record(std::move(chunk));
}

void InFlight::flush_spans() {
  trace::SpanChunk chunk;
  {
    const std::lock_guard lock(mutex_);
    chunk = writer_.take();
  }
  tracer_.record(std::move(chunk));
}

void InFlight::record_spans(const Flight& flight, const bus::Delivery& delivery) {
  if (!tracer_.has_room()) return tracer_.count_dropped(2);
  if (writer_.spans() == 0) oldest_span_ = std::max(flight.handed_over, delivery.acknowledged_at);
  std::string id;
  id.reserve(36);
  flight.event_id.append_to(id);
  origin_.clear();
  append_origin(origin_, *flight.path, flight.line, flight.record_id);
  spans_.write(writer_, {.trace = flight.trace,
                         .parent = flight.parent,
                         .event_id = id,
                         .key = flight.key,
                         .origin = origin_,
                         .started = flight.started,
                         .read = flight.handed_over,
                         .sent = flight.sent,
                         .acknowledged = delivery.acknowledged_at,
                         .bytes = flight.bytes,
                         .partition = delivery.where.partition,
                         .offset = delivery.offset,
                         .error = delivery.error ? &*delivery.error : nullptr});
}

std::uint64_t InFlight::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return acknowledged_;
}

std::uint64_t InFlight::spooled() const {
  const std::lock_guard lock(mutex_);
  return spooled_;
}

std::uint64_t InFlight::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

}  // namespace tocsin::produce
