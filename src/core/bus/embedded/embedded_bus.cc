// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/embedded_bus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "core/bus/embedded/consumer.h"
#include "core/bus/embedded/producer.h"
#include "core/bus/embedded/reader.h"
#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/partition_log.h"
#include "core/bus/embedded/store/signal.h"

namespace tocsin::bus::embedded {
namespace {

constexpr std::int32_t kPartitionsMax = 10'000;

// Kafka's rule, so that a name that works here works there.
bool is_topic_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), legal);
}

class EmbeddedBus final : public Bus {
 public:
  EmbeddedBus(Settings settings, std::unique_ptr<Database> database)
      : settings_(std::move(settings)),
        database_(std::move(database)),
        signal_(Signal::of(settings_.path)) {}

  Result<std::unique_ptr<Producer>> open_producer(ProducerOptions options) override {
    return embedded::open_producer(settings_, std::move(options));
  }
  Result<std::unique_ptr<Consumer>> open_consumer(ConsumerOptions options) override {
    return embedded::open_consumer(settings_, std::move(options));
  }
  Result<std::unique_ptr<Reader>> open_reader(std::string topic, ReadFrom from) override {
    return embedded::open_reader(settings_, std::move(topic), from);
  }
  Status create_topic(const std::string& name, const TopicOptions& options) override;
  Status delete_topic(const std::string& name) override;
  Result<std::vector<TopicDifference>> compare_topic(const std::string& name,
                                                     const TopicOptions& options) override;
  Result<Offsets> timestamps_at(const Offsets& offsets) override;
  Result<std::vector<TopicInfo>> topics() override;
  Result<std::vector<GroupInfo>> groups() override;
  std::size_t value_bytes_max() const override { return settings_.value_bytes_max; }
  std::string describe() const override { return settings_.url; }

 private:
  // Members look at their group again: there is something to share out, or less.
  [[nodiscard]] Status tell_groups() {
    return database_->run("UPDATE consumer_groups SET generation = generation + 1");
  }

  const Settings settings_;
  std::mutex mutex_;  // guards the connection
  std::unique_ptr<Database> database_;
  std::shared_ptr<Signal> signal_;
};

Status EmbeddedBus::create_topic(const std::string& name, const TopicOptions& options) {
  if (!is_topic_name(name))
    return fail(
        ErrorCode::kInvalid,
        fmt::format("'{}' is no topic name: letters, digits, '.', '_', '-', at most 249", name));
  if (options.partitions < 1 || options.partitions > kPartitionsMax)
    return fail(ErrorCode::kInvalid, fmt::format("topic {}: {} partitions; 1 to {} are possible",
                                                 name, options.partitions, kPartitionsMax));
  const std::lock_guard lock(mutex_);
  const Status done = database_->write([&]() -> Status {
    TOCSIN_TRY_STATUS(database_->run(
        "INSERT OR IGNORE INTO topics(name, retention_ms, retention_bytes) VALUES(?1, ?2, ?3)",
        name, options.retention_ms, options.retention_bytes));
    if (database_->changes() == 0) return {};
    for (std::int64_t number = 0; number < options.partitions; ++number)
      TOCSIN_TRY_STATUS(database_->run(
          "INSERT INTO partitions(topic, number) SELECT id, ?2 FROM topics WHERE name = ?1", name,
          number));
    return tell_groups();
  });
  TOCSIN_TRY_STATUS(done);
  signal_->notify();
  return {};
}

Status EmbeddedBus::delete_topic(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Status done = database_->write([&]() -> Status {
    TOCSIN_TRY(const std::vector<PartitionRow> partitions, find_partitions(*database_, name));
    if (partitions.empty())
      return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", name));
    for (const PartitionRow& partition : partitions) {
      TOCSIN_TRY_STATUS(delete_chunks(*database_, partition.id));
      TOCSIN_TRY_STATUS(database_->run("DELETE FROM owners WHERE partition = ?1", partition.id));
      TOCSIN_TRY_STATUS(database_->run("DELETE FROM offsets WHERE partition = ?1", partition.id));
      TOCSIN_TRY_STATUS(database_->run("DELETE FROM partitions WHERE id = ?1", partition.id));
    }
    TOCSIN_TRY_STATUS(database_->run("DELETE FROM topics WHERE name = ?1", name));
    return tell_groups();
  });
  TOCSIN_TRY_STATUS(done);
  signal_->notify();
  return {};
}

// Copies, and a bound of its own, are nothing that a topic has here.
Result<std::vector<TopicDifference>> EmbeddedBus::compare_topic(const std::string& name,
                                                                const TopicOptions& options) {
  const std::lock_guard lock(mutex_);
  std::vector<TopicDifference> differences;
  bool found = false;
  TOCSIN_TRY_STATUS(database_->each(
      "SELECT t.retention_ms, t.retention_bytes, (SELECT count(*) FROM partitions p WHERE p.topic "
      "= t.id) FROM topics t WHERE t.name = ?1",
      [&](const Row& row) {
        found = true;
        const auto compare = [&](const char* setting, std::int64_t actual, std::int64_t wanted) {
          if (actual != wanted)
            differences.push_back({setting, std::to_string(actual), std::to_string(wanted)});
        };
        compare("partitions", row.integer(2), options.partitions);
        compare("retention.ms", row.integer(0), options.retention_ms);
        compare("retention.bytes", row.integer(1), options.retention_bytes);
      },
      name));
  if (!found) return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", name));
  return differences;
}

