// SPDX-License-Identifier: Apache-2.0
//
// Sysmon's events: one function each. The actor's host is where it is logged.
#pragma once

#include <cstdint>
#include <string_view>

#include "stages/produce/synthetic/log/timeline.h"

namespace tocsin::synthetic::sysmon {

void process_created(World& world, UnixNanos at, const Process& process, const Process& parent);
void process_ended(World& world, UnixNanos at, const Process& process);

struct Endpoint {
  std::string_view ip;
  std::string_view name;  // "-" when unknown
  std::uint32_t port = 0;
};
struct Connection {
  Endpoint source;
  Endpoint destination;
  std::string_view protocol = "tcp";
  bool initiated = true;
};
void network(World& world, UnixNanos at, const Process& actor, const Connection& connection);
void dns_query(World& world, UnixNanos at, const Process& actor, std::string_view name,
               std::string_view results, int status = 0);

// A signed file carries Microsoft's signature, an unsigned one no version resource either.
void image_loaded(World& world, UnixNanos at, const Process& actor, std::string_view path,
                  bool is_signed);
void driver_loaded(World& world, UnixNanos at, Host& host, std::string_view path,
                   std::string_view signature);
void remote_thread(World& world, UnixNanos at, const Process& source, const Process& target,
                   std::string_view module, std::string_view function);
void raw_read(World& world, UnixNanos at, const Process& actor, std::string_view device);
void process_access(World& world, UnixNanos at, const Process& source, const Process& target,
                    std::uint64_t mask, std::string_view call_trace);
void tampering(World& world, UnixNanos at, const Process& actor, std::string_view type);

void file_created(World& world, UnixNanos at, const Process& actor, std::string_view path);
void file_deleted(World& world, UnixNanos at, const Process& actor, std::string_view path);
void file_stream(World& world, UnixNanos at, const Process& actor, std::string_view path,
                 std::string_view contents);
void registry_key(World& world, UnixNanos at, const Process& actor, std::string_view type,
                  std::string_view key);
void registry_value(World& world, UnixNanos at, const Process& actor, std::string_view key,
                    std::string_view details);
void pipe(World& world, UnixNanos at, const Process& actor, std::string_view name, bool created);
void wmi_filter(World& world, UnixNanos at, const Process& actor, std::string_view name,
                std::string_view query);
void wmi_consumer(World& world, UnixNanos at, const Process& actor, std::string_view name,
                  std::string_view type, std::string_view destination);
void wmi_binding(World& world, UnixNanos at, const Process& actor, std::string_view consumer,
                 std::string_view filter);

}  // namespace tocsin::synthetic::sysmon
