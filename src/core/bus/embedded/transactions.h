// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus's transactions: records and offsets lie in one database, so they are stored in
// one transaction of it, which also asks whether the member still owns the partitions.
//
//   send() -> chunks in memory -> commit(): offsets, then chunks -> DIR/bus.db
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "core/bus/bus.h"
#include "core/bus/embedded/embedded_bus.h"
#include "core/bus/embedded/store/database.h"

namespace tocsin::bus::embedded {

// The consumer, as its transactions see it.
class CommitPoint {
 public:
  virtual ~CommitPoint() = default;
  // Commits the offsets and runs `more` in one transaction. kStale: a partition is another
  // member's.
  [[nodiscard]] virtual Status commit_with(const Offsets& offsets,
                                           const std::function<Status(Database&)>& more) = 0;
};

// The transactional id is of no use here: nothing is written before the commit.
[[nodiscard]] Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
    const Settings& settings, TransactionOptions options, CommitPoint& consumer);

}  // namespace tocsin::bus::embedded
