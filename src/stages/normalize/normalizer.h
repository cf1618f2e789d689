// SPDX-License-Identifier: Apache-2.0
//
// Normalizer: the JSON that an agent wrote, to the fields that Sigma rules name.
//
//   JSON bytes -> shape (evtx_dump, Winlogbeat, NXLog flat, other) -> route -> NormalizedEvent
//
// Only the fields that some rule reads are unescaped; a string without escapes is never copied.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "core/event/normalized_event.h"
#include "core/sigma/taxonomy.h"

namespace tocsin::normalize {

struct NormalizerOptions {
  // Whether rules of a route search every value (keywords): then all of them are filled.
  std::function<bool(std::uint32_t route)> wants_all_values;
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
  Normalizer(const sigma::Taxonomy& taxonomy, const FieldTable& fields, NormalizerOptions options);
  ~Normalizer();
  Normalizer(Normalizer&&) noexcept;

  // Fills `event`; its texts are valid until the next call.
  [[nodiscard]] Status normalize(std::string_view json, NormalizedEvent& event);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::normalize
