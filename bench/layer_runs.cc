// SPDX-License-Identifier: Apache-2.0
#include "layer_runs.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include "app/pipeline/classifier.h"
#include "core/sigma/rule_set.h"
#include "stages/normalize/normalizer.h"
#include "stages/produce/files/files.h"

namespace tocsin::bench {
namespace {

std::uint64_t cpu_now_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

template <class Take>
Status for_events(const std::vector<std::string>& files, Take&& take) {
  TOCSIN_TRY(const std::unique_ptr<produce::Source> source, produce::open_files(files, {}));
  RawEvent event;
  produce::Problem problem;
  for (;;) {
    const produce::Next next = source->next(event, problem);
    if (next == produce::Next::kEnd) return {};
    if (next == produce::Next::kEvent) take(event);
    if (next == produce::Next::kProblem && problem.code == "file.unreadable")
      return fail(ErrorCode::kNotFound, problem.origin.path + ": " + problem.message);
  }
}

pipeline::EventSource source_of(std::uint64_t line) {
  pipeline::EventSource source;
  source.file_path = "bench.jsonl";
  source.line = line;
  return source;
}

std::size_t write(const pipeline::Classification& result, bool verdict, std::string& out) {
  for (const Alert& alert : result.alerts) append_json(out, alert);
  if (verdict) append_csv(out, result.verdict);
  const std::size_t size = out.size();
  if (size > (1u << 16)) out.clear();
  return size;
}

}  // namespace

const char* to_string(Layer layer) {
  static constexpr const char* kNames[] = {
      "none", "read", "walk", "fields", "match-cold", "match-warm", "verdict", "output", "scan"};
  return kNames[static_cast<std::size_t>(layer)];
}

Result<LayerRuns> LayerRuns::load(const std::vector<std::string>& rules,
                                  const std::vector<std::string>& files) {
  LayerRuns runs;
  sigma::RuleSet set;
  if (rules.empty()) {
    set = sigma::built_in_rules();
  } else {
    TOCSIN_TRY(set, sigma::load_rules(rules));
  }
  if (set.rules.empty()) return fail(ErrorCode::kInvalid, "no rules there: give --rules a folder");
  runs.taxonomy_ = std::make_shared<const sigma::Taxonomy>(sigma::Taxonomy::built_in());
  runs.engine_ = match::Engine::build(std::move(set.rules), *runs.taxonomy_);
  runs.files_ = files;
  TOCSIN_TRY_STATUS(for_events(files, [&](const RawEvent& event) {
    runs.lines_.emplace_back(event.json);
    runs.bytes_ += runs.lines_.back().size();
  }));
  if (runs.lines_.empty()) return fail(ErrorCode::kInvalid, "no events in the files given");
  return runs;
}

void LayerRuns::read() {
  const Status status =
      for_events(files_, [this](const RawEvent& event) { witness_ += event.json.size(); });
  if (!status) ++witness_;  // load() has read the same files and told
}

void LayerRuns::normalize(const FieldTable& fields, bool decode) {
  normalize::Normalizer normalizer(*taxonomy_, fields, {.decode = decode});
  NormalizedEvent event;
  for (const std::string& line : lines_)
    if (normalizer.normalize(line, event))
      witness_ += event.route + static_cast<std::uint64_t>(std::count_if(
                                    event.values.begin(), event.values.end(),
                                    [](const FieldValue& v) { return v.field != kNoField; }));
}

void LayerRuns::match(match::Matcher& matcher) {
  normalize::Normalizer normalizer(*taxonomy_, engine_->fields(), {.decode = false});
  NormalizedEvent event;
  for (const std::string& line : lines_)
    if (normalizer.normalize(line, event)) witness_ += matcher.match(event).size();
}

void LayerRuns::classify(pipeline::Classifier& classifier, bool output, bool verdicts) {
  pipeline::Classification result;
  std::string out;
  std::uint64_t line = 0;
  for (const std::string& json : lines_) {
    if (!classifier.classify(json, source_of(++line), result)) continue;
    witness_ += result.alerts.size();
    if (output) witness_ += write(result, verdicts, out);
  }
}

std::uint64_t LayerRuns::run(Layer layer) {
  if (layer == Layer::kMatchWarm && warm_ == nullptr) {
    warm_ = std::make_unique<match::Matcher>(engine_);
    match(*warm_);
  }
  // Its memories are made and cleared at the start of a program, not for events.
  std::optional<pipeline::Classifier> classifier;
  if (layer == Layer::kVerdict || layer == Layer::kOutput)
    classifier.emplace(engine_, *taxonomy_);
  else if (layer == Layer::kScan)
    classifier.emplace(engine_, *taxonomy_, pipeline::Identify::kDetections);
  std::optional<match::Matcher> matcher;
  if (layer == Layer::kMatchCold) matcher.emplace(engine_);
  const std::uint64_t begin = cpu_now_ns();
  switch (layer) {
    case Layer::kNone:
      break;
    case Layer::kRead:
      read();
      break;
    case Layer::kWalk:
      normalize(FieldTable{}, false);
      break;
    case Layer::kFields:
      normalize(engine_->fields(), false);
      break;
    case Layer::kMatchCold:
      match(*matcher);
      break;
    case Layer::kMatchWarm:
      match(*warm_);
      break;
    case Layer::kVerdict:
      classify(*classifier, false, true);
      break;
    case Layer::kOutput:
      classify(*classifier, true, true);
      break;
    case Layer::kScan:
      read();
      classify(*classifier, true, false);
      break;
  }
  return cpu_now_ns() - begin;
}

std::vector<EventCost> LayerRuns::cost_of_each(int passes) {
  std::vector<EventCost> costs(lines_.size());
  std::string out;
  for (int pass = 0; pass < passes; ++pass) {
    pipeline::Classifier classifier(engine_, *taxonomy_);
    pipeline::Classification result;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      EventCost& cost = costs[i];
      const std::uint64_t begin = cpu_now_ns();
      if (classifier.classify(lines_[i], source_of(i + 1), result)) {
        witness_ += write(result, true, out);
        cost.alerts = result.alerts.size();
      }
      cost.ns = std::min(cost.ns, cpu_now_ns() - begin);
      cost.bytes = lines_[i].size();
    }
  }
  return costs;
}

}  // namespace tocsin::bench
