// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/in_order.h"

namespace tocsin::cli::scan {

std::size_t Chunk::bytes() const {
  constexpr std::size_t kPerRow = 2'000, kPerRule = 500;
  std::size_t out = sizeof(Chunk) + text.size() + report_rows.size() * kPerRow +
                    findings.rules.size() * kPerRule + troubles.size() * kPerRule;
  for (const RowBatch& batch : timelines) out += batch.text.size() + batch.rows.size() * 16;
  return out;
}

void InOrder::push(std::size_t part, Chunk&& chunk) {
  std::unique_lock lock(mutex_);
  if (part == turn_) {
    sink_(chunk);
    return;
  }
  bytes_ += chunk.bytes();
  waiting_[part].chunks.push_back(std::move(chunk));
  moved_.wait(lock, [&] { return bytes_ <= bytes_max_ || part == turn_ || stopping_; });
  if (part == turn_) hand_over(waiting_[part]);
}

void InOrder::finish(std::size_t part) {
  const std::lock_guard lock(mutex_);
  waiting_[part].finished = true;
  for (auto first = waiting_.find(turn_); first != waiting_.end(); first = waiting_.find(turn_)) {
    hand_over(first->second);
    if (!first->second.finished) break;
    waiting_.erase(first);
    ++turn_;
  }
  moved_.notify_all();
}

void InOrder::stop_waiting() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  moved_.notify_all();
}

void InOrder::locked(const std::function<void()>& body) {
  const std::lock_guard lock(mutex_);
  body();
}

void InOrder::hand_over(Waiting& waiting) {
  for (Chunk& chunk : waiting.chunks) {
    bytes_ -= chunk.bytes();
    sink_(chunk);
  }
  waiting.chunks.clear();
}

}  // namespace tocsin::cli::scan
