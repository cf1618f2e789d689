// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/name_table.h"

#include <bit>
#include <utility>

namespace tocsin::normalize {

NameTable::NameTable() {
  static constexpr std::pair<std::string_view, Role> kRoleNames[] = {
      {"Channel", Role::kChannel},
      {"Provider_Name", Role::kProvider},
      {"SourceName", Role::kProvider},
      {"ProviderName", Role::kProvider},
      {"EventID", Role::kEventId},
      {"Computer", Role::kComputer},
      {"Hostname", Role::kComputer},
      {"host.name", Role::kComputer},
      {"EventRecordID", Role::kRecordId},
      {"RecordNumber", Role::kRecordId},
      {"TimeCreated_SystemTime", Role::kTime},
      {"@timestamp", Role::kTime},
      {"TimeCreated", Role::kTimeOther},
      {"EventTime", Role::kTimeOther},
      {"UtcTime", Role::kTimeOther},
      {"timestamp", Role::kTimeOther},
      {"eventTime", Role::kTimeOther},
      {"event.id", Role::kBodyId},
      {"User", Role::kUser},
      {"SubjectUserName", Role::kUser},
      {"TargetUserName", Role::kUserOther},
      {"AccountName", Role::kUserOther},
      {"user.name", Role::kUserOther},
  };
  for (const auto& [name, role] : kRoleNames) add(name).role = role;
}

NameEntry& NameTable::add(std::string_view name) {
  if (!slots_.empty()) {
    if (const NameEntry* known = find(name)) return const_cast<NameEntry&>(*known);
  }
  entries_.push_back(
      {std::string(name), kNoField, Role::kNone, static_cast<std::uint32_t>(entries_.size()), {}});
  rehash();
  return entries_.back();
}

void NameTable::rehash() {
  const std::size_t wanted = std::bit_ceil(entries_.size() * 4 + 16);
  if (wanted == slots_.size()) {
    std::size_t i = hash(entries_.back().name) & mask_;
    while (slots_[i] != 0) i = (i + 1) & mask_;
    slots_[i] = static_cast<std::uint32_t>(entries_.size());
    return;
  }
  slots_.assign(wanted, 0);
  mask_ = wanted - 1;
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    std::size_t i = hash(entries_[e].name) & mask_;
    while (slots_[i] != 0) i = (i + 1) & mask_;
    slots_[i] = static_cast<std::uint32_t>(e + 1);
  }
}

}  // namespace tocsin::normalize
