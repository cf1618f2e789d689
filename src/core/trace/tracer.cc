// SPDX-License-Identifier: Apache-2.0
#include "core/trace/tracer.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/check.h"
#include "core/trace/lane.h"
#include "core/trace/otlp.h"

namespace tocsin::trace {
namespace {

class Impl final : public Tracer {
 public:
  explicit Impl(const TracerOptions& options)
      : close_timeout_(options.close_timeout), sampler_(options.sampling) {}

  ~Impl() override { flush(close_timeout_); }

  void add(std::unique_ptr<Exporter> exporter, const TracerOptions& options) {
    lanes_.push_back(std::make_unique<Lane>(std::move(exporter), options));
  }

  void record(SpanChunk chunk) override {
    if (chunk.spans == 0 || !enabled()) return;
    const auto shared = std::make_shared<const SpanChunk>(std::move(chunk));
    for (const auto& lane : lanes_) lane->put(shared);
  }

  bool has_room() const override {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const auto& lane) { return lane->has_room(); });
  }
  void count_dropped(std::size_t spans) override {
    unmade_.fetch_add(spans * lanes_.size(), std::memory_order_relaxed);
  }

  bool enabled() const override { return !lanes_.empty() && !sampler_.off(); }
  const Sampler& sampler() const override { return sampler_; }

  bool flush(std::chrono::milliseconds timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    bool done = true;
    for (const auto& lane : lanes_) done = lane->flush(deadline) && done;
    return done;
  }

  TracerStats stats() const override {
    TracerStats sum;
    for (const auto& lane : lanes_) {
      const TracerStats one = lane->stats();
      sum.exported += one.exported;
      sum.dropped += one.dropped;
      sum.queue_full += one.queue_full;
      sum.rejected += one.rejected;
      sum.no_taker += one.no_taker;
      sum.queued += one.queued;
    }
    const std::uint64_t unmade = unmade_.load(std::memory_order_relaxed);
    sum.queue_full += unmade;
    sum.dropped += unmade;
    return sum;
  }

 private:
  const std::chrono::milliseconds close_timeout_;
  const Sampler sampler_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<std::uint64_t> unmade_{0};  // spans that nobody made, for want of room
};

}  // namespace

void Tracer::record(const std::vector<Span>& spans) {
  SpanChunk chunk;
  for (const Span& span : spans) {
    encode(chunk, span);
    if (chunk.bytes.size() >= SpanWriter::kChunkBytes) record(std::exchange(chunk, {}));
  }
  record(std::move(chunk));
}

Result<std::unique_ptr<Tracer>> Tracer::open(TracerOptions options) {
  TOCSIN_CHECK(options.batch_spans_max > 0);
  auto tracer = std::make_unique<Impl>(options);
  std::vector<Resource> resources = {make_resource(options.service, options.resource)};
  for (const std::string& service : options.other_services)
    resources.push_back(make_other_resource(service));
  for (const std::string& destination : options.destinations) {
    TOCSIN_TRY(auto exporter, open_exporter(destination, resources, options));
    tracer->add(std::move(exporter), options);
  }
  return std::unique_ptr<Tracer>(std::move(tracer));
}

}  // namespace tocsin::trace
