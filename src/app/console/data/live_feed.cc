// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/live_feed.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "app/console/data/alert_view.h"

namespace tocsin::console {
namespace {

constexpr bus::Milliseconds kPoll{300};
constexpr std::chrono::seconds kRetry{1};

std::optional<Uuid> alert_id_of(simdjson::dom::parser& parser, std::string_view json) {
  simdjson::dom::element root;
  std::string_view id;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root.at_pointer("/tocsin/alert_id").get(id) != simdjson::SUCCESS)
    return std::nullopt;
  return Uuid::parse(id);
}

}  // namespace

LiveFeed::LiveFeed(bus::Bus& bus, std::string topic, const store::search::Archive& archive)
    : bus_(bus), topic_(std::move(topic)), archive_(archive) {
  thread_ = std::thread([this] { run(); });
}

LiveFeed::~LiveFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LiveFeed::run() {
  std::unique_ptr<bus::Reader> reader;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (listeners_ == 0) {
      reader.reset();
      changed_.wait(lock, [&] { return stopping_ || listeners_ > 0; });
      continue;
    }
    lock.unlock();
    bool trouble = false;
    if (!reader) {
      auto opened = bus_.open_reader(
          topic_, {.kind = bus::ReadFrom::Kind::kLatest, .value = 0, .partition = {}});
      if (opened)
        reader = *std::move(opened);
      else
        trouble = true;  // the topic may come yet
    } else if (const auto batch = reader->poll(kEachSecond, kPoll)) {
      take(*batch);
    } else {
      trouble = true;
    }
    lock.lock();
    if (trouble) changed_.wait_for(lock, kRetry, [&] { return stopping_; });
  }
}

void LiveFeed::take(const bus::Batch& batch) {
  if (batch.empty()) return;
  simdjson::dom::parser parser;
  std::vector<std::string> rows;
  // Of a flood the last ones.
  const auto messages = batch.messages();
  for (const bus::Message& message :
       messages.subspan(messages.size() - std::min(messages.size(), kEachSecond))) {
    const auto id = alert_id_of(parser, message.value);
    if (!id) continue;
    const auto found = archive_.alert(*id);
    if (!found || !*found) continue;
    JsonWriter json(rows.emplace_back());
    write_row(json, (*found)->row);
  }
  std::unique_lock lock(mutex_);
  end_ += rows.size();
  std::move(rows.begin(), rows.end(), std::back_inserter(rows_));
  while (rows_.size() > kKept) rows_.pop_front();
  changed_.notify_all();
  // The next ones a moment later, so that a flood is not read row by row.
  changed_.wait_for(lock, kPoll, [&] { return stopping_; });
}

LiveFeed::Listener::Listener(LiveFeed& feed) : feed_(feed) {
  const std::lock_guard lock(feed_.mutex_);
  ++feed_.listeners_;
  position_ = feed_.end_;
  feed_.changed_.notify_all();
}

LiveFeed::Listener::~Listener() {
  const std::lock_guard lock(feed_.mutex_);
  --feed_.listeners_;
  feed_.changed_.notify_all();
}

std::vector<std::string> LiveFeed::Listener::next(std::chrono::milliseconds patience) {
  std::unique_lock lock(feed_.mutex_);
  feed_.changed_.wait_for(lock, patience,
                          [&] { return feed_.end_ > position_ || feed_.stopping_; });
  const std::uint64_t fresh = std::min<std::uint64_t>(feed_.end_ - position_, feed_.rows_.size());
  position_ = feed_.end_;
  return {feed_.rows_.end() - static_cast<std::ptrdiff_t>(fresh), feed_.rows_.end()};
}

}  // namespace tocsin::console
