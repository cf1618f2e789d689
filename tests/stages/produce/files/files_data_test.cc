// SPDX-License-Identifier: Apache-2.0
//
// Real samples: simulated attacks as zipped JSON lines, and pretty-printed twins of EVTX files.
#include <cstdlib>
#include <iostream>

#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

std::string data_folder() {
  const char* given = std::getenv("TOCSIN_DATA");
  std::string folder = given != nullptr ? given : "../shared/data";
  if (std::filesystem::is_directory(folder)) return folder;
  std::cerr << "SKIPPED: no sample data at " << folder << " (set TOCSIN_DATA)\n";
  std::exit(77);
}

struct Count {
  std::size_t events = 0;
  std::size_t bytes = 0;
  std::size_t skipped = 0;
  std::size_t not_objects = 0;
  Texts problems;
};

Count count(const std::string& path, Format format) {
  auto source = open_files({path}, {.format = format});
  REQUIRE(source.has_value());
  Count total;
  RawEvent event;
  Problem problem;
  for (Next what{}; (what = (*source)->next(event, problem)) != Next::kEnd;) {
    if (what == Next::kEvent) {
      ++total.events;
      total.bytes += event.json.size();
      if (!event.json.starts_with('{') || !event.json.ends_with('}')) ++total.not_objects;
    } else if (problem.skipped_only) {
      ++total.skipped;
    } else {
      total.problems.push_back(problem.message);
    }
  }
  return total;
}

TEST_CASE("samples: every zip of simulated attacks is read without a problem") {
  const Count total = count(data_folder() + "/otrf", Format::kAuto);
  MESSAGE(total.events << " events, " << total.bytes << " bytes");
  CHECK(total.problems == Texts{});
  CHECK(total.not_objects == 0);
  CHECK(total.events > 300'000);
  CHECK(total.skipped >= 11);  // resource forks, the licence, auditd text
}

TEST_CASE("samples: every pretty-printed twin holds whole objects") {
  const Count total = count(data_folder() + "/regression", Format::kJson);
  CHECK(total.problems == Texts{});
  CHECK(total.not_objects == 0);
  CHECK(total.events >= 115);
}

}  // namespace
}  // namespace tocsin::produce
