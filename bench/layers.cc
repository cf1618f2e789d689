// SPDX-License-Identifier: Apache-2.0
//
// bench_layers: where the time of an event goes, layer by layer, in one thread.
//
//   rules + events -> LayerRuns -> a table for people, --json for programs
//
//   bench_layers --rules DIR --events FILE             medians of interleaved runs
//   bench_layers --rules DIR --events FILE --each      the cost of each event; the dearest ones
//   bench_layers --layer fields --events FILE          that layer once (for callgrind)
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "base/log.h"
#include "layer_runs.h"

using namespace tocsin;
using bench::EventCost;
using bench::Layer;
using bench::LayerRuns;

namespace {

struct Options {
  std::vector<std::string> rules, events;
  std::string layer;
  int runs = 5;
  bool json = false, each = false;
};

// What a layer costs is its run less the run that it adds to.
struct Step {
  const char* name;
  Layer with, without;
};
constexpr Step kSteps[] = {
    {"read lines", Layer::kRead, Layer::kNone},
    {"parse and walk JSON", Layer::kWalk, Layer::kNone},
    {"look up fields", Layer::kFields, Layer::kWalk},
    {"match, cold memo", Layer::kMatchCold, Layer::kFields},
    {"match, warm memo", Layer::kMatchWarm, Layer::kFields},
    {"verdict and alerts", Layer::kVerdict, Layer::kMatchCold},
    {"output text", Layer::kOutput, Layer::kVerdict},
};

int print_layers(LayerRuns& runs, const Options& options) {
  std::map<Layer, std::vector<double>> taken;
  for (int run = 0; run < options.runs; ++run)
    for (const Layer layer : bench::kLayers)
      taken[layer].push_back(static_cast<double>(runs.run(layer)));
  const auto median = [&](Layer layer) {
    std::vector<double>& all = taken[layer];
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
  };
  const auto events = static_cast<double>(runs.events());
  const auto bytes = static_cast<double>(runs.bytes());
  const double total = median(Layer::kRead) + median(Layer::kOutput);
  if (options.json) {
    std::printf("{\"events\":%.0f,\"bytes\":%.0f,\"rules\":%zu,\"runs\":%d,\"layers\":[", events,
                bytes, runs.rules(), options.runs);
  } else {
    std::printf("%.0f events, %.1f MB, %zu rules; medians of %d runs, CPU time of one thread\n",
                events, bytes / 1e6, runs.rules(), options.runs);
    std::printf("%-22s %10s %10s %8s\n", "layer", "ns/event", "MB/s", "share");
  }
  const char* comma = "";
  for (const Step& step : kSteps) {
    const double ns = median(step.with) - median(step.without);
    const double rate = ns > 0 ? bytes / ns * 1e3 : 0;
    if (options.json)
      std::printf("%s{\"layer\":\"%s\",\"ns_per_event\":%.1f,\"mb_per_s\":%.1f}", comma, step.name,
                  ns / events, rate);
    else if (step.with == Layer::kMatchWarm)  // instead of the line before, not beside it
      std::printf("%-22s %10.1f %10.0f %8s\n", step.name, ns / events, rate, "(or)");
    else
      std::printf("%-22s %10.1f %10.0f %7.1f%%\n", step.name, ns / events, rate, 100 * ns / total);
    comma = ",";
  }
  if (options.json)
    std::printf("],\"total_ns_per_event\":%.1f,\"total_mb_per_s\":%.1f}\n", total / events,
                bytes / total * 1e3);
  else
    std::printf("%-22s %10.1f %10.0f\n", "all (cold)", total / events, bytes / total * 1e3);
  return 0;
}

int print_each(LayerRuns& runs, const Options& options) {
  std::vector<EventCost> costs = runs.cost_of_each(options.runs);
  double ns = 0;
  for (const EventCost& cost : costs) ns += static_cast<double>(cost.ns);
  std::vector<std::size_t> order(costs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto per_byte = [&](std::size_t i) {
    return static_cast<double>(costs[i].ns) /
           static_cast<double>(std::max<std::size_t>(costs[i].bytes, 1));
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return per_byte(a) > per_byte(b); });
  std::printf("{\"events\":%zu,\"bytes\":%zu,\"ns\":%.0f,\"worst\":[", costs.size(), runs.bytes(),
              ns);
  const std::size_t shown = std::min<std::size_t>(order.size(), 5);
  for (std::size_t i = 0; i < shown; ++i)
    std::printf("%s{\"line\":%zu,\"bytes\":%zu,\"ns\":%llu,\"alerts\":%zu}", i == 0 ? "" : ",",
                order[i] + 1, costs[order[i]].bytes,
                static_cast<unsigned long long>(costs[order[i]].ns), costs[order[i]].alerts);
  std::printf("]}\n");
  return 0;
}

int print_one(LayerRuns& runs, const std::string& name) {
  for (const Layer layer : bench::kLayers) {
    if (name != bench::to_string(layer)) continue;
    const std::uint64_t ns = runs.run(layer);
    std::printf("{\"layer\":\"%s\",\"events\":%zu,\"bytes\":%zu,\"ns\":%llu,\"witness\":%llu}\n",
                name.c_str(), runs.events(), runs.bytes(), static_cast<unsigned long long>(ns),
                static_cast<unsigned long long>(runs.witness()));
    return 0;
  }
  std::fprintf(stderr, "bench_layers: no layer '%s'; they are:", name.c_str());
  for (const Layer layer : bench::kLayers) std::fprintf(stderr, " %s", bench::to_string(layer));
  std::fprintf(stderr, "\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Where the time of an event goes, layer by layer.", "bench_layers");
  app.add_option("--rules", options.rules, "Rules; repeatable (default: the starter rules)")
      ->allow_extra_args(false);
  app.add_option("--events", options.events, "Files of events; repeatable")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--layer", options.layer, "Run only this layer, once");
  app.add_option("--runs", options.runs, "Runs of each layer, or passes of --each")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", options.json, "For programs");
  app.add_flag("--each", options.each, "The cost of each event and the dearest per byte, as JSON");
  CLI11_PARSE(app, argc, argv);
  auto runs = LayerRuns::load(options.rules, options.events);
  if (!runs) {
    std::fprintf(stderr, "bench_layers: %s\n", runs.error().message.c_str());
    return 1;
  }
  if (!options.layer.empty()) return print_one(*runs, options.layer);
  return options.each ? print_each(*runs, options) : print_layers(*runs, options);
}
