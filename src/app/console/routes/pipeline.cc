// SPDX-License-Identifier: Apache-2.0
//
// /pipeline: every stage and instance with its health, the stores, and the dead letters.
#include <filesystem>
#include <map>

#include "app/console/routes/routes.h"

namespace tocsin::console {
namespace {

constexpr std::int64_t kLaggingMs = 10'000;

struct Stage {
  std::string stage, instance, group, health;
  std::int64_t partitions = 0, lag = 0;
  std::optional<std::int64_t> lag_ms;
  double per_second = 0;
  UnixNanos last_seen = 0;
};

std::string stage_of(const Options& options, const WatchedGroup& group) {
  for (const WatchedPartition& p : group.partitions) {
    if (p.state.where.topic == options.raw_topic) return "detect";
    if (p.state.where.topic == options.alerts_topic) return "correlate";
  }
  return "consumer";
}

Stage producers(const Options& options, const BusView& view) {
  Stage out;
  out.stage = "produce";
  out.health = "down";
  const WatchedTopic* topic = view.topic(options.raw_topic);
  if (topic == nullptr) return out;
  out.health = "up";  // nobody owns a topic: that it can be written to is all that is known
  out.partitions = static_cast<std::int64_t>(topic->info.partitions.size());
  out.per_second = topic->per_second;
  out.last_seen = topic->progress;
  return out;
}

// One for each member, and one for the partitions that nobody reads.
std::vector<Stage> members(const Options& options, const BusView& view, const WatchedGroup& group) {
  std::map<std::string, Stage> by_member;
  for (const WatchedPartition& p : group.partitions) {
    Stage& stage = by_member[p.state.member];
    ++stage.partitions;
    stage.lag += p.state.lag;
    if (p.lag_ms) stage.lag_ms = std::max(stage.lag_ms.value_or(0), *p.lag_ms);
  }
  std::vector<Stage> out;
  for (auto& [member, stage] : by_member) {
    stage.stage = stage_of(options, group);
    stage.instance = member;
    stage.group = group.name;
    stage.health = member.empty()                          ? "down"
                   : stage.lag_ms.value_or(0) > kLaggingMs ? "lagging"
                                                           : "up";
    // The bus tells the progress of the group; an instance has its share by partitions.
    const double share =
        static_cast<double>(stage.partitions) / static_cast<double>(group.partitions.size());
    stage.per_second = member.empty() ? 0 : group.per_second * share;
    stage.last_seen = member.empty() ? group.progress : view.time;
    out.push_back(stage);
  }
  if (out.empty()) {
    Stage& idle = out.emplace_back();
    idle.stage = "consumer";
    idle.group = group.name;
    idle.health = group.members > 0 ? "up" : "down";
  }
  return out;
}

void write_stage(JsonWriter& json, const Stage& stage) {
  json.object([&] {
    json.member("stage", stage.stage);
    text_or_null(json, "instance", stage.instance);
    text_or_null(json, "group", stage.group);
    json.member("health", stage.health);
    json.member("partitions", stage.partitions);
    json.member("lag", stage.lag);
    json.key("lag_seconds");
    if (stage.lag_ms)
      json.value(static_cast<double>(*stage.lag_ms) / 1e3);
    else
      json.null();
    json.member("events_per_second", stage.per_second);
    time_member(json, "last_seen", stage.last_seen);
  });
}

std::int64_t bytes_of(const std::string& path) {
  std::int64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path + suffix, error);
    if (!error) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

// `size`: what is in it, where that is known.
void write_store(JsonWriter& json, std::string_view kind, const std::string& path,
                 const store::search::StoreSize* size) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  json.object([&] {
    json.member("kind", kind);
    json.member("path", path);
    json.member("bytes", bytes_of(path));
    const auto count = [&](const char* name, std::int64_t number) {
      json.key(name);
      if (size == nullptr)
        json.null();
      else
        json.value(number);
    };
    count("verdicts", size == nullptr ? 0 : size->verdicts);
    count("alerts", size == nullptr ? 0 : size->alerts);
  });
}

Answer pipeline(const Context& context) {
  TOCSIN_TRY(const auto view, context.watch.latest());
  const Options& options = context.options;
  std::vector<Stage> stages = {producers(options, *view)};
  for (const WatchedGroup& group : view->groups)
    for (Stage& stage : members(options, *view, group)) stages.push_back(std::move(stage));
  const auto size = context.archive.size();
  std::int64_t letters = 0;
  std::map<std::string, std::int64_t> codes;
  if (const WatchedTopic* topic = view->topic(options.dead_letter_topic)) {
    letters = topic->messages;
    TOCSIN_TRY(codes, context.letters.codes(topic->info));
  }
  return json_object([&](JsonWriter& json) {
    json.key("stages");
    json.array([&] {
      for (const Stage& stage : stages) write_stage(json, stage);
    });
    json.key("stores");
    json.array([&] {
      write_store(json, "sqlite", options.database, size ? &*size : nullptr);
      for (const std::string& csv : options.csv) write_store(json, "csv", csv, nullptr);
      if (options.spans.find("://") == std::string::npos)
        write_store(json, "traces", options.spans, nullptr);
    });
    json.key("dead_letters");
    json.object([&] {
      json.member("total", letters);
      json.key("reasons");
      json.array([&] {
        for (const auto& [code, count] : codes)
          json.object([&] {
            json.member("code", code);
            json.member("count", count);
          });
      });
    });
  });
}

}  // namespace

void add_pipeline_routes(Router& router, const Context& context) {
  router.add("GET", "/pipeline", Role::kViewer, {},
             [&context](const Call&) { return pipeline(context); });
}

}  // namespace tocsin::console
