// SPDX-License-Identifier: Apache-2.0
//
// KeyTree: what each key of an event's JSON means, by its path; learned from the events themselves.
//
//   Event.System.Provider.#attributes.Name -> Provider_Name      Event.EventData.Image -> Image
//   winlog.event_data.Image -> Image                             a.b.c of anything else -> a.b.c
//
// Why: events of a kind have the same keys in the same order. A node remembers which key followed
// it, so that a key costs one comparison instead of a name to build and look up.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes/small_bytes.h"
#include "stages/normalize/name_table.h"

namespace tocsin::normalize {

// How the members of an object are named.
enum class ObjectKind : std::uint8_t {
  kRoot,
  kAny,         // path.key; "#text" is the path itself
  kEvent,       // evtx_dump's {"Event": {"System": ..., "EventData": ...}}
  kSystem,      // <Provider Name="..."/>
  kSystemItem,  // Provider
  kAttributes,  // Provider_Name
  kData,        // by their own names
  kUserData,    // <UserData><EventXML><Param>: the element in between only names the schema
  kWinlog,      // Winlogbeat
};

struct KeyNode;

// Which keys came here the last times: events of two kinds often take turns.
struct Guess {
  KeyNode* last = nullptr;
  KeyNode* other = nullptr;
};

// What a walk reads of every key comes first, within one cache line.
struct alignas(64) KeyNode {
  std::string_view key;                // as JSON writes it, between its quotes; views key_text
  Guess first;                         // of an object here
  Guess next;                          // behind this key
  FieldId field = kNoField;            // kNoField: no rule reads it by name
  std::uint32_t name = 0;              // index of its NameEntry, when `named`
  ObjectKind kind = ObjectKind::kAny;  // of an object here
  Role role = Role::kNone;
  bool frame = false;    // stands where the event's own channel, id, host and time stand
  bool passing = false;  // not remembered: lives on the walker's stack
  bool named = false;    // has an entry
  bool special = false;  // its entry has aliases, or there is a name without blanks

  std::string key_text;
  std::string full_name;  // what a scalar here is called
  std::string prefix;
  const NameEntry* entry = nullptr;           // null: no rule reads it by name
  const NameEntry* without_blanks = nullptr;  // Defender writes `Threat Name`; rules ThreatName
  KeyNode* element = nullptr;  // for objects in an array here; null: this node itself
};

// Ownership: owns its nodes; the name table must outlive it.
// Threads:   one thread.
// Memory:    bounded: beyond kNodesMax keys a node is made in the caller's `passing` each time, and
// everything is forgotten before the next event.
class KeyTree {
 public:
  static constexpr std::size_t kNodesMax = 32'768;
  static constexpr std::size_t kKeyBytesMax = 256;

  explicit KeyTree(const NameTable& names);
  // Before each event. Invalidates all nodes but the root when there were too many.
  [[nodiscard]] KeyNode& begin_event();

  // The node of `key` (between its quotes) in an object at `parent`. `guess` is where the tree
  // remembers what follows the member before (parent.first for the first); null: nowhere.
  [[nodiscard]] KeyNode& child(KeyNode& parent, Guess* guess, std::string_view key,
                               KeyNode& passing) {
    if (guess == nullptr) return find_or_add(parent, key, passing);
    if (is(guess->last, key)) return *guess->last;
    if (is(guess->other, key)) {
      std::swap(guess->last, guess->other);
      return *guess->last;
    }
    KeyNode& found = find_or_add(parent, key, passing);
    if (!found.passing) *guess = {&found, guess->last};
    return found;
  }
  // The node of the elements of an array at `node`.
  [[nodiscard]] KeyNode& element(KeyNode& node, KeyNode& passing);

 private:
  struct PathKey {
    const KeyNode* parent;
    std::string_view key;
    bool operator==(const PathKey&) const = default;
  };
  struct PathHash {
    std::size_t operator()(const PathKey& path) const {
      return std::hash<std::string_view>()(path.key) ^
             (reinterpret_cast<std::uintptr_t>(path.parent) * 0x9E3779B97F4A7C15ULL);
    }
  };

  static bool is(const KeyNode* node, std::string_view key) {
    if (node == nullptr || node->key.size() != key.size()) return false;
    const char* const own = node->key.data();
    return equal_bytes(own, key.data(), key.size());
  }
  KeyNode& find_or_add(KeyNode& parent, std::string_view key, KeyNode& passing);
  void describe(KeyNode& node, const KeyNode& parent, std::string_view key) const;
  void resolve(KeyNode& node) const;

  const NameTable& names_;
  KeyNode root_;
  std::deque<KeyNode> nodes_;
  bool full_ = false;
  std::unordered_map<PathKey, KeyNode*, PathHash> by_path_;
};

}  // namespace tocsin::normalize
