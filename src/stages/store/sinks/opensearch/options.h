// SPDX-License-Identifier: Apache-2.0
//
// What a site says about its OpenSearch or Elasticsearch.
//
//   options of the command -> Options -> HttpClient, sink, setup
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace tocsin::store::opensearch {

// Secrets are named, not given: `env:NAME` or `file:PATH`. They are read when they are needed, and
// again when the server refuses them, so that a rotated file is taken up.
struct Credentials {
  std::string user;
  std::string password;  // a reference
  std::string api_key;   // a reference; wins over user and password
};

struct Options {
  std::vector<std::string>
      hosts;  // http://HOST:PORT or https://HOST:PORT/PATH; any of them will do
  Credentials credentials;
  std::string ca_file;      // PEM; empty: the system's authorities
  std::string certificate;  // PEM of ours, for mutual TLS
  std::string key;
  std::string prefix = "tocsin";  // of the names of indices, templates and policies
  bool set_up = true;             // templates and the policy that are missing are made
  int retention_days = 90;        // of daily indices; 0: the sites' own affair
  bool detections_only = false;   // of the verdicts
  bool gzip = false;
  std::size_t body_bytes_max = 5u << 20;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{60'000};
  std::chrono::milliseconds first_pause{250};  // before what a busy server put off is sent again
};

}  // namespace tocsin::store::opensearch
