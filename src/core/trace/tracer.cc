// SPDX-License-Identifier: Apache-2.0
#include "core/trace/tracer.h"

#include <utility>

#include "base/check.h"
#include "core/trace/lane.h"

namespace tocsin::trace {
namespace {

class Impl final : public Tracer {
 public:
  explicit Impl(std::chrono::milliseconds close_timeout) : close_timeout_(close_timeout) {}

  ~Impl() override { flush(close_timeout_); }

  void add(std::unique_ptr<Exporter> exporter, const TracerOptions& options) {
    lanes_.push_back(std::make_unique<Lane>(std::move(exporter), options));
  }

  void record(std::vector<Span> spans) override {
    if (spans.empty() || lanes_.empty()) return;
    const auto chunk = std::make_shared<const std::vector<Span>>(std::move(spans));
    for (const auto& lane : lanes_) lane->put(chunk);
  }

  bool enabled() const override { return !lanes_.empty(); }

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
      sum.queued += one.queued;
    }
    return sum;
  }

 private:
  const std::chrono::milliseconds close_timeout_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

Result<std::unique_ptr<Tracer>> Tracer::open(TracerOptions options) {
  TOCSIN_CHECK(options.batch_spans_max > 0);
  auto tracer = std::make_unique<Impl>(options.close_timeout);
  const Resource resource = make_resource(options.service);
  for (const std::string& destination : options.destinations) {
    TOCSIN_TRY(auto exporter,
               open_exporter(destination, resource, options.service, options.request_timeout));
    tracer->add(std::move(exporter), options);
  }
  return std::unique_ptr<Tracer>(std::move(tracer));
}

}  // namespace tocsin::trace
