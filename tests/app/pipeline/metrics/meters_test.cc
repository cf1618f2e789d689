// SPDX-License-Identifier: Apache-2.0
//
// What the meters make of batches, positions and outcomes: looked at in a scrape.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/metrics/detect_meter.h"
#include "app/pipeline/metrics/families.h"
#include "app/pipeline/metrics/produce_meter.h"
#include "app/pipeline/reload/rule_library.h"

using namespace tocsin;
using namespace tocsin::pipeline;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

std::int64_t now_ms() { return now_ns() / 1'000'000; }

// Messages of the topic "raw", offsets and ages as given.
bus::Batch batch_of(std::int32_t partition, const std::vector<std::int64_t>& offsets,
                    std::int64_t age_ms) {
  std::vector<bus::Message> messages;
  for (const std::int64_t offset : offsets) {
    bus::Message message;
    message.topic = "raw";
    message.partition = partition;
    message.offset = offset;
    message.timestamp_ms = now_ms() - age_ms;
    messages.push_back(message);
  }
  return {std::move(messages), nullptr};
}

// The value of the sample of `family` whose labels hold all of `labels`; -1 without one.
double value_of(const metrics::Registry& registry, const metrics::Family& family,
                const metrics::Labels& labels = {}) {
  for (const metrics::FamilySamples& one : registry.scrape()) {
    if (one.family != &family) continue;
    for (const metrics::Sample& sample : one.samples) {
      const bool all = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
        return std::find(sample.labels.begin(), sample.labels.end(), label) != sample.labels.end();
      });
      if (all) return sample.histogram ? sample.histogram->sum : sample.value;
    }
  }
  return -1;
}

struct World {
  metrics::Registry registry{metrics::Labels{{"stage", "detect"}}};
  metrics::Health health{60s};
  DetectMeter meter{registry, health, 2};

  [[nodiscard]] double lag(const metrics::Family& family, int partition) const {
    return value_of(registry, family, {{"topic", "raw"}, {"partition", std::to_string(partition)}});
  }
};

class FakeConsumer final : public bus::Consumer {
 public:
  std::vector<bus::PartitionPosition> at;
  Result<bus::Batch> poll(std::size_t, bus::Milliseconds) override { return bus::Batch{}; }
  Status commit(const bus::Offsets&) override { return {}; }
  Status rewind() override { return {}; }
  Result<std::unique_ptr<bus::TransactionalProducer>> open_transactional_producer(
      bus::TransactionOptions) override {
    return fail(ErrorCode::kUnsupported, "no transactions here");
  }
  std::vector<bus::TopicPartition> assignment() override { return {}; }
  std::vector<bus::PartitionPosition> positions() override { return at; }
  void close() override {}
};

}  // namespace

