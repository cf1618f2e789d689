// SPDX-License-Identifier: Apache-2.0
//
// NameTable: what a field name of an event means: the field that rules read, and its part in the
// event's frame (channel, event id, host, time ...).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/normalized_event.h"

namespace tocsin::normalize {

enum class Role : std::uint8_t {
  kNone,
  kChannel,
  kProvider,
  kEventId,
  kComputer,
  kRecordId,
  kTime,       // of the log itself: preferred
  kTimeOther,  // another time stamp of the event
  kBodyId,     // `event.id`
  kUser,       // DOMAIN\user or user
  kUserOther,  // second choice for the user
};
inline constexpr std::size_t kRoles = 11;

// Whether only the event's frame has it, not its data: an attacker writes the data.
[[nodiscard]] constexpr bool is_frame_role(Role role) {
  return role != Role::kUser && role != Role::kUserOther;
}

struct NameEntry {
  std::string name;
  FieldId field = kNoField;
  Role role = Role::kNone;
  std::uint32_t index = 0;       // in order of add()
  std::vector<FieldId> aliases;  // other fields that a flat event's value counts as
};

// Threads: immutable after the last add.
class NameTable {
 public:
  NameTable();
  // The entry may move with the next add().
  NameEntry& add(std::string_view name);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  void rehash();
  // Null for a name that nobody reads.
  [[nodiscard]] const NameEntry* find(std::string_view name) const {
    for (std::size_t i = hash(name) & mask_;; i = (i + 1) & mask_) {
      const std::uint32_t at = slots_[i];
      if (at == 0) return nullptr;
      if (entries_[at - 1].name == name) return &entries_[at - 1];
    }
  }

 private:
  static std::size_t hash(std::string_view name) {
    std::uint64_t h = name.size();
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return static_cast<std::size_t>(h ^ (h >> 29));
  }
  std::vector<NameEntry> entries_;
  std::vector<std::uint32_t> slots_;  // entry index + 1; 0: free
  std::size_t mask_ = 0;
};

}  // namespace tocsin::normalize
