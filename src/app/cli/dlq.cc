// SPDX-License-Identifier: Apache-2.0
//
// tocsin dlq: what could not be read, and a second chance for it after a fix.
//
//   topic dead-letter -> list, show;   replay -> topic raw-events
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>

#include "app/cli/command.h"
#include "app/cli/tables.h"
#include "app/cli/views/message_lines.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kPollMessages = 500;
constexpr bus::Milliseconds kPollTimeout{200};
constexpr bus::Milliseconds kFlushTimeout{30'000};

// Set on what is replayed, so that a letter that comes back says so.
constexpr std::string_view kReplays = "tocsin.replays";
constexpr std::uint64_t kReplaysMax = 1;

struct DlqCommand {
  std::vector<std::string> which;  // PARTITION/OFFSET
  std::string stage, code, reason;
  UnixNanos since = 0, until = 0;
  std::uint64_t limit = 100;
  bool all = false;
  bool again = false;
  bool dry_run = false;
  bool json = false;
};

std::uint64_t replays_of(const bus::Message& message) {
  const std::string_view text = message.header(kReplays);
  std::uint64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

// RFC 3339, or how long ago: 30m, 6h, 2d.
std::optional<UnixNanos> moment(const std::string& text) {
  if (const auto time = parse_time(text)) return *time;
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

std::string place_of(const bus::Message& message) {
  return fmt::format("{}/{}", message.partition, message.offset);
}

bool wanted(const DlqCommand& command, const bus::Message& message) {
  if (!command.stage.empty() && message.header("error.stage") != command.stage) return false;
  if (!command.code.empty() && message.header("error.code") != command.code) return false;
  if (!command.reason.empty() &&
      message.header("error.message").find(command.reason) == std::string_view::npos)
    return false;
  const UnixNanos when = message.timestamp_ms * 1'000'000;
  if (command.since != 0 && when < command.since) return false;
  if (command.until != 0 && when >= command.until) return false;
  if (command.which.empty()) return true;
  return std::find(command.which.begin(), command.which.end(), place_of(message)) !=
         command.which.end();
}

// Calls `take` with every wanted dead letter until it returns an error or the topic ends.
Status for_each(const DlqCommand& command, bus::Bus& bus, const std::string& topic,
                const std::function<Status(const bus::Message&)>& take) {
  // Up to the end of now: what a replay brings back is not read in the same run.
  auto opened = bus.open_reader(topic, {});
  if (!opened && opened.error().code == ErrorCode::kNotFound) return {};  // no topic, no letters
  TOCSIN_TRY(const auto reader, std::move(opened));
  while (!stop_requested() && !reader->at_end()) {
    TOCSIN_TRY(const auto batch, reader->poll(kPollMessages, kPollTimeout));
    for (const bus::Message& message : batch.messages())
      if (wanted(command, message)) TOCSIN_TRY_STATUS(take(message));
  }
  return {};
}

Status list_json(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  std::uint64_t found = 0;
  return for_each(command, bus, shared.dead_letter_topic, [&](const bus::Message& m) -> Status {
    if (++found > command.limit && command.limit != 0) return {};
    std::string out;
    JsonWriter json(out);
    json.object([&] {
      json.member("which", place_of(m));
      json.member("time", format_rfc3339(m.timestamp_ms * 1'000'000, 3));
      for (const char* name : {"error.stage", "error.code", "error.message", "origin"})
        json.member(name, std::string(m.header(name)));
      json.member("bytes", static_cast<std::uint64_t>(m.value.size()));
      json.member("truncated", !m.header("truncated").empty());
      json.member("replays", replays_of(m));
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
            {Cell(place_of(m)), Cell(format_rfc3339(m.timestamp_ms * 1'000'000, 0)),
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
  for (const std::string& which : command.which) names += " " + which;
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

// The event as it was sent first: what the failure added is taken away, and the replay is counted.
bus::Record original(const bus::Message& message) {
  bus::Record record;
  record.key = message.key;
  record.value = message.value;
  for (const auto& [name, value] : message.headers)
    if (!name.starts_with("error.") && name != "origin" && name != kReplays)
      record.headers.push_back({std::string(name), std::string(value)});
  record.headers.push_back({std::string(kReplays), std::to_string(replays_of(message) + 1)});
  return record;
}

struct Replay {
  std::uint64_t sent = 0, failed = 0;
  std::uint64_t cut = 0;        // hold only the beginning of their bytes
  std::uint64_t came_back = 0;  // were replayed before and failed again
  std::string first_failure;
};

Status finish(const DlqCommand& command, const Shared& shared, const Replay& replay) {
  if (replay.failed > 0)
    return fail(ErrorCode::kUnavailable, fmt::format("{} of {} were not stored: {}", replay.failed,
                                                     replay.sent, replay.first_failure));
  if (replay.sent + replay.cut + replay.came_back == 0 && !command.all)
    return none_found(command, shared);
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
  std::fprintf(stderr, "%llu dead letters %s %s again\n",
               static_cast<unsigned long long>(replay.sent),
               command.dry_run ? "would be sent to" : "sent to", shared.raw_topic.c_str());
  return {};
}

Status replay(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  if (command.which.empty() && !command.all)
    return fail(ErrorCode::kInvalid,
                "replay which? Name PARTITION/OFFSET as `tocsin dlq list` shows them, or --all");
  Replay replay;
  bus::ProducerOptions options;
  options.client_id = "tocsin-dlq";
  options.on_delivery = [&](const bus::Delivery& delivery) {
    if (delivery.error && ++replay.failed == 1) replay.first_failure = delivery.error->message;
  };
  TOCSIN_TRY(const auto producer, bus.open_producer(std::move(options)));
  TOCSIN_TRY_STATUS(
      for_each(command, bus, shared.dead_letter_topic, [&](const bus::Message& m) -> Status {
        if (!m.header("truncated").empty()) {
          ++replay.cut;
          return {};
        }
        // One that is named is meant.
        if (command.which.empty() && !command.again && replays_of(m) >= kReplaysMax) {
          ++replay.came_back;
          return {};
        }
        ++replay.sent;
        if (!command.dry_run) return producer->send(shared.raw_topic, original(m));
        std::printf("%s\n", fmt::format("{}  {}  {}  {} bytes", place_of(m),
                                        printable(m.header("error.code"), style_of(STDOUT_FILENO)),
                                        printable(m.header("origin"), style_of(STDOUT_FILENO)),
                                        m.value.size())
                                .c_str());
        return {};
      }));
  TOCSIN_TRY_STATUS(producer->flush(kFlushTimeout));
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
    added.add_option("--stage", command->stage, "Only those of this stage: produce, detect");
    added.add_option("--code", command->code, "Only those with this error.code");
    added.add_option("--reason", command->reason, "Only those whose error.message holds this text");
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
    time("--since", command->since, "Only those since then: a time, or 30m, 6h, 2d ago");
    time("--until", command->until, "Only those before then");
    added.callback(
        [&context, command, action] { context.exit_code = run(*command, context.shared, action); });
    return &added;
  };
  CLI::App& listing = *add("list", "A table of them", list);
  listing.add_option("--limit", command->limit, "At most so many (0: all)")->capture_default_str();
  listing.add_flag("--json", command->json, "As JSON, one a line");
  add("show", "Headers and bytes as JSON, one a line", show)
      ->add_option("WHICH", command->which, "PARTITION/OFFSET, as the list shows them")
      ->required();
  CLI::App& again = *add("replay", "Send the original bytes to the topic of events again", replay);
  again.add_option("WHICH", command->which, "PARTITION/OFFSET, as the list shows them");
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
