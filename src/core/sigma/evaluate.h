// SPDX-License-Identifier: Apache-2.0
//
// The meaning of one predicate and, slowly and plainly, of one rule. The compiled engine must agree
// with matches() on every event; `tocsin rules explain` shows what it does.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/decimal.h"
#include "core/event/normalized_event.h"
#include "core/sigma/regex.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

// What a predicate needs besides its own data.
struct CompiledPredicate {
  const Predicate* predicate = nullptr;
  std::shared_ptr<const Regex> regex;  // kRegex
  std::uint8_t network[16] = {};       // kCidr: IPv6, or IPv4 mapped into it
  int network_bits = 0;
  Decimal number;  // kLess..kNumberEqual; views the predicate's text
};
[[nodiscard]] CompiledPredicate compile(const Predicate& predicate);

// Whether one value satisfies the predicate. `folded` is the case-folded text; kExists, kNull and
// kFieldRef are not tests of one value and give false.
[[nodiscard]] bool value_holds(const CompiledPredicate& predicate, const FieldValue& value,
                               std::string_view folded);

// kFieldRef between two values; the other form is of texts that are case-folded where they must be.
[[nodiscard]] bool reference_holds(RefOp op, std::string_view text, std::string_view other);
[[nodiscard]] bool reference_holds(const Predicate& predicate, std::string_view value,
                                   std::string_view other);

// By definition: every predicate of the rule against every value of its field.
[[nodiscard]] bool matches(const Rule& rule, const FieldTable& fields,
                           std::span<const FieldValue> values);

// The same for one predicate of the rule.
[[nodiscard]] bool predicate_matches(const CompiledPredicate& predicate, const FieldTable& fields,
                                     std::span<const FieldValue> values);

}  // namespace tocsin::sigma
