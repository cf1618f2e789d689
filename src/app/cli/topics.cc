// SPDX-License-Identifier: Apache-2.0
//
// tocsin topics: what is on the bus. Lists topics, groups and their lag, prints messages, creates
// and deletes.
#include "app/pipeline/topics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/tables.h"
#include "app/cli/views/message_lines.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "core/bus/oldest_waiting.h"

namespace tocsin::cli {
namespace {

constexpr std::size_t kPollMessages = 1'000;
constexpr bus::Milliseconds kPollTimeout{200};
constexpr bus::Milliseconds kRetryPause{500};

struct TopicsCommand {
  bool json = false;
  std::string topic;
  std::vector<std::string> created;  // empty: those of the pipeline
  std::int32_t partitions = 0;       // 0: what the topic's role asks for, like the next ones
  std::string retention;
  std::int16_t replication = 0;
  std::int32_t min_insync_replicas = 0;
  std::int64_t message_bytes_max = 0;
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

// How old the oldest record is that the group has not done, of each partition with a lag.
using TimeLags = std::map<bus::TopicPartition, std::int64_t>;  // milliseconds

Result<std::vector<TimeLags>> time_lags(bus::Bus& bus, const std::vector<bus::GroupInfo>& groups) {
  const std::int64_t now_ms = now_ns() / 1'000'000;
  TOCSIN_TRY(std::vector<TimeLags> all, bus::oldest_waiting(bus, groups));
  for (TimeLags& lags : all)
    for (auto& [where, time] : lags) time = std::max<std::int64_t>(0, now_ms - time);
  return all;
}

std::int64_t largest(const TimeLags& lags) {
  std::int64_t most = 0;
  for (const auto& [where, lag] : lags) most = std::max(most, lag);
  return most;
}

// "850 ms", "12 s", "3 min", "5 h", "2 d": of what is late, the size matters.
std::string age(std::int64_t milliseconds) {
  constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (milliseconds < kSecond) return fmt::format("{} ms", milliseconds);
  if (milliseconds < 3 * kMinute) return fmt::format("{} s", milliseconds / kSecond);
  if (milliseconds < 3 * kHour) return fmt::format("{} min", milliseconds / kMinute);
  if (milliseconds < 2 * kDay) return fmt::format("{} h", milliseconds / kHour);
  return fmt::format("{} d", milliseconds / kDay);
}

void print_group(const bus::GroupInfo& group, const TimeLags& lags, const Style& style) {
  const std::string behind =
      lag_of(group) > 0 && !lags.empty() ? fmt::format(", {} behind", age(largest(lags))) : "";
  const std::string title =
      fmt::format("\nGroup {}: {} member{}, lag {}{}\n", printable(group.name, style),
                  group.members, group.members == 1 ? "" : "s", grouped(lag_of(group)), behind);
  std::fputs(tinted(title, Tint::kBold, style).c_str(), stdout);
  if (group.partitions.empty()) return;
  Table table{.columns = {{"TOPIC", Align::kLeft, true},
                          {"PARTITION", Align::kRight},
                          {"COMMITTED", Align::kRight},
                          {"END", Align::kRight},
                          {"LAG", Align::kRight},
                          {"BEHIND", Align::kRight},
                          {"MEMBER", Align::kLeft, true}},
              .rows = {}};
  for (const bus::GroupPartition& p : group.partitions) {
    const auto lag = lags.find(p.where);
    table.rows.push_back({Cell(p.where.topic), Cell(std::to_string(p.where.partition)),
                          Cell(p.committed < 0 ? "-" : grouped(p.committed)),
                          Cell(grouped(p.end_offset)),
                          Cell(grouped(p.lag), p.lag > 0 ? Tint::kYellow : Tint::kGreen),
                          Cell(lag == lags.end() ? "-" : age(lag->second)),
                          p.member.empty() ? Cell("(nobody)", Tint::kDim) : Cell(p.member)});
  }
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

void write_group(JsonWriter& json, const bus::GroupInfo& group, const TimeLags& lags) {
  json.object([&] {
    json.member("name", group.name);
    json.member("members", group.members);
    json.member("lag", lag_of(group));
    json.member("lag_ms", largest(lags));
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
          const auto lag = lags.find(p.where);
          json.key("lag_ms");
          if (lag == lags.end() && p.lag > 0)
            json.null();  // nobody could tell
          else
            json.value(lag == lags.end() ? std::int64_t{0} : lag->second);
          json.member("member", p.member);
        });
    });
  });
}

