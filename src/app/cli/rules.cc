// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules: what a detection engineer does with rules: get, check, list, explain, test them,
// see what they cover and what they cost. One file for each in rules/.
#include "app/cli/rules/rules.h"

namespace tocsin::cli {

void add_rules(Context& context) {
  CLI::App* command = context.root.add_subcommand(
      "rules", "Check, list, explain, test and fetch Sigma rules; what they cover and cost");
  command->require_subcommand(1);
  rules::add_check(*command, context);
  rules::add_list(*command, context);
  rules::add_explain(*command, context);
  rules::add_test(*command, context);
  rules::add_coverage(*command, context);
  rules::add_fetch(*command, context);
  rules::add_stats(*command, context);
}

}  // namespace tocsin::cli
