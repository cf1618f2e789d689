// SPDX-License-Identifier: Apache-2.0
//
// Commonness: how often logs hold a byte, roughly; what a filter is filed under should be rare.
#pragma once

#include <cstring>

namespace tocsin::match {

// From 1 (seldom) to 8. Capital letters count as small ones.
[[nodiscard]] inline int commonness(char c) {
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  if (c != '\0' && std::strchr("etaoinsrc .0\\", c) != nullptr) return 8;
  if (c >= 'a' && c <= 'z') return std::strchr("jqxzkvwy", c) != nullptr ? 4 : 6;
  if (c >= '0' && c <= '9') return 6;
  return c != '\0' && std::strchr("-_:=,", c) != nullptr ? 4 : 1;
}

}  // namespace tocsin::match
