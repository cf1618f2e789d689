// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/bus_watch.h"

#include <algorithm>
#include <utility>

#include "core/bus/oldest_waiting.h"

namespace tocsin::console {
namespace {

double rate(std::int64_t now, std::int64_t before, UnixNanos elapsed) {
  if (elapsed <= 0 || now < before) return 0;
  return static_cast<double>(now - before) * 1e9 / static_cast<double>(elapsed);
}

const WatchedGroup* group_of(const BusView* view, const std::string& name) {
  if (view == nullptr) return nullptr;
  for (const WatchedGroup& group : view->groups)
    if (group.name == name) return &group;
  return nullptr;
}

WatchedTopic watched(const bus::TopicInfo& info, const BusView* before, UnixNanos now) {
  WatchedTopic topic{.info = info};
  for (const bus::PartitionInfo& p : info.partitions) {
    topic.messages += p.end_offset - p.first_offset;
    topic.end += p.end_offset;
  }
  if (before != nullptr)
    if (const WatchedTopic* old = before->topic(info.name)) {
      topic.per_second = rate(topic.end, old->end, now - before->time);
      topic.progress = topic.end > old->end ? now : old->progress;
    }
  return topic;
}

LagPoint point_of(const BusView& view) {
  LagPoint point;
  point.time = view.time;
  for (const WatchedGroup& group : view.groups)
    if (point.groups.size() < BusWatch::kNamesMax) point.groups[group.name] = group.lag;
  for (const WatchedTopic& topic : view.topics)
    if (point.topics.size() < BusWatch::kNamesMax) point.topics[topic.info.name] = topic.end;
  return point;
}

}  // namespace

const WatchedTopic* BusView::topic(std::string_view name) const {
  for (const WatchedTopic& one : topics)
    if (one.info.name == name) return &one;
  return nullptr;
}

BusWatch::BusWatch(bus::Bus& bus, Milliseconds every) : bus_(bus), every_(every) {
  thread_ = std::thread([this] { run(); });
}

BusWatch::~BusWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Result<std::shared_ptr<BusView>> BusWatch::look() {
  auto view = std::make_shared<BusView>();
  TOCSIN_TRY(const std::vector<bus::TopicInfo> topics, bus_.topics());
  TOCSIN_TRY(const std::vector<bus::GroupInfo> groups, bus_.groups());
  view->time = now_ns();
  const BusView* const before = view_.get();  // only this thread changes it
  for (const bus::TopicInfo& topic : topics)
    view->topics.push_back(watched(topic, before, view->time));
  for (const bus::GroupInfo& group : groups) {
    WatchedGroup& out = view->groups.emplace_back();
    out.name = group.name;
    out.members = group.members;
    for (const bus::GroupPartition& p : group.partitions) {
      out.partitions.push_back({p, p.lag > 0 ? std::nullopt : std::optional<std::int64_t>(0)});
      out.lag += p.lag;
      out.committed += std::max<std::int64_t>(0, p.committed);
    }
    if (const WatchedGroup* old = group_of(before, group.name)) {
      out.per_second = rate(out.committed, old->committed, view->time - before->time);
      out.progress = out.committed > old->committed ? view->time : old->progress;
    }
  }
  const auto waiting = bus::oldest_waiting(bus_, groups);
  if (!waiting) return view;  // the lag in records is told all the same
  for (std::size_t i = 0; i < groups.size(); ++i) {
    WatchedGroup& out = view->groups[i];
    for (WatchedPartition& p : out.partitions) {
      const auto found = (*waiting)[i].find(p.state.where);
      if (found == (*waiting)[i].end()) continue;
      p.lag_ms = std::max<std::int64_t>(0, view->time / 1'000'000 - found->second);
      out.lag_ms = std::max(out.lag_ms, *p.lag_ms);
    }
  }
  return view;
}

void BusWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    auto seen = look();
    lock.lock();
    if (seen) {
      points_.push_back(point_of(**seen));
      const UnixNanos oldest =
          (*seen)->time - std::chrono::duration_cast<std::chrono::nanoseconds>(kKept).count();
      while (points_.front().time < oldest) points_.pop_front();
      view_ = *std::move(seen);
      trouble_.reset();
    } else {
      trouble_ = seen.error();
    }
    changed_.notify_all();
    changed_.wait_for(lock, every_, [&] { return stopping_; });
  }
}

Result<std::shared_ptr<const BusView>> BusWatch::latest() const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(1),
                    [&] { return view_ != nullptr || trouble_ || stopping_; });
  if (trouble_) return tl::unexpected<Error>(*trouble_);
  if (view_ == nullptr) return fail(ErrorCode::kUnavailable, "the bus has not answered yet");
  return view_;
}

std::vector<LagPoint> BusWatch::history(UnixNanos from) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::find_if(points_.begin(), points_.end(), [&](const auto& p) { return p.time >= from; });
  return {first, points_.end()};
}

}  // namespace tocsin::console
