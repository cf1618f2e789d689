// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tocsin {
void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: this is a bug in tocsin: %s does not hold\n", file, line, condition);
  std::abort();
}
}  // namespace tocsin
