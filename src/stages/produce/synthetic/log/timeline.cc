// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/log/timeline.h"

#include <algorithm>
#include <utility>

#include "stages/produce/synthetic/log/body.h"

namespace tocsin::synthetic {

Timeline::Timeline(UnixNanos start) : now_(start) {
  for (std::size_t i = 0; i < heads_.size(); ++i) heads_[i] = head_of(static_cast<Kind>(i));
  truths_.push_back({.scenario = "", .tactic = "benign", .technique = ""});
}

Pending& Timeline::add(UnixNanos at, Host& host, Kind kind) {
  // Whole milliseconds look made. The same time gets the same microseconds, so order is kept.
  if (at % kMillisecond == 0)
    at += static_cast<UnixNanos>(mix(static_cast<std::uint64_t>(at)) % 1000) * kMicrosecond;
  at = std::max(at, now_);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  queue_.push({at, order_++, slot, false});
  Pending& pending = slots_[slot];
  pending.time = at;
  pending.host = &host;
  pending.kind = kind;
  pending.truth = truth_;
  pending.pid = 0;
  pending.thread = 4 * (100 + threads_.below(2400));
  pending.security = nullptr;
  pending.body.clear();
  if (truth_ != 0) ++attack_events_;
  return pending;
}

void Timeline::wake(UnixNanos at, std::uint32_t actor) {
  queue_.push({std::max(at, now_), order_++, actor, true});
}

std::uint32_t Timeline::add_truth(Truth truth) {
  truths_.push_back(std::move(truth));
  return static_cast<std::uint32_t>(truths_.size() - 1);
}

Timeline::What Timeline::pop(RawEvent& event, std::uint32_t& actor) {
  const Entry entry = queue_.top();
  queue_.pop();
  now_ = entry.time;
  if (entry.actor) {
    actor = entry.slot;
    return What::kActor;
  }
  write(event, slots_[entry.slot]);
  free_.push_back(entry.slot);
  return What::kEvent;
}

void Timeline::append_time(std::string& out, UnixNanos time) {
  const UnixNanos second = time / kSecond;
  if (second != written_second_) {
    written_second_ = second;
    written_time_ = format_rfc3339(second * kSecond, 0);
    written_time_.back() = '.';
  }
  out += written_time_;
  auto micros = static_cast<std::uint64_t>(time / kMicrosecond % 1000000);
  char digits[6];
  for (int i = 5; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + micros % 10);
    micros /= 10;
  }
  out.append(digits, sizeof digits);
  out.push_back('Z');
}

void Timeline::write(RawEvent& event, const Pending& pending) {
  Host& host = *pending.host;
  const Channel channel = info(pending.kind).channel;
  std::string& out = event.json;
  out.clear();
  out += heads_[static_cast<std::size_t>(pending.kind)];
  append_time(out, pending.time);
  out += R"("}},"EventRecordID":)";
  const std::uint64_t record = ++host.record_ids[static_cast<std::size_t>(channel)];
  append_decimal(out, record);
  out += R"(,"Correlation":null,"Execution":{"#attributes":{"ProcessID":)";
  append_decimal(out, pending.pid);
  out += R"(,"ThreadID":)";
  append_decimal(out, channel == Channel::kPowerShellClassic ? 0 : pending.thread);
  out += R"(}},"Channel":")";
  out += channel_name(channel);
  out += R"(","Computer":")";
  out += host.fqdn;
  if (pending.security != nullptr) {
    out += R"(","Security":{"#attributes":{"UserID":")";
    out += pending.security->sid;
    out += R"("}}},)";
  } else {
    out += R"(","Security":null},)";
  }
  out += pending.body;
  out += "}}";
  event.origin.path = "synthetic";
  event.origin.line = 0;
  event.origin.record_id = record;
  event.truth = truths_[pending.truth];
}

}  // namespace tocsin::synthetic
