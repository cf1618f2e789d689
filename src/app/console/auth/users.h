// SPDX-License-Identifier: Apache-2.0
//
// The users of the console, from a file of `name:role:hash` lines (# begins a comment).
//
//   FILE -> read_users() -> Users;   add_user() -> FILE
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "app/console/http/call.h"
#include "base/result.h"

namespace tocsin::console {

struct User {
  Role role = Role::kViewer;
  std::string hash;
};
using Users = std::map<std::string, User, std::less<>>;

// Whoever comes with the token instead of a password; no user of the file may be called so.
inline constexpr std::string_view kTokenUser = "token";

// Letters, digits, '.', '_', '-' and '@'; 64 at most.
[[nodiscard]] bool is_user_name(std::string_view name);

// kNotFound, or kInvalid: "path:line: ..."; never tells a hash.
[[nodiscard]] Result<Users> read_users(const std::string& path);
// Adds or replaces the user; other lines of the file stay. A new file can be read by its owner
// only.
[[nodiscard]] Status add_user(const std::string& path, const std::string& name, Role role,
                              std::string_view password);

}  // namespace tocsin::console
