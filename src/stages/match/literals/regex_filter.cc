// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/regex_filter.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "base/bytes/find_bytes.h"

namespace tocsin::match {
namespace {

constexpr int kAtomBytesMin = 3;
constexpr int kScrapBytesMin = 1;
constexpr std::size_t kScrapsMax = 64;       // bits of a word
constexpr std::size_t kLiteralsMax = 1'000;  // of one expression; more are not worth asking

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// What an expression cannot match without. Numbers are into `literals`.
struct Requirement {
  std::vector<std::string> literals;
  std::vector<int> all_of;
  std::vector<int> any_of;  // unless empty: one of them

  [[nodiscard]] bool empty() const { return all_of.empty() && any_of.empty(); }
};

// RE2 tells whether a set of literals is enough for an expression. So each literal is left out
// once, and each of the others is added to those that it cannot do without. Every expression has a
// filter of its own: with hundreds in one, RE2 (2022-06) prunes its tree so that some never pass
// (`(?i)aa+a` among others of `a`).
Requirement required(const sigma::Predicate& p, int bytes_min) {
  Requirement out;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!p.regex_ignore_case);
  options.set_dot_nl(p.regex_dot_all);
  re2::FilteredRE2 filter(bytes_min);
  int number = 0;
  // RE2's lower case and our case folding agree on ASCII; beyond it the filter is not used.
  if (!is_ascii(p.text) || filter.Add(p.regex_multi_line ? "(?m)" + p.text : p.text, options,
                                      &number) != re2::RE2::NoError)
    return out;
  filter.Compile(&out.literals);
  if (out.literals.size() > kLiteralsMax ||
      !std::all_of(out.literals.begin(), out.literals.end(), is_ascii))
    return out;
  const auto count = static_cast<int>(out.literals.size());
  const auto enough = [&](const auto& has) {
    std::vector<int> given, passed;
    for (int literal = 0; literal < count; ++literal)
      if (has(literal)) given.push_back(literal);
    filter.AllPotentials(given, &passed);
    return !passed.empty();
  };
  if (!enough([](int) { return true; })) return out;
  std::vector<std::uint8_t> needed(out.literals.size()), one(out.literals.size());
  for (int literal = 0; literal < count; ++literal) {
    if (enough([&](int i) { return i != literal; })) continue;
    needed[static_cast<std::size_t>(literal)] = 1;
    out.all_of.push_back(literal);
  }
  const auto is_needed = [&](int i) { return needed[static_cast<std::size_t>(i)] != 0; };
  if (enough(is_needed)) return out;
  for (int literal = 0; literal < count; ++literal) {
    if (is_needed(literal) || !enough([&](int i) { return i == literal || is_needed(i); }))
      continue;
    one[static_cast<std::size_t>(literal)] = 1;
    out.any_of.push_back(literal);
  }
  // One of these is needed only if all others together do not do.
  if (enough([&](int i) { return one[static_cast<std::size_t>(i)] == 0; })) out.any_of.clear();
  return out;
}

}  // namespace

void RegexFilter::add(const sigma::Predicate& p, std::uint32_t payload) {
  sources_.push_back({p, payload});
}

std::vector<std::string> RegexFilter::build() {
  std::vector<std::string> atoms;
  std::unordered_map<std::string, int> numbers;
  for (const Source& source : sources_) {
    const Requirement needs = required(source.predicate, kAtomBytesMin);
    if (needs.empty()) {
      if (!add_bare(source)) unfiltered_.push_back(source.payload);
      continue;
    }
    const auto numbered = [&](const std::vector<int>& literals) {
      std::vector<int> out;
      for (const int literal : literals) {
        const std::string& text = needs.literals[static_cast<std::size_t>(literal)];
        const auto [entry, is_new] = numbers.try_emplace(text, static_cast<int>(atoms.size()));
        if (is_new) atoms.push_back(text);
        out.push_back(entry->second);
      }
      std::sort(out.begin(), out.end());
      return out;
    };
    Filtered filtered{source.payload, numbered(needs.all_of), numbered(needs.any_of)};
    by_atom_.resize(atoms.size());
    file(std::move(filtered));
  }
  sources_.clear();
  return atoms;
}

