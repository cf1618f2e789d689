// SPDX-License-Identifier: Apache-2.0
//
// tocsin dlq: what could not be read, and a second chance for it after a fix.
//
//   topic dead-letter -> list, show;   replay -> topic raw-events
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

#include "app/cli/command.h"
#include "app/cli/message_lines.h"
#include "app/cli/tables.h"
#include "base/clock.h"
#include "base/log.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kPollMessages = 500;
constexpr bus::Milliseconds kPollTimeout{200};
constexpr bus::Milliseconds kFlushTimeout{30'000};

struct DlqCommand {
  std::vector<std::string> which;  // PARTITION/OFFSET
  std::string stage, code;
  std::uint64_t limit = 100;
  bool all = false;
};

std::string place_of(const bus::Message& message) {
  return fmt::format("{}/{}", message.partition, message.offset);
}

bool wanted(const DlqCommand& command, const bus::Message& message) {
  if (!command.stage.empty() && message.header("error.stage") != command.stage) return false;
  if (!command.code.empty() && message.header("error.code") != command.code) return false;
  if (command.which.empty()) return true;
  return std::find(command.which.begin(), command.which.end(), place_of(message)) !=
         command.which.end();
}

// Calls `take` with every wanted dead letter until it returns an error or the topic ends.
Status for_each(const DlqCommand& command, bus::Bus& bus, const std::string& topic,
                const std::function<Status(const bus::Message&)>& take) {
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

Status list(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
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

// The event as it was sent first: what the failure added is taken away.
bus::Record original(const bus::Message& message) {
  bus::Record record;
  record.key = message.key;
  record.value = message.value;
  for (const auto& [name, value] : message.headers)
    if (!name.starts_with("error.") && name != "origin")
      record.headers.push_back({std::string(name), std::string(value)});
  return record;
}

Status replay(const DlqCommand& command, bus::Bus& bus, const Shared& shared) {
  if (command.which.empty() && !command.all)
    return fail(ErrorCode::kInvalid,
                "replay which? Name PARTITION/OFFSET as `tocsin dlq list` shows them, or --all");
  std::uint64_t sent = 0, failed = 0, cut = 0;
  std::string first_failure;
  bus::ProducerOptions options;
  options.client_id = "tocsin-dlq";
  options.on_delivery = [&](const bus::Delivery& delivery) {
    if (delivery.error && ++failed == 1) first_failure = delivery.error->message;
  };
  TOCSIN_TRY(const auto producer, bus.open_producer(std::move(options)));
  TOCSIN_TRY_STATUS(
      for_each(command, bus, shared.dead_letter_topic, [&](const bus::Message& m) -> Status {
        if (!m.header("truncated").empty()) {
          ++cut;
          return {};
        }
        ++sent;
        return producer->send(shared.raw_topic, original(m));
      }));
  TOCSIN_TRY_STATUS(producer->flush(kFlushTimeout));
  if (failed > 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} of {} were not stored: {}", failed, sent, first_failure));
  if (sent + cut == 0 && !command.all) return none_found(command, shared);
  if (cut > 0)
    log_warning(
        "{} hold only the beginning of their bytes and were not replayed; produce the file "
        "they came from again",
        cut);
  std::fprintf(stderr, "%llu dead letters sent to %s again\n",
               static_cast<unsigned long long>(sent), shared.raw_topic.c_str());
  return {};
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
    added.callback(
        [&context, command, action] { context.exit_code = run(*command, context.shared, action); });
    return &added;
  };
  add("list", "A table of them", list)
      ->add_option("--limit", command->limit, "At most so many (0: all)")
      ->capture_default_str();
  add("show", "Headers and bytes as JSON, one a line", show)
      ->add_option("WHICH", command->which, "PARTITION/OFFSET, as the list shows them")
      ->required();
  CLI::App& again = *add("replay", "Send the original bytes to the topic of events again", replay);
  again.add_option("WHICH", command->which, "PARTITION/OFFSET, as the list shows them");
  again.add_flag("--all", command->all, "All that --stage and --code let through");
  dlq.footer(
      "Examples:\n"
      "  tocsin dlq list --stage detect\n"
      "  tocsin dlq show 0/12\n"
      "  tocsin dlq replay --all --code event.invalid");
}

}  // namespace tocsin::cli
