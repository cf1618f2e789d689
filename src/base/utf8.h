// SPDX-License-Identifier: Apache-2.0
//
// UTF-8: validation, repair, and the case folding that Sigma's case-insensitive matching uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

[[nodiscard]] bool is_utf8(std::string_view text);

// Every maximal ill-formed part becomes one U+FFFD (Unicode 15, section 3.9, "substitution of
// maximal subparts").
[[nodiscard]] std::string repair_utf8(std::string_view text);

// Appends the code point; one that is a surrogate or beyond U+10FFFF is appended as U+FFFD.
void append_utf8(std::string& out, std::uint32_t code_point);

// UTF-16 little endian to UTF-8; an unpaired surrogate becomes U+FFFD. An odd last byte is ignored.
void append_utf16le(std::string& out, std::string_view bytes);

// Simple case folding (Unicode CaseFolding.txt, statuses C and S): one code point to one code
// point. ASCII text is folded byte by byte. U+0130 and U+0131 (Turkish dotted and dotless i) fold
// to 'i', so that neither can be used to slip past a rule; final sigma folds to sigma. Bytes that
// are not UTF-8 stay.
void append_folded(std::string& out, std::string_view text);
[[nodiscard]] std::string folded(std::string_view text);

}  // namespace tocsin
