// SPDX-License-Identifier: Apache-2.0
//
// tocsin report: what the verdicts in tocsin.db say as a whole.
#include <unistd.h>

#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/views/report_text.h"

namespace tocsin::cli {
namespace {

struct ReportCommand {
  std::string db;
  std::size_t top = 10;
  bool json = false;
};

int execute(ReportCommand command, const Shared& shared) {
  if (command.db.empty()) command.db = shared.data_dir + "/tocsin.db";
  if (access(command.db.c_str(), F_OK) != 0) {
    std::fprintf(
        stderr,
        "tocsin: %s: there is no such database; `detect` writes it, or name another by --db\n",
        command.db.c_str());
    return kFailed;
  }
  const Result<store::Summary> summary = store::summarize(command.db, command.top);
  if (!summary) return report(summary.error());
  const std::string text =
      command.json ? report_json(*summary) : render_report(*summary, style_of(STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kDone;
}

}  // namespace

void add_report(Context& context) {
  CLI::App* app = context.root.add_subcommand(
      "report",
      "Sum up the verdicts: classes, rules, hosts, latency, and the score against the truth");
  auto command = std::make_shared<ReportCommand>();
  app->add_option("--db", command->db, "Verdicts (default: tocsin.db in the data directory)")
      ->envname("TOCSIN_DB");
  app->add_option("--top", command->top, "How many rules and hosts to list")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_flag("--json", command->json, "Print one JSON object");
  app->footer(
      "Events of the simulator carry the truth in a record header; for them the report shows the\n"
      "confusion matrix, precision and recall per tactic, and which attack scenarios were seen.");
  app->callback([&context, command] { context.exit_code = execute(*command, context.shared); });
}

}  // namespace tocsin::cli
