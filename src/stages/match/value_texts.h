// SPDX-License-Identifier: Apache-2.0
//
// ValueTexts: the texts of the values that an event was last asked about: a value is searched for
// some literals first, for others when a rule asks, as a keyword, and to be shown.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/utf8.h"
#include "core/event/json_text.h"

namespace tocsin::match {

// Ownership: owns copies where a value's own bytes do not do. Threads: one thread.
// Memory:    that of the kKept longest values, kept between events up to kKeptBytesMax each.
class ValueTexts {
 public:
  struct Text {
    std::string_view plain;
    std::string_view folded;  // empty unless asked for
  };

  // Valid until the next call for another value or forget(). The value is known by its address.
  [[nodiscard]] Text of(const FieldValue& value, bool fold = true) {
    Kept& kept = find(value);
    if (fold && !kept.is_folded) {
      kept.folded.clear();
      append_folded(kept.folded, kept.plain);
      kept.is_folded = true;
    }
    return {kept.plain, kept.is_folded ? std::string_view(kept.folded) : std::string_view()};
  }

  // Before an event's values are replaced by another's.
  void forget() {
    if (next_ == 0) return;
    next_ = 0;
    for (Kept& kept : kept_) {
      kept.value = nullptr;
      if (kept.folded.capacity() > kKeptBytesMax) kept.folded = std::string();
    }
  }

 private:
  static constexpr std::size_t kKept = 4;
  static constexpr std::size_t kKeptBytesMax = 1u << 20;
  struct Kept {
    const FieldValue* value = nullptr;
    std::string_view plain;
    std::string folded;
    bool is_folded = false;
    Arena arena;
  };

  Kept& find(const FieldValue& value) {
    for (Kept& kept : kept_)
      if (kept.value == &value) return kept;
    Kept& kept = kept_[next_++ % kKept];
    kept.arena.reset();
    kept.value = &value;
    kept.plain = decoded(value, kept.arena);
    kept.is_folded = false;
    return kept;
  }

  std::array<Kept, kKept> kept_;
  std::size_t next_ = 0;
};

}  // namespace tocsin::match
