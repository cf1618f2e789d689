// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/key_tree.h"

#include <algorithm>
#include <utility>

#include "core/event/json_text.h"

namespace tocsin::normalize {
namespace {

// What Winlogbeat calls the elements of <System>.
constexpr std::pair<std::string_view, std::string_view> kWinlogNames[] = {
    {"channel", "Channel"},        {"provider_name", "Provider_Name"}, {"event_id", "EventID"},
    {"computer_name", "Computer"}, {"record_id", "EventRecordID"},     {"task", "Task"},
    {"opcode", "Opcode"},          {"keywords", "Keywords"},
};

// No rule reads a field with a name like that, and nested ones would grow with the square of the
// depth.
constexpr std::size_t kNameBytesMax = 4'096;
constexpr std::string_view kTooLong = "\x01(too long)";

std::string joined(std::string_view a, char separator, std::string_view b) {
  if (a.size() + b.size() > kNameBytesMax) return std::string(kTooLong);
  if (a.empty()) return std::string(b);
  std::string out;
  out.reserve(a.size() + 1 + b.size());
  out.append(a).push_back(separator);
  return out.append(b);
}

// <Event> and <System> hold elements with attributes; what they hold names itself.
void describe_evtx(KeyNode& node, const KeyNode& parent, std::string_view key) {
  node.full_name = node.prefix = key;
  switch (parent.kind) {
    case ObjectKind::kEvent:
      if (key == "System") node.kind = ObjectKind::kSystem;
      if (key == "EventData") node.kind = ObjectKind::kData;
      if (key == "UserData") node.kind = ObjectKind::kUserData;
      if (key == "#attributes") {
        node.kind = ObjectKind::kAttributes;
        node.prefix = "Event";
      }
      break;
    case ObjectKind::kSystem:
      node.kind = ObjectKind::kSystemItem;
      node.frame = true;
      break;
    case ObjectKind::kSystemItem:
      node.full_name = node.prefix =
          key == "#text" ? parent.prefix : joined(parent.prefix, '_', key);
      node.frame = true;
      if (key == "#attributes") {
        node.kind = ObjectKind::kAttributes;
        node.prefix = parent.prefix;
      }
      break;
    case ObjectKind::kUserData:
      if (key != "#attributes") node.kind = ObjectKind::kData;
      break;
    default:  // kData
      if (key == "#text") node.full_name = node.prefix = parent.prefix;
      if (key == "#attributes") {
        node.kind = ObjectKind::kAttributes;
        node.prefix = parent.prefix;
      }
  }
}

void describe_winlog(KeyNode& node, std::string_view key) {
  node.full_name = node.prefix = joined("winlog", '.', key);
  if (key == "event_data" || key == "user_data") {
    node.kind = ObjectKind::kData;
    node.prefix = key;
  }
  for (const auto& [from, to] : kWinlogNames) {
    if (key != from) continue;
    node.full_name = node.prefix = to;
    node.frame = true;
  }
}

}  // namespace

KeyTree::KeyTree(const NameTable& names) : names_(names) { root_.kind = ObjectKind::kRoot; }

KeyNode& KeyTree::begin_event() {
  if (full_) {
    by_path_.clear();
    nodes_.clear();
    root_.first = {};
    full_ = false;
  }
  return root_;
}

KeyNode& KeyTree::find_or_add(KeyNode& parent, std::string_view key, KeyNode& passing) {
  if (!parent.passing) {
    if (const auto found = by_path_.find({&parent, key}); found != by_path_.end())
      return *found->second;
    if (nodes_.size() < kNodesMax && key.size() <= kKeyBytesMax) {
      KeyNode& node = nodes_.emplace_back();
      describe(node, parent, key);
      by_path_.emplace(PathKey{&parent, node.key}, &node);
      return node;
    }
    full_ = full_ || nodes_.size() >= kNodesMax;
  }
  passing = {};
  describe(passing, parent, key);
  passing.passing = true;
  return passing;
}

KeyNode& KeyTree::element(KeyNode& node, KeyNode& passing) {
  if (node.kind == ObjectKind::kAny) return node;
  if (node.element != nullptr) return *node.element;
  KeyNode twin = node;
  twin.kind = ObjectKind::kAny;
  twin.prefix = twin.full_name;
  twin.key = {};
  twin.first = {};
  if (node.passing || nodes_.size() >= kNodesMax) {
    passing = std::move(twin);
    passing.passing = true;
    return passing;
  }
  return *(node.element = &nodes_.emplace_back(std::move(twin)));
}

void KeyTree::describe(KeyNode& node, const KeyNode& parent, std::string_view raw_key) const {
  Arena arena;
  const std::string_view key = unescape(raw_key, arena);
  node.key_text = raw_key;
  node.key = node.key_text;
  switch (parent.kind) {
    case ObjectKind::kRoot:
      node.full_name = node.prefix = key;
      node.frame = true;
      if (key == "Event") node.kind = ObjectKind::kEvent;
      if (key == "winlog") node.kind = ObjectKind::kWinlog;
      break;
    case ObjectKind::kAny:
      node.full_name = node.prefix =
          key == "#text" ? parent.prefix : joined(parent.prefix, '.', key);
      node.frame = parent.frame;
      break;
    case ObjectKind::kAttributes:
      node.full_name = node.prefix = joined(parent.prefix, '_', key);
      node.frame = parent.frame;
      break;
    case ObjectKind::kWinlog:
      describe_winlog(node, key);
      break;
    default:
      describe_evtx(node, parent, key);
  }
  resolve(node);
}

void KeyTree::resolve(KeyNode& node) const {
  node.entry = names_.find(node.full_name);
  if (node.entry != nullptr) {
    node.named = true;
    node.name = node.entry->index;
    node.field = node.entry->field;
    node.special = !node.entry->aliases.empty();
    if (node.frame || !is_frame_role(node.entry->role)) node.role = node.entry->role;
  }
  if (node.full_name.find(' ') == std::string::npos) return;
  std::string compact = node.full_name;
  compact.erase(std::remove(compact.begin(), compact.end(), ' '), compact.end());
  node.without_blanks = names_.find(compact);
  node.special = node.special || node.without_blanks != nullptr;
}

}  // namespace tocsin::normalize
