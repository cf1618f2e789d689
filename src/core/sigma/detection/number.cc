// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/detection/number.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>

#include "base/decimal.h"
#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {
namespace {

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

// "8" or, for IPv4, "255.0.0.0".
std::optional<int> prefix_bits(const std::string& text, bool v4) {
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error == std::errc{} && end == text.data() + text.size() && text[0] != '-') return bits;
  in_addr mask{};
  if (!v4 || inet_pton(AF_INET, text.c_str(), &mask) != 1) return std::nullopt;
  const std::uint32_t value = ntohl(mask.s_addr);
  bits = std::countl_one(value);
  const bool contiguous = bits == 32 || (value << bits) == 0;
  return contiguous ? std::optional(bits) : std::nullopt;
}

}  // namespace

std::optional<std::string> canonical_number(std::string_view text) {
  const auto number = Decimal::parse(text);
  return number ? std::optional(number->to_string()) : std::nullopt;
}

std::optional<bool> to_bool(const yaml::Node& node) {
  if (!node.plain) return std::nullopt;
  const std::string text = lower_ascii(node.scalar);
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

bool is_yaml_1_1(const yaml::Node& node) {
  if (!node.plain || node.scalar.empty()) return false;
  if (node.scalar_type() != yaml::ScalarType::kString) return false;
  if (to_bool(node)) return true;
  const std::string text = lower_ascii(node.scalar);
  if (text.size() > 2 && text.starts_with("0x")) return all_of(text.substr(2), "0123456789abcdef_");
  if (text.size() > 2 && text.starts_with("0o")) return all_of(text.substr(2), "01234567_");
  return text[0] >= '0' && text[0] <= '9' && all_of(text, "0123456789_");
}

std::optional<Network> to_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<unsigned char, 16> bytes{};
  const bool v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  const bool v6 = !v4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
  if (address.find('\0') != std::string::npos || (!v4 && !v6)) return std::nullopt;
  const int bits_max = v4 ? 32 : 128;
  const auto bits = slash == std::string_view::npos
                        ? std::optional<int>(bits_max)
                        : prefix_bits(std::string(text.substr(slash + 1)), v4);
  if (!bits || *bits < 0 || *bits > bits_max) return std::nullopt;
  Network out{fmt::format("{}/{}", address, *bits), false};
  for (int bit = *bits; bit < bits_max; ++bit)
    out.host_bits |= (bytes[static_cast<std::size_t>(bit / 8)] & (0x80 >> (bit % 8))) != 0;
  return out;
}

}  // namespace tocsin::sigma
