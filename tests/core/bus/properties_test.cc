// SPDX-License-Identifier: Apache-2.0
//
// Secrets of the Kafka bus, and what is said about librdkafka's words. No broker is needed.
#include "core/bus/kafka/properties.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/bus/bus.h"
#include "core/bus/kafka/advice.h"
#include "core/bus/kafka/health.h"

namespace tocsin::bus::kafka {
namespace {

namespace fs = std::filesystem;

TEST_CASE("kafka properties: which are secrets") {
  for (const char* name : {"sasl.password", "ssl.key.password", "ssl.keystore.password",
                           "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config",
                           "ssl.key.pem", "SASL.PASSWORD"})
    CHECK_MESSAGE(is_secret(name), name);
  for (const char* name : {"sasl.username", "sasl.mechanisms", "ssl.ca.location",
                           "sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.method"})
    CHECK_MESSAGE(!is_secret(name), name);
}

TEST_CASE("kafka properties: values that stand in a file or a variable") {
  const fs::path file = fs::temp_directory_path() / fmt::format("tocsin-secret-{}", getpid());
  std::ofstream(file, std::ios::binary) << "hunter2 \r\n";
  CHECK(resolve("sasl.password", "file:" + file.string()).value() == "hunter2 ");
  std::ofstream(file, std::ios::binary) << "two\n\n";
  CHECK(resolve("sasl.password", "file:" + file.string()).value() == "two\n");
  fs::remove(file);
  const auto missing = resolve("sasl.password", "file:" + file.string());
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::kInvalid);
  CHECK(missing.error().message.find("sasl.password") != std::string::npos);
  CHECK(missing.error().message.find(file.string()) != std::string::npos);

  setenv("TOCSIN_TEST_SECRET", "from-there", 1);
  CHECK(resolve("sasl.password", "env:TOCSIN_TEST_SECRET").value() == "from-there");
  unsetenv("TOCSIN_TEST_SECRET");
  CHECK(!resolve("sasl.password", "env:TOCSIN_TEST_SECRET"));
  CHECK(resolve("sasl.password", "plain:text").value() == "plain:text");
}

TEST_CASE("kafka properties: a refused value that came from a file is not told") {
  setenv("TOCSIN_TEST_SECRET", "hunter2", 1);
  const auto bus = open("kafka://127.0.0.1:1", {{"security.protocol", "env:TOCSIN_TEST_SECRET"}});
  unsetenv("TOCSIN_TEST_SECRET");
  REQUIRE(!bus);
  CHECK(bus.error().message.find("security.protocol") != std::string::npos);
  CHECK(bus.error().message.find("hunter2") == std::string::npos);
  const auto absent = open("kafka://127.0.0.1:1", {{"sasl.password", "env:TOCSIN_TEST_SECRET"}});
  REQUIRE(!absent);
  CHECK(absent.error().message.find("TOCSIN_TEST_SECRET") != std::string::npos);
}

TEST_CASE("kafka advice: the same trouble is told once, with what to do") {
  const std::string words =
      "sasl_ssl://b:1/bootstrap: SASL authentication error: Authentication failed during "
      "authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 302ms in "
      "state AUTH_REQ, 4 identical error(s) suppressed)";
  CHECK(steady_reason(words).ends_with("SCRAM-SHA-512"));
  const bool old = rd_kafka_version() < 0x020601ff;
  CHECK((advice_for(words).find("before 2.6.1") != std::string::npos) == old);
  CHECK(advice_for("certificate verify failed").find("ssl.ca.location") != std::string::npos);
  CHECK(advice_for("all is well").empty());
}

TEST_CASE("kafka health: releases by their newest Produce request") {
  CHECK(release_of(-1).empty());
  CHECK(release_of(11) == "3.8 or 3.9");
  CHECK(release_of(12) == "4.0");
  CHECK(release_of(13) == "4.1 or newer");
}

}  // namespace
}  // namespace tocsin::bus::kafka
