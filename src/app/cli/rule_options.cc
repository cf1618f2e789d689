// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rule_options.h"

#include <map>

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
      .add_option("--logsource", options.logsource,
                  "What events of an unknown shape are, e.g. product=aws,service=cloudtrail")
      ->envname("TOCSIN_LOGSOURCE");
}

Result<sigma::RuleSet> load_rules(const RuleOptions& options) {
  sigma::ParseOptions parse;
  if (!options.placeholders.empty()) {
    TOCSIN_TRY(parse.placeholders, sigma::load_placeholders(options.placeholders));
  }
  if (options.paths.empty()) return sigma::built_in_rules();
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
  }
  taxonomy.set_default(logsource);
  return taxonomy;
}

Result<LoadedRules> compile_rules(const RuleOptions& options) {
  TOCSIN_TRY(sigma::RuleSet set, load_rules(options));
  TOCSIN_TRY(sigma::Taxonomy taxonomy, load_taxonomy(options));
  for (const sigma::Diagnostic& d : set.diagnostics)
    if (d.severity == sigma::Severity::kError) log_debug("{}", to_text(d));
  if (set.rejected > 0)
    log_warning("{} of {} rules were rejected; `tocsin rules check` says why", set.rejected,
                set.rejected + set.rules.size());
  if (set.rules.empty())
    return fail(ErrorCode::kInvalid,
                "no rule to match: give --rules a folder of Sigma rules (*.yml)");
  LoadedRules out;
  out.taxonomy = std::make_shared<const sigma::Taxonomy>(std::move(taxonomy));
  out.engine = match::Engine::build(std::move(set.rules), *out.taxonomy);
  log_info("{} rules from {} files", out.engine->stats().rules, set.files);
  return out;
}

}  // namespace tocsin::cli
