// SPDX-License-Identifier: Apache-2.0
//
// JSON text as events really hold it: strings with broken escapes, bytes that are not UTF-8, raw
// control characters. Nothing is refused that can be read: an event must not hide behind one bad
// byte.
#pragma once

#include <string>
#include <string_view>

#include "base/arena.h"

namespace tocsin::normalize {

// The characters of a JSON string, given what stands between its quotes. Views `raw` itself when it
// holds no escape. A lone surrogate or an unknown escape becomes U+FFFD.
[[nodiscard]] std::string_view unescape(std::string_view raw, Arena& arena);

// The shortest text of the number that a JSON number token says: "10.0" and "1e1" are "10".
[[nodiscard]] std::string_view canonical_number(std::string_view token, Arena& arena);

// A copy with every ill-formed UTF-8 part replaced by U+FFFD and every raw control character inside
// a string written as an escape, so that the parser accepts it.
[[nodiscard]] std::string repair_json(std::string_view json);

}  // namespace tocsin::normalize
