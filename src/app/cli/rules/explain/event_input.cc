// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/explain/event_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/command.h"
#include "stages/produce/files/files.h"

namespace tocsin::cli::rules {
namespace {

// How well an event serves as the example; the first of the best is taken.
enum class Fit : std::uint8_t { kNone, kAny, kRead, kMatch };

std::uint64_t number_of(const Origin& origin) {
  return origin.line != 0 ? origin.line : origin.record_id;
}

std::string place_of(const Origin& origin) {
  if (origin.line != 0) return fmt::format("{}:{}", origin.path, origin.line);
  if (origin.record_id != 0) return fmt::format("{} record {}", origin.path, origin.record_id);
  return origin.path;
}

class Search {
 public:
  Search(const EventChoice& choice, RuleTrial& trial) : choice_(choice), trial_(trial) {}

  // False: no better event can come.
  bool take(const RawEvent& event) {
    if (choice_.number != 0 && number_of(event.origin) != choice_.number) return true;
    if (const Status status = trial_.take(event.json); !status) {
      if (trouble_.empty())
        trouble_ = fmt::format("{}: {}", place_of(event.origin), status.error().message);
      return true;
    }
    ++looked_at_;
    const bool match = trial_.matches();
    matching_ += match;
    keep(event, match ? Fit::kMatch : trial_.reads() ? Fit::kRead : Fit::kAny);
    return choice_.number == 0;
  }

  void take(const produce::Problem& problem) {
    if (!trouble_.empty()) return;
    trouble_ = problem.message.starts_with(problem.origin.path)
                   ? problem.message
                   : fmt::format("{}: {}", problem.origin.path, problem.message);
  }

  Result<ExplainedEvent> finish() {
    if (best_fit_ == Fit::kNone) {
      if (!trouble_.empty()) return fail(ErrorCode::kInvalid, trouble_);
      if (choice_.number != 0)
        return fail(ErrorCode::kNotFound, fmt::format("{}: there is no event at line or record {}",
                                                      choice_.path, choice_.number));
      return fail(ErrorCode::kInvalid, choice_.path + ": holds no event");
    }
    TOCSIN_TRY_STATUS(trial_.take(best_.json));
    ExplainedEvent out;
    out.place = place_of(best_.origin);
    out.looked_at = looked_at_;
    out.matching = matching_;
    trial_.describe(out);
    return out;
  }

 private:
  void keep(const RawEvent& event, Fit fit) {
    if (fit <= best_fit_) return;
    best_fit_ = fit;
    best_ = event;
  }

  const EventChoice& choice_;
  RuleTrial& trial_;
  RawEvent best_;
  Fit best_fit_ = Fit::kNone;
  std::string trouble_;
  std::uint64_t looked_at_ = 0, matching_ = 0;
};

}  // namespace

Result<ExplainedEvent> choose_event(const EventChoice& choice, RuleTrial& trial) {
  TOCSIN_TRY(const std::unique_ptr<produce::Source> source,
             produce::open_files({choice.path}, {produce::Format::kAuto}));
  Search search(choice, trial);
  RawEvent event;
  produce::Problem problem;
  while (!stop_requested()) {
    const produce::Next next = source->next(event, problem);
    if (next == produce::Next::kEnd) break;
    if (next == produce::Next::kProblem) search.take(problem);
    if (next == produce::Next::kEvent && !search.take(event)) break;
  }
  return search.finish();
}

}  // namespace tocsin::cli::rules
