// SPDX-License-Identifier: Apache-2.0
//
// bench_search: what a full tocsin.db costs to write, to keep, and to search.
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "store_fill.h"

namespace {

double bytes_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<double>(status.st_size) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fills a database with a month of verdicts by the real sink, and searches it");
  tocsin::bench::FillPlan plan;
  std::string db;
  app.add_option("--db", db, "The database; filled when it is not there yet")->required();
  app.add_option("--verdicts", plan.verdicts)->capture_default_str();
  app.add_option("--alerts", plan.alerts)->capture_default_str();
  app.add_option("--batch", plan.batch)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_flag("--fsync", plan.fsync, "As detect does by default");
  CLI11_PARSE(app, argc, argv);
  if (bytes_of(db) == 0) {
    const auto filled = tocsin::bench::fill(db, plan);
    if (!filled) {
      std::fprintf(stderr, "bench_search: %s\n", filled.error().message.c_str());
      return 1;
    }
    fmt::print("{} verdicts, {} alerts in {:.1f} s: {:.0f} verdicts/s; {:.0f} bytes a verdict\n",
               filled->verdicts, filled->alerts, filled->seconds,
               static_cast<double>(filled->verdicts) / filled->seconds,
               bytes_of(db) / static_cast<double>(filled->verdicts));
  }
  return 0;
}
