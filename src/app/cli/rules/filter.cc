// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "app/cli/rules/rules.h"
#include "base/utf8.h"
#include "core/sigma/attack.h"

namespace tocsin::cli::rules {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kFilterGroup = "Which rules";

constexpr std::array<std::string_view, 5> kStatuses = {"stable", "test", "experimental",
                                                       "deprecated", "unsupported"};

Result<std::string> tactic_slug(const std::string& word) {
  const sigma::Attack& attack = sigma::Attack::built_in();
  const std::string want = lower_ascii(word);
  if (const sigma::Tactic* tactic = attack.tactic(want)) return tactic->slug;
  for (const sigma::Tactic& tactic : attack.tactics())
    if (lower_ascii(tactic.id) == want || lower_ascii(tactic.name) == want) return tactic.slug;
  Words known;
  for (const sigma::Tactic& tactic : attack.tactics()) known.push_back(tactic.slug);
  return fail(
      ErrorCode::kInvalid,
      fmt::format("--tactic: '{}' is no tactic of ATT&CK; these are: {}", word, joined(known)));
}

Status known_level(const char* option, const std::string& word) {
  if (parse_level(word)) return {};
  return fail(
      ErrorCode::kInvalid,
      fmt::format("{}: '{}' is none of informational, low, medium, high, critical", option, word));
}

void lower(Words& words) {
  for (std::string& word : words) word = lower_ascii(word);
}

bool is_among(const std::string& value, const Words& words) {
  return words.empty() || std::find(words.begin(), words.end(), value) != words.end();
}

bool share(const Words& values, const Words& words) {
  return words.empty() || std::any_of(values.begin(), values.end(), [&](const std::string& value) {
           return std::find(words.begin(), words.end(), value) != words.end();
         });
}

bool has_technique(const Words& values, const Words& words) {
  return words.empty() || std::any_of(values.begin(), values.end(), [&](const std::string& value) {
           return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
             return value == word || value.starts_with(word + ".");
           });
         });
}

bool has_text(const sigma::Rule& rule, const Words& texts) {
  if (texts.empty()) return true;
  const std::string all = folded(rule.id + "\n" + rule.title + "\n" + rule.description + "\n" +
                                 rule.author + "\n" + joined(rule.tags, "\n"));
  return std::all_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return all.find(text) != std::string::npos; });
}

}  // namespace

Status RuleFilter::prepare() {
  for (std::string& word : tactics) {
    TOCSIN_TRY(word, tactic_slug(word));
  }
  for (std::string& word : techniques) {
    if (lower_ascii(word).starts_with("attack.")) word.erase(0, 7);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  for (Words* words : {&levels, &products, &categories, &services, &statuses, &sources})
    lower(*words);
  min_level = lower_ascii(min_level);
  for (const std::string& word : levels) TOCSIN_TRY_STATUS(known_level("--level", word));
  if (!min_level.empty()) TOCSIN_TRY_STATUS(known_level("--min-level", min_level));
  for (const std::string& word : statuses)
    if (std::find(kStatuses.begin(), kStatuses.end(), word) == kStatuses.end())
      return fail(ErrorCode::kInvalid,
                  fmt::format("--status: '{}' is none of {}", word, fmt::join(kStatuses, ", ")));
  for (std::string& text : texts) text = folded(text);
  return {};
}

bool RuleFilter::passes(const sigma::Rule& rule) const {
  if (!min_level.empty() && rule.level < *parse_level(min_level)) return false;
  const std::string source = lower_ascii(rule.ruleset), path = lower_ascii(rule.path);
  const bool from =
      sources.empty() || std::any_of(sources.begin(), sources.end(), [&](const std::string& word) {
        return source == word || path.find(word) != std::string::npos;
      });
  return from && is_among(std::string(to_string(rule.level)), levels) &&
         is_among(rule.logsource.product, products) &&
         is_among(rule.logsource.category, categories) &&
         is_among(rule.logsource.service, services) &&
         is_among(lower_ascii(rule.status), statuses) && share(rule.tactics, tactics) &&
         has_technique(rule.techniques, techniques) && has_text(rule, texts);
}

Status usable_for_alerts(const RuleFilter& filter) {
  for (const auto& [name, words] :
       {std::pair{"--product", &filter.products}, std::pair{"--category", &filter.categories},
        std::pair{"--service", &filter.services}, std::pair{"--status", &filter.statuses},
        std::pair{"--source", &filter.sources}})
    if (!words->empty())
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: alerts do not tell that of their rule; choose them by --tactic, "
                              "--technique, --level, --min-level or --text",
                              name));
  return {};
}

void add_filter_options(CLI::App& command, RuleFilter& filter) {
  const auto add = [&](const char* name, Words& words, const char* help) {
    command.add_option(name, words, help)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group(kFilterGroup);
  };
  add("--tactic", filter.tactics, "ATT&CK tactic: slug, id or name; like the next ones repeatable");
  add("--technique", filter.techniques, "ATT&CK technique; T1003 also means T1003.001");
  add("--level", filter.levels, "informational, low, medium, high, critical");
  command.add_option("--min-level", filter.min_level, "This level or a more severe one")
      ->group(kFilterGroup);
  add("--product", filter.products, "Log source: product (windows, linux, ...)");
  add("--category", filter.categories, "Log source: category (process_creation, ...)");
  add("--service", filter.services, "Log source: service (security, sysmon, ...)");
  add("--status", filter.statuses, "stable, test, experimental, deprecated, unsupported");
  command
      .add_option("--text", filter.texts,
                  "A word in id, title, description, author or tags; of several each must be there")
      ->allow_extra_args(false)
      ->group(kFilterGroup);
  add("--source", filter.sources, "The rule set, or a part of the path");
}

std::vector<const sigma::Rule*> select_rules(const std::vector<sigma::Rule>& rules,
                                             const RuleFilter& filter, const std::string& sort) {
  std::vector<const sigma::Rule*> out;
  for (const sigma::Rule& rule : rules)
    if (filter.passes(rule)) out.push_back(&rule);
  const sigma::Attack& attack = sigma::Attack::built_in();
  const auto order = [&](const sigma::Rule* rule) {
    int place = 0;
    std::string text;
    if (sort == "level") place = -static_cast<int>(rule->level);
    if (sort == "tactic") place = rule->tactics.empty() ? 99 : attack.order(rule->tactics.front());
    if (sort == "title") text = folded(rule->title);
    if (sort == "path") text = rule->path;
    return std::tuple(place, std::move(text));
  };
  std::vector<std::pair<std::tuple<int, std::string>, const sigma::Rule*>> keyed;
  for (const sigma::Rule* rule : out) keyed.emplace_back(order(rule), rule);
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(keyed.begin(), keyed.end(), out.begin(),
                 [](const auto& entry) { return entry.second; });
  return out;
}

}  // namespace tocsin::cli::rules
