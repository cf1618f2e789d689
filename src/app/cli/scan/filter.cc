// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tocsin::cli::scan {
namespace {

constexpr UnixNanos kSecond = 1'000'000'000;
constexpr UnixNanos kDay = 86'400 * kSecond;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// "24h" -> its length; empty when the text is no age.
std::optional<UnixNanos> read_age(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end + 1 != text.data() + text.size()) return std::nullopt;
  switch (*end) {
    case 's':
      return number * kSecond;
    case 'm':
      return number * 60 * kSecond;
    case 'h':
      return number * 3600 * kSecond;
    case 'd':
      return number <= 36'500 ? std::optional(number * kDay) : std::nullopt;
    case 'w':
      return number <= 5'200 ? std::optional(number * 7 * kDay) : std::nullopt;
    default:
      return std::nullopt;
  }
}

Status read_bound(std::string_view option, const std::string& text, UnixNanos now, bool end,
                  UnixNanos& bound) {
  if (text.empty()) return {};
  const std::optional<UnixNanos> moment = read_moment(text, now, end);
  if (!moment)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{} '{}': expected a date (2026-01-31), a time (2026-01-31T08:00:00Z) or "
                    "an age (24h, 7d)",
                    option, text));
  bound = *moment;
  return {};
}

bool names_rule(const std::string& wanted, const sigma::Rule& rule) {
  return glob_matches(wanted, rule.id) || glob_matches(wanted, rule.title) ||
         glob_matches(wanted, rule.name);
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<UnixNanos> read_moment(std::string_view text, UnixNanos now, bool end) {
  if (const auto age = read_age(text)) return now - *age;
  constexpr std::string_view kShape = "2026-01-31";
  if (text.size() == kShape.size()) {
    const auto day = parse_time(std::string(text) + "T00:00:00Z");
    if (day) return end ? *day + kDay - 1 : *day;
  }
  if (const auto time = parse_time(text)) return time;
  return parse_time(std::string(text) + ":00");
}

Result<Filter> Filter::make(const Options& options, const std::vector<sigma::Rule>& rules,
                            UnixNanos now) {
  Filter filter;
  if (!options.min_level.empty()) {
    const auto level = parse_level(options.min_level);
    if (!level)
      return fail(ErrorCode::kInvalid, "--min-level '" + options.min_level +
                                           "': informational, low, medium, high or critical");
    filter.min_level_ = *level;
  }
  TOCSIN_TRY_STATUS(read_bound("--from", options.from, now, false, filter.from_));
  TOCSIN_TRY_STATUS(read_bound("--to", options.to, now, true, filter.to_));
  if (filter.from_ > filter.to_)
    return fail(ErrorCode::kInvalid, "--from is later than --to: nothing lies between them");
  filter.hosts_ = options.hosts;
  filter.only_rules_ = !options.only_rules.empty();
  for (const std::string& wanted : options.only_rules) {
    bool found = false;
    for (const sigma::Rule& rule : rules) {
      if (!names_rule(wanted, rule)) continue;
      filter.rules_.insert(rule.id);
      found = true;
    }
    if (!found)
      return fail(ErrorCode::kInvalid,
                  "--rule '" + wanted +
                      "': no loaded rule has this id or title (* stands for anything; --rules "
                      "names the files to load)");
  }
  filter.any_ = filter.only_rules_ || !filter.hosts_.empty() || !options.min_level.empty() ||
                !options.from.empty() || !options.to.empty();
  return filter;
}

bool Filter::keeps(UnixNanos time, std::string_view host) const {
  if (time != 0 && (time < from_ || time > to_)) return false;
  return hosts_.empty() || std::any_of(hosts_.begin(), hosts_.end(), [&](const std::string& want) {
           return glob_matches(want, host);
         });
}

bool Filter::keeps(const Alert& alert) const {
  return alert.level >= min_level_ && keeps(alert.timestamp, alert.host) &&
         (!only_rules_ || rules_.contains(alert.rule_id));
}

}  // namespace tocsin::cli::scan
