// SPDX-License-Identifier: Apache-2.0
//
// Publisher: a batch's verdicts, alerts and dead letters to their topics, and then its offsets,
// under the guarantee that was asked for.
//
//   exactly-once    one transaction: records and offsets become visible together or not at all;
//                   it may take in several batches: add()... -> publish()
//   at-least-once   records, waited for; then the offsets. A crash between repeats the records
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::pipeline {

enum class Guarantee : std::uint8_t { kExactlyOnce, kAtLeastOnce };

struct PublisherOptions {
  Guarantee guarantee = Guarantee::kExactlyOnce;
  std::string client_id;
  std::string transactional_id;  // for exactly-once
  bus::Milliseconds transaction_timeout{10'000};
  std::string verdicts_topic;
  std::string alerts_topic;
  std::string dead_letter_topic;
};

struct Publication {
  std::span<const bus::Record> verdicts;
  std::span<const bus::Record> alerts;
  std::span<const bus::Record> dead_letters;
  const bus::Offsets& offsets;
};

// Threads: one thread: the consumer's. The consumer must outlive it.
// Errors:  with exactly-once the batch is undone after every error: Consumer::rewind() must follow.
//          With at-least-once kStale means that all is written and the offsets are not committed,
//          any other error that publish() may be called again.
class Publisher {
 public:
  virtual ~Publisher() = default;
  // kUnavailable while the bus is away: try again.
  [[nodiscard]] static Result<std::unique_ptr<Publisher>> open(bus::Bus& bus,
                                                               bus::Consumer& consumer,
                                                               PublisherOptions options);
  [[nodiscard]] virtual Status publish(const Publication& batch) = 0;
  // With exactly-once the records wait for the next publish(), whose offsets must be behind these;
  // with at-least-once the same as publish().
  [[nodiscard]] virtual Status add(const Publication& batch) = 0;
  // What was added since the last publish() is not to be seen. Needed when anything but this
  // failed.
  virtual void undo() = 0;
  // Records handed to the bus and not acknowledged.
  [[nodiscard]] virtual std::size_t pending() const = 0;
};

}  // namespace tocsin::pipeline
