// SPDX-License-Identifier: Apache-2.0
//
// Uuid: 16 bytes, RFC 9562, and the hashes that give stable ids to things.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Threads: a value type.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // Accepts 8-4-4-4-12, 32 hex digits, either in braces, either with the "urn:uuid:" prefix; any
  // case.
  [[nodiscard]] static std::optional<Uuid> parse(std::string_view text);
  // Version 5 (SHA-1 of namespace and name; RFC 9562 section 5.5).
  [[nodiscard]] static Uuid v5(const Uuid& name_space, std::string_view name);
  // Version 8 (custom): the first 128 bits of SHA-256 of `name` with version and variant set.
  [[nodiscard]] static Uuid hashed(std::string_view name);
  // Version 4 from the operating system's randomness.
  [[nodiscard]] static Uuid random();

  [[nodiscard]] bool is_nil() const;
  // Lower case, 36 characters.
  [[nodiscard]] std::string to_string() const;
  // Appends the 36 characters without allocating beyond `out`'s growth.
  void append_to(std::string& out) const;

  auto operator<=>(const Uuid&) const = default;
};

// Appends `size` bytes as lower-case hex.
void append_hex(std::string& out, const std::uint8_t* data, std::size_t size);

// Decodes exactly 2*size hex digits; false when a character is not one.
[[nodiscard]] bool decode_hex(std::string_view text, std::uint8_t* out, std::size_t size);

// The first 16 bytes of SHA-256.
[[nodiscard]] std::array<std::uint8_t, 16> sha256_128(std::string_view data);

}  // namespace tocsin

template <>
struct std::hash<tocsin::Uuid> {
  std::size_t operator()(const tocsin::Uuid& id) const noexcept;
};
