// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rule_options.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "app/pipeline/tuning/apply.h"
#include "app/pipeline/tuning/tuning_file.h"
#include "base/log.h"

namespace tocsin::cli {

void add_rule_options(CLI::App& command, RuleOptions& options) {
  command
      .add_option(
          "--rules", options.paths,
          "File or folder of Sigma rules; repeatable (default: the starter rules in the program)")
      ->envname("TOCSIN_RULES")
      ->allow_extra_args(false);
  command
      .add_option("--placeholders", options.placeholders,
                  "YAML file with the values of %placeholders% (name: [value, ...])")
      ->envname("TOCSIN_PLACEHOLDERS");
  command
      .add_option("--filters", options.filters,
                  "File or folder of Sigma filters, besides those among the rules; repeatable")
      ->envname("TOCSIN_FILTERS")
      ->allow_extra_args(false);
  command
      .add_option("--filter-mode", options.filter_mode,
                  "What a filter's condition says: pysigma: what still matches ('not selection'); "
                  "exclude: what is left out ('selection')")
      ->check(CLI::IsMember({"pysigma", "exclude"}))
      ->envname("TOCSIN_FILTER_MODE")
      ->capture_default_str();
  command
      .add_option("--logsource", options.logsource,
                  "What events of an unknown shape are, e.g. product=aws,service=cloudtrail")
      ->envname("TOCSIN_LOGSOURCE");
  command
      .add_option(
          "--overrides", options.overrides,
          "YAML file with overrides by rule id: disable, level, hosts, suppress; repeatable "
          "(also a section of the --config file; docs/tuning.md)")
      ->envname("TOCSIN_OVERRIDES")
      ->allow_extra_args(false);
  options.command = &command;
}

namespace {

// The file given by --config; empty: none.
std::string config_file(const RuleOptions& options) {
  const CLI::App* root = options.command;
  while (root != nullptr && root->get_parent() != nullptr) root = root->get_parent();
  const CLI::Option* config = root == nullptr ? nullptr : root->get_config_ptr();
  return config == nullptr || config->count() == 0 ? std::string() : config->as<std::string>();
}

}  // namespace

Result<pipeline::Tuning> load_tuning(const RuleOptions& options) {
  pipeline::Tuning tuning;
  if (const std::string config = config_file(options); !config.empty())
    TOCSIN_TRY_STATUS(pipeline::read_tuning(config, pipeline::OtherKeys::kSkip, tuning));
  for (const std::string& path : options.overrides)
    TOCSIN_TRY_STATUS(pipeline::read_tuning(path, pipeline::OtherKeys::kRefuse, tuning));
  return tuning;
}

std::vector<std::string> watched_paths(const RuleOptions& options) {
  std::vector<std::string> paths = options.paths;
  paths.insert(paths.end(), options.overrides.begin(), options.overrides.end());
  paths.insert(paths.end(), options.filters.begin(), options.filters.end());
  for (const std::string& file : {options.placeholders, config_file(options)})
    if (!file.empty()) paths.push_back(file);
  return paths;
}

Result<sigma::RuleSet> load_rules(const RuleOptions& options) {
  TOCSIN_TRY(sigma::RuleSet set, load_untuned_rules(options));
  TOCSIN_TRY(const pipeline::Tuning tuning, load_tuning(options));
  pipeline::AppliedTuning applied = pipeline::apply_tuning(tuning, set.rules);
  if (applied.disabled + applied.changed > 0)
    log_info("overrides: {} rules disabled, {} changed", applied.disabled, applied.changed);
  std::move(applied.warnings.begin(), applied.warnings.end(), std::back_inserter(set.diagnostics));
  return set;
}

Result<sigma::RuleSet> load_untuned_rules(const RuleOptions& options) {
  sigma::ParseOptions parse;
  if (!options.placeholders.empty()) {
    TOCSIN_TRY(parse.placeholders, sigma::load_placeholders(options.placeholders));
  }
  parse.filter_paths = options.filters;
  if (options.filter_mode == "exclude") parse.filter_mode = sigma::FilterMode::kExclude;
  if (options.paths.empty()) return sigma::built_in_rules(parse);
  return sigma::load_rules(options.paths, parse);
}

Result<sigma::Taxonomy> load_taxonomy(const RuleOptions& options) {
  sigma::Taxonomy taxonomy = sigma::Taxonomy::built_in();
  if (options.logsource.empty()) return taxonomy;
  sigma::Logsource logsource;
  const std::map<std::string, std::string*> parts = {{"product", &logsource.product},
                                                     {"service", &logsource.service},
                                                     {"category", &logsource.category}};
  for (const std::string& part : CLI::detail::split(options.logsource, ',')) {
    const std::size_t equals = part.find('=');
    const auto found = parts.find(part.substr(0, equals));
    if (equals == std::string::npos || found == parts.end())
      return fail(
          ErrorCode::kInvalid,
          "--logsource '" + part + "': expected product=, service= or category=, joined by ','");
    *found->second = part.substr(equals + 1);
    if (found->second->empty())
      return fail(ErrorCode::kInvalid, "--logsource '" + part + "': there is nothing behind the =");
  }
  taxonomy.set_default(logsource);
  return taxonomy;
}

void tell_problems(const std::vector<sigma::Diagnostic>& diagnostics) {
  constexpr std::size_t kToldMax = 20;
  std::size_t told = 0;
  for (const sigma::Diagnostic& d : diagnostics) {
    const bool override_problem = d.code.starts_with("override.");
    if (override_problem && ++told <= kToldMax)
      log_warning("{}", to_text(d));
    else if (override_problem || d.severity == sigma::Severity::kError)
      log_debug("{}", to_text(d));
  }
  if (told > kToldMax)
    log_warning("and {} more of the overrides; --verbose tells all", told - kToldMax);
}

Result<LoadedRules> compile_rules(const RuleOptions& options) {
  TOCSIN_TRY(sigma::RuleSet set, load_rules(options));
  TOCSIN_TRY(sigma::Taxonomy taxonomy, load_taxonomy(options));
  tell_problems(set.diagnostics);
  if (set.rejected > 0)
    log_warning("{} of {} rules were rejected; `tocsin rules check` says why", set.rejected,
                set.rejected + set.rules.size());
  if (set.rules.empty()) return fail(ErrorCode::kInvalid, sigma::why_no_rules(set));
  LoadedRules out;
  out.taxonomy = std::make_shared<const sigma::Taxonomy>(std::move(taxonomy));
  out.engine = match::Engine::build(std::move(set.rules), *out.taxonomy);
  log_info("{} rules from {} files", out.engine->stats().rules, set.files);
  return out;
}

}  // namespace tocsin::cli
