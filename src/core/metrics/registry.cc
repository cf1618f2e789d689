// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/registry.h"

#include <algorithm>

#include "base/check.h"

namespace tocsin::metrics {
namespace {

void add_up(HistogramValue& sum, const HistogramValue& more) {
  for (std::size_t i = 0; i < sum.counts.size(); ++i) {
    sum.counts[i] += more.counts[i];
    const std::optional<Exemplar>& theirs = more.exemplars[i];
    std::optional<Exemplar>& ours = sum.exemplars[i];
    if (theirs && (!ours || ours->time < theirs->time)) ours = theirs;
  }
  sum.sum += more.sum;
}

}  // namespace

// The samples of one scrape, equal labels added up.
class Registry::Collected final : public Answers {
 public:
  Collected(const std::vector<const Family*>& families, const Labels& constant)
      : families_(families), constant_(constant), samples_(families.size()) {}

  void add(const Family& family, Labels labels, double value) override {
    find(family, std::move(labels)).value += value;
  }

  void add(const Family& family, Labels labels, HistogramValue value) {
    Sample& sample = find(family, std::move(labels));
    if (sample.histogram)
      add_up(*sample.histogram, value);
    else
      sample.histogram = std::move(value);
  }

  std::vector<FamilySamples> finish() {
    std::vector<FamilySamples> all;
    for (std::size_t i = 0; i < families_.size(); ++i) {
      FamilySamples& one = all.emplace_back(FamilySamples{families_[i], {}});
      for (auto& [labels, sample] : samples_[i]) one.samples.push_back(std::move(sample));
    }
    return all;
  }

 private:
  Sample& find(const Family& family, Labels labels) {
    const auto at = std::find(families_.begin(), families_.end(), &family);
    TOCSIN_CHECK(at != families_.end());
    if (!family.name.starts_with("process_"))
      labels.insert(labels.begin(), constant_.begin(), constant_.end());
    Sample& sample = samples_[static_cast<std::size_t>(at - families_.begin())][labels];
    if (sample.labels.empty()) sample.labels = std::move(labels);
    return sample;
  }

  const std::vector<const Family*>& families_;
  const Labels& constant_;
  std::vector<std::map<Labels, Sample>> samples_;
};

void Registry::declare(std::span<const Family* const> families) {
  const std::lock_guard lock(mutex_);
  families_.insert(families_.end(), families.begin(), families.end());
  std::sort(families_.begin(), families_.end(),
            [](const Family* a, const Family* b) { return a->name < b->name; });
  const auto twice =
      std::adjacent_find(families_.begin(), families_.end(),
                         [](const Family* a, const Family* b) { return a->name == b->name; });
  TOCSIN_CHECK(twice == families_.end());
}

Registry::Cells& Registry::cells_of(const Family& family, Kind kind) {
  TOCSIN_CHECK(family.kind == kind);
  TOCSIN_CHECK(std::find(families_.begin(), families_.end(), &family) != families_.end());
  return cells_[&family];
}

Counter& Registry::counter(const Family& family, Labels labels) {
  const std::lock_guard lock(mutex_);
  return cells_of(family, Kind::kCounter).counters.emplace_back(std::move(labels)).cell;
}

Gauge& Registry::gauge(const Family& family, Labels labels) {
  const std::lock_guard lock(mutex_);
  return cells_of(family, Kind::kGauge).gauges.emplace_back(std::move(labels)).cell;
}

Histogram& Registry::histogram(const Family& family, Labels labels) {
  const std::lock_guard lock(mutex_);
  return cells_of(family, Kind::kHistogram)
      .histograms.emplace_back(std::move(labels), family.bounds)
      .cell;
}

Registry::Asking Registry::ask(Ask ask) {
  const std::lock_guard lock(mutex_);
  asks_.emplace(next_ask_, std::move(ask));
  return {*this, next_ask_++};
}

Registry::Asking::~Asking() {
  if (registry_ == nullptr) return;
  const std::lock_guard lock(registry_->mutex_);
  registry_->asks_.erase(id_);
}

std::vector<FamilySamples> Registry::scrape() const {
  const std::lock_guard lock(mutex_);
  Collected collected(families_, constant_);
  for (const auto& [family, cells] : cells_) {
    for (const auto& [labels, cell] : cells.counters)
      collected.add(*family, labels, static_cast<double>(cell.value()));
    for (const auto& [labels, cell] : cells.gauges) collected.add(*family, labels, cell.value());
    for (const auto& [labels, cell] : cells.histograms)
      collected.add(*family, labels, cell.value());
  }
  for (const auto& [id, ask] : asks_) ask(collected);
  return collected.finish();
}

}  // namespace tocsin::metrics
