// SPDX-License-Identifier: Apache-2.0
#include "stages/match/literals/regex_filter.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/utf8.h"

namespace tocsin::match {
namespace {

constexpr int kAtomBytesMin = 3;

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
  if (std::all_of(atoms.begin(), atoms.end(), is_ascii)) {
    std::vector<int> numbers;
    filter_->AllPotentials({}, &numbers);
    for (const int number : numbers)
      without_atoms_.push_back(payloads_[static_cast<std::size_t>(number)]);
    return atoms;
  }
  unfiltered_.insert(unfiltered_.end(), payloads_.begin(), payloads_.end());
  payloads_.clear();
  return {};
}

void RegexFilter::candidates(const std::vector<int>& atoms, std::vector<std::uint32_t>& out) const {
  out.insert(out.end(), unfiltered_.begin(), unfiltered_.end());
  if (payloads_.empty()) return;
  if (atoms.empty()) {
    out.insert(out.end(), without_atoms_.begin(), without_atoms_.end());
    return;
  }
  std::vector<int> numbers;
  filter_->AllPotentials(atoms, &numbers);
  for (const int number : numbers) out.push_back(payloads_[static_cast<std::size_t>(number)]);
}

}  // namespace tocsin::match
