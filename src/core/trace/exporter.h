// SPDX-License-Identifier: Apache-2.0
//
// Exporter: one destination of spans. The tracer gives it one batch at a time and decides about
// retries.
//
//   Lane -> Exporter::encode(), send() -> HTTP collector | file | database
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace/otlp.h"
#include "core/trace/tracer.h"

namespace tocsin::trace {

struct Outcome {
  enum class Kind { kTaken, kRetry, kRefused };
  Kind kind = Kind::kTaken;
  std::size_t rejected = 0;                 // kTaken: spans that the collector did not want
  std::chrono::milliseconds retry_after{};  // kRetry: what the collector asked for; 0 when nothing
  std::string reason;                       // for the operator; empty when all went well
};

// Threads: one thread (its worker's), except cancel().
class Exporter {
 public:
  virtual ~Exporter() = default;
  // Prepares the batch; send() may then be called again and again. The chunks live until the next
  // encode().
  virtual void encode(ChunkRefs chunks) = 0;
  [[nodiscard]] virtual Outcome send() = 0;
  // Makes a send() under way come back soon. Thread-safe.
  virtual void cancel() {}
  // Names the destination for people; holds no secret.
  [[nodiscard]] virtual const std::string& describe() const = 0;
};

// By the form of `destination`, see TracerOptions.
[[nodiscard]] Result<std::unique_ptr<Exporter>> open_exporter(
    const std::string& destination, const std::vector<Resource>& resources,
    const TracerOptions& options);

[[nodiscard]] Result<std::unique_ptr<Exporter>> open_http_exporter(const std::string& url,
                                                                   std::vector<Resource> resources,
                                                                   const TracerOptions& options);
[[nodiscard]] Result<std::unique_ptr<Exporter>> open_file_exporter(const std::string& path,
                                                                   std::vector<Resource> resources);
[[nodiscard]] Result<std::unique_ptr<Exporter>> open_store_exporter(
    const std::string& path, const std::vector<Resource>& resources);

}  // namespace tocsin::trace
