// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/thread_queue.h"

#include <chrono>
#include <thread>
#include <utility>

namespace tocsin::console {
namespace {

constexpr std::chrono::seconds kIdle{10};

}  // namespace

ThreadQueue::ThreadQueue(std::size_t threads_max) : threads_max_(threads_max) {}

void ThreadQueue::enqueue(std::function<void()> job) {
  const std::lock_guard lock(state_->mutex);
  state_->jobs.push_back(std::move(job));
  if (state_->idle < state_->jobs.size() && state_->threads < threads_max_) {
    ++state_->threads;
    // The state outlives the queue for as long as a thread is on its way out.
    std::thread([state = state_] { run(state); }).detach();
  }
  state_->work.notify_one();
}

void ThreadQueue::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->work.wait_for(lock, kIdle, [&] { return !state->jobs.empty() || state->stopping; });
    --state->idle;
    if (state->jobs.empty()) break;  // nothing to do for long, or for ever
    std::function<void()> job = std::move(state->jobs.front());
    state->jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  --state->threads;
  state->ended.notify_all();
}

void ThreadQueue::shutdown() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->work.notify_all();
  state_->ended.wait(lock, [&] { return state_->threads == 0; });
}

}  // namespace tocsin::console
