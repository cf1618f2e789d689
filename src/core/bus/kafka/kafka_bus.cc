// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/kafka_bus.h"

namespace tocsin::bus::kafka {

Result<std::unique_ptr<Bus>> open(const std::string& brokers,
                                  const std::map<std::string, std::string>& /*properties*/) {
  return fail(ErrorCode::kUnsupported, "kafka://" + brokers + ": not built yet");
}

}  // namespace tocsin::bus::kafka
