// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/rule_desk.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "app/pipeline/reload/file_watch.h"
#include "app/pipeline/rule_service.h"
#include "app/pipeline/tuning/apply.h"
#include "base/log.h"

namespace tocsin::console {
namespace {

constexpr pipeline::FileWatch::Milliseconds kPatience{300};

Result<std::shared_ptr<const RuleView>> load(const pipeline::RuleSources& sources) {
  TOCSIN_TRY(sigma::RuleSet set, sources.rules());
  TOCSIN_TRY(const pipeline::Tuning tuning, sources.tuning());
  auto view = std::make_shared<RuleView>();
  view->taxonomy = sources.taxonomy;
  const std::vector<sigma::Rule> written = set.rules;
  pipeline::AppliedTuning applied = pipeline::apply_tuning(tuning, set.rules);
  view->diagnostics = std::move(set.diagnostics);
  std::move(applied.warnings.begin(), applied.warnings.end(),
            std::back_inserter(view->diagnostics));
  // Disabled rules were taken out; the console shows them all the same.
  std::unordered_map<std::string, sigma::Rule*> in_force;
  for (sigma::Rule& rule : set.rules) in_force[rule.id] = &rule;
  for (const sigma::Rule& rule : written) {
    const auto found = in_force.find(rule.id);
    const bool enabled = found != in_force.end();
    view->by_id[rule.id] = view->rules.size();
    view->rules.push_back(enabled ? std::move(*found->second) : rule);
    view->enabled.push_back(enabled);
  }
  return view;
}

}  // namespace

const sigma::Rule* RuleView::find(const std::string& id) const {
  const auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : &rules[found->second];
}

RuleDesk::RuleDesk(pipeline::RuleSources sources, std::vector<std::string> watched)
    : sources_(std::move(sources)), watched_(std::move(watched)) {
  thread_ = std::thread([this] { run(); });
}

RuleDesk::~RuleDesk() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status RuleDesk::reload() {
  const std::lock_guard one(loading_);
  auto loaded = load(sources_);
  const std::lock_guard lock(mutex_);
  if (loaded) {
    view_ = *std::move(loaded);
    trouble_.reset();
  } else {
    trouble_ = loaded.error();
  }
  changed_.notify_all();
  if (loaded) return {};
  return tl::unexpected<Error>(loaded.error());
}

void RuleDesk::run() {
  pipeline::yield_to_matching();
  pipeline::FileWatch watch(watched_);
  bool again = true;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (again)
      if (const Status loaded = reload(); !loaded)
        log_warning("console: rules: {}", loaded.error().message);
    again = watch.changed(kPatience);
    lock.lock();
  }
}

Result<std::shared_ptr<const RuleView>> RuleDesk::current() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return view_ != nullptr || trouble_ || stopping_; });
  if (view_ != nullptr) return view_;
  if (trouble_) return tl::unexpected<Error>(*trouble_);
  return fail(ErrorCode::kUnavailable, "the rules are not loaded yet");
}

}  // namespace tocsin::console
