// SPDX-License-Identifier: Apache-2.0
//
// What a JSON parser refuses but an agent sends: bytes that are not UTF-8, raw control characters.
// An event must not hide behind one bad byte.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::normalize {

// A copy with every ill-formed UTF-8 part replaced by U+FFFD and every raw control character inside
// a string written as an escape, so that the parser accepts it.
[[nodiscard]] std::string repair_json(std::string_view json);

}  // namespace tocsin::normalize
