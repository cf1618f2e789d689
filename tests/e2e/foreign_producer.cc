// SPDX-License-Identifier: Apache-2.0
//
// A producer that knows nothing of Tocsin: plain lines, no key, no header.
//
//   stdin, a message a line -> this BUS TOPIC -> topic
//
// What kcat is for Kafka, for the embedded bus as well.
#include <cstdio>
#include <iostream>
#include <string>

#include "base/result.h"
#include "core/bus/bus.h"

namespace {

tocsin::Status send_lines(const char* url, const char* topic) {
  TOCSIN_TRY(const auto bus, tocsin::bus::open(url));
  TOCSIN_TRY_STATUS(bus->create_topic(topic, {}));
  TOCSIN_TRY(const auto producer, bus->open_producer({}));
  for (std::string line; std::getline(std::cin, line);) {
    tocsin::bus::Record record;
    record.value = std::move(line);
    TOCSIN_TRY_STATUS(producer->send(topic, record));
  }
  return producer->flush(tocsin::bus::Milliseconds(30'000));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: e2e_foreign_producer BUS TOPIC <LINES\n", stderr);
    return 2;
  }
  const tocsin::Status status = send_lines(argv[1], argv[2]);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
