// SPDX-License-Identifier: Apache-2.0
//
// bench_search: what a full tocsin.db costs to write, to keep, and to search.
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <random>
#include <vector>

#include "stages/store/search/archive.h"
#include "store_fill.h"

namespace {

using namespace tocsin;
using namespace tocsin::store::search;

constexpr std::int64_t kHour = 3'600'000'000'000;

double bytes_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<double>(status.st_size) : 0;
}

// Searches as people make them, each time with other values.
class Searches {
 public:
  Searches(const Archive& archive, const bench::FillPlan& plan) : archive_(archive), plan_(plan) {}

  bool run(int rounds) {
    fmt::print("{:<44} {:>8} {:>8} {:>8} {:>8} {:>9}\n", "milliseconds", "p50", "p95", "cpu p50",
               "cpu p95", "found");
    page(rounds, "latest 50", [&] { return AlertFilter(); });
    page(rounds, "text, common: powershell", [&] { return query("powershell"); });
    page(rounds, "text, rare: user123 appdata 4711",
         [&] { return query(fmt::format("\"appdata {}\"", any(5'000))); });
    page(rounds, "text and level: dump level:>=high", [&] { return query("dump level:>=high"); });
    page(rounds, "host", [&] { return query(fmt::format("host:ws{:04}", any(plan_.hosts))); });
    page(rounds, "rule", [&] { return query("rule:" + bench::rule_id(any(plan_.rules))); });
    page(rounds, "tactic", [&] { return query("tactic:credential-access"); });
    page(rounds, "technique, host and not a tool", [&] {
      return query(fmt::format("technique:T1{:03} host:ws{:04} -rundll32", any(120), any(30)));
    });
    page(rounds, "host prefix: host:ws001*", [&] { return query("host:ws001*"); });
    page(rounds, "24 hours", [&] { return within(AlertFilter(), 24); });
    page(rounds, "tactic in 24 hours", [&] { return within(query("tactic:discovery"), 24); });
    page(rounds, "status: new", [&] {
      AlertFilter filter;
      filter.statuses = {"new"};
      return filter;
    });
    overview(rounds, "overview, all", [&] { return AlertFilter(); });
    overview(rounds, "overview, 24 hours", [&] { return within(AlertFilter(), 24); });
    overview(rounds, "overview, 7 days", [&] { return within(AlertFilter(), 168); });
    overview(rounds, "overview of a host, 24 hours",
             [&] { return within(query(fmt::format("host:ws{:04}", any(plan_.hosts))), 24); });
    groups(rounds, "groups by rule, 24 hours", GroupBy::kRule);
    groups(rounds, "incidents, 24 hours", GroupBy::kIncident);
    verdicts(rounds, "verdicts: host", [&] { return query(host()); });
    verdicts(rounds, "verdicts: host and code in 24 hours",
             [&] { return within(query(host() + " code:4"), 24); });
    verdicts(rounds, "verdicts: one hour", [&] { return within(AlertFilter(), 1); });
    verdicts(rounds, "verdicts: rule",
             [&] { return query("rule:" + bench::rule_id(any(plan_.rules))); });
    verdicts(rounds, "verdicts: class", [&] { return query("class:discovery"); });
    return ok_;
  }

 private:
  unsigned any(unsigned count) { return static_cast<unsigned>(random_() % count); }
  std::string host() { return fmt::format("host:ws{:04}", any(plan_.hosts)); }

  static AlertFilter query(const std::string& text) {
    AlertFilter filter;
    filter.query = *parse_query(text, 0);
    return filter;
  }

  AlertFilter within(AlertFilter filter, unsigned hours) {
    const std::int64_t back = any(plan_.days * 24 - hours) * kHour + any(3'600) * (kHour / 3'600);
    filter.range.to = plan_.end - back;
    filter.range.from = *filter.range.to - hours * kHour;
    return filter;
  }

  // `one` gives how much was found, or -1.
  void measure(int rounds, const char* name, const std::function<std::int64_t()>& one) {
    std::vector<double> times, processor;
    std::int64_t found = 0;
    for (int i = 0; i < rounds; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const double busy = processor_ms();
      found = one();
      processor.push_back(processor_ms() - busy);
      times.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count());
      ok_ = ok_ && found >= 0;
    }
    const auto rank = [](std::vector<double>& values, std::size_t percent) {
      std::sort(values.begin(), values.end());
      return values[(values.size() - 1) * percent / 100];
    };
    fmt::print("{:<44} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>9}\n", name, rank(times, 50),
               rank(times, 95), rank(processor, 50), rank(processor, 95), found);
    std::fflush(stdout);
  }

  // Of this thread: what a search costs however busy the machine is.
  static double processor_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  }

  template <class Value, class Size>
  static std::int64_t size_or_fail(const Result<Value>& result, Size&& size) {
    if (result) return static_cast<std::int64_t>(size(*result));
    std::fprintf(stderr, "bench_search: %s\n", result.error().message.c_str());
    return -1;
  }

  void page(int rounds, const char* name, const std::function<AlertFilter()>& filter) {
    measure(rounds, name, [&] {
      return size_or_fail(archive_.alerts(filter(), {}), [](const auto& p) { return p.total; });
    });
  }
  void overview(int rounds, const char* name, const std::function<AlertFilter()>& filter) {
    measure(rounds, name, [&] {
      return size_or_fail(archive_.overview(filter()), [](const auto& o) { return o.alerts; });
    });
  }
  void groups(int rounds, const char* name, GroupBy by) {
    measure(rounds, name, [&] {
      return size_or_fail(archive_.groups(within(AlertFilter(), 24), by),
                          [](const auto& g) { return g.size(); });
    });
  }
  void verdicts(int rounds, const char* name, const std::function<AlertFilter()>& filter) {
    measure(rounds, name, [&]() -> std::int64_t {
      const AlertFilter chosen = filter();
      std::int64_t found = 0;
      const Status done =
          archive_.verdicts(chosen.query, chosen.range, 50, [&](const EventRecord&) { ++found; });
      return done ? found : -1;
    });
  }

  const Archive& archive_;
  const bench::FillPlan& plan_;
  std::mt19937 random_{11};
  bool ok_ = true;
};

int failed(const Error& error) {
  std::fprintf(stderr, "bench_search: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fills a database with a month of verdicts by the real sink, and searches it");
  bench::FillPlan plan;
  std::string db;
  int rounds = 40;
  app.add_option("--db", db, "The database; filled when it is not there yet")->required();
  app.add_option("--verdicts", plan.verdicts)->capture_default_str();
  app.add_option("--alerts", plan.alerts)->capture_default_str();
  app.add_option("--batch", plan.batch)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_flag("--fsync", plan.fsync, "As detect does by default");
  app.add_option("--rounds", rounds, "Runs of each search; 0: only fill")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (bytes_of(db) == 0) {
    const auto filled = bench::fill(db, plan);
    if (!filled) return failed(filled.error());
    fmt::print("{} verdicts, {} alerts in {:.1f} s: {:.0f} verdicts/s; {:.0f} bytes a verdict\n",
               filled->verdicts, filled->alerts, filled->seconds,
               static_cast<double>(filled->verdicts) / filled->seconds,
               bytes_of(db) / static_cast<double>(filled->verdicts));
    std::fflush(stdout);
  }
  if (rounds == 0) return 0;
  const auto archive = Archive::open(db);
  if (!archive) return failed(archive.error());
  return Searches(**archive, plan).run(rounds) ? 0 : 1;
}
