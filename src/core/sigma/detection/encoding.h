// SPDX-License-Identifier: Apache-2.0
//
// The encodings of the modifiers base64, base64offset, wide, utf16le, utf16be and utf16.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace tocsin::sigma {

[[nodiscard]] std::string base64(std::string_view bytes);

// The part of the base64 text that does not depend on what stands around `bytes`, for each of the
// three positions that `bytes` may have in the encoded stream.
[[nodiscard]] std::array<std::string, 3> base64_offsets(std::string_view bytes);

[[nodiscard]] std::string to_utf16(std::string_view utf8, bool big_endian);

}  // namespace tocsin::sigma
