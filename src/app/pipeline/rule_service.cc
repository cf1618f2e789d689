// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/rule_service.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <thread>

#include "app/pipeline/reload/change_report.h"
#include "base/log.h"

namespace tocsin::pipeline {
namespace {

// Matching goes first, but a busy machine must not put new rules off for minutes.
constexpr int kNice = 5;
constexpr FileWatch::Milliseconds kHandOverStep{20};

// Nothing of ours throws, but the library's file streams and allocations do: a disk that fails
// while rules are read must not end a detector that has good ones.
Result<std::shared_ptr<const RuleSnapshot>> load(RuleLibrary& library, RuleChanges& changes) {
  try {
    return library.load(changes);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot be read: {}", error.what()));
  }
}

}  // namespace

void yield_to_matching() {
  // On Linux a thread has a priority of its own.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
}

RuleService::RuleService(RuleLibrary& library, RuleSwitch& rules, RuleServiceOptions options)
    : library_(library), rules_(rules), options_(std::move(options)) {
  if (!options_.watched.empty()) watch_ = std::make_unique<FileWatch>(options_.watched);
}

void RuleService::turn(FileWatch::Milliseconds patience) {
  if (handing_over_ && rules_.collect()) tell_pause();
  const auto wait = handing_over_ ? std::min(patience, kHandOverStep) : patience;
  if (options_.asked && options_.asked()) {
    reload("asked to");
  } else if (watch_ == nullptr) {
    std::this_thread::sleep_for(wait);
  } else if (watch_->changed(wait)) {
    reload("files changed");
  }
  if (watch_ != nullptr && watch_->trouble() != told_trouble_) {
    told_trouble_ = watch_->trouble();
    log_warning("rules: {}; their files are looked at every {} s instead", told_trouble_,
                std::chrono::duration_cast<std::chrono::seconds>(FileWatch::kLookEvery).count());
  }
}

void RuleService::reload(const char* reason) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  rules_.measure(true);
  RuleChanges changes;
  const auto snapshot = load(library_, changes);
  if (!snapshot) {
    rules_.measure(false);
    if (options_.on_reload) options_.on_reload(nullptr);
    log_error("rules: {}; the rules in force stay", snapshot.error().message);
    return;
  }
  rules_.publish(*snapshot);
  handing_over_ = true;
  ++reloads_;
  if (options_.on_reload) options_.on_reload(&changes);
  const auto took = std::chrono::duration_cast<FileWatch::Milliseconds>(Clock::now() - start);
  log_changes(changes);
  log_info("rules reloaded ({}): {}; {} ms beside the matching", reason, summary_of(changes),
           took.count());
}

void RuleService::tell_pause() {
  handing_over_ = false;
  rules_.measure(false);
  log_info("rules: all {} workers have them; longest pause between two events {:.1f} ms",
           rules_.workers(), static_cast<double>(rules_.longest_gap_ns()) / 1e6);
}

}  // namespace tocsin::pipeline
