// SPDX-License-Identifier: Apache-2.0
//
// The seed of a random test, which a failure prints, so that it can be run again.
#pragma once

#include <cstdlib>
#include <random>

namespace tocsin::tests {

// $TOCSIN_TEST_SEED, else a new one.
[[nodiscard]] inline unsigned seed_wanted() {
  const char* const given = std::getenv("TOCSIN_TEST_SEED");
  return given == nullptr ? std::random_device{}()
                          : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
}

}  // namespace tocsin::tests
