// SPDX-License-Identifier: Apache-2.0
#include "core/bus/bus.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/bus/embedded/embedded_bus.h"
#include "core/bus/kafka/kafka_bus.h"
#include "core/bus/kafka/properties.h"

namespace tocsin::bus {

std::string_view Message::header(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return {};
}

// Messages of a partition come in runs: a look-up for each run.
Offsets offsets_after(const Batch& batch) {
  Offsets offsets;
  Offsets::iterator at = offsets.end();
  for (const Message& message : batch.messages()) {
    if (at == offsets.end() || at->first.partition != message.partition ||
        at->first.topic != message.topic)
      at = offsets.try_emplace({std::string(message.topic), message.partition}, 0).first;
    at->second = std::max(at->second, message.offset + 1);
  }
  return offsets;
}

bool is_secret(std::string_view property) { return kafka::is_secret(property); }

bool is_reference(std::string_view value) { return kafka::is_reference(value); }

Result<std::unique_ptr<Bus>> open(std::string_view url,
                                  const std::map<std::string, std::string>& properties) {
  constexpr std::string_view kEmbedded = "embedded:";
  constexpr std::string_view kKafka = "kafka://";
  if (url.starts_with(kEmbedded))
    return embedded::open(std::string(url.substr(kEmbedded.size())), properties);
  if (url.starts_with(kKafka))
    return kafka::open(std::string(url.substr(kKafka.size())), properties);
  return fail(ErrorCode::kInvalid,
              fmt::format("bus '{}': embedded:DIR or kafka://HOST:PORT,... is wanted", url));
}

}  // namespace tocsin::bus