TEST_CASE("lag: counts from the commit, and tells how far behind in time") {
  Lag lag;
  metrics::Registry registry;
  registry.declare(detect_families());
  const auto asking = registry.ask([&lag](metrics::Answers& answers) { lag.answer(answers); });
  const metrics::Labels labels = {{"topic", "raw"}, {"partition", "0"}};
  const auto messages = [&] { return value_of(registry, family::kLagMessages, labels); };
  const auto seconds = [&] { return value_of(registry, family::kLagSeconds, labels); };

  lag.look({{{"raw", 0}, 100, -1, -1}});
  CHECK(messages() == -1);  // the end is not known
  lag.look({{{"raw", 0}, 100, 400, -1}});
  CHECK(messages() == 300);
  CHECK(seconds() == -1);  // how old they are is not known yet
  lag.taken(batch_of(0, {100, 101, 102}, 2 * kHourMs));
  CHECK(messages() == 300);  // taken is not done
  CHECK(seconds() == doctest::Approx(7'200).epsilon(0.01));
  lag.committed(now_ns());
  CHECK(messages() == 297);
  CHECK(seconds() == doctest::Approx(7'200).epsilon(0.01));
  lag.look({{{"raw", 0}, 103, 400, -1}});
  CHECK(messages() == 297);
  std::vector<std::int64_t> rest;
  for (std::int64_t offset = 103; offset < 400; ++offset) rest.push_back(offset);
  lag.taken(batch_of(0, rest, 500));
  lag.committed(now_ns());
  CHECK(messages() == 0);
  CHECK(seconds() == 0);
  CHECK(lag.partitions() == 1);
  lag.look({});
  CHECK(lag.partitions() == 0);
  CHECK(messages() == -1);
}

TEST_CASE("lag: an event that comes after a quiet time is not hours behind") {
  Lag lag;
  metrics::Registry registry;
  registry.declare(detect_families());
  const auto asking = registry.ask([&lag](metrics::Answers& answers) { lag.answer(answers); });
  lag.look({{{"raw", 0}, 10, 10, -1}});
  lag.taken(batch_of(0, {10}, 20));
  lag.committed(now_ns());
  lag.look({{{"raw", 0}, 11, 12, -1}});  // much later, one more is heard of
  CHECK(value_of(registry, family::kLagSeconds, {{"partition", "0"}}) < 1);
  CHECK(value_of(registry, family::kLagMessages, {{"partition", "0"}}) == 1);
}

TEST_CASE("lag: a batch of partitions that are new is held against where the group was") {
  Lag lag;
  metrics::Registry registry;
  registry.declare(detect_families());
  const auto asking = registry.ask([&lag](metrics::Answers& answers) { lag.answer(answers); });
  const auto behind = [&] {
    return value_of(registry, family::kLagMessages, {{"partition", "0"}});
  };
  const bus::Batch batch = batch_of(0, {150, 151}, 10);
  CHECK_FALSE(lag.knows(batch));
  lag.meet({{{"raw", 0}, 152, 400, 100}, {{"raw", 1}, 7, 7, -1}});
  CHECK(lag.knows(batch));
  CHECK(behind() == 300);
  lag.taken(batch);
  lag.meet({{{"raw", 0}, 152, 400, 100}});  // known already: stays as it is
  CHECK(behind() == 300);
  lag.committed(now_ns());
  CHECK(behind() == 248);
}

TEST_CASE("detect: counts of workers are summed, levels and outcomes told apart") {
  World world;
  world.meter.worker(0).matched(Level::kHigh, true);
  world.meter.worker(1).matched(Level::kHigh, true);
  world.meter.worker(1).matched(Level::kHigh, false);
  world.meter.worker(1).dead_letter("event.invalid");
  world.meter.worker(0).dead_letter("event.invalid");
  world.meter.worker(0).classified(2'000);
  world.meter.worker(0).wrote("csv", 3'000'000);
  const auto& registry = world.registry;
  CHECK(value_of(registry, family::kRuleMatches, {{"level", "high"}, {"outcome", "alert"}}) == 2);
  CHECK(value_of(registry, family::kRuleMatches, {{"level", "high"}, {"outcome", "suppressed"}}) ==
        1);
  CHECK(value_of(registry, family::kRuleMatches, {{"level", "low"}, {"outcome", "alert"}}) == 0);
  CHECK(value_of(registry, family::kDeadLetters, {{"code", "event.invalid"}}) == 2);
  CHECK(value_of(registry, family::kClassifySeconds) == doctest::Approx(2e-6));
  CHECK(value_of(registry, family::kOutputSeconds, {{"output", "csv"}}) == doctest::Approx(3e-3));
  CHECK(value_of(registry, family::kWorkers) == 2);
  CHECK(value_of(registry, family::kBuildInfo) == 1);
}

TEST_CASE("detect: memo use is taken as it grows, and again from 0 with new rules") {
  World world;
  WorkerMeter& worker = world.meter.worker(0);
  worker.remembered({100, 10, 20, 4});
  worker.remembered({150, 15, 30, 5});
  worker.remembered({30, 30, 3, 3});  // a new matcher
  const auto memo = [&](const char* name, const char* result) {
    return value_of(world.registry, family::kMemoLookups, {{"memo", name}, {"result", result}});
  };
  CHECK(memo("values", "hit") == 135);
  CHECK(memo("values", "miss") == 45);
  CHECK(memo("outcomes", "hit") == 25);
  CHECK(memo("outcomes", "miss") == 8);
}

TEST_CASE("detect: ready when rules, bus and partitions are there and outputs work") {
  World world;
  FakeConsumer consumer;
  const auto says = [&](std::string_view text) {
    const auto lines = world.health.unmet();
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  CHECK(says("rules are being loaded"));
  RuleChanges changes;
  changes.in_force = 7;
  changes.rejected = 2;
  world.meter.rules_loaded(changes, false);
  CHECK_FALSE(says("rules"));
  CHECK(value_of(world.registry, family::kRules, {{"state", "in_force"}}) == 7);
  CHECK(value_of(world.registry, family::kReloads, {{"outcome", "success"}}) == 0);

  CHECK(says("worker 2 has not heard of the bus yet"));
  for (std::size_t i = 0; i < 2; ++i) world.meter.worker(i).taken(consumer, {}, now_ns());
  CHECK_FALSE(says("heard"));
  CHECK(says("no partitions are assigned"));
  consumer.at = {{{"raw", 3}, 5, 5, -1}};
  world.meter.worker(1).turn(consumer, 12);
  CHECK(world.health.unmet().empty());
  CHECK(value_of(world.registry, family::kBusQueue) == 12);
  world.meter.worker(0).lost(50);
  world.meter.worker(1).lost(3);
  CHECK(value_of(world.registry, family::kSkippedOffsets) == 53);

  world.meter.worker(0).poll_failed({ErrorCode::kUnavailable, "kafka://x: no broker"});
  CHECK(says("kafka://x: no broker"));
  world.meter.worker(0).taken(consumer, {}, now_ns());
  world.meter.worker(0).write_failed("sqlite", {ErrorCode::kExhausted, "disk full"}, true);
  CHECK(says("worker 1: output sqlite: disk full"));
  CHECK(value_of(world.registry, family::kOutputRetries, {{"output", "sqlite"}}) == 1);
  world.meter.worker(0).wrote("sqlite", 1);
  CHECK(world.health.unmet().empty());
}

TEST_CASE("detect: a bus that is away takes the partitions with it, and is no reason to stand by") {
  World world;
  FakeConsumer consumer;
  world.meter.rules_loaded({}, false);
  const auto lines = [&] {
    std::string all;
    for (const std::string& line : world.health.unmet()) all += line + "\n";
    return all;
  };
  for (std::size_t i = 0; i < 2; ++i)
    world.meter.worker(i).waits_for_bus({ErrorCode::kUnavailable, "kafka://x: denied"});
  CHECK(lines().find("kafka://x: denied") != std::string::npos);
  for (std::size_t i = 0; i < 2; ++i) world.meter.worker(i).taken(consumer, {}, now_ns());
  CHECK(lines() == "no partitions are assigned to this detector yet\n");
  for (std::size_t i = 0; i < 2; ++i)
    world.meter.worker(i).poll_failed({ErrorCode::kUnavailable, "kafka://x: no broker"});
  CHECK(lines().find("the group is not joined") != std::string::npos);
  world.meter.worker(1).taken(consumer, {}, now_ns());
  CHECK(lines().find("no partitions are assigned to this detector yet") != std::string::npos);
}

TEST_CASE("detect: a reload that failed is told, and the rules in force stay counted") {
  World world;
  RuleChanges changes;
  changes.in_force = 7;
  world.meter.rules_loaded(changes, false);
  world.meter.reload_failed();
  CHECK(value_of(world.registry, family::kReloadOk) == 0);
  CHECK(value_of(world.registry, family::kReloads, {{"outcome", "failure"}}) == 1);
  CHECK(value_of(world.registry, family::kRules, {{"state", "in_force"}}) == 7);
  changes.in_force = 8;
  world.meter.rules_loaded(changes, true);
  CHECK(value_of(world.registry, family::kReloadOk) == 1);
  CHECK(value_of(world.registry, family::kReloads, {{"outcome", "success"}}) == 1);
}

TEST_CASE("produce: dead letters by code, files passed over apart, events under way") {
  metrics::Registry registry(metrics::Labels{{"stage", "produce"}});
  metrics::Health health(60s);
  ProduceMeter meter(registry, health);
  CHECK(health.unmet().size() == 1);
  meter.bus_reached();
  CHECK(health.unmet().empty());
  produce::Problem problem;
  problem.code = "evtx.bad_chunk";
  meter.problem(problem);
  meter.problem(problem);
  problem.skipped_only = true;
  meter.problem(problem);
  CHECK(value_of(registry, family::kDeadLetters, {{"code", "evtx.bad_chunk"}}) == 2);
  CHECK(value_of(registry, family::kFilesSkipped) == 1);
  meter.cells().sent.add(10);
  meter.cells().answered.add(4);
  CHECK(value_of(registry, family::kBusQueue) == 6);
  CHECK(health.unmet().empty());  // silent, but not for long enough
}

TEST_CASE("detect: workers that were left out are not waited for") {
  World world;
  FakeConsumer consumer;
  RuleChanges changes;
  world.meter.rules_loaded(changes, false);
  world.meter.fit(1);
  consumer.at = {{{"raw", 0}, 5, 5, -1}};
  world.meter.worker(0).taken(consumer, {}, now_ns());
  world.meter.worker(0).turn(consumer, 0);
  CHECK(world.health.unmet().empty());
  CHECK(value_of(world.registry, family::kWorkers) == 1);
}
