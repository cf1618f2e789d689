// SPDX-License-Identifier: Apache-2.0
//
// Rule: a Sigma rule, read and lowered to one boolean expression over predicates.
//
//   YAML -> parse_rule() -> Rule{meta data, Expr over Predicate} -> stages/match compiles many of
//   them
//
// Standard: Sigma specification 2.1.0.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "core/event/level.h"
#include "core/sigma/pattern.h"

namespace tocsin::sigma {

class Regex;

enum class Op : std::uint8_t {
  kEquals,    // whole value equals the literal
  kPrefix,    // value starts with the literal
  kSuffix,    // value ends with the literal
  kContains,  // value holds the literal
  kWildcard,  // whole value matches the pattern
  kRegex,     // the regular expression is found in the value
  kCidr,      // value is an address in the network
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kNumberEqual,  // value is a number that compares so
  kFieldRef,     // value compares with another field's value
  kExists,       // the event has the field
  kNull,         // the event lacks the field, or it is null
};

enum class TimePart : std::uint8_t { kNone, kMinute, kHour, kDay, kWeek, kMonth, kYear };
enum class RefOp : std::uint8_t { kEquals, kPrefix, kSuffix, kContains };

// One test of one field. `field` empty: a keyword, tested against every value of the event.
struct Predicate {
  std::string field;
  Op op = Op::kEquals;
  bool cased = false;  // exact case; otherwise text and pattern are case-folded
  std::string text;    // kEquals..kContains: literal; kRegex: expression; kCidr: "network/bits";
                       // kLess..kNumberEqual: the number in its one form (base/decimal.h)
  Pattern pattern;     // kWildcard
  bool regex_ignore_case = false;
  bool regex_multi_line = false;
  bool regex_dot_all = false;
  std::shared_ptr<const Regex> regex;  // kRegex: compiled when the rule was read; may be null
  TimePart time_part = TimePart::kNone;
  std::string other_field;  // kFieldRef
  RefOp ref_op = RefOp::kEquals;
  yaml::Mark mark;

  [[nodiscard]] bool is_keyword() const { return field.empty(); }
};

// A boolean expression; kTrue and kFalse are empty kAnd and kOr.
struct Expr {
  enum class Kind : std::uint8_t { kAnd, kOr, kNot, kPredicate };
  Kind kind = Kind::kAnd;
  std::uint32_t predicate = 0;  // kPredicate: index into Rule::predicates
  std::vector<Expr> children;   // kNot: exactly one
};

// Attributes not given are empty. Lower case, blanks as underscores.
struct Logsource {
  std::string category;
  std::string product;
  std::string service;
};

// A Sigma filter that is part of a rule's condition.
struct AppliedFilter {
  std::string id;  // may be empty
  std::string title;
  std::string path;
  std::uint32_t first_predicate = 0;  // the first of Rule::predicates that is the filter's
};

struct Rule {
  std::string id;    // the title's hash-derived UUID when the file gives none
  std::string name;  // reference name, mostly empty
  std::string title;
  std::string author;
  std::string status;
  std::string description;
  std::vector<std::string> tags;  // as written, lower case
  std::vector<std::string> references;
  std::vector<std::string> false_positives;
  Level level = Level::kMedium;  // what a rule without a level counts as
  Logsource logsource;
  std::string path;
  std::string ruleset;  // of which source folder; set by the loader
  yaml::Mark mark;

  std::vector<Predicate> predicates;
  Expr condition;
  // With filters the condition is `and` of the rule's own and one child for each of these.
  std::vector<AppliedFilter> filters;

  // From the tags: slugs in today's naming, in the order written; ids as "T1003.001".
  std::vector<std::string> tactics;
  std::vector<std::string> techniques;

  // What the user's overrides make of the rule (app/pipeline/tuning). Patterns are case-folded.
  std::vector<Pattern> only_hosts;    // not empty: events of other hosts do not count
  std::vector<Pattern> except_hosts;  // events of these hosts do not count
  std::string tuning;                 // "level high -> low; only hosts dc*"; empty: nothing
};

}  // namespace tocsin::sigma
