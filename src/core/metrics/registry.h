// SPDX-License-Identifier: Apache-2.0
//
// Registry: the metric families of a process and their cells.
//
//   declare(families) -> counter(), gauge(), histogram() (cells), ask() (callbacks) -> scrape()
//
// Names, units and labels follow https://prometheus.io/docs/practices/naming/.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metrics/cells.h"

namespace tocsin::metrics {

enum class Kind : std::uint8_t { kCounter, kGauge, kHistogram };

// What a family is. Static: kept by address.
struct Family {
  std::string_view name;  // of a counter with its "_total"
  Kind kind;
  std::string_view help;           // one sentence
  std::span<const double> bounds;  // of a histogram
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// One line of a scrape, or one histogram.
struct Sample {
  Labels labels;
  double value = 0;
  std::optional<HistogramValue> histogram;
};

struct FamilySamples {
  const Family* family;
  std::vector<Sample> samples;  // sorted by labels, each set of labels once
};

// Takes what is known only when somebody asks.
class Answers {
 public:
  virtual ~Answers() = default;
  // Of a counter or a gauge. Values with the same labels are added up.
  virtual void add(const Family& family, Labels labels, double value) = 0;
};

// Ownership: owns the cells; they live as long as it does, also when the thread that counted is
// gone. Families must be static.
// Threads:   thread-safe. Making a cell and scraping take a lock, counting in a cell does not.
// Invariant: scrape() names every declared family, with or without samples.
class Registry {
 public:
  using Ask = std::function<void(Answers&)>;

  // `constant` labels stand on all samples of families whose name does not begin with "process_".
  explicit Registry(Labels constant = {}) : constant_(std::move(constant)) {}

  void declare(std::span<const Family* const> families);

  // A new cell each time; those with the same labels are added up. The family must be declared.
  [[nodiscard]] Counter& counter(const Family& family, Labels labels = {});
  [[nodiscard]] Gauge& gauge(const Family& family, Labels labels = {});
  [[nodiscard]] Histogram& histogram(const Family& family, Labels labels = {});

  // Withdraws the callback; waits for a scrape that is calling it.
  class Asking {
   public:
    Asking(Registry& registry, std::uint64_t id) : registry_(&registry), id_(id) {}
    Asking(Asking&& other) noexcept : registry_(std::exchange(other.registry_, nullptr)) {
      id_ = other.id_;
    }
    Asking& operator=(Asking&&) = delete;
    ~Asking();

   private:
    Registry* registry_;
    std::uint64_t id_ = 0;
  };
  // `ask` is called at each scrape, from the scraping thread, until what is returned is gone.
  [[nodiscard]] Asking ask(Ask ask);

  [[nodiscard]] std::vector<FamilySamples> scrape() const;

 private:
  template <class Cell>
  struct Labelled {
    template <class... Args>
    explicit Labelled(Labels l, Args... args) : labels(std::move(l)), cell(args...) {}
    Labels labels;
    Cell cell;
  };
  struct Cells {
    std::deque<Labelled<Counter>> counters;
    std::deque<Labelled<Gauge>> gauges;
    std::deque<Labelled<Histogram>> histograms;
  };
  class Collected;

  [[nodiscard]] Cells& cells_of(const Family& family, Kind kind);

  const Labels constant_;
  mutable std::mutex mutex_;
  std::vector<const Family*> families_;  // in order of name
  std::map<const Family*, Cells> cells_;
  std::map<std::uint64_t, Ask> asks_;
  std::uint64_t next_ask_ = 0;
};

}  // namespace tocsin::metrics
