// SPDX-License-Identifier: Apache-2.0
#include "app/console/auth/login_limit.h"

#include <array>

namespace tocsin::console {
namespace {

std::array<std::string, 2> keys_of(const std::string& address, const std::string& user) {
  return {"address " + address, "user " + user.substr(0, 64)};
}

}  // namespace

bool LoginLimit::admit(const std::string& address, const std::string& user) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  std::erase_if(counts_, [&](const auto& entry) { return now - entry.second.first > kWindow; });
  const auto keys = keys_of(address, user);
  if (counts_.size() + keys.size() > kKeysMax) return false;
  for (const std::string& key : keys)
    if (const auto found = counts_.find(key);
        found != counts_.end() && found->second.failures >= kFailuresMax)
      return false;
  for (const std::string& key : keys) {
    Count& count = counts_[key];
    if (count.failures++ == 0) count.first = now;
  }
  return true;
}

void LoginLimit::succeeded(const std::string& address, const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto [from, name] = keys_of(address, user);
  counts_.erase(name);
  // Only this attempt: else one good account would buy guesses at all others.
  const auto found = counts_.find(from);
  if (found != counts_.end() && --found->second.failures <= 0) counts_.erase(found);
}

}  // namespace tocsin::console
