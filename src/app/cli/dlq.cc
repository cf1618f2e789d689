// SPDX-License-Identifier: Apache-2.0
//
// tocsin dlq: what could not be read, and a second chance for it after a fix.
//
//   topic dead-letter -> list, show;   replay -> topic raw-events, or whence it came (stage store)
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "app/cli/command.h"
#include "app/cli/tables.h"
#include "app/cli/views/message_lines.h"
#include "app/insight/dead_letters.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace tocsin::cli {
namespace {

struct DlqCommand {
  insight::LetterFilter filter;
  std::uint64_t limit = 100;
  bool all = false;
  bool again = false;
  bool dry_run = false;
  bool json = false;
};

// RFC 3339, or how long ago: 30m, 6h, 2d.
std::optional<UnixNanos> moment(const std::string& text) {
  if (auto time = parse_time(text)) return time;
  std::int64_t count = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (wrong != std::errc() || count < 0 || end + 1 != text.data() + text.size())
    return std::nullopt;
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t unit = *end == 's'   ? kSecond
                            : *end == 'm' ? 60 * kSecond
                            : *end == 'h' ? 3'600 * kSecond
                            : *end == 'd' ? 86'400 * kSecond
                                          : 0;
  if (unit == 0 || count > INT64_MAX / unit) return std::nullopt;
  return now_ns() - count * unit;
}

// Calls `take` with every wanted dead letter until it returns an error or the topic ends.
Status for_each(const DlqCommand& command, bus::Bus& bus, const std::string& topic,
                const insight::LetterVisit& take) {
  return insight::visit_letters(bus, topic, command.filter, &stop_requested, take);
}

Status list_json(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  std::uint64_t found = 0;
  return for_each(command, bus, shared.dead_letter_topic, [&](const bus::Message& m) -> Status {
    if (++found > command.limit && command.limit != 0) return {};
    std::string out;
    JsonWriter json(out);
    json.object([&] {
      json.member("which", insight::place_of(m));
      json.member("time", format_rfc3339(m.timestamp_ms * 1'000'000, 3));
      for (const char* name : {"error.stage", "error.code", "error.message", "origin"})
        json.member(name, std::string(m.header(name)));
      json.member("bytes", static_cast<std::uint64_t>(m.value.size()));
      json.member("truncated", !m.header("truncated").empty());
      json.member("replays", insight::replays_of(m));
    });
    std::printf("%s\n", out.c_str());
    return {};
  });
}

Status list(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  if (command.json) return list_json(command, bus, shared);
  Table table{.columns = {{"WHICH"},
                          {"WHEN"},
                          {"STAGE"},
                          {"CODE"},
                          {"BYTES", Align::kRight},
                          {"ORIGIN", Align::kLeft, true},
                          {"WHAT IS WRONG", Align::kLeft, true}},
              .rows = {}};
  std::uint64_t found = 0;
  TOCSIN_TRY_STATUS(
      for_each(command, bus, shared.dead_letter_topic, [&](const bus::Message& m) -> Status {
        if (++found > command.limit && command.limit != 0) return {};
        table.rows.push_back(
            {Cell(insight::place_of(m)), Cell(format_rfc3339(m.timestamp_ms * 1'000'000, 0)),
             Cell(std::string(m.header("error.stage"))), Cell(std::string(m.header("error.code"))),
             Cell(grouped(static_cast<std::int64_t>(m.value.size()))),
             Cell(std::string(m.header("origin"))), Cell(std::string(m.header("error.message")))});
        return {};
      }));
  if (found == 0) {
    std::fprintf(stderr, "no dead letter in %s\n", shared.dead_letter_topic.c_str());
    return {};
  }
  std::fputs(render_table(table, style_of(STDOUT_FILENO)).c_str(), stdout);
  if (found > table.rows.size())
    std::fprintf(stderr, "%llu more; --limit 0 lists all\n",
                 static_cast<unsigned long long>(found - table.rows.size()));
  return {};
}

Status none_found(const DlqCommand& command, const Shared& shared) {
  std::string names;
  for (const std::string& which : command.filter.which) names += " " + which;
  return fail(ErrorCode::kNotFound,
              fmt::format("no dead letter{} in {}; `tocsin dlq list` names them (PARTITION/OFFSET)",
                          names, shared.dead_letter_topic));
}

Status show(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  MessageLines lines;
  std::uint64_t found = 0;
  TOCSIN_TRY_STATUS(
      for_each(command, bus, shared.dead_letter_topic, [&](const bus::Message& m) -> Status {
        ++found;
        std::string out;
        lines.append(out, m);
        std::fwrite(out.data(), 1, out.size(), stdout);
        return {};
      }));
  return found == 0 ? none_found(command, shared) : Status();
}

Status finish(const DlqCommand& command, const Shared& shared, const insight::Replay& replay) {
  if (replay.failed > 0)
    return fail(ErrorCode::kUnavailable, fmt::format("{} of {} were not stored: {}", replay.failed,
                                                     replay.sent, replay.first_failure));
  if (replay.sent + replay.cut + replay.came_back == 0 && !command.all)
    return none_found(command, shared);
  if (replay.missing > 0)
    log_warning("{} of those that were named are not on the topic (gone, or never there)",
                replay.missing);
  if (replay.cut > 0)
    log_warning(
        "{} hold only the beginning of their bytes and were not replayed; produce the file "
        "they came from again",
        replay.cut);
  if (replay.came_back > 0)
    log_warning(
        "{} came back from an earlier replay and were left out, or they would go round for ever; "
        "--again sends them too",
        replay.came_back);
  std::string topics;
  for (const std::string& topic : replay.topics) topics += (topics.empty() ? "" : ", ") + topic;
  std::fprintf(stderr, "%llu dead letters %s %s again\n",
               static_cast<unsigned long long>(replay.sent),
               command.dry_run ? "would be sent to" : "sent to",
               topics.empty() ? shared.raw_topic.c_str() : topics.c_str());
  return {};
}

Status replay(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  if (command.filter.which.empty() && !command.all)
    return fail(ErrorCode::kInvalid,
                "replay which? Name PARTITION/OFFSET as `tocsin dlq list` shows them, or --all");
  insight::ReplayRequest request{.dead_letter_topic = shared.dead_letter_topic,
                                 .raw_topic = shared.raw_topic,
                                 .filter = command.filter,
                                 .again = command.again,
                                 .dry_run = command.dry_run,
                                 .stopped = &stop_requested,
                                 .on_sent = {}};
  if (command.dry_run)
    request.on_sent = [](const bus::Message& m) {
      std::printf("%s\n", fmt::format("{}  {}  {}  {} bytes", insight::place_of(m),
                                      printable(m.header("error.code"), style_of(STDOUT_FILENO)),
                                      printable(m.header("origin"), style_of(STDOUT_FILENO)),
                                      m.value.size())
                              .c_str());
    };
  TOCSIN_TRY(const insight::Replay replay, insight::replay_letters(bus, request));
  return finish(command, shared, replay);
}

using Action = Status (*)(const DlqCommand&, bus::Bus&, const Shared&);

int run(const DlqCommand& command, const Shared& shared, Action action) {
  const auto bus = shared.open_bus();
  const Status status = bus ? action(command, **bus, shared) : Status(tl::unexpected(bus.error()));
  if (status) return kDone;
  report(status.error());
  return status.error().code == ErrorCode::kInvalid ? kUsage : kFailed;
}

}  // namespace

