// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/sigma/regex_length.h"

namespace tocsin::sigma {
namespace {

// PCRE2 counts anew at each place of the text where a match could begin, so the limit for one place
// falls with the number of places.
constexpr std::size_t kPcreMatchLimit = 1'000'000;
constexpr std::size_t kPcreMatchLimitMin = 200;
constexpr std::size_t kPcreTextLimit = 50'000'000;  // of all places, unless they are very many
constexpr std::uint32_t kPcreHeapLimitKib = 4'096;

constexpr std::size_t kCostOfCompiling = 5;  // what the smallest expression takes

class LinearRegex : public Regex {
 public:
  LinearRegex(const std::string& pattern, const re2::RE2::Options& options)
      : program_(pattern, options) {
    if (!program_.ok()) return;
    shortest_ = shortest_match(pattern);
    run_ = required_run(pattern);
  }
  bool ok() const { return program_.ok(); }
  const std::string& error() const { return program_.error(); }
  bool found_in(std::string_view text) const override {
    return text.size() >= shortest_ && (run_.count == 0 || run_.stands_in(text)) &&
           re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), program_);
  }
  bool linear_time() const override { return true; }
  std::size_t cost() const override {
    return kCostOfCompiling + static_cast<std::size_t>(program_.ProgramSize());
  }
  re2::RE2::ErrorCode code() const { return program_.error_code(); }

 private:
  re2::RE2 program_;
  std::size_t shortest_ = 0;
  RequiredRun run_;
};

// `.{1000,}`: rules for overlong values. RE2 would keep a state for each of the thousand counts.
class LongRunRegex : public Regex {
 public:
  LongRunRegex(std::size_t characters, bool dot_all) : characters_(characters), dot_all_(dot_all) {}

  // The characters that `.{n,}` asks for; empty: another pattern.
  static std::optional<std::size_t> characters_of(std::string_view pattern) {
    if (!pattern.starts_with(".{") || !pattern.ends_with(",}")) return std::nullopt;
    const std::string_view digits = pattern.substr(2, pattern.size() - 4);
    std::size_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return count;
  }

  bool found_in(std::string_view text) const override {
    if (text.size() < characters_) return false;
    std::size_t run = 0;
    for (const char c : text) {
      if (run >= characters_) return true;
      if (c == '\n' && !dot_all_)
        run = 0;
      else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
        ++run;
    }
    return run >= characters_;
  }
  bool linear_time() const override { return true; }
  std::size_t cost() const override { return 1; }

 private:
  std::size_t characters_;
  bool dot_all_;
};

class BacktrackingRegex : public Regex {
 public:
  explicit BacktrackingRegex(pcre2_code* code) : code_(code) {}
  BacktrackingRegex(const BacktrackingRegex&) = delete;
  BacktrackingRegex& operator=(const BacktrackingRegex&) = delete;
  ~BacktrackingRegex() override { pcre2_code_free(code_); }

  bool found_in(std::string_view text) const override {
    struct Scratch {
      pcre2_match_context* limits = pcre2_match_context_create(nullptr);
      pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
      Scratch() { pcre2_set_heap_limit(limits, kPcreHeapLimitKib); }
      ~Scratch() {
        pcre2_match_data_free(data);
        pcre2_match_context_free(limits);
      }
    };
    thread_local Scratch scratch;
    pcre2_set_match_limit(scratch.limits, limit_for(text.size()));
    const auto match = [&](std::uint32_t options) {
      return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, options,
                         scratch.data, scratch.limits);
    };
    int found = match(0);
    // The compiled form has a small stack of its own; the interpreter has the heap limit above.
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(PCRE2_NO_JIT);
    return found >= 0;
  }
  static std::uint32_t limit_for(std::size_t bytes) {
    const std::size_t each = kPcreTextLimit / (bytes + 1);
    return static_cast<std::uint32_t>(std::clamp(each, kPcreMatchLimitMin, kPcreMatchLimit));
  }
  bool linear_time() const override { return false; }
  std::size_t cost() const override {
    std::size_t bytes = 0;
    pcre2_pattern_info(code_, PCRE2_INFO_SIZE, &bytes);
    return kCostOfCompiling + bytes / 2;  // it takes longer than RE2 for the same size
  }

 private:
  pcre2_code* code_;
};

Result<std::shared_ptr<const Regex>> compile_pcre(const std::string& pattern, RegexFlags flags) {
  std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
  if (flags.ignore_case) options |= PCRE2_CASELESS;
  if (flags.multi_line) options |= PCRE2_MULTILINE;
  if (flags.dot_all) options |= PCRE2_DOTALL;
  int code = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                       options, &code, &at, nullptr);
  if (compiled == nullptr) {
    unsigned char text[256];
    pcre2_get_error_message(code, text, sizeof text);
    const bool too_large = code == PCRE2_ERROR_PATTERN_TOO_LARGE;
    return fail(too_large ? ErrorCode::kExhausted : ErrorCode::kInvalid,
                fmt::format("regular expression: {} at character {}",
                            reinterpret_cast<const char*>(text), at + 1));
  }
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
  return std::make_shared<const BacktrackingRegex>(compiled);
}

// In PCRE `$` also holds before a line break that ends the value; in RE2 it does not, and a line
// break at the end would hide a value from `\.exe$`. A `$` at the end of a branch is rewritten.
std::string with_pcre_dollar(const std::string& pattern) {
  static const re2::RE2 multi_line(R"(\(\?[a-zA-Z]*m|\\Q)");
  if (pattern.find('$') == std::string::npos || re2::RE2::PartialMatch(pattern, multi_line))
    return pattern;
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : ')';
    if (c == '\\' && i + 1 < pattern.size()) {
      out.append(pattern, i++, 2);
      continue;
    }
    if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      out.push_back(c);
      if (next == '^') out.push_back(pattern[++i]);
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out.push_back(pattern[++i]);
      continue;
    }
    if (c == '$' && !in_class && (next == ')' || next == '|'))
      out += "(?:\\n?\\z)";
    else
      out.push_back(c);
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const Regex>> Regex::compile(const std::string& pattern, RegexFlags flags) {
  if (pattern.size() > kRegexBytesMax)
    return fail(ErrorCode::kExhausted, "a regular expression of more than 16,384 bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!flags.ignore_case);
  options.set_dot_nl(flags.dot_all);
  options.set_max_mem(kRegexMemoryMax);
  // RE2 has no option for ^ and $ at line breaks outside POSIX syntax; the inline flag does it.
  const std::string text = flags.multi_line ? "(?m)" + pattern : with_pcre_dollar(pattern);
  auto linear = std::make_shared<LinearRegex>(text, options);
  if (const auto characters = LongRunRegex::characters_of(pattern); linear->ok() && characters)
    return std::shared_ptr<const Regex>(
        std::make_shared<const LongRunRegex>(*characters, flags.dot_all));
  if (linear->ok()) return std::shared_ptr<const Regex>(std::move(linear));
  if (linear->code() == re2::RE2::ErrorPatternTooLarge)
    return fail(ErrorCode::kExhausted, "a regular expression whose program takes more than 8 MiB");
  return compile_pcre(pattern, flags);
}

}  // namespace tocsin::sigma
