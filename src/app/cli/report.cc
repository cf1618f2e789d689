// SPDX-License-Identifier: Apache-2.0
//
// tocsin report: what the verdicts in tocsin.db say as a whole, for people, spreadsheets and the
// ATT&CK Navigator.
#include <unistd.h>

#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/page/page.h"
#include "app/cli/report/aggregates.h"
#include "app/cli/report/report_page.h"
#include "app/cli/report/statistics.h"
#include "app/cli/views/report_text.h"
#include "base/log.h"

namespace tocsin::cli {
namespace {

constexpr const char* kStdout = "-";

struct ReportCommand {
  std::string db;
  std::string spans;
  std::size_t top = 10;
  bool top_given = false;
  std::string format = "table";
  bool json = false;
  std::string html;
  std::string layer;
  std::string csv;

  [[nodiscard]] bool on_stdout() const { return html == kStdout || layer == kStdout; }
};

// Every host and rule, unless the user asked for fewer.
constexpr std::size_t kAll = 1'000'000;

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

Status put(const std::string& path, const std::string& text, const char* hint) {
  if (path == kStdout) {
    print(text);
    return {};
  }
  TOCSIN_TRY_STATUS(page::write(path, text));
  log_info("{}: {}", path, hint);
  return {};
}

Status write_files(const ReportCommand& command, const Statistics& statistics) {
  if (!command.html.empty())
    TOCSIN_TRY_STATUS(put(command.html,
                          report_page(statistics, {.now = page::stamp(), .db = command.db}),
                          "open it in a browser"));
  if (!command.layer.empty())
    TOCSIN_TRY_STATUS(put(command.layer,
                          insight::navigator_json(rules::layer_of(statistics.alerts, "count")),
                          "open it in the ATT&CK Navigator (Open Existing Layer)"));
  if (command.csv.empty()) return {};
  Statistics all = statistics;
  if (!command.top_given) {
    TOCSIN_TRY(all, read_statistics({.db = command.db, .spans = {}, .top = kAll}));
    all.stages = statistics.stages;
  }
  TOCSIN_TRY_STATUS(write_aggregates(command.csv, all, command.db));
  log_info("{}: classes, hours, hosts, rules, techniques, latency and scores as CSV", command.csv);
  return {};
}

int execute(ReportCommand command, const Shared& shared) {
  if (command.db.empty()) command.db = shared.data_dir + "/tocsin.db";
  if (access(command.db.c_str(), F_OK) != 0) {
    std::fprintf(
        stderr,
        "tocsin: %s: there is no such database; `detect` writes it, or name another by --db\n",
        command.db.c_str());
    return kFailed;
  }
  const bool json = command.json || command.format == "json";
  StatisticsSources sources{.db = command.db, .spans = command.spans, .top = command.top};
  sources.spans_wanted = !command.spans.empty();
  // Reading all spans takes longer than all the rest: only for what shows them.
  if (command.spans.empty() && (json || !command.html.empty() || !command.csv.empty()))
    sources.spans = shared.data_dir + "/traces.db";
  const Result<Statistics> statistics = read_statistics(sources);
  if (!statistics) return report(statistics.error());
  if (const Status written = write_files(command, *statistics); !written)
    return report(written.error());
  if (!command.on_stdout())
    print(json ? report_json(*statistics) : render_report(*statistics, style_of(STDOUT_FILENO)));
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
  CLI::Option* top =
      app->add_option("--top", command->top,
                      "How many rules, hosts and techniques to list (--csv: all, without it)")
          ->check(CLI::Range(1, 1'000'000))
          ->capture_default_str();
  app->add_option("--format", command->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app->add_flag("--json", command->json, "Short for --format json");
  app->add_option("--html", command->html,
                  "Write it as one HTML page that needs no network and no script; - is stdout");
  app->add_option("--csv", command->csv,
                  "Write each aggregate as a CSV file into this folder: classes, levels, hourly,\n"
                  "hosts, host_classes, rules, techniques, confusion, scores, latency");
  app->add_option("--layer", command->layer,
                  "Write a layer for the ATT&CK Navigator, scored by alerts; - is stdout");
  app->add_option("--store", command->spans,
                  "Spans for the latency of each step (default: traces.db in the data directory, "
                  "if there is one)");
  app->footer(
      "Events of the simulator carry the truth in a record header; for them the report shows the\n"
      "confusion matrix, precision and recall per tactic, and which attack scenarios were seen.\n"
      "\n"
      "Examples:\n"
      "  tocsin report --html report.html\n"
      "  tocsin report --csv statistics/ --layer seen.json");
  app->callback([&context, command, top] {
    command->top_given = top->count() > 0;
    context.exit_code = execute(*command, context.shared);
  });
}

}  // namespace tocsin::cli