void add_dlq(Context& context) {
  const auto command = std::make_shared<DlqCommand>();
  CLI::App& dlq = *context.root.add_subcommand(
      "dlq", "Dead letters: list what could not be read, look at it, replay it after a fix");
  add_bus_options(dlq, context.shared);
  dlq.require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Action action) {
    CLI::App& added = *dlq.add_subcommand(name, help);
    added.add_option("--stage", command->filter.stage,
                     "Only those of this stage: produce, detect, store");
    added.add_option("--code", command->filter.code, "Only those with this error.code");
    added.add_option("--reason", command->filter.reason,
                     "Only those whose error.message holds this text");
    const auto time = [&added](const char* option, UnixNanos& value, const char* words) {
      added
          .add_option_function<std::string>(
              option, [&value](const std::string& text) { value = *moment(text); }, words)
          ->check([](const std::string& text) {
            return moment(text) ? std::string()
                                : "'" + text +
                                      "' is no time: 2026-03-01T00:00:00Z, "
                                      "or 30m, 6h, 2d ago";
          });
    };
    time("--since", command->filter.since, "Only those since then: a time, or 30m, 6h, 2d ago");
    time("--until", command->filter.until, "Only those before then");
    added.callback(
        [&context, command, action] { context.exit_code = run(*command, context.shared, action); });
    return &added;
  };
  CLI::App& listing = *add("list", "A table of them", list);
  listing.add_option("--limit", command->limit, "At most so many (0: all)")->capture_default_str();
  listing.add_flag("--json", command->json, "As JSON, one a line");
  add("show", "Headers and bytes as JSON, one a line", show)
      ->add_option("WHICH", command->filter.which, "PARTITION/OFFSET, as the list shows them")
      ->required();
  CLI::App& again =
      *add("replay", "Send the original bytes to the topic they came from again", replay);
  again.add_option("WHICH", command->filter.which, "PARTITION/OFFSET, as the list shows them");
  again.add_flag("--all", command->all, "All that --stage, --code, --reason ... let through");
  again.add_flag("--again", command->again, "With --all: also those that came back from a replay");
  again.add_flag("--dry-run", command->dry_run, "Say which, send nothing");
  dlq.footer(
      "Examples:\n"
      "  tocsin dlq list --stage detect\n"
      "  tocsin dlq show 0/12\n"
      "  tocsin dlq replay --all --code event.invalid --since 6h --dry-run");
}

}  // namespace tocsin::cli
