// SPDX-License-Identifier: Apache-2.0
//
// tocsin topics: what is on the bus. Lists topics, groups and their lag, prints messages, creates
// and deletes.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <thread>

#include "app/cli/command.h"
#include "app/cli/tables.h"
#include "app/cli/views/message_lines.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kPollMessages = 1'000;
constexpr bus::Milliseconds kPollTimeout{200};
constexpr bus::Milliseconds kRetryPause{500};

struct TopicsCommand {
  bool json = false;
  std::string topic;
  std::int32_t partitions = 4;
  std::string from = "earliest";
  std::uint64_t limit = 0;  // 0: none
  bool follow = false;
  std::int32_t partition = -1;  // -1: all
  std::string filter;
};

std::int64_t messages_of(const bus::TopicInfo& topic) {
  std::int64_t messages = 0;
  for (const bus::PartitionInfo& p : topic.partitions) messages += p.end_offset - p.first_offset;
  return messages;
}

std::int64_t lag_of(const bus::GroupInfo& group) {
  std::int64_t lag = 0;
  for (const bus::GroupPartition& p : group.partitions) lag += p.lag;
  return lag;
}

void print_topics(const std::vector<bus::TopicInfo>& topics, const Style& style) {
  Table table{.columns = {{"TOPIC", Align::kLeft, true},
                          {"PARTITIONS", Align::kRight},
                          {"MESSAGES", Align::kRight}},
              .rows = {}};
  for (const bus::TopicInfo& topic : topics)
    table.rows.push_back({Cell(topic.name),
                          Cell(grouped(static_cast<std::int64_t>(topic.partitions.size()))),
                          Cell(grouped(messages_of(topic)))});
  std::fputs(render_table(table, style).c_str(), stdout);
}

void print_group(const bus::GroupInfo& group, const Style& style) {
  const std::string title =
      fmt::format("\nGroup {}: {} member{}, lag {}\n", printable(group.name, style), group.members,
                  group.members == 1 ? "" : "s", grouped(lag_of(group)));
  std::fputs(tinted(title, Tint::kBold, style).c_str(), stdout);
  if (group.partitions.empty()) return;
  Table table{.columns = {{"TOPIC", Align::kLeft, true},
                          {"PARTITION", Align::kRight},
                          {"COMMITTED", Align::kRight},
                          {"END", Align::kRight},
                          {"LAG", Align::kRight},
                          {"MEMBER", Align::kLeft, true}},
              .rows = {}};
  for (const bus::GroupPartition& p : group.partitions)
    table.rows.push_back({Cell(p.where.topic), Cell(std::to_string(p.where.partition)),
                          Cell(p.committed < 0 ? "-" : grouped(p.committed)),
                          Cell(grouped(p.end_offset)),
                          Cell(grouped(p.lag), p.lag > 0 ? Tint::kYellow : Tint::kGreen),
                          p.member.empty() ? Cell("(nobody)", Tint::kDim) : Cell(p.member)});
  std::fputs(render_table(table, style).c_str(), stdout);
}

void write_topic(JsonWriter& json, const bus::TopicInfo& topic) {
  json.object([&] {
    json.member("name", topic.name);
    json.member("messages", messages_of(topic));
    json.key("partitions");
    json.array([&] {
      for (const bus::PartitionInfo& p : topic.partitions)
        json.object([&] {
          json.member("partition", p.partition);
          json.member("first_offset", p.first_offset);
          json.member("end_offset", p.end_offset);
        });
    });
  });
}

void write_group(JsonWriter& json, const bus::GroupInfo& group) {
  json.object([&] {
    json.member("name", group.name);
    json.member("members", group.members);
    json.member("lag", lag_of(group));
    json.key("partitions");
    json.array([&] {
      for (const bus::GroupPartition& p : group.partitions)
        json.object([&] {
          json.member("topic", p.where.topic);
          json.member("partition", p.where.partition);
          json.key("committed");
          if (p.committed < 0)
            json.null();
          else
            json.value(p.committed);
          json.member("end_offset", p.end_offset);
          json.member("lag", p.lag);
          json.member("member", p.member);
        });
    });
  });
}

Status list(const TopicsCommand& command, bus::Bus& bus) {
  TOCSIN_TRY(const std::vector<bus::TopicInfo> topics, bus.topics());
  TOCSIN_TRY(const std::vector<bus::GroupInfo> groups, bus.groups());
  if (command.json) {
    std::string out;
    JsonWriter json(out);
    json.object([&] {
      json.member("bus", bus.describe());
      json.key("topics");
      json.array([&] {
        for (const bus::TopicInfo& topic : topics) write_topic(json, topic);
      });
      json.key("groups");
      json.array([&] {
        for (const bus::GroupInfo& group : groups) write_group(json, group);
      });
    });
    std::puts(out.c_str());
    return {};
  }
  const Style style = style_of(STDOUT_FILENO);
  if (topics.empty()) {
    std::fprintf(stderr, "%s has no topics yet\n", bus.describe().c_str());
  } else {
    print_topics(topics, style);
  }
  for (const bus::GroupInfo& group : groups) print_group(group, style);
  return {};
}