// Under one atom that it cannot do without, else under each of which it needs one.
void RegexFilter::file(Filtered expression) {
  const auto index = static_cast<std::uint32_t>(filtered_.size());
  const std::vector<int> under =
      expression.all_of.empty() ? expression.any_of : std::vector<int>{expression.all_of.front()};
  for (const int atom : under) by_atom_[static_cast<std::size_t>(atom)].push_back(index);
  filtered_.push_back(std::move(expression));
}

// False: nothing is known of it, so that it must run on every value.
bool RegexFilter::add_bare(const Source& source) {
  const Requirement needs = required(source.predicate, kScrapBytesMin);
  Bare bare{source.payload};
  const auto bit_of = [&](int literal) {
    const std::string& text = needs.literals[static_cast<std::size_t>(literal)];
    const auto found = std::find(scraps_.begin(), scraps_.end(), text);
    const auto number = static_cast<std::size_t>(found - scraps_.begin());
    if (number >= kScrapsMax) return std::uint64_t{0};
    const std::uint64_t bit = std::uint64_t{1} << number;
    if (found == scraps_.end()) {
      scraps_.push_back(text);
      begun_[static_cast<unsigned char>(text.front())] |= bit;
      if (text.size() > 1) long_scraps_ |= bit;
    }
    return bit;
  };
  for (const int literal : needs.all_of) bare.all_of |= bit_of(literal);
  for (const int literal : needs.any_of) {
    const std::uint64_t bit = bit_of(literal);
    bare.any_of |= bit;
    if (bit != 0) continue;
    bare.any_of = 0;  // one that has no number may be the one
    break;
  }
  if (bare.all_of == 0 && bare.any_of == 0) return false;
  bare_.push_back(bare);
  return true;
}

std::uint64_t RegexFilter::scraps_in(std::string_view folded) const {
  std::uint64_t found = 0;
  for (const char c : folded) found |= begun_[static_cast<unsigned char>(c)];
  for (std::uint64_t rest = found & long_scraps_; rest != 0; rest &= rest - 1) {
    const int number = std::countr_zero(rest);
    if (find_bytes(folded, scraps_[static_cast<std::size_t>(number)]) == std::string_view::npos)
      found &= ~(std::uint64_t{1} << number);
  }
  return found;
}

void RegexFilter::candidates(const std::vector<int>& atoms, std::string_view folded,
                             std::vector<std::uint32_t>& out) const {
  out.insert(out.end(), unfiltered_.begin(), unfiltered_.end());
  if (!bare_.empty()) {
    const std::uint64_t scraps = scraps_in(folded);
    for (const Bare& bare : bare_)
      if ((bare.all_of & ~scraps) == 0 && (bare.any_of == 0 || (bare.any_of & scraps) != 0))
        out.push_back(bare.payload);
  }
  const auto before = static_cast<std::ptrdiff_t>(out.size());
  const auto found = [&](int atom) { return std::binary_search(atoms.begin(), atoms.end(), atom); };
  for (const int atom : atoms) {
    for (const std::uint32_t index : by_atom_[static_cast<std::size_t>(atom)]) {
      const Filtered& e = filtered_[index];
      if (std::all_of(e.all_of.begin(), e.all_of.end(), found) &&
          (e.any_of.empty() || std::any_of(e.any_of.begin(), e.any_of.end(), found)))
        out.push_back(e.payload);
    }
  }
  // Who needs one of several was perhaps met at two of them.
  std::sort(out.begin() + before, out.end());
  out.erase(std::unique(out.begin() + before, out.end()), out.end());
}

}  // namespace tocsin::match
