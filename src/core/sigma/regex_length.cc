// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/regex_length.h"

#include <algorithm>
#include <optional>

namespace tocsin::sigma {
namespace {

constexpr std::size_t kLengthMax = 1u << 20;  // larger ones are as good as this

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Reads a pattern once, from left to right. What it does not know makes the whole unknown.
class Reader {
 public:
  explicit Reader(std::string_view pattern) : rest_(pattern) {}

  std::optional<std::size_t> read() {
    const std::size_t length = branches();
    if (!rest_.empty()) known_ = false;  // a parenthesis too many
    return known_ ? std::optional(length) : std::nullopt;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  char next() {
    if (rest_.empty()) {
      known_ = false;
      return '\0';
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  // Up to and with `last`.
  void skip_behind(char last) {
    while (known_ && next() != last) {
    }
  }

  std::size_t branches() {
    std::size_t shortest = branch();
    while (known_ && take("|")) shortest = std::min(shortest, branch());
    return shortest;
  }

  std::size_t branch() {
    std::size_t length = 0;
    while (known_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      std::size_t each = atom();
      while (known_ && repeated(each)) {
      }
      length = std::min(length + each, kLengthMax);
    }
    return length;
  }

  std::size_t atom() {
    switch (const char c = next()) {
      case '(':
        return group();
      case '[':
        skip_class();
        return 1;
      case '\\':
        return escape();
      case '^':
      case '$':
        return 0;
      default:
        if (static_cast<unsigned char>(c) >= 0x80)
          while (!rest_.empty() && continues_character(rest_.front())) rest_.remove_prefix(1);
        return 1;
    }
  }

  std::size_t group() {
    if (take("?")) {
      if (take("P<") || take("<")) {
        skip_behind('>');
      } else {
        char c = next();
        while (known_ && c != ':' && c != ')') c = next();
        if (c == ')') {  // flags for what follows; RE2 repeats what stands before them
          if (!rest_.empty() && std::string_view("*+?{").find(rest_.front()) != rest_.npos)
            known_ = false;
          return 0;
        }
      }
    }
    const std::size_t length = branches();
    if (!take(")")) known_ = false;
    return length;
  }

  void skip_class() {
    take("^");
    take("]");
    while (known_) {
      if (take("[:")) {
        skip_behind(']');
        continue;
      }
      const char c = next();
      if (c == ']') return;
      if (c == '\\') next();
    }
  }

  std::size_t escape() {
    const char c = next();
    switch (c) {
      case 'b':
      case 'B':
      case 'A':
      case 'z':
        return 0;
      case 'Q':
      case 'E':
        known_ = false;
        return 0;
      case 'p':
      case 'P':
      case 'x':
        if (take("{"))
          skip_behind('}');
        else
          skip(c == 'x' ? 2 : 1);
        return 1;
      default:
        if (is_octal(c))
          for (int more = 0; more < 2 && !rest_.empty() && is_octal(rest_.front()); ++more) skip(1);
        return 1;
    }
  }

  void skip(std::size_t bytes) {
    if (rest_.size() < bytes) known_ = false;
    rest_.remove_prefix(std::min(bytes, rest_.size()));
  }

  // Whether a quantifier stands here; `each` becomes what it makes of it.
  bool repeated(std::size_t& each) {
    if (take("*") || take("?")) {
      each = 0;
    } else if (const auto times = counted()) {
      each = std::min(each * std::min(*times, kLengthMax), kLengthMax);
    } else if (!take("+")) {
      return false;
    }
    take("?");  // as few as possible
    return true;
  }

  // {n}, {n,} and {n,m}; anything else in braces is text.
  std::optional<std::size_t> counted() {
    if (rest_.size() < 3 || rest_.front() != '{' || !is_digit(rest_[1])) return std::nullopt;
    std::size_t at = 1, least = 0;
    for (; at < rest_.size() && is_digit(rest_[at]); ++at)
      least = std::min(least * 10 + static_cast<std::size_t>(rest_[at] - '0'), kLengthMax);
    if (at < rest_.size() && rest_[at] == ',')
      for (++at; at < rest_.size() && is_digit(rest_[at]); ++at) {
      }
    if (at >= rest_.size() || rest_[at] != '}') return std::nullopt;
    rest_.remove_prefix(at + 1);
    return least;
  }

  std::string_view rest_;
  bool known_ = true;
};

}  // namespace

std::size_t shortest_match(std::string_view pattern) { return Reader(pattern).read().value_or(0); }

}  // namespace tocsin::sigma
