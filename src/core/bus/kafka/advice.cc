// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/advice.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace tocsin::bus::kafka {
namespace {

// From this release on SCRAM sends the nonce that RFC 5802 wants; brokers insist since 4.0.
constexpr int kScramMended = 0x020601ff;

bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

std::string about_credentials(std::string_view reason) {
  std::string text = "is user and password right, and known to the broker for this mechanism?";
  if (holds(reason, "SCRAM") && rd_kafka_version() < kScramMended)
    text += fmt::format(
        " Brokers from Kafka 4.0 on also refuse the right password when SCRAM comes from a "
        "librdkafka before 2.6.1, and this one is {}: use PLAIN over TLS or mutual TLS, or build "
        "with a newer librdkafka (docs/kafka.md)",
        rd_kafka_version_str());
  return text;
}

}  // namespace

std::string steady_reason(std::string_view reason) {
  const std::size_t timing = reason.find(" (after ");
  return std::string(reason.substr(0, timing));
}

std::string advice_for(std::string_view reason) {
  if (holds(reason, "invalid credentials") || holds(reason, "Authentication failed"))
    return about_credentials(reason);
  if (holds(reason, "Unsupported SASL mechanism") || holds(reason, "UNSUPPORTED_SASL_MECHANISM"))
    return "the broker's sasl.enabled.mechanisms lacks this sasl.mechanisms";
  if (holds(reason, "idempotence PID") && holds(reason, "Cluster authorization failed"))
    return "the broker's ACLs must allow this user Write on the topic (brokers before 3.0: "
           "IdempotentWrite on the cluster)";
  if (holds(reason, "certificate verify failed"))
    return "does ssl.ca.location name the authority of the broker's certificate, and does the "
           "certificate name the host as --bus does?";
  if (holds(reason, "certificate required") || holds(reason, "bad certificate") ||
      holds(reason, "unknown ca") || holds(reason, "certificate_required"))
    return "the broker wants a certificate of ours that it trusts: ssl.certificate.location and "
           "ssl.key.location";
  if (holds(reason, "SSL handshake failed") || holds(reason, "SSL_HANDSHAKE"))
    return "is that port a TLS listener, and does it ask for a client certificate "
           "(ssl.certificate.location, ssl.key.location)?";
  return {};
}

}  // namespace tocsin::bus::kafka
