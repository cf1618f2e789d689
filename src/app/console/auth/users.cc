// SPDX-License-Identifier: Apache-2.0
#include "app/console/auth/users.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "app/console/auth/secrets.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kPasswordMin = 8;
constexpr std::size_t kPasswordMax = 1'024;

bool is_comment(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first == std::string::npos || line[first] == '#';
}

std::string name_in(const std::string& line) { return line.substr(0, line.find(':')); }

// The whole or nothing, readable by its owner only.
Status write_private(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0 && ::fchmod(fd, 0600) == 0;
  for (std::size_t done = 0; good && done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    good = n > 0;
    if (good) done += static_cast<std::size_t>(n);
  }
  good = good && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

}  // namespace

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == '@';
         });
}

Result<Users> read_users(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, path + ": cannot be read");
  Users users;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (is_comment(line)) continue;
    if (line.ends_with('\r')) line.pop_back();
    const auto wrong = [&](const char* what) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}:{}: {}; a line is name:role:hash, as `tocsin serve --add-user` "
                              "writes it",
                              path, number, what));
    };
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) return wrong("two colons are wanted");
    const std::string name = line.substr(0, first);
    if (!is_user_name(name)) return wrong("the name has letters that it may not have");
    const auto role = parse_role(line.substr(first + 1, second - first - 1));
    if (!role) return wrong("the role is viewer, analyst or admin");
    const std::string hash = line.substr(second + 1);
    if (!is_password_hash(hash)) return wrong("the hash is none of scrypt");
    if (!users.emplace(name, User{*role, hash}).second) return wrong("the name is there already");
  }
  return users;
}

Status add_user(const std::string& path, const std::string& name, Role role,
                std::string_view password) {
  if (!is_user_name(name))
    return fail(
        ErrorCode::kInvalid,
        fmt::format("'{}' is no name: letters, digits, . _ - @, {} at most", name, kNameMax));
  if (name == kTokenUser)
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is what those are called who log in with the token", name));
  if (password.size() < kPasswordMin || password.size() > kPasswordMax)
    return fail(ErrorCode::kInvalid,
                fmt::format("a password has {} to {} characters", kPasswordMin, kPasswordMax));
  TOCSIN_TRY(const std::string hash, hash_password(password));
  std::string text, line;
  {
    std::ifstream file(path);
    while (std::getline(file, line))
      if (is_comment(line) || name_in(line) != name) text += line + "\n";
  }
  text += fmt::format("{}:{}:{}\n", name, to_string(role), hash);
  return write_private(path, text);
}

}  // namespace tocsin::console
