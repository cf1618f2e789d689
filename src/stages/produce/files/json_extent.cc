// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/json_extent.h"

#include <array>

namespace tocsin::produce {
namespace {

constexpr std::size_t kDepthMax = 10'000;

enum Class : std::uint8_t { kPlain, kBlank, kQuote, kBracket };

constexpr std::array<std::uint8_t, 256> classes() {
  std::array<std::uint8_t, 256> table{};
  for (const unsigned char c : {' ', '\t', '\r', '\n'}) table[c] = kBlank;
  for (const unsigned char c : {'{', '}', '[', ']'}) table[c] = kBracket;
  table['"'] = kQuote;
  return table;
}
constexpr auto kClasses = classes();

// Bytes that end the quick walk through a string.
constexpr std::array<bool, 256> string_stops() {
  std::array<bool, 256> table{};
  table['"'] = table['\\'] = table['\n'] = true;
  return table;
}
constexpr auto kStringStops = string_stops();

}  // namespace

JsonExtent::State JsonExtent::feed(std::string_view piece) {
  std::size_t i = 0;
  const auto broken = [&] {
    size_ += i;
    return State::kBroken;
  };
  while (i < piece.size()) {
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
        ++i;
        continue;
      }
      while (i < piece.size() && !kStringStops[static_cast<unsigned char>(piece[i])]) ++i;
      if (i == piece.size()) break;
      if (piece[i] == '\n') return broken();
      if (piece[i] == '"') in_string_ = false;
      escaped_ = piece[i] == '\\';
      ++i;
      continue;
    }
    const char c = piece[i];
    switch (kClasses[static_cast<unsigned char>(c)]) {
      case kBlank:
        ++i;
        continue;
      case kQuote:
        in_string_ = true;
        break;
      case kBracket:
        if (!bracket(c)) return broken();
        if (open_.empty()) {
          size_ += i + 1;
          return State::kComplete;
        }
        break;
      default:
        break;
    }
    previous_ = c;
    ++i;
  }
  size_ += piece.size();
  return State::kOpen;
}

bool JsonExtent::bracket(char c) {
  if (c == '}' || c == ']') {
    if (open_.empty() || open_.back() != (c == '}' ? '{' : '[')) return false;
    open_.pop_back();
    return true;
  }
  if (open_.size() == kDepthMax) return false;
  if (!open_.empty()) {
    const bool in_object = open_.back() == '{';
    if (in_object ? previous_ != ':' : previous_ != ',' && previous_ != '[') return false;
  }
  open_.push_back(c);
  return true;
}

bool is_one_json_value(std::string_view line) {
  while (!line.empty() && kClasses[static_cast<unsigned char>(line.front())] == kBlank)
    line.remove_prefix(1);
  if (line.empty() || (line.front() != '{' && line.front() != '[')) return false;
  JsonExtent extent;
  if (extent.feed(line) != JsonExtent::State::kComplete) return false;
  for (const char c : line.substr(extent.size()))
    if (kClasses[static_cast<unsigned char>(c)] != kBlank) return false;
  return true;
}

}  // namespace tocsin::produce
