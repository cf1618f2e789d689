// SPDX-License-Identifier: Apache-2.0
//
// LayerRuns: the life of an event inside one thread, cut off after each layer, so that the
// difference of two runs is the cost of one layer.
//
//   rules + events -> run(Layer) -> CPU nanoseconds for all events
//
// Only public headers are used, and whole passes are timed: what a layer keeps between events
// (memos, buffers) works as it does in the program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline/classifier.h"
#include "base/result.h"
#include "core/sigma/taxonomy.h"
#include "stages/match/engine.h"

namespace tocsin::bench {

enum class Layer : std::uint8_t {
  kNone,       // only what comes before the first event
  kRead,       // files to events
  kWalk,       // JSON parsed and walked, no field wanted
  kFields,     // + the fields that rules read
  kMatchCold,  // + matching; the memo begins empty, as in a new process
  kMatchWarm,  // + matching; the memo has seen these events before
  kVerdict,    // + identity, verdict and alerts (the memo begins empty)
  kOutput,     // + the text of verdicts and alerts
  kScan,       // all that a scan does: as kOutput, but only events with alerts get a verdict
};
inline constexpr Layer kLayers[] = {Layer::kNone,    Layer::kRead,      Layer::kWalk,
                                    Layer::kFields,  Layer::kMatchCold, Layer::kMatchWarm,
                                    Layer::kVerdict, Layer::kOutput,    Layer::kScan};
[[nodiscard]] const char* to_string(Layer layer);

// One event's cost from its bytes to the text of its alerts.
struct EventCost {
  std::size_t bytes = 0;
  std::uint64_t ns = UINT64_MAX;  // the least of some passes, each of which began with empty memos
  std::size_t alerts = 0;
};

// Threads: one thread.
class LayerRuns {
 public:
  // `rules` empty: the starter rules. Events of all files are held in memory.
  [[nodiscard]] static Result<LayerRuns> load(const std::vector<std::string>& rules,
                                              const std::vector<std::string>& files);

  // CPU nanoseconds of this thread. The first run of kMatchWarm warms the memo first, untimed.
  [[nodiscard]] std::uint64_t run(Layer layer);
  // What classify() costs for each event, in order; the memos are empty when a pass begins.
  [[nodiscard]] std::vector<EventCost> cost_of_each(int passes);

  [[nodiscard]] std::size_t events() const { return lines_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t rules() const { return engine_->rules().size(); }
  // Things counted on the way, so that no work can be left out by the compiler.
  [[nodiscard]] std::uint64_t witness() const { return witness_; }

 private:
  LayerRuns() = default;
  void read();
  void normalize(const FieldTable& fields, bool decode);
  void match(match::Matcher& matcher);
  void classify(pipeline::Classifier& classifier, bool output, bool verdicts);

  std::shared_ptr<const sigma::Taxonomy> taxonomy_;
  std::shared_ptr<const match::Engine> engine_;
  std::unique_ptr<match::Matcher> warm_;
  std::vector<std::string> files_;
  std::vector<std::string> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t witness_ = 0;
};

}  // namespace tocsin::bench
