// SPDX-License-Identifier: Apache-2.0
//
// tocsin search: alerts and verdicts by words and fields.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/search/backend.h"
#include "app/cli/search/rows.h"
#include "app/cli/store/opensearch_options.h"
#include "base/clock.h"
#include "stages/store/search/language/query.h"

namespace tocsin::cli {
namespace {

namespace language = store::search;

struct SearchCommand {
  std::vector<std::string> words;
  std::string db, server, since, until;
  store::opensearch::Options opensearch;
  std::string format = "table";
  std::size_t limit = 50;
  bool verdicts = false;
  bool count = false;
};

std::string wrong_moment(const std::string& text) {
  return language::parse_moment(text, 0)
             ? std::string()
             : "'" + text + "' is no time: 90s, 15m, 24h, 7d (ago), now or RFC 3339 is wanted";
}

std::string query_of(const SearchCommand& command) {
  std::string out;
  for (const std::string& word : command.words) out += (out.empty() ? "" : " ") + word;
  return out;
}

search::Format format_of(const std::string& name) {
  return name == "csv"     ? search::Format::kCsv
         : name == "jsonl" ? search::Format::kJsonl
                           : search::Format::kTable;
}

void put(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

Status print_count(search::Backend& backend, const search::Request& request) {
  TOCSIN_TRY(const std::int64_t count, backend.count(request));
  put(fmt::format("{}\n", count));
  return {};
}

Status print_rows(search::Backend& backend, search::Request request, const SearchCommand& command,
                  const Shared& shared) {
  search::Rows rows(format_of(command.format), command.verdicts, style_of(STDOUT_FILENO));
  put(rows.begin());
  // One row more says whether there are more.
  if (request.limit != 0) ++request.limit;
  std::size_t found = 0;
  TOCSIN_TRY_STATUS(backend.find(request, [&](const search::Found& row) {
    ++found;
    if (command.limit == 0 || found <= command.limit) put(rows.add(row));
  }));
  put(rows.end());
  if (shared.quiet) return {};
  if (found == 0) std::fputs("tocsin: nothing was found\n", stderr);
  if (command.limit != 0 && found > command.limit)
    std::fprintf(stderr, "tocsin: the latest %zu; there are more (--limit N, 0: all; --count)\n",
                 command.limit);
  return {};
}

int execute(SearchCommand command, const Shared& shared) {
  const UnixNanos now = now_ns();
  const std::string text = query_of(command);
  const auto query = language::parse_query(text, now);
  if (!query) {
    const Style style = style_of(STDERR_FILENO);
    std::fprintf(stderr, "tocsin: %s\n%s",
                 printable(language::to_error(query.error()).message, style).c_str(),
                 search::marked(text, query.error().position, style).c_str());
    return kUsage;
  }
  search::Request request{
      .query = *query, .range = {}, .verdicts = command.verdicts, .limit = command.limit};
  if (!command.since.empty()) request.range.from = language::parse_moment(command.since, now);
  if (!command.until.empty()) request.range.to = language::parse_moment(command.until, now);
  if (command.db.empty()) command.db = shared.data_dir + "/tocsin.db";
  auto backend = command.server.empty()
                     ? search::open_database(command.db)
                     : search::open_server(connected_to(command.server, command.opensearch));
  if (!backend) return report(backend.error());
  const Status done = command.count ? print_count(**backend, request)
                                    : print_rows(**backend, request, command, shared);
  return done ? kDone : report(done.error());
}

constexpr const char* kLanguage =
    "The query\n"
    "  words              text: the rule's name, host, user, values that matched. Words side by\n"
    "                     side in quotes: \"encoded command\"; the beginning of one: mimi*\n"
    "  field:value        the whole value; field:\"two words\", field:begin*. Case never counts\n"
    "  level:>=high       also < <= >; time:>=2026-05-01, time:>-24h\n"
    "  a b, a AND b       both; a OR b; NOT a or -a; parentheses\n"
    "  fields             host user rule level tactic technique class channel provider code\n"
    "                     event_id trace_id status assignee time\n"
    "  host:ws1 is ws1.example.org, too; user:ann is CORP\\ann; technique:T1003 is T1003.001;\n"
    "  rule: is its name or its id; status: new, in_progress, closed or false_positive.\n"
    "\n"
    "Examples\n"
    "  tocsin search                                        the latest alerts\n"
    "  tocsin search 'powershell level:>=high' --since 24h\n"
    "  tocsin search 'host:ws1 (tactic:execution OR tactic:persistence) -user:backup*'\n"
    "  tocsin search 'status:new technique:T1003' --format jsonl | jq .rule.name\n"
    "  tocsin search --verdicts 'host:ws1 code:4688' --since 2026-05-01T10:00:00Z\n"
    "  tocsin search --count 'tactic:\"Credential Access\"'\n"
    "\n"
    "A query that begins with '-' goes behind \"--\": tocsin search -- -host:ws1";

}  // namespace

void add_search(Context& context) {
  CLI::App* app =
      context.root.add_subcommand("search", "Find alerts and verdicts by words, fields and time");
  auto command = std::make_shared<SearchCommand>();
  app->add_option("QUERY", command->words, "What to find; nothing: everything");
  app->add_option("--db", command->db, "Verdicts (default: tocsin.db in the data directory)")
      ->envname("TOCSIN_DB");
  app->add_option(
         "--store", command->server,
         "Ask OpenSearch or Elasticsearch at URL[,URL] instead, which `tocsin store` fills")
      ->envname("TOCSIN_STORE");
  add_connection_options(*app, command->opensearch);
  app->add_option("--since", command->since,
                  "Only what happened since then: 90s, 15m, 24h, 7d ago, or a time (RFC 3339)")
      ->check(wrong_moment);
  app->add_option("--until", command->until, "Only what happened before then")->check(wrong_moment);
  app->add_flag("--verdicts", command->verdicts,
                "All events that were looked at, not just alerts; see docs/search.md");
  app->add_option("--format", command->format, "table, jsonl or csv")
      ->check(CLI::IsMember({"table", "jsonl", "csv"}))
      ->capture_default_str();
  app->add_option("--limit", command->limit, "At most so many, the latest first; 0: all")
      ->capture_default_str();
  app->add_flag("--count", command->count, "Only print how many there are");
  app->footer(kLanguage);
  app->callback([&context, command] { context.exit_code = execute(*command, context.shared); });
}

}  // namespace tocsin::cli
