// SPDX-License-Identifier: Apache-2.0
//
// tocsin trace EVENT_ID: what happened to one event, drawn from the local span store or from
// Jaeger.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/views/waterfall.h"
#include "core/trace/jaeger_query.h"
#include "core/trace/span_store.h"
#include "stages/store/lookup.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kCandidatesShown = 5;

struct TraceCommand {
  std::string id;
  std::string spans;  // FILE.db, or the URL of Jaeger's query API
  std::string events;
  bool json = false;
};

// Lower-case hex digits of an id in any of its forms; empty when it is none.
std::string hex_digits(std::string text) {
  for (const char* prefix : {"urn:uuid:", "{", "0x"})
    if (text.starts_with(prefix)) text.erase(0, std::string_view(prefix).size());
  std::string digits;
  for (const char c : text) {
    if (c == '-' || c == '}') continue;
    const bool upper = c >= 'A' && c <= 'F';
    if (!upper && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) return {};
    digits.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return digits.size() <= 32 ? digits : std::string();
}

std::string hex_of(const trace::TraceId& id) {
  std::string hex;
  append_hex(hex, id.data(), id.size());
  return hex;
}

bool in_jaeger(const TraceCommand& command) {
  return command.spans.find("://") != std::string::npos;
}

Result<trace::TraceId> trace_from_prefix(const TraceCommand& command, const std::string& digits) {
  if (in_jaeger(command))
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}': Jaeger finds whole ids only, of 32 hex digits", command.id));
  TOCSIN_TRY(const auto found, trace::find_traces(command.spans, digits, kCandidatesShown + 1));
  if (found.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("no trace in {} begins with '{}'", command.spans, command.id));
  if (found.size() == 1) return found.front();
  std::string message = fmt::format("'{}' is the start of several traces:", command.id);
  for (std::size_t i = 0; i < std::min(found.size(), kCandidatesShown); ++i)
    message += "\n  " + hex_of(found[i]);
  if (found.size() > kCandidatesShown) message += "\n  ...";
  return fail(ErrorCode::kInvalid, message);
}

// What tocsin.db knows; nothing when it is not there, for the waterfall stands without it.
std::optional<store::FoundEvent> look_up(const TraceCommand& command, const trace::TraceId& id) {
  const Uuid event_id{id};
  if (auto found = store::find_event(command.events, event_id); found && *found)
    return *std::move(found);
  if (auto found = store::find_event_by_trace(command.events, id); found && *found)
    return *std::move(found);
  return std::nullopt;
}

Status run(const TraceCommand& command, const std::string& digits) {
  trace::TraceId id{};
  std::optional<store::FoundEvent> event;
  if (digits.size() == 32 && decode_hex(digits, id.data(), id.size())) {
    event = look_up(command, id);
    id = event ? event->trace_id : trace::trace_id_of(Uuid{id});
  } else {
    TOCSIN_TRY(id, trace_from_prefix(command, digits));
    event = look_up(command, id);
  }
  TOCSIN_TRY(const auto spans, in_jaeger(command) ? trace::query_trace(command.spans, id)
                                                  : trace::read_trace(command.spans, id));
  if (spans.empty())
    return fail(
        ErrorCode::kNotFound,
        fmt::format("no spans of {} in {}; were `produce` and `detect` run with --traces, and was "
                    "the event sampled? Spans arrive a moment after the verdict",
                    command.id, command.spans));
  WaterfallHeader header;
  if (event)
    header = {event->event_id.to_string(), event->host, event->event_class, event->rules};
  else
    header.event_id = Uuid{id}.to_string();
  const std::string text =
      command.json ? trace_json(spans) : render_waterfall(spans, header, style_of(STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

int execute(TraceCommand command, const Shared& shared) {
  if (command.spans.empty()) command.spans = shared.data_dir + "/traces.db";
  if (command.events.empty()) command.events = shared.data_dir + "/tocsin.db";
  const std::string digits = hex_digits(command.id);
  if (digits.empty()) {
    std::fprintf(stderr, "tocsin: '%s' is no event id, trace id or the start of one (hex digits)\n",
                 command.id.c_str());
    return kUsage;
  }
  if (!in_jaeger(command) && access(command.spans.c_str(), F_OK) != 0) {
    std::fprintf(
        stderr,
        "tocsin: %s: there is no such span store; run `produce` and `detect` with --traces %s, "
        "or name another by --store\n",
        command.spans.c_str(), command.spans.c_str());
    return kFailed;
  }
  const Status done = run(command, digits);
  return done ? kDone : report(done.error());
}

}  // namespace

void add_trace(Context& context) {
  CLI::App* app =
      context.root.add_subcommand("trace", "Draw what happened to one event, step by step");
  auto command = std::make_shared<TraceCommand>();
  app->add_option("id", command->id, "Event id or trace id, or the start of one")->required();
  app->add_option("--store", command->spans,
                  "FILE.db, or Jaeger's query API (http://HOST:16686) (default: traces.db in the "
                  "data directory)")
      ->envname("TOCSIN_TRACE_STORE");
  app->add_option("--db", command->events, "Verdicts (default: tocsin.db in the data directory)")
      ->envname("TOCSIN_DB");
  app->add_flag("--json", command->json, "Print the spans as one JSON object");
  app->footer(
      "Examples:\n"
      "  tocsin trace 6f9619ff-8b86-d011-b42d-00c04fc964ff\n"
      "  tocsin trace 6f9619ff --json | jq '.spans[].name'\n"
      "  tocsin trace 6f9619ff-8b86-d011-b42d-00c04fc964ff --store http://jaeger:16686");
  app->callback([&context, command] { context.exit_code = execute(*command, context.shared); });
}

}  // namespace tocsin::cli
