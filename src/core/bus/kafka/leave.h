// SPDX-License-Identifier: Apache-2.0
//
// Leave: what librdkafka 2.0 does not do by itself when a member leaves its group.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "core/bus/kafka/client.h"

namespace tocsin::bus::kafka {

// Destroying a handle that never came out of a rebalance (librdkafka 2.0) waits for ever. Then it
// stays behind, with the thread that waits for it; the group notices by the session timeout.
void let_go(std::shared_ptr<Client> client);

// A handle that has left its group and is not destroyed: it keeps its threads until the process
// ends, which is soon after a consumer is closed. Threads: any.
void keep_until_the_end(std::shared_ptr<Client> client);

// An empty answer fits every question about an assignment.
void answer_unheard(rd_kafka_t* handle);

}  // namespace tocsin::bus::kafka
