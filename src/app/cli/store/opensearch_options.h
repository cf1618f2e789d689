// SPDX-License-Identifier: Apache-2.0
//
// --opensearch-...: how a server is spoken to, for those who write there and those who look.
//
//   options, environment -> connected_to(URL,URL) -> store::opensearch::Options
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "stages/store/sinks/opensearch/options.h"

namespace tocsin::cli {

inline constexpr const char* kOpenSearchGroup = "OpenSearch and Elasticsearch";

// User, where secrets are, certificates, the prefix of names.
void add_connection_options(CLI::App& command, store::opensearch::Options& options);

// `target`: one URL or more, with commas between. Secrets that were not named are looked for in the
// environment.
[[nodiscard]] store::opensearch::Options connected_to(const std::string& target,
                                                      store::opensearch::Options options);

}  // namespace tocsin::cli
