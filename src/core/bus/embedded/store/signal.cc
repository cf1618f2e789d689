// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/store/signal.h"

#include <map>

namespace tocsin::bus::embedded {

std::shared_ptr<Signal> Signal::of(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Signal>> signals;
  const std::lock_guard lock(mutex);
  std::weak_ptr<Signal>& slot = signals[path];
  std::shared_ptr<Signal> signal = slot.lock();
  if (!signal) {
    signal = std::make_shared<Signal>();
    slot = signal;
  }
  return signal;
}

void Signal::notify() {
  {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  changed_.notify_all();
}

std::uint64_t Signal::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void Signal::wait(std::uint64_t seen, std::chrono::microseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return count_ != seen; });
}

}  // namespace tocsin::bus::embedded
