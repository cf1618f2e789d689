// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace tocsin::cli::rules {
namespace {

constexpr std::size_t kIdPrefixMin = 4;  // shorter ones are rather a word of a title
constexpr std::size_t kCandidatesShown = 10;

Error ambiguous(const std::string& wanted, const std::vector<const sigma::Rule*>& found) {
  std::string message = fmt::format("{} rules fit '{}'; say which:", found.size(), wanted);
  for (std::size_t i = 0; i < std::min(found.size(), kCandidatesShown); ++i)
    message += fmt::format("\n  {}  {}", found[i]->id, printable(found[i]->title, {}));
  if (found.size() > kCandidatesShown)
    message += fmt::format("\n  ... and {} more", found.size() - kCandidatesShown);
  return {ErrorCode::kInvalid, message};
}

}  // namespace

RuleOptions RulePaths::chosen() const {
  RuleOptions out = options;
  if (!dirs.empty()) out.paths = dirs;
  return out;
}

void add_rule_paths(CLI::App& command, RulePaths& paths) {
  command.add_option("DIR", paths.dirs,
                     "Files and folders of rules, instead of --rules (default: the starter rules)");
  add_rule_options(command, paths.options);
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int usage_error(const Error& error) {
  report(error);
  return kUsage;
}

bool write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  return static_cast<bool>(file.flush());
}

std::string joined(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += separator;
    out += item;
  }
  return out;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string logsource_text(const sigma::Logsource& logsource) {
  std::string out;
  for (const std::string* part : {&logsource.product, &logsource.category, &logsource.service})
    if (!part->empty()) out += (out.empty() ? "" : "/") + *part;
  return out;
}

Tint level_tint(Level level) {
  if (level >= Level::kHigh) return Tint::kRed;
  return level == Level::kMedium ? Tint::kYellow : Tint::kDim;
}

std::string printable_lines(std::string_view text, const Style& style) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (at > 0) out.push_back('\n');
    out += printable(text.substr(at, end - at), style);
    at = end + 1;
  }
  return out;
}

bool is_rule_path(std::string_view text) {
  return text.ends_with(".yml") || text.ends_with(".yaml");
}

Result<const sigma::Rule*> find_rule(const sigma::RuleSet& set, const std::string& wanted) {
  const std::string want = lower_ascii(wanted);
  std::vector<const sigma::Rule*> by_id, by_title, by_part;
  for (const sigma::Rule& rule : set.rules) {
    if (rule.id == want) return &rule;
    const std::string title = lower_ascii(rule.title);
    if (want.size() >= kIdPrefixMin && rule.id.starts_with(want)) by_id.push_back(&rule);
    if (title == want) by_title.push_back(&rule);
    if (!want.empty() && title.find(want) != std::string::npos) by_part.push_back(&rule);
  }
  for (const auto& found : {by_id, by_title, by_part}) {
    if (found.size() == 1) return found.front();
    if (!found.empty()) return tl::unexpected(ambiguous(wanted, found));
  }
  for (const sigma::Diagnostic& d : set.diagnostics)
    if (d.severity == sigma::Severity::kError && !want.empty() && lower_ascii(d.rule) == want)
      return fail(ErrorCode::kInvalid, "the rule was rejected\n" + to_text(d));
  return fail(ErrorCode::kNotFound,
              fmt::format("no rule has the id or title '{}' ({} rules were looked at; --rules says "
                          "which, `tocsin rules list --text` searches them)",
                          wanted, set.rules.size()));
}

}  // namespace tocsin::cli::rules
