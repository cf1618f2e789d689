// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/regex_filter.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace tocsin::match {
namespace {

constexpr int kAtomBytesMin = 3;
constexpr int kScrapBytesMin = 1;
constexpr int kScrapsMax = 64;  // bits of a word

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

RegexFilter::RegexFilter() = default;
RegexFilter::~RegexFilter() = default;
RegexFilter::RegexFilter(RegexFilter&&) noexcept = default;
RegexFilter& RegexFilter::operator=(RegexFilter&&) noexcept = default;

void RegexFilter::add(const sigma::Predicate& p, std::uint32_t payload) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!p.regex_ignore_case);
  options.set_dot_nl(p.regex_dot_all);
  if (!filter_) filter_ = std::make_unique<re2::FilteredRE2>(kAtomBytesMin);
  int number = 0;
  // RE2's lower case and our case folding agree on ASCII; beyond it the filter is not used.
  if (!is_ascii(p.text) || filter_->Add(p.regex_multi_line ? "(?m)" + p.text : p.text, options,
                                        &number) != re2::RE2::NoError) {
    unfiltered_.push_back(payload);
    return;
  }
  payloads_.push_back(payload);
}

std::vector<std::string> RegexFilter::build() {
  std::vector<std::string> atoms;
  if (payloads_.empty()) return atoms;
  filter_->Compile(&atoms);
  if (!std::all_of(atoms.begin(), atoms.end(), is_ascii)) {
    unfiltered_.insert(unfiltered_.end(), payloads_.begin(), payloads_.end());
    payloads_.clear();
    return {};
  }
  std::vector<int> numbers;
  filter_->AllPotentials({}, &numbers);
  find_bare(std::move(numbers));
  return atoms;
}

// `numbers`: of the expressions without an atom. What they require of shorter literals is asked of
// a second filter, which answers for any set of literals: so each is left out once, and each is
// given alone.
void RegexFilter::find_bare(std::vector<int> numbers) {
  is_bare_.resize(payloads_.size());
  if (numbers.empty()) return;
  re2::FilteredRE2 filter(kScrapBytesMin);
  for (const int number : numbers) {
    bare_.push_back({number});
    is_bare_[static_cast<std::size_t>(number)] = 1;
    const re2::RE2& regex = filter_->GetRE2(number);
    int same = 0;
    TOCSIN_CHECK(filter.Add(regex.pattern(), regex.options(), &same) == re2::RE2::NoError);
  }
  filter.Compile(&scraps_);
  const auto count = static_cast<int>(scraps_.size());
  const auto passed_by = [&](const auto& has) {
    std::vector<int> given, passed;
    for (int scrap = 0; scrap < count; ++scrap)
      if (has(scrap)) given.push_back(scrap);
    filter.AllPotentials(given, &passed);
    return passed;
  };
  std::vector<std::vector<std::uint8_t>> alone(bare_.size(),
                                               std::vector<std::uint8_t>(scraps_.size()));
  for (int scrap = 0; scrap < count; ++scrap) {
    for (const int i : passed_by([&](int s) { return s == scrap; }))
      alone[static_cast<std::size_t>(i)][static_cast<std::size_t>(scrap)] = 1;
    if (scrap >= kScrapsMax || !is_ascii(scraps_[static_cast<std::size_t>(scrap)])) continue;
    const std::vector<int> without = passed_by([&](int s) { return s != scrap; });
    for (std::size_t i = 0; i < bare_.size(); ++i)
      if (!std::binary_search(without.begin(), without.end(), static_cast<int>(i)))
        bare_[i].all_of |= std::uint64_t{1} << scrap;
  }
  for (std::size_t i = 0; i < bare_.size(); ++i) {
    const auto& own = alone[i];
    // One of them is needed only if all others together do not do.
    const auto rest = passed_by([&](int s) { return own[static_cast<std::size_t>(s)] == 0; });
    if (std::binary_search(rest.begin(), rest.end(), static_cast<int>(i))) continue;
    for (std::size_t scrap = 0; scrap < own.size(); ++scrap) {
      if (own[scrap] == 0) continue;
      if (scrap >= kScrapsMax || !is_ascii(scraps_[scrap])) {
        bare_[i].any_of = 0;
        break;
      }
      bare_[i].any_of |= std::uint64_t{1} << scrap;
    }
  }
  if (scraps_.size() > kScrapsMax) scraps_.resize(kScrapsMax);
}

std::uint64_t RegexFilter::scraps_in(std::string_view folded) const {
  std::array<std::uint8_t, 256> there{};
  for (const char c : folded) there[static_cast<unsigned char>(c)] = 1;
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < scraps_.size(); ++i) {
    const std::string& scrap = scraps_[i];
    const bool letters = std::all_of(scrap.begin(), scrap.end(), [&](char c) {
      return there[static_cast<unsigned char>(c)] != 0;
    });
    if (letters && (scrap.size() == 1 || folded.find(scrap) != std::string_view::npos))
      found |= std::uint64_t{1} << i;
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
        out.push_back(payloads_[static_cast<std::size_t>(bare.number)]);
  }
  if (atoms.empty() || payloads_.empty()) return;
  std::vector<int> numbers;
  filter_->AllPotentials(atoms, &numbers);
  for (const int number : numbers)
    if (is_bare_[static_cast<std::size_t>(number)] == 0)
      out.push_back(payloads_[static_cast<std::size_t>(number)]);
}

}  // namespace tocsin::match