// Prints until the limit, the end or a signal. A reader of ours that has gone (`| head`) is no
// error.
Status print_messages(const TopicsCommand& command, bus::Reader& reader) {
  const MessageFilter filter(command.filter);
  MessageLines lines;
  std::uint64_t printed = 0;
  std::string out;
  while (!stop_requested() && (command.limit == 0 || printed < command.limit)) {
    if (!command.follow && reader.at_end()) break;
    const auto batch = reader.poll(kPollMessages, kPollTimeout);
    if (!batch && command.follow && batch.error().code == ErrorCode::kUnavailable) {
      log_warning("{}", batch.error().message);
      std::this_thread::sleep_for(kRetryPause);
      continue;
    }
    if (!batch) return tl::unexpected(batch.error());
    out.clear();
    for (const bus::Message& message : batch->messages()) {
      if (!filter.passes(message)) continue;
      lines.append(out, message);
      if (++printed == command.limit) break;
    }
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) {
      if (errno == EPIPE) return {};
      return fail(ErrorCode::kUnavailable, "cannot write to the standard output");
    }
  }
  return {};
}

Status read(const TopicsCommand& command, bus::Bus& bus) {
  TOCSIN_TRY(bus::ReadFrom from, parse_read_from(command.from));
  if (command.partition >= 0) from.partition = command.partition;
  TOCSIN_TRY(const std::unique_ptr<bus::Reader> reader, bus.open_reader(command.topic, from));
  return print_messages(command, *reader);
}

Status create(const TopicsCommand& command, bus::Bus& bus) {
  return bus.create_topic(command.topic, {.partitions = command.partitions});
}

Status remove(const TopicsCommand& command, bus::Bus& bus) {
  return bus.delete_topic(command.topic);
}

using Action = Status (*)(const TopicsCommand&, bus::Bus&);

int run(const TopicsCommand& command, const Shared& shared, Action action) {
  const auto bus = shared.open_bus();
  const Status status = bus ? action(command, **bus) : Status(tl::unexpected(bus.error()));
  if (status) return kDone;
  const int code = report(status.error());
  return status.error().code == ErrorCode::kInvalid ? kUsage : code;
}

CLI::App& add_action(CLI::App& topics, Context& context,
                     const std::shared_ptr<TopicsCommand>& command, const char* name,
                     const char* help, Action action) {
  CLI::App& added = *topics.add_subcommand(name, help);
  added.callback(
      [&context, command, action] { context.exit_code = run(*command, context.shared, action); });
  return added;
}

void add_read_options(CLI::App& read_command, TopicsCommand& command) {
  read_command.add_option("topic", command.topic, "Topic to read")->required();
  read_command
      .add_option("--from", command.from,
                  "earliest, latest, an offset, -N for the last N of each partition, or a time "
                  "(RFC 3339)")
      ->capture_default_str();
  read_command.add_option("--limit", command.limit, "Stop after so many messages (0: no limit)");
  read_command.add_flag("--follow", command.follow, "Wait for more at the end");
  read_command.add_option("--partition", command.partition, "Only this partition")
      ->check(CLI::NonNegativeNumber);
  read_command.add_option("--filter", command.filter,
                          "Only messages whose value holds this text; NAME=TEXT also looks for a "
                          "header NAME, or the key, that is TEXT");
}

}  // namespace

void add_topics(Context& context) {
  const auto command = std::make_shared<TopicsCommand>();
  CLI::App& topics = *context.root.add_subcommand(
      "topics", "What is on the bus: topics, consumer groups and their lag, messages");
  add_bus_options(topics, context.shared);
  topics.add_flag("--json", command->json, "The list as JSON");
  topics.require_subcommand(0, 1);
  topics.callback([&topics, &context, command] {
    if (topics.get_subcommands().empty()) context.exit_code = run(*command, context.shared, list);
  });
  add_action(topics, context, command, "list", "Topics, groups and lag (the default)", list);
  add_read_options(
      add_action(topics, context, command, "read", "Print messages, one JSON object a line", read),
      *command);
  CLI::App& create_command =
      add_action(topics, context, command, "create", "Create a topic if it is not there", create);
  create_command.add_option("topic", command->topic, "Its name")->required();
  create_command.add_option("--partitions", command->partitions, "Number of partitions")
      ->capture_default_str();
  CLI::App& delete_command =
      add_action(topics, context, command, "delete", "Delete a topic and its messages", remove);
  delete_command.add_option("topic", command->topic, "Its name")->required();
}

}  // namespace tocsin::cli
