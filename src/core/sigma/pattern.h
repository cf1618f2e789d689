// SPDX-License-Identifier: Apache-2.0
//
// Pattern: a Sigma string value with its wildcards (Sigma specification 2.1, "Escaping" and
// "Wildcards").
//
//   text of the rule -> Pattern -> one of equals, prefix, suffix, contains, wildcard
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::sigma {

enum class PartKind : std::uint8_t {
  kLiteral,
  kMany,  // `*`: any number of characters
  kOne,   // `?`: exactly one character
  kDash,  // one of - / U+2013 U+2014 U+2015 (modifier windash)
};

// What kDash takes.
inline constexpr std::array<std::string_view, 5> kDashes = {"-", "/", "\u2013", "\u2014", "\u2015"};

struct Part {
  PartKind kind;
  std::string text;  // kLiteral only
  bool operator==(const Part&) const = default;
};

// Ownership: a value. Invariant: no two neighbouring literals, no empty literal, no two
// neighbouring kMany.
class Pattern {
 public:
  Pattern() = default;
  // `\*`, `\?` and `\\` before a wildcard or a backslash are escapes; every other backslash is
  // itself.
  [[nodiscard]] static Pattern parse(std::string_view text);
  [[nodiscard]] static Pattern literal(std::string_view text);

  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] bool has_wildcard() const;  // kMany or kOne
  // The text when it is one literal or empty.
  [[nodiscard]] bool is_literal() const;
  [[nodiscard]] std::string literal_text() const;  // literals only, joined

  void append(PartKind kind, std::string_view text = {});
  void append(const Pattern& other);
  void add_leading_many();
  void add_trailing_many();
  // Turns each `-` or `/` that starts a word (regular expression \B[-/]\b) into kDash.
  void make_windash();
  // Each literal replaced by its case folding.
  [[nodiscard]] Pattern folded() const;

  // Whether the whole of `text` matches. `?` and kDash take one UTF-8 character. Linear in text
  // times the number of kMany parts at worst; never recursive.
  [[nodiscard]] bool matches(std::string_view text) const;

  // As a rule would write it: parse() of it gives the pattern back, unless it has a kDash.
  [[nodiscard]] std::string to_string() const;

  bool operator==(const Pattern&) const = default;

 private:
  struct Anchor {
    std::string_view text;
    std::size_t least = 0, most = 0;  // bytes before it
  };
  [[nodiscard]] Anchor anchor_behind(std::size_t first) const;
  [[nodiscard]] std::size_t next_start(std::string_view text, std::size_t part,
                                       const Anchor& anchor, std::size_t at) const;

  std::vector<Part> parts_;
};

}  // namespace tocsin::sigma
