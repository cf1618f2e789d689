// SPDX-License-Identifier: Apache-2.0
//
// BusWatch: topics, groups and their lag, looked at every two seconds by a thread of its own, and
// the last hour of it. So no request waits for a broker that is away.
//
//   Bus -> BusWatch -> latest() for /topics, /groups, /pipeline;   history() for /lag
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::console {

struct WatchedPartition {
  bus::GroupPartition state;
  std::optional<std::int64_t> lag_ms;  // age of the oldest record that is not done; empty: unknown
};

struct WatchedGroup {
  std::string name;
  std::size_t members = 0;
  std::vector<WatchedPartition> partitions;
  std::int64_t lag = 0;
  std::int64_t lag_ms = 0;     // the largest
  std::int64_t committed = 0;  // of all partitions
  double per_second = 0;       // records done since the look before
  UnixNanos progress = 0;      // when a look last saw it go on; 0: never
};

struct WatchedTopic {
  bus::TopicInfo info;
  std::int64_t messages = 0;
  std::int64_t end = 0;   // of all partitions
  double per_second = 0;  // records that came since the look before
  UnixNanos progress = 0;
};

// One look. Immutable.
struct BusView {
  UnixNanos time = 0;
  std::vector<WatchedTopic> topics;
  std::vector<WatchedGroup> groups;

  [[nodiscard]] const WatchedTopic* topic(std::string_view name) const;
};

struct LagPoint {
  UnixNanos time = 0;
  std::map<std::string, std::int64_t> groups;  // lag
  std::map<std::string, std::int64_t> topics;  // end offsets of all partitions together
};

// Ownership: borrows the bus. Threads: thread-safe. Memory: an hour of points of at most 64 groups
// and topics each.
class BusWatch {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kEvery{2'000};
  static constexpr std::chrono::hours kKept{1};
  static constexpr std::size_t kNamesMax = 64;

  explicit BusWatch(bus::Bus& bus, Milliseconds every = kEvery);
  ~BusWatch();
  BusWatch(const BusWatch&) = delete;
  BusWatch& operator=(const BusWatch&) = delete;

  // The last look, or why the last one failed. Waits for the first one, for a second at most.
  [[nodiscard]] Result<std::shared_ptr<const BusView>> latest() const;
  [[nodiscard]] std::vector<LagPoint> history(UnixNanos from) const;

 private:
  void run();
  [[nodiscard]] Result<std::shared_ptr<BusView>> look();

  bus::Bus& bus_;
  const Milliseconds every_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const BusView> view_;
  std::optional<Error> trouble_;
  std::deque<LagPoint> points_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tocsin::console
