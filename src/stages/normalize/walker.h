// SPDX-License-Identifier: Apache-2.0
//
// Walker: one pass over an event's JSON; every scalar with what its place means.
//
//   Cursor + KeyTree -> FieldValue[], and where roles (channel, host ...) and known names stand
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/event/normalized_event.h"
#include "stages/normalize/json_index.h"
#include "stages/normalize/key_tree.h"
#include "stages/normalize/name_table.h"

namespace tocsin::normalize {

enum class Shape : std::uint8_t { kEvtx, kWinlogbeat, kFlat };

// What a walk found, besides the values. Cleared by stamping: an entry counts when its epoch is the
// current one.
// Threads: one thread.
class Places {
 public:
  explicit Places(std::size_t names) : seen_(names) {}

  void begin_event();
  void note(std::uint32_t name, std::uint32_t value) {
    Seen& seen = seen_[name];
    if (seen.epoch == epoch_) return;  // the first of its name
    seen.epoch = epoch_;
    seen.value = value;
  }
  // The index of the first value with that name, or -1.
  [[nodiscard]] std::int64_t first_of(std::uint32_t name) const {
    const Seen& seen = seen_[name];
    return seen.epoch == epoch_ ? static_cast<std::int64_t>(seen.value) : -1;
  }

  void note_derived(std::uint32_t name) { seen_[name].derived = epoch_; }
  [[nodiscard]] bool is_derived(std::uint32_t name) const { return seen_[name].derived == epoch_; }

  std::array<FieldValue, kRoles> roles;
  std::vector<std::pair<const NameEntry*, std::uint32_t>> aliased;  // values that agents rename
  Shape shape = Shape::kFlat;

 private:
  struct Seen {
    std::uint32_t epoch = 0;
    std::uint32_t value = 0;
    std::uint32_t derived = 0;  // the epoch in which a derivation gave the field
  };
  std::uint32_t epoch_ = 0;
  std::vector<Seen> seen_;  // by NameEntry::index
};

// Threads: one thread. Errors: kInvalid: not a JSON object, nested too deep.
class Walker {
 public:
  Walker(KeyTree& tree, Places& places, std::vector<FieldValue>& values)
      : tree_(tree), places_(places), values_(values) {}

  // Appends to `values`; their texts view the index's text, encoded.
  [[nodiscard]] Status walk(const JsonIndex& index);

 private:
  [[nodiscard]] bool object(KeyNode& node, int depth);
  [[nodiscard]] bool array(KeyNode& node, int depth);
  [[nodiscard]] bool value(KeyNode& node, int depth);
  void add(const KeyNode& node, ValueKind kind, std::string_view text) {
    if (node.role != Role::kNone) {
      FieldValue& role = places_.roles[static_cast<std::size_t>(node.role)];
      if (role.text.empty()) role = {kNoField, kind, text, true};
    }
    const auto at = static_cast<std::uint32_t>(values_.size());
    values_.push_back({node.field, kind, text, true});
    if (node.named) places_.note(node.name, at);
    if (node.special) [[unlikely]]
      add_names(node, at);
  }
  // Rules may ask whether it is there.
  void add_container(const KeyNode& node) {
    if (node.field != kNoField) values_.push_back({node.field, ValueKind::kContainer, {}, false});
  }
  void add_names(const KeyNode& node, std::uint32_t at);
  bool wrong(std::string message);
  [[nodiscard]] bool too_deep(int depth);

  KeyTree& tree_;
  Places& places_;
  std::vector<FieldValue>& values_;
  Cursor cursor_{nullptr, nullptr, nullptr};
  std::string error_;
};

}  // namespace tocsin::normalize
