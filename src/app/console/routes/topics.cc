// SPDX-License-Identifier: Apache-2.0
//
// /topics, /groups, /lag, and the messages of a topic as pages and as they come.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "app/console/data/message_view.h"
#include "app/console/routes/routes.h"

namespace tocsin::console {
namespace {

constexpr std::int64_t kScanDefault = 20'000;
constexpr std::int64_t kScanMax = 1'000'000;
constexpr std::size_t kMessagesMax = 200;  // of a page: each may be large
constexpr std::size_t kTailMax = 100;      // of a step: more than anybody can read
constexpr std::size_t kTailPoll = 2'000;
constexpr bus::Milliseconds kTailWait{400};
constexpr std::size_t kTailBytes = 1 << 20;

Answer topics(const Context& context) {
  TOCSIN_TRY(const auto view, context.watch.latest());
  return json_object([&](JsonWriter& json) {
    json.key("items");
    json.array([&] {
      for (const WatchedTopic& topic : view->topics)
        json.object([&] {
          json.member("name", topic.info.name);
          json.key("partitions");
          json.array([&] {
            for (const bus::PartitionInfo& p : topic.info.partitions)
              json.object([&] {
                json.member("partition", p.partition);
                json.member("first_offset", p.first_offset);
                json.member("end_offset", p.end_offset);
                json.member("messages", p.end_offset - p.first_offset);
              });
          });
          json.member("messages", topic.messages);
          json.member("messages_per_second", topic.per_second);
        });
    });
  });
}

void write_group_partition(JsonWriter& json, const WatchedPartition& p) {
  json.object([&] {
    json.member("topic", p.state.where.topic);
    json.member("partition", p.state.where.partition);
    json.key("committed");
    if (p.state.committed < 0)
      json.null();
    else
      json.value(p.state.committed);
    json.member("end_offset", p.state.end_offset);
    json.member("lag", p.state.lag);
    json.key("lag_seconds");
    if (p.lag_ms)
      json.value(static_cast<double>(*p.lag_ms) / 1e3);
    else
      json.null();
    text_or_null(json, "member", p.state.member);
  });
}

Answer groups(const Context& context) {
  TOCSIN_TRY(const auto view, context.watch.latest());
  return json_object([&](JsonWriter& json) {
    json.key("items");
    json.array([&] {
      for (const WatchedGroup& group : view->groups)
        json.object([&] {
          json.member("name", group.name);
          json.member("members", static_cast<std::uint64_t>(group.members));
          json.key("partitions");
          json.array([&] {
            for (const WatchedPartition& p : group.partitions) write_group_partition(json, p);
          });
          json.member("lag", group.lag);
          json.member("lag_seconds", static_cast<double>(group.lag_ms) / 1e3);
        });
    });
  });
}

void write_numbers(JsonWriter& json, std::string_view name,
                   const std::map<std::string, std::int64_t>& numbers) {
  json.key(name);
  json.object([&] {
    for (const auto& [key, number] : numbers) json.member(key, number);
  });
}

Answer lag(const Context& context, const Call& call) {
  TOCSIN_TRY(const UnixNanos from, call.time("from"));
  return json_object([&](JsonWriter& json) {
    json.key("points");
    json.array([&] {
      for (const LagPoint& point : context.watch.history(from))
        json.object([&] {
          json.member("time", format_rfc3339(point.time, 3));
          write_numbers(json, "groups", point.groups);
          write_numbers(json, "topics", point.topics);
        });
    });
  });
}

// The offset in each partition where the time begins.
Status bounds_at(bus::Bus& bus, UnixNanos time, const std::vector<bus::PartitionInfo>& partitions,
                 PageRequest& page) {
  for (const bus::PartitionInfo& p : partitions) {
    if (page.partition && *page.partition != p.partition) continue;
    page.bounds[p.partition] = p.end_offset;
    if (p.first_offset >= p.end_offset) continue;
    TOCSIN_TRY(const auto reader, bus.open_reader(page.topic, {.kind = bus::ReadFrom::Kind::kTime,
                                                               .value = time / 1'000'000,
                                                               .partition = p.partition}));
    if (reader->at_end()) continue;
    TOCSIN_TRY(const auto batch, reader->poll(1, bus::Milliseconds(1'000)));
    if (!batch.empty()) page.bounds[p.partition] = batch.messages().front().offset;
  }
  return {};
}

Result<std::vector<bus::PartitionInfo>> partitions_of(const Context& context,
                                                      const std::string& topic) {
  TOCSIN_TRY(const auto all, context.bus.topics());
  for (const bus::TopicInfo& info : all)
    if (info.name == topic) return info.partitions;
  return fail(ErrorCode::kNotFound, fmt::format("there is no topic '{}'", topic));
}

Checked<PageRequest> page_request(const Context& context, const Call& call) {
  PageRequest page;
  page.topic = call.part("topic");
  TOCSIN_TRY(const std::string filter, call.text("filter"));
  if (!filter.empty())
    page.test = [test = MessageTest(filter)](const bus::Message& m) { return test.passes(m); };
  TOCSIN_TRY(const std::int64_t limit, call.limit());
  page.limit = std::min(kMessagesMax, static_cast<std::size_t>(limit));
  TOCSIN_TRY(const std::int64_t scan, call.integer("max_scan", kScanDefault, 1, kScanMax));
  page.scan_max = static_cast<std::size_t>(scan);
  if (call.has("partition")) {
    TOCSIN_TRY(const std::int64_t partition, call.integer("partition", 0, 0, INT32_MAX));
    page.partition = static_cast<std::int32_t>(partition);
  }
  TOCSIN_TRY(const std::string cursor, call.text("cursor"));
  TOCSIN_TRY(const std::string from, call.text("from"));
  TOCSIN_TRY(const UnixNanos time, call.time("time"));
  if (!from.empty() && from != "end" && from != "begin")
    return refuse(ApiCode::kInvalid, "from: begin or end is wanted", "from");
  const int ways = static_cast<int>(!from.empty()) + static_cast<int>(time != 0) +
                   static_cast<int>(call.has("offset"));
  if (ways > 1)
    return refuse(ApiCode::kInvalid, "only one of offset, time and from says where to begin",
                  "from");
  if (!cursor.empty()) {
    if (!read_page_cursor(cursor, page))
      return refuse(ApiCode::kInvalid, "no such cursor", "cursor");
    return page;
  }
  if (from == "begin" || time != 0 || call.has("offset")) page.direction = Direction::kForward;
  if (time == 0 && !call.has("offset")) return page;
  TOCSIN_TRY(const auto partitions, partitions_of(context, page.topic));
  if (time != 0) {
    TOCSIN_TRY_STATUS(bounds_at(context.bus, time, partitions, page));
    return page;
  }
  TOCSIN_TRY(const std::int64_t offset, call.integer("offset", 0, 0, INT64_MAX));
  for (const bus::PartitionInfo& p : partitions) page.bounds[p.partition] = offset;
  return page;
}

Answer messages(const Context& context, const Call& call) {
  TOCSIN_TRY(const PageRequest request, page_request(context, call));
  TOCSIN_TRY(const MessagePage page, read_page(context.bus, request));
  return json_object([&](JsonWriter& json) {
    json.key("items");
    json.array([&] {
      for (const std::string& item : page.items) json.raw(item);
    });
    text_or_null(json, "next",
                 page.reached_end ? std::string() : page_cursor(request.direction, page.bounds));
    json.member("scanned", static_cast<std::uint64_t>(page.scanned));
    json.member("reached_end", page.reached_end);
  });
}

// One reader for each stream; what comes faster than people read is counted and left out.
StreamStep tail_step(const Context& context, const std::string& topic, const std::string& filter) {
  struct Tail {
    std::unique_ptr<bus::Reader> reader;
    MessageTest test;
    std::string json;
  };
  auto opened = context.bus.open_reader(
      topic, {.kind = bus::ReadFrom::Kind::kLatest, .value = 0, .partition = {}});
  if (!opened) return [](std::string&) { return false; };
  auto tail = std::make_shared<Tail>(Tail{*std::move(opened), MessageTest(filter), {}});
  return [tail](std::string& out) {
    const auto batch = tail->reader->poll(kTailPoll, kTailWait);
    if (!batch) {
      if (batch.error().code != ErrorCode::kUnavailable) return false;
      std::this_thread::sleep_for(kTailWait);
      return true;
    }
    std::size_t shown = 0, skipped = 0;
    for (const bus::Message& message : batch->messages()) {
      if (!tail->test.passes(message)) continue;
      if (shown >= kTailMax || out.size() > kTailBytes) {
        ++skipped;
        continue;
      }
      ++shown;
      tail->json.clear();
      append_message(tail->json, message);
      append_event(out, "message", tail->json);
    }
    if (skipped > 0) append_event(out, "skipped", fmt::format("{{\"count\":{}}}", skipped));
    if (shown > 0) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return true;
  };
}

Answer tail(const Context& context, const Call& call) {
  TOCSIN_TRY(std::string filter, call.text("filter"));
  TOCSIN_TRY(const auto partitions, partitions_of(context, call.part("topic")));
  Reply reply;
  reply.open = [&context, topic = call.part("topic"), filter = std::move(filter)] {
    return tail_step(context, topic, filter);
  };
  return reply;
}

}  // namespace

void add_topic_routes(Router& router, const Context& context) {
  router.add("GET", "/topics", Role::kViewer, {},
             [&context](const Call&) { return topics(context); });
  router.add("GET", "/groups", Role::kViewer, {},
             [&context](const Call&) { return groups(context); });
  router.add("GET", "/lag", Role::kViewer, {"from"},
             [&context](const Call& call) { return lag(context, call); });
  router.add("GET", "/topics/{topic}/messages", Role::kViewer,
             {"partition", "offset", "time", "from", "limit", "filter", "max_scan", "cursor"},
             [&context](const Call& call) { return messages(context, call); });
  router.add("GET", "/topics/{topic}/tail", Role::kViewer, {"filter"},
             [&context](const Call& call) { return tail(context, call); });
}

}  // namespace tocsin::console
