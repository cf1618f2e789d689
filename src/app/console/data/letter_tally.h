// SPDX-License-Identifier: Apache-2.0
//
// LetterTally: how many dead letters there are for which reason. Reads each letter once.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::console {

// Threads: thread-safe.
class LetterTally {
 public:
  static constexpr std::size_t kCodesMax = 1'000;
  static constexpr std::size_t kLettersEach = 100'000;  // of one look; the next goes on there

  LetterTally(bus::Bus& bus, std::string topic) : bus_(bus), topic_(std::move(topic)) {}

  // By error.code. No topic: none.
  [[nodiscard]] Result<std::map<std::string, std::int64_t>> codes(const bus::TopicInfo& topic);

 private:
  bus::Bus& bus_;
  const std::string topic_;
  std::mutex mutex_;
  std::map<std::int32_t, std::int64_t> next_;  // by partition
  std::map<std::string, std::int64_t> codes_;
};

}  // namespace tocsin::console
