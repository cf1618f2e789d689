// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/regex_length.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace tocsin::sigma {
namespace {

constexpr std::size_t kLengthMax = 1u << 20;  // larger ones are as good as this
constexpr std::size_t kRunMin = 8;            // shorter ones stand in many texts

// Bytes of which a class's characters are made, or none when it is not worked out.
using ByteSet = std::array<std::uint8_t, 256>;

void add_range(ByteSet& set, unsigned first, unsigned last) {
  for (unsigned byte = first; byte <= last && byte < set.size(); ++byte) set[byte] = 1;
}

// \d, \w or \s; false: another escape.
bool add_escaped_class(ByteSet& set, char c) {
  switch (c) {
    case 's':
      for (const char space : {'\t', '\n', '\f', '\r', ' '})
        set[static_cast<unsigned char>(space)] = 1;
      return true;
    case 'w':
      add_range(set, 'a', 'z');
      set['_'] = 1;
      [[fallthrough]];
    case 'd':
      add_range(set, '0', '9');
      return true;
    default:
      return false;
  }
}

// Letters of both cases, and those beyond ASCII whose other case is in ASCII (U+017F, U+212A).
void widen(ByteSet& set) {
  for (unsigned c = 'a'; c <= 'z'; ++c)
    set[c] = set[c - 0x20] = static_cast<std::uint8_t>(set[c] | set[c - 0x20]);
  if ((set['s'] | set['k']) != 0) add_range(set, 0x80, 0xFF);
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
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
  // Of what was read.
  [[nodiscard]] RequiredRun run() const { return known_ && !has_branches_ ? run_ : RequiredRun{}; }

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
    while (known_ && take("|")) {
      has_branches_ = has_branches_ || depth_ == 0;
      shortest = std::min(shortest, branch());
    }
    return shortest;
  }

  std::size_t branch() {
    std::size_t length = 0;
    while (known_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      std::size_t each = atom();
      const std::optional<ByteSet> set = std::exchange(class_, std::nullopt);
      while (known_ && repeated(each)) {
      }
      if (set && depth_ == 0 && each >= kRunMin && each > run_.count) {
        run_ = {each, *set};
        widen(run_.in_set);
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
        read_class();
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
    ++depth_;
    const std::size_t length = branches();
    --depth_;
    if (!take(")")) known_ = false;
    class_.reset();
    return length;
  }

  void read_class() {
    ByteSet set{};
    bool plain = !take("^");  // the set is worked out
    bool first = true;
    while (known_) {
      if (take("[:")) {
        plain = false;
        skip_behind(']');
        continue;
      }
      const char c = next();
      if (c == ']' && !std::exchange(first, false)) break;
      first = false;
      if (c == '\\') {
        const char escaped = next();
        plain = plain && add_escaped_class(set, escaped);
      } else if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        const char last = rest_[1];
        rest_.remove_prefix(2);
        plain = plain && is_ascii(c) && is_ascii(last) && last != '\\' && last != '[';
        add_range(set, static_cast<unsigned char>(c), static_cast<unsigned char>(last));
        if (last == '\\') next();
      } else {
        plain = plain && is_ascii(c);
        set[static_cast<unsigned char>(c)] = 1;
      }
    }
    if (plain) class_ = set;
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
      case 'd':
      case 'w':
      case 's':
        add_escaped_class(class_.emplace(), c);
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
  unsigned depth_ = 0;            // of groups
  bool has_branches_ = false;     // outside of groups
  std::optional<ByteSet> class_;  // of the atom just read
  RequiredRun run_;
};

}  // namespace

std::size_t shortest_match(std::string_view pattern) { return Reader(pattern).read().value_or(0); }

RequiredRun required_run(std::string_view pattern) {
  Reader reader(pattern);
  reader.read();
  return reader.run();
}

// Every count-th byte is looked at; only where it is in the set are those before it.
bool RequiredRun::stands_in(std::string_view text) const {
  const auto is_in = [&](std::size_t at) {
    return in_set[static_cast<unsigned char>(text[at])] != 0;
  };
  std::size_t begin = 0;  // of the run that may be
  std::size_t known = 0;  // all from `begin` up to here are in the set
  while (begin + count <= text.size()) {
    std::size_t at = begin + count;
    while (at > known && is_in(at - 1)) --at;
    if (at <= known) return true;
    known = begin + count;
    begin = at;
  }
  return false;
}

}  // namespace tocsin::sigma
