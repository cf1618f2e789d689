// SPDX-License-Identifier: Apache-2.0
//
// The search language of the console and of `tocsin search`.
//
//   text -> parse_query() -> Query (a tree) -> sql.h: SQLite | opensearch.h: query DSL
//
//   query   = [ either ]
//   either  = all { "OR" all }
//   all     = one { [ "AND" ] one }
//   one     = ( "NOT" | "-" ) one | "(" either ")" | term
//   term    = [ field ":" [ "<" | "<=" | ">" | ">=" ] ] ( word [ "*" ] | '"' any '"' [ "*" ] )
//   field   = host user rule level tactic technique class channel provider code event_id trace_id
//             status assignee time
//
// Without a field a term is text: its words, in this order and side by side, in the rule's name,
// the host, the user or one matched value. With a field it is the whole value. Case never counts.
// "*" stands at the end only: the last word, or the value, begins so. host:ws1 is ws1.example.org,
// too; user:ann is CORP\ann; technique:T1003 is T1003.001; rule: is the name or the id.
//
// Threads: pure functions. Errors: QueryError with the place, in bytes, and what was expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace tocsin::store::search {

enum class Field : std::uint8_t {
  kText,
  kHost,
  kUser,
  kRule,
  kLevel,
  kTactic,
  kTechnique,
  kClass,
  kChannel,
  kProvider,
  kCode,
  kEventId,
  kTraceId,
  kStatus,
  kAssignee,
  kTime,
};

enum class Compare : std::uint8_t { kEqual, kPrefix, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Term {
  Field field = Field::kText;
  Compare compare = Compare::kEqual;
  // Folded; a tactic and a class as slugs, ids as 16 raw bytes, a level and a status as named.
  std::string value;
  std::vector<std::string> words;  // of kText
  UnixNanos time = 0;              // of kTime
  bool exact = false;              // a host or user by its whole name only, a rule by its id only

  bool operator==(const Term&) const = default;
};

struct Node {
  enum class Kind : std::uint8_t { kTerm, kAnd, kOr, kNot };
  Kind kind = Kind::kTerm;
  Term term;
  std::vector<Node> children;  // kAnd, kOr: two or more; kNot: one

  bool operator==(const Node&) const = default;
};

struct Query {
  std::optional<Node> root;  // none: everything

  [[nodiscard]] bool empty() const { return !root.has_value(); }
  bool operator==(const Query&) const = default;
};

struct QueryError {
  std::size_t position = 0;  // bytes before the place
  std::string message;       // "expected a value after 'host:'"
};

inline constexpr std::size_t kQueryBytes = 8'192;
inline constexpr std::size_t kTermsMax = 200;
inline constexpr int kDepthMax = 12;  // as deep as the full-text index can be asked

// `now` is what relative times ("time:>-24h") are counted from.
[[nodiscard]] tl::expected<Query, QueryError> parse_query(std::string_view text, UnixNanos now);
// The error as the project's: "column 6: expected ...".
[[nodiscard]] Error to_error(const QueryError& error);

// "-15m", "15m", "24h", "7d" before `now`; "now"; else as parse_time() reads it.
[[nodiscard]] std::optional<UnixNanos> parse_moment(std::string_view text, UnixNanos now);

// For callers that have values rather than text: of one field any of them; empty without values.
// kInvalid names the value that the field cannot have.
[[nodiscard]] Result<std::optional<Node>> any_of(Field field,
                                                 const std::vector<std::string>& values);
// Both; an empty one does not count.
[[nodiscard]] Query both(Query left, std::optional<Node> right);

// "new", "in_progress", "closed", "false_positive".
[[nodiscard]] bool is_status(std::string_view text);
[[nodiscard]] std::string_view field_name(Field field);

}  // namespace tocsin::store::search
