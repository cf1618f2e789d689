// SPDX-License-Identifier: Apache-2.0
#include "app/insight/dead_letters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <utility>

namespace tocsin::insight {
namespace {

constexpr std::size_t kPollMessages = 500;
constexpr bus::Milliseconds kPollTimeout{200};
constexpr bus::Milliseconds kFlushTimeout{30'000};

// Set on what is replayed, so that a letter that comes back says so.
constexpr std::string_view kReplays = "tocsin.replays";
constexpr std::uint64_t kReplaysMax = 1;

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

}  // namespace

std::string place_of(const bus::Message& message) {
  return fmt::format("{}/{}", message.partition, message.offset);
}

std::uint64_t replays_of(const bus::Message& message) {
  const std::string text(message.header(kReplays));
  std::uint64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

bool LetterFilter::passes(const bus::Message& message) const {
  if (!stage.empty() && message.header("error.stage") != stage) return false;
  if (!code.empty() && message.header("error.code") != code) return false;
  if (!reason.empty() && message.header("error.message").find(reason) == std::string_view::npos)
    return false;
  const UnixNanos when = message.timestamp_ms * 1'000'000;
  if (since != 0 && when < since) return false;
  if (until != 0 && when >= until) return false;
  return which.empty() || std::find(which.begin(), which.end(), place_of(message)) != which.end();
}

Status visit_letters(bus::Bus& bus, const std::string& topic, const LetterFilter& filter,
                     const std::function<bool()>& stopped, const LetterVisit& visit) {
  // Up to the end of now: what a replay brings back is not read in the same run.
  auto opened = bus.open_reader(topic, {});
  if (!opened && opened.error().code == ErrorCode::kNotFound) return {};  // no topic, no letters
  TOCSIN_TRY(const auto reader, std::move(opened));
  while (!stopped() && !reader->at_end()) {
    TOCSIN_TRY(const auto batch, reader->poll(kPollMessages, kPollTimeout));
    for (const bus::Message& message : batch.messages())
      if (filter.passes(message)) TOCSIN_TRY_STATUS(visit(message));
  }
  return {};
}

namespace {

// What the stage store refused is a verdict or an alert, and no event.
std::string topic_of(const bus::Message& letter, const std::string& raw_topic) {
  const std::string_view origin = letter.header("origin");
  if (letter.header("error.stage") != "store" || origin.empty()) return raw_topic;
  return std::string(origin.substr(0, origin.find('/')));
}

}  // namespace

Result<Replay> replay_letters(bus::Bus& bus, const ReplayRequest& request) {
  Replay replay;
  bus::ProducerOptions options;
  options.client_id = "tocsin-dlq";
  options.on_delivery = [&](const bus::Delivery& delivery) {
    if (delivery.error && ++replay.failed == 1) replay.first_failure = delivery.error->message;
  };
  TOCSIN_TRY(const auto producer, bus.open_producer(std::move(options)));
  TOCSIN_TRY_STATUS(visit_letters(
      bus, request.dead_letter_topic, request.filter, request.stopped,
      [&](const bus::Message& m) -> Status {
        if (!m.header("truncated").empty()) {
          ++replay.cut;
          return {};
        }
        if (request.filter.which.empty() && !request.again && replays_of(m) >= kReplaysMax) {
          ++replay.came_back;
          return {};
        }
        ++replay.sent;
        const std::string topic = topic_of(m, request.raw_topic);
        replay.topics.insert(topic);
        if (request.on_sent) request.on_sent(m);
        return request.dry_run ? Status() : producer->send(topic, original(m));
      }));
  TOCSIN_TRY_STATUS(producer->flush(kFlushTimeout));
  const std::set<std::string> named(request.filter.which.begin(), request.filter.which.end());
  if (!named.empty() && !request.stopped())
    replay.missing = named.size() - std::min<std::uint64_t>(named.size(), replay.sent + replay.cut);
  return replay;
}

}  // namespace tocsin::insight