Result<Offsets> EmbeddedBus::timestamps_at(const Offsets& offsets) {
  const std::lock_guard lock(mutex_);
  Offsets found;
  for (const auto& [where, offset] : offsets) {
    TOCSIN_TRY(const std::vector<PartitionRow> rows, find_partitions(*database_, where.topic));
    for (const PartitionRow& row : rows) {
      if (row.number != where.partition) continue;
      TOCSIN_TRY(const auto timestamp, timestamp_at(*database_, row.id, offset));
      if (timestamp) found[where] = *timestamp;
    }
  }
  return found;
}

Result<std::vector<TopicInfo>> EmbeddedBus::topics() {
  const std::lock_guard lock(mutex_);
  std::vector<TopicInfo> topics;
  TOCSIN_TRY_STATUS(database_->each(
      "SELECT t.name, p.number, p.first_offset, p.end_offset FROM topics t JOIN partitions p "
      "ON p.topic = t.id ORDER BY t.name, p.number",
      [&](const Row& row) {
        if (topics.empty() || topics.back().name != row.text(0))
          topics.push_back({std::string(row.text(0)), {}});
        topics.back().partitions.push_back(
            {static_cast<std::int32_t>(row.integer(1)), row.integer(2), row.integer(3)});
      }));
  return topics;
}

// A partition belongs to a group's picture when the group has committed in it or a member reads it.
Result<std::vector<GroupInfo>> EmbeddedBus::groups() {
  const std::lock_guard lock(mutex_);
  std::vector<GroupInfo> groups;
  const Status done = database_->read([&]() -> Status {
    TOCSIN_TRY_STATUS(database_->each(
        "SELECT g.name, (SELECT count(*) FROM members m WHERE m.consumer_group = g.id) "
        "FROM consumer_groups g ORDER BY g.name",
        [&](const Row& row) {
          groups.push_back(
              {std::string(row.text(0)), static_cast<std::size_t>(row.integer(1)), {}});
        }));
    return database_->each(
        "SELECT g.name, t.name, p.number, o.committed, p.first_offset, p.end_offset, m.client "
        "FROM consumer_groups g JOIN partitions p JOIN topics t ON p.topic = t.id "
        "LEFT JOIN offsets o ON o.consumer_group = g.id AND o.partition = p.id "
        "LEFT JOIN owners w ON w.consumer_group = g.id AND w.partition = p.id "
        "LEFT JOIN members m ON m.id = w.member "
        "WHERE o.committed IS NOT NULL OR m.id IS NOT NULL ORDER BY g.name, t.name, p.number",
        [&](const Row& row) {
          GroupPartition partition;
          partition.where = {std::string(row.text(1)), static_cast<std::int32_t>(row.integer(2))};
          partition.committed = row.is_null(3) ? -1 : row.integer(3);
          partition.end_offset = row.integer(5);
          partition.lag = partition.end_offset - std::max(partition.committed, row.integer(4));
          partition.member = row.text(6);
          const auto group = std::find_if(groups.begin(), groups.end(), [&](const GroupInfo& g) {
            return g.name == row.text(0);
          });
          if (group != groups.end()) group->partitions.push_back(std::move(partition));
        });
  });
  TOCSIN_TRY_STATUS(done);
  return groups;
}

Result<std::int64_t> number_property(const std::map<std::string, std::string>& properties,
                                     const std::string& name, std::int64_t otherwise,
                                     std::int64_t least, std::int64_t most) {
  const auto found = properties.find(name);
  if (found == properties.end()) return otherwise;
  std::int64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [stop, error] = std::from_chars(found->second.data(), end, value);
  if (error != std::errc{} || stop != end || value < least || value > most)
    return fail(ErrorCode::kInvalid,
                fmt::format("bus property {}: '{}' is not a number from {} to {}", name,
                            found->second, least, most));
  return value;
}

}  // namespace

Result<std::unique_ptr<Bus>> open(const std::string& folder,
                                  const std::map<std::string, std::string>& properties) {
  if (folder.empty()) return fail(ErrorCode::kInvalid, "embedded: names no folder");
  Settings settings;
  // Two ways to name the folder are one bus: Signal goes by the path.
  std::error_code error;
  const std::filesystem::path path = std::filesystem::weakly_canonical(folder, error);
  settings.path = ((error ? std::filesystem::path(folder) : path) / "bus.db").string();
  settings.url = "embedded:" + folder;
  TOCSIN_TRY(const std::int64_t value_max,
             number_property(properties, "value.bytes.max", 64 << 20, 1, 512 << 20));
  settings.value_bytes_max = static_cast<std::size_t>(value_max);
  TOCSIN_TRY(settings.page_count_max,
             number_property(properties, "page.count.max", 0, 0, INT32_MAX));
  TOCSIN_TRY(const std::int64_t check_ms,
             number_property(properties, "retention.check.ms", 10'000, 0, INT32_MAX));
  settings.retention_interval = Milliseconds(check_ms);
  if (const auto found = properties.find("synchronous"); found != properties.end()) {
    if (found->second != "full" && found->second != "normal")
      return fail(ErrorCode::kInvalid, "bus property synchronous: 'normal' or 'full'");
    settings.synchronous_full = found->second == "full";
  }
  TOCSIN_TRY(std::unique_ptr<Database> database,
             Database::open({.path = settings.path,
                             .synchronous_full = settings.synchronous_full,
                             .page_count_max = settings.page_count_max}));
  return std::make_unique<EmbeddedBus>(std::move(settings), std::move(database));
}

}  // namespace tocsin::bus::embedded
