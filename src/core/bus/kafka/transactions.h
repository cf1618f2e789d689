// SPDX-License-Identifier: Apache-2.0
//
// Transactions: what a member of a group writes, and how far it has read, made visible together.
//
//   send()... -> open transaction -> offsets, with the member's generation -> committed
//
// Two fences keep a writer out that another has replaced. Its transactional id: whoever opens a
// producer with the same id is the one from then on, and what the older left open is aborted. The
// generation of its group (KIP-447): the coordinator takes offsets only from those who are members
// now, so one producer a worker is enough, however partitions move.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

// The consumer, as its transactions see it.
class Member {
 public:
  virtual ~Member() = default;
  // What names this member and its generation now; the caller destroys it.
  [[nodiscard]] virtual rd_kafka_consumer_group_metadata_t* group_metadata() = 0;
  // kStale when one of the partitions is not, or no longer, this member's.
  [[nodiscard]] virtual Status check_owned(const Offsets& offsets) const = 0;
  // They were committed in a transaction.
  virtual void note_committed(const Offsets& offsets) = 0;
};

// kInvalid for an empty transactional id, and for properties that would undo the guarantee.
[[nodiscard]] Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
    const Settings& settings, TransactionOptions options, Member& member);

}  // namespace tocsin::bus::kafka
