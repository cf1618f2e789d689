// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules check: which rules can be used, what is wrong with the others, what is doubtful.
//
//   rule files -> RuleSet + diagnostics -> text with a table of folders, JSON, SARIF
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "app/cli/rules/rules.h"
#include "app/cli/rules/sarif.h"
#include "base/json_writer.h"
#include "core/sigma/reach.h"

namespace tocsin::cli::rules {
namespace {

struct CheckOptions {
  RulePaths rules;
  std::string format = "text";
  bool json = false;
  bool warnings = false;
  bool strict = false;
};

struct FolderCount {
  std::size_t good = 0, errors = 0, warnings = 0;
};

// The folder of a rule below the path that the user gave: two levels tell enough.
std::string folder_of(const std::string& path, const std::vector<std::string>& roots) {
  std::size_t begin = 0;
  for (const std::string& root : roots)
    if (path.starts_with(root)) begin = std::max(begin, root.size());
  const std::size_t last = path.rfind('/');
  if (last == std::string::npos) return ".";
  std::size_t end = path.find('/', begin + 1);
  if (end == std::string::npos) end = last;
  return path.substr(0, end);
}

std::map<std::string, FolderCount> count_folders(const sigma::RuleSet& set,
                                                 std::vector<std::string> roots) {
  if (roots.empty()) roots.emplace_back("rules");
  std::map<std::string, FolderCount> out;
  for (const sigma::Rule& rule : set.rules) ++out[folder_of(rule.path, roots)].good;
  std::set<std::pair<std::string, std::string>> rejected;
  for (const sigma::Diagnostic& d : set.diagnostics) {
    FolderCount& count = out[folder_of(d.path, roots)];
    if (d.severity == sigma::Severity::kWarning)
      ++count.warnings;
    else
      count.errors += rejected.emplace(d.path, d.rule).second;
  }
  return out;
}

// A rule for a product that the mappings know, but for a log of it that they do not, or for fields
// that no event of its log has: it never fires.
void warn_of_dead_rules(sigma::RuleSet& set, const sigma::Taxonomy& taxonomy) {
  for (const sigma::Rule& rule : set.rules) {
    const std::string why = sigma::why_never_fires(taxonomy, rule);
    if (why.empty()) continue;
    const bool log_known = taxonomy.knows(rule.logsource);
    set.diagnostics.push_back(
        {sigma::Severity::kWarning, log_known ? "rule.never_fires" : "logsource.unknown", rule.path,
         rule.mark, rule.id,
         log_known
             ? fmt::format("{} ({}), so the rule never fires", why, logsource_text(rule.logsource))
             : fmt::format("no event belongs to the log source {}, so the rule never fires",
                           logsource_text(rule.logsource)),
         log_known ? "unless an agent adds the field; docs/sigma-coverage.md says what is mapped"
                   : "see mappings/windows.yml for those that are known",
         ""});
  }
}

std::string as_json(const sigma::RuleSet& set) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("files", set.files);
    json.member("rules", set.rules.size());
    json.member("rejected", set.rejected);
    json.member("filters", set.filters);
    json.member("ignored", set.ignored);
    json.key("diagnostics");
    json.array([&] {
      for (const sigma::Diagnostic& d : set.diagnostics) {
        std::string one;
        sigma::append_json(one, d);
        json.raw(one);
      }
    });
  });
  return out + "\n";
}

std::string folder_table(const std::map<std::string, FolderCount>& folders, const Style& style) {
  Table table;
  table.columns = {{"FOLDER", Align::kLeft, true},
                   {"GOOD", Align::kRight},
                   {"REJECTED", Align::kRight},
                   {"WARNINGS", Align::kRight}};
  for (const auto& [folder, count] : folders)
    table.rows.push_back({folder,
                          grouped(static_cast<std::int64_t>(count.good)),
                          {grouped(static_cast<std::int64_t>(count.errors)),
                           count.errors > 0 ? Tint::kRed : Tint::kDim},
                          {grouped(static_cast<std::int64_t>(count.warnings)),
                           count.warnings > 0 ? Tint::kYellow : Tint::kDim}});
  return render_table(table, style) + "\n";
}

std::string as_text(const sigma::RuleSet& set, const CheckOptions& options, std::size_t warnings) {
  const Style style = style_of(STDOUT_FILENO);
  const bool tell_warnings = options.warnings || options.strict;
  std::string out;
  for (const sigma::Diagnostic& d : set.diagnostics)
    if (d.severity == sigma::Severity::kError || tell_warnings)
      out += printable_lines(to_text(d), style) + "\n";
  const auto folders = count_folders(set, options.rules.chosen().paths);
  if (!out.empty()) out += "\n";
  if (folders.size() > 1) out += folder_table(folders, style);
  const bool bad = set.rejected > 0;
  out += tinted(fmt::format("{} rules in {} files are good", set.rules.size(), set.files),
                bad ? Tint::kNone : Tint::kGreen, style);
  out += bad ? tinted(fmt::format(", {} rejected", set.rejected), Tint::kRed, style)
             : ", none rejected";
  if (set.filters > 0) out += fmt::format(", {} filters applied", set.filters);
  if (set.ignored > 0) out += fmt::format(", {} left out (correlations)", set.ignored);
  if (warnings > 0)
    out +=
        fmt::format(", {} warnings{}", warnings, tell_warnings ? "" : " (--warnings shows them)");
  return out + "\n";
}

int check(const CheckOptions& options) {
  auto set = load_rules(options.rules.chosen());
  if (!set) return usage_error(set.error());
  const auto taxonomy = load_taxonomy(options.rules.options);
  if (!taxonomy) return usage_error(taxonomy.error());
  warn_of_dead_rules(*set, *taxonomy);
  const auto warnings = static_cast<std::size_t>(std::count_if(
      set->diagnostics.begin(), set->diagnostics.end(),
      [](const sigma::Diagnostic& d) { return d.severity == sigma::Severity::kWarning; }));
  if (options.format == "sarif")
    print(sarif_log(set->diagnostics));
  else if (options.json || options.format == "json")
    print(as_json(*set));
  else
    print(as_text(*set, options, warnings));
  if (set->files == 0)
    return report({ErrorCode::kNotFound, "no rule file (*.yml, *.yaml) is below these paths"});
  return set->rejected > 0 || (options.strict && warnings > 0) ? kFailed : kDone;
}

}  // namespace

void add_check(CLI::App& rules, Context& context) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command =
      rules.add_subcommand("check", "Read and compile every rule; tell what is wrong with them");
  add_rule_paths(*command, options->rules);
  command
      ->add_option("--format", options->format,
                   "text, json, or sarif (2.1.0, for code hosts and editors)")
      ->check(CLI::IsMember({"text", "json", "sarif"}))
      ->capture_default_str();
  command->add_flag("--json", options->json, "The same as --format json");
  command->add_flag("--warnings", options->warnings, "text: also what is doubtful");
  command->add_flag("--strict", options->strict, "A warning fails the check, too");
  command->footer(
      "Exit status: 0 every rule can be used; 1 one was rejected (--strict: or has a warning);\n"
      "2 a path does not exist, or wrong usage.");
  command->callback([&context, options] { context.exit_code = check(*options); });
}

}  // namespace tocsin::cli::rules
