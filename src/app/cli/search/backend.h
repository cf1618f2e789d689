// SPDX-License-Identifier: Apache-2.0
//
// Backend: where `tocsin search` looks. One for each kind of store.
//
//   Request -> Backend::find() -> Found, latest first
//
// Threads: one. Errors: those of the store, by its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/result.h"
#include "stages/store/search/records.h"
#include "stages/store/sinks/opensearch/options.h"

namespace tocsin::cli::search {

struct Request {
  store::search::Query query;
  store::search::TimeRange range;
  bool verdicts = false;   // every event that was looked at, else alerts
  std::size_t limit = 50;  // 0: all
};

using Found = std::variant<store::search::AlertRecord, store::search::EventRecord>;

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual Result<std::int64_t> count(const Request& request) = 0;
  [[nodiscard]] virtual Status find(const Request& request,
                                    const std::function<void(const Found&)>& take) = 0;
};

// OpenSearch or Elasticsearch, as `tocsin store` fills it. It is not asked yet.
[[nodiscard]] Result<std::unique_ptr<Backend>> open_server(
    const store::opensearch::Options& options);

// tocsin.db. kNotFound when there is none; one of an older release is brought up to date.
[[nodiscard]] Result<std::unique_ptr<Backend>> open_database(const std::string& path);

}  // namespace tocsin::cli::search
