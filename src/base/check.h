// SPDX-License-Identifier: Apache-2.0
//
// TOCSIN_CHECK(condition): a broken invariant is a bug; say where and stop. On in release builds
// too.
#pragma once

namespace tocsin {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace tocsin

#define TOCSIN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tocsin::check_failed(#condition, __FILE__, __LINE__))
