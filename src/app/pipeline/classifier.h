// SPDX-License-Identifier: Apache-2.0
//
// Classifier: one event through normalize and match, to its verdict and alerts. What `detect` does
// to a message and `scan` to a line of a file.
//
//   JSON + EventSource -> Normalizer -> Matcher -> Verdict + Alert[]
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "core/event/verdict.h"
#include "core/sigma/taxonomy.h"
#include "core/trace/span.h"
#include "stages/match/engine.h"
#include "stages/normalize/normalizer.h"

namespace tocsin::pipeline {

// Where the event came from, as far as its carrier says. All may be empty.
struct EventSource {
  std::string_view event_id;     // header
  std::string_view traceparent;  // header
  std::string_view file_path;
  std::uint64_t line = 0;
  std::uint64_t record_id = 0;
  Uuid fallback_id;  // when neither header nor body identifies the event
};

struct Classification {
  Verdict verdict;
  std::vector<Alert> alerts;
  trace::Context parent;  // of the trace that the event came with; span kNoSpan when it had none
  bool repaired = false;
};

// Of which events the verdict is worth working out; of the others its timestamp only.
enum class Identify : std::uint8_t { kAll, kDetections };

// Ownership: shares the engine; the taxonomy must outlive it.
// Threads:   one thread.
class Classifier {
 public:
  Classifier(std::shared_ptr<const match::Engine> engine, const sigma::Taxonomy& taxonomy,
             Identify identify = Identify::kAll);
  ~Classifier();
  Classifier(Classifier&&) noexcept;

  // Fails with kInvalid on what is not a JSON object; `out` is reused.
  [[nodiscard]] Status classify(std::string_view json, const EventSource& source,
                                Classification& out);

  // What rules cost since the last call (match::Matcher::take_work), appended to `out`.
  void take_work(std::vector<match::Matcher::RuleWork>& out);
  [[nodiscard]] const match::Matcher::MemoUse& memo_use() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::pipeline
