// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/call.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/utf8.h"

namespace tocsin::console {
namespace {

constexpr std::array<std::string_view, 4> kRoles = {"", "viewer", "analyst", "admin"};

}  // namespace

std::string_view to_string(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Role> parse_role(std::string_view text) {
  for (std::size_t i = 1; i < kRoles.size(); ++i)
    if (kRoles[i] == text) return static_cast<Role>(i);
  return std::nullopt;
}

std::string_view Call::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

const std::string& Call::part(const std::string& name) const {
  static const std::string kNone;
  const auto found = parts.find(name);
  return found == parts.end() ? kNone : found->second;
}

Checked<std::string> Call::text(const std::string& name) const {
  const auto [first, last] = params.equal_range(name);
  if (first == last) return std::string();
  if (std::next(first) != last)
    return refuse(ApiCode::kInvalid, name + " is given more than once", name);
  if (first->second.size() > kTextBytesMax)
    return refuse(ApiCode::kInvalid, fmt::format("{}: {} bytes at most", name, kTextBytesMax),
                  name);
  if (!is_utf8(first->second)) return refuse(ApiCode::kInvalid, name + " is not UTF-8", name);
  return first->second;
}

std::vector<std::string> Call::all(const std::string& name) const {
  std::vector<std::string> out;
  const auto [first, last] = params.equal_range(name);
  for (auto it = first; it != last; ++it) out.push_back(repair_utf8(it->second));
  return out;
}

Checked<std::int64_t> Call::integer(const std::string& name, std::int64_t fallback,
                                    std::int64_t low, std::int64_t high) const {
  if (!has(name)) return fallback;
  TOCSIN_TRY(const std::string given, text(name));
  std::int64_t number = 0;
  const char* const end = given.data() + given.size();
  const auto read = std::from_chars(given.data(), end, number);
  if (given.empty() || read.ec != std::errc() || read.ptr != end || number < low || number > high)
    return refuse(ApiCode::kInvalid,
                  fmt::format("{}: a whole number from {} to {} is wanted", name, low, high), name);
  return number;
}

std::optional<UnixNanos> parse_moment(std::string_view text, UnixNanos now) {
  if (text == "now") return now;
  if (!text.starts_with('-')) return parse_time(text);
  const std::string digits(text.substr(1));
  std::int64_t count = 0;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, count);
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kCountMax = 10'000'000;
  if (read.ec != std::errc() || read.ptr + 1 != end || count < 0 || count > kCountMax)
    return std::nullopt;
  const std::int64_t seconds = *read.ptr == 's'   ? 1
                               : *read.ptr == 'm' ? 60
                               : *read.ptr == 'h' ? 3'600
                               : *read.ptr == 'd' ? 86'400
                                                  : 0;
  if (seconds == 0 || count > now / kSecond / seconds) return std::nullopt;
  return now - count * seconds * kSecond;
}

Checked<UnixNanos> Call::time(const std::string& name) const {
  TOCSIN_TRY(const std::string given, text(name));
  if (given.empty()) return UnixNanos{0};
  if (const auto moment = parse_moment(given, now_ns())) return *moment;
  return refuse(ApiCode::kInvalid,
                name + ": a time is wanted: RFC 3339, now, or so long ago: -15m, -24h, -7d", name);
}

Checked<std::optional<bool>> Call::yes_or_no(const std::string& name) const {
  TOCSIN_TRY(const std::string given, text(name));
  if (given.empty() && !has(name)) return std::optional<bool>();
  if (given == "true" || given == "false") return std::optional<bool>(given == "true");
  return refuse(ApiCode::kInvalid, name + ": true or false is wanted", name);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace tocsin::console
