// SPDX-License-Identifier: Apache-2.0
//
// JSON text as events really hold it, to the characters it stands for. Nothing is refused that can
// be read: strings with broken escapes, numbers in any notation.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "core/event/normalized_event.h"

namespace tocsin {

// The characters of a JSON string, given what stands between its quotes. Views `raw` itself when it
// holds no escape. A lone surrogate or an unknown escape becomes U+FFFD.
[[nodiscard]] std::string_view unescape(std::string_view raw, Arena& arena);

// The one text of the number that a JSON number token says (base/decimal.h), exactly: "10.0" and
// "1e1" are "10", "-0" is "0". A token that is no number stays.
[[nodiscard]] std::string_view canonical_number(std::string_view token, Arena& arena);

// Whether that text may be other than a part of the token.
[[nodiscard]] bool grows_when_canonical(std::string_view token);

// The value's characters; valid as long as both its text and the arena's bytes.
[[nodiscard]] std::string_view decoded(const FieldValue& value, Arena& arena);

}  // namespace tocsin
