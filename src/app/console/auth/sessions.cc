// SPDX-License-Identifier: Apache-2.0
#include "app/console/auth/sessions.h"

#include <algorithm>

#include "app/console/auth/secrets.h"

namespace tocsin::console {

std::string Sessions::open(const std::string& user, Role role) {
  const std::string token = random_token();
  const std::string key = digest_of(token);
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kSessionsMax)
    sessions_.erase(std::min_element(
        sessions_.begin(), sessions_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  sessions_[key] = {{user, role, random_token(), key}, now, now};
  return token;
}

std::optional<Identity> Sessions::find(std::string_view token) {
  const std::string key = digest_of(token);
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return std::nullopt;
  if (now - found->second.used > kIdle || now - found->second.began > kLongest) {
    sessions_.erase(found);
    return std::nullopt;
  }
  found->second.used = now;
  return found->second.identity;
}

void Sessions::close(const std::string& key) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(key);
}

}  // namespace tocsin::console