Status list(const TopicsCommand& command, const Shared& /*shared*/, bus::Bus& bus) {
  TOCSIN_TRY(const std::vector<bus::TopicInfo> topics, bus.topics());
  TOCSIN_TRY(const std::vector<bus::GroupInfo> groups, bus.groups());
  TOCSIN_TRY(const std::vector<TimeLags> lags, time_lags(bus, groups));
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
        for (std::size_t i = 0; i < groups.size(); ++i) write_group(json, groups[i], lags[i]);
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
  for (std::size_t i = 0; i < groups.size(); ++i) print_group(groups[i], lags[i], style);
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

Status read(const TopicsCommand& command, const Shared& /*shared*/, bus::Bus& bus) {
  TOCSIN_TRY(bus::ReadFrom from, parse_read_from(command.from));
  if (command.partition >= 0) from.partition = command.partition;
  TOCSIN_TRY(const std::unique_ptr<bus::Reader> reader, bus.open_reader(command.topic, from));
  return print_messages(command, *reader);
}

// "90m", "36h", "7d", "forever", as milliseconds.
Result<std::int64_t> parse_retention(const std::string& text) {
  if (text == "forever") return -1;
  constexpr std::int64_t kMinute = 60'000;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && number > 0 && number < 1'000'000 && end - unit == 1) {
    if (*unit == 'm') return number * kMinute;
    if (*unit == 'h') return number * 60 * kMinute;
    if (*unit == 'd') return number * 24 * 60 * kMinute;
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("--retention '{}': a number with m, h or d, or forever", text));
}

struct WantedTopic {
  std::string name;
  bus::TopicOptions options;
};

Result<std::vector<WantedTopic>> wanted_topics(const TopicsCommand& command, const Shared& shared) {
  using pipeline::topic_options;
  using pipeline::TopicRole;
  std::vector<WantedTopic> topics = {
      {shared.raw_topic, topic_options(TopicRole::kRawEvents)},
      {shared.alerts_topic, topic_options(TopicRole::kAlerts)},
      {shared.verdicts_topic, topic_options(TopicRole::kVerdicts)},
      {shared.dead_letter_topic, topic_options(TopicRole::kDeadLetter)}};
  if (!command.created.empty()) {
    std::vector<WantedTopic> named;
    for (const std::string& name : command.created) {
      const auto known = std::find_if(topics.begin(), topics.end(),
                                      [&](const WantedTopic& topic) { return topic.name == name; });
      named.push_back(
          {name, known == topics.end() ? topic_options(TopicRole::kRawEvents) : known->options});
    }
    topics = std::move(named);
  }
  for (WantedTopic& topic : topics) {
    if (command.partitions != 0) topic.options.partitions = command.partitions;
    if (!command.retention.empty()) {
      TOCSIN_TRY(topic.options.retention_ms, parse_retention(command.retention));
    }
    topic.options.replication = command.replication;
    topic.options.min_insync_replicas = command.min_insync_replicas;
    topic.options.message_bytes_max = command.message_bytes_max;
  }
  return topics;
}

// A topic that is there is left as it is: its settings are somebody's, and records are in it.
Status create(const TopicsCommand& command, const Shared& shared, bus::Bus& bus) {
  TOCSIN_TRY(const std::vector<WantedTopic> topics, wanted_topics(command, shared));
  for (const WantedTopic& topic : topics) {
    const auto differences = bus.compare_topic(topic.name, topic.options);
    if (!differences && differences.error().code != ErrorCode::kNotFound)
      return tl::unexpected(differences.error());
    if (!differences) {
      TOCSIN_TRY_STATUS(bus.create_topic(topic.name, topic.options));
      log_info("topic {}: created with {} partitions", topic.name, topic.options.partitions);
      continue;
    }
    log_info("topic {}: is there{}", topic.name, differences->empty() ? ", as wanted" : "");
    for (const bus::TopicDifference& difference : *differences)
      log_warning("topic {}: {} is {}, wanted {}; it is left as it is", topic.name,
                  difference.setting, difference.actual, difference.wanted);
  }
  return {};
}

Status remove(const TopicsCommand& command, const Shared& /*shared*/, bus::Bus& bus) {
  return bus.delete_topic(command.topic);
}

using Action = Status (*)(const TopicsCommand&, const Shared&, bus::Bus&);

int run(const TopicsCommand& command, const Shared& shared, Action action) {
  const auto bus = shared.open_bus();
  const Status status = bus ? action(command, shared, **bus) : Status(tl::unexpected(bus.error()));
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

void add_create_options(CLI::App& create_command, TopicsCommand& command) {
  create_command.add_option("topic", command.created,
                            "Their names (default: the topics of the pipeline)");
  create_command
      .add_option("--partitions", command.partitions,
                  "Number of partitions (default: 4, of the dead letters 1)")
      ->check(CLI::PositiveNumber);
  create_command.add_option("--retention", command.retention,
                            "How long records are kept: 90m, 36h, 7d, forever (default: events 7d, "
                            "alerts and dead letters 30d)");
  create_command
      .add_option("--replication", command.replication,
                  "Kafka: copies of each partition (default: as many as brokers, at most 3)")
      ->check(CLI::PositiveNumber);
  create_command
      .add_option("--min-insync-replicas", command.min_insync_replicas,
                  "Kafka: copies that must have a record before it is acknowledged (default: all "
                  "but one of three and more)")
      ->check(CLI::PositiveNumber);
  create_command
      .add_option("--max-message-bytes", command.message_bytes_max,
                  "Kafka: largest batch of records (default: the broker's)")
      ->check(CLI::PositiveNumber);
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
  add_create_options(
      add_action(topics, context, command, "create",
                 "Create topics that are not there, and tell what differs in others", create),
      *command);
  CLI::App& delete_command =
      add_action(topics, context, command, "delete", "Delete a topic and its messages", remove);
  delete_command.add_option("topic", command->topic, "Its name")->required();
}

}  // namespace tocsin::cli
