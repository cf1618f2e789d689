// SPDX-License-Identifier: Apache-2.0
//
// Finding a few bytes in many.
#pragma once

#include <cstddef>
#include <string_view>

namespace tocsin {

// The first place from `from` on where `part` stands in `text`; npos when there is none. An empty
// part stands everywhere.
// Cost: linear in the text whatever both hold; with vector instructions some ten bytes a cycle
// where the part's first and last byte are not met together often.
[[nodiscard]] std::size_t find_bytes(std::string_view text, std::string_view part,
                                     std::size_t from = 0);

}  // namespace tocsin
