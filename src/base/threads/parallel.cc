// SPDX-License-Identifier: Apache-2.0
#include "base/threads/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace tocsin {

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1u, std::thread::hardware_concurrency());
}

void parallel_for(std::size_t count, std::size_t least_each,
                  const std::function<void(std::size_t)>& work) {
  const std::size_t threads =
      std::min(usable_cores(), count / std::max<std::size_t>(1, least_each));
  // Taken in small steps, because rounds differ in what they cost.
  const std::size_t step =
      std::max<std::size_t>(1, count / (16 * std::max<std::size_t>(1, threads)));
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t begin; (begin = next.fetch_add(step, std::memory_order_relaxed)) < count;)
      for (std::size_t i = begin; i < std::min(begin + step, count); ++i) work(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(run);
  run();
}

}  // namespace tocsin
