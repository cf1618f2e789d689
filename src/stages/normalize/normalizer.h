// SPDX-License-Identifier: Apache-2.0
//
// Normalizer: the JSON that an agent wrote, to the fields that Sigma rules name.
//
//   JSON bytes -> shape (evtx_dump, Winlogbeat, NXLog flat, other) -> route -> NormalizedEvent
//
// Every scalar becomes a value, named when some rule reads it; nothing is copied but, if asked for,
// the JSON itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "core/event/normalized_event.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::normalize {

struct NormalizerOptions {
  // Whether values are decoded at once. The matcher decodes only what it has not seen before.
  bool decode = true;
  // Whether the event may outlive the bytes it was read from. Without, its texts view them.
  bool copy = true;
};

// Ownership: owns a parser and the memory that the event's texts view.
// Threads:   one thread.
// Errors:    kInvalid: the bytes are no JSON object (poison; goes to the dead letter).
//            Bytes that are not UTF-8 and raw control characters are no error: the event is
//            repaired and flagged.
class Normalizer {
 public:
  // Nesting beyond this is refused: no agent writes it, and it would cost stack.
  static constexpr int kDepthMax = 64;

  // `taxonomy` and `fields` must outlive the normalizer.
  Normalizer(const sigma::Taxonomy& taxonomy, const FieldTable& fields,
             NormalizerOptions options = {});
  ~Normalizer();
  Normalizer(Normalizer&&) noexcept;

  // Fills `event`; its texts are valid until the next call (and, without a copy, as long as
  // `json`).
  [[nodiscard]] Status normalize(std::string_view json, NormalizedEvent& event);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::normalize
