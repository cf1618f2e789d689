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
  // Where it lies on the bus: tells its id when neither header nor body does.
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;

  // Nil for an event that lies in no topic.
  [[nodiscard]] Uuid fallback_id() const;
};

// What belongs to an event's verdict.
struct Findings {
  std::vector<Alert> alerts;
  trace::Context parent;  // of the trace that the event came with; span kNoSpan when it had none
  bool repaired = false;
  bool known = true;  // false: nothing tells what kind of event it is
};

struct Classification : Findings {
  Verdict verdict;
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

  // Fails with kInvalid on what is not a JSON object; `verdict` and `out` are reused: what they
  // hold is overwritten in place. Truth and latency are not known here and left as they are.
  [[nodiscard]] Status classify(std::string_view json, const EventSource& source, Verdict& verdict,
                                Findings& out);
  [[nodiscard]] Status classify(std::string_view json, const EventSource& source,
                                Classification& out) {
    return classify(json, source, out.verdict, out);
  }

  // What rules cost since the last call (match::Matcher::take_work), appended to `out`.
  void take_work(std::vector<match::Matcher::RuleWork>& out);
  [[nodiscard]] const match::Matcher::MemoUse& memo_use() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::pipeline
