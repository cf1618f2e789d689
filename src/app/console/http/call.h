// SPDX-License-Identifier: Apache-2.0
//
// Call: one request as a route sees it: who asks, the parts of the path, the parameters, the body.
//
//   Server -> Call -> route: text(), integer(), time(), body ...
//
// Everything that a route reads is checked here, and what is wrong is an ApiError that names the
// parameter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/console/http/reply.h"
#include "base/clock.h"

namespace tocsin::console {

enum class Role : std::uint8_t { kNone, kViewer, kAnalyst, kAdmin };
[[nodiscard]] std::string_view to_string(Role role);  // "viewer"; kNone: ""
[[nodiscard]] std::optional<Role> parse_role(std::string_view text);

// Who asks.
struct Identity {
  std::string user;
  Role role = Role::kNone;
  std::string csrf;         // what a change must carry; empty: it need not (a bearer token)
  std::string session_key;  // of a session that was logged in
};

template <class T>
using Checked = tl::expected<T, ApiError>;

// Ownership: owns its texts. Threads: one thread.
class Call {
 public:
  static constexpr std::int64_t kLimitDefault = 50;
  static constexpr std::int64_t kLimitMax = 500;
  static constexpr std::size_t kTextBytesMax = 4'096;

  std::string method;                        // HEAD is GET
  std::string path;                          // decoded
  std::map<std::string, std::string> parts;  // of the path, by the names in the route's pattern
  std::multimap<std::string, std::string> params;
  std::string body;
  std::string address;  // of the client
  Identity identity;
  std::map<std::string, std::string> headers;  // lower-case names; the first of several

  [[nodiscard]] std::string_view header(const std::string& name) const;
  [[nodiscard]] const std::string& part(const std::string& name) const;

  // The parameter's value; empty when it is absent. Given twice: an error.
  [[nodiscard]] Checked<std::string> text(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const { return params.contains(name); }
  [[nodiscard]] Checked<std::int64_t> integer(const std::string& name, std::int64_t fallback,
                                              std::int64_t low, std::int64_t high) const;
  [[nodiscard]] Checked<std::int64_t> limit() const {
    return integer("limit", kLimitDefault, 1, kLimitMax);
  }
  // RFC 3339, "now", or so long ago: "-15m", "-24h", "-7d". 0 when absent.
  [[nodiscard]] Checked<UnixNanos> time(const std::string& name) const;
  // "true" or "false"; empty when absent.
  [[nodiscard]] Checked<std::optional<bool>> yes_or_no(const std::string& name) const;
};

// With small letters for A to Z; all else stays.
[[nodiscard]] std::string lower(std::string_view text);

// The moment that a text names, seen from `now`.
[[nodiscard]] std::optional<UnixNanos> parse_moment(std::string_view text, UnixNanos now);

}  // namespace tocsin::console
