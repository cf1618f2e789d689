// SPDX-License-Identifier: Apache-2.0
//
// The encoding of a text file, told by its first bytes, and its conversion to UTF-8.
//
//   InputBuffer of any encoding -> to_utf8() -> InputBuffer of UTF-8 without a byte order mark
#pragma once

#include <cstdint>
#include <string_view>

#include "stages/produce/files/byte_stream.h"

namespace tocsin::produce {

enum class Encoding : std::uint8_t { kUtf8, kUtf16Le, kUtf16Be };

// By byte order mark; without one, by the zero byte beside a first ASCII character of JSON.
[[nodiscard]] Encoding encoding_of(std::string_view first_bytes);

// Drops the mark and converts UTF-16. Bytes of a UTF-8 file stay as they are, valid or not:
// repairing them is for who matches them.
[[nodiscard]] InputBuffer to_utf8(InputBuffer raw, Encoding encoding);

}  // namespace tocsin::produce
