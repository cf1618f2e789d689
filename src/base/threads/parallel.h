// SPDX-License-Identifier: Apache-2.0
//
// A loop whose rounds do not depend on each other, shared out among the cores.
#pragma once

#include <cstddef>
#include <functional>

namespace tocsin {

// Cores that this process may use (its affinity, not what the machine has); at least 1.
[[nodiscard]] std::size_t usable_cores();

// Calls work(i) once for each i < count, some at the same time, and returns when all are done. No
// thread is started for fewer than `least_each` rounds a thread. Threads started here have the
// priority of the caller. `work` must not throw.
void parallel_for(std::size_t count, std::size_t least_each,
                  const std::function<void(std::size_t)>& work);

}  // namespace tocsin
