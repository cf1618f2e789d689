// SPDX-License-Identifier: Apache-2.0
//
// The decoder against real logs: every event of the regression samples equals its JSON twin, and
// every file of the attack samples has as many records as evtx_dump finds.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "read_all.h"

namespace tocsin::produce::evtx::test {
namespace {

namespace fs = std::filesystem;
namespace dom = simdjson::dom;

// The folder of the samples; ends the program as skipped when it is not there.
fs::path data_folder(std::string_view part) {
  const char* configured = std::getenv("TOCSIN_DATA");
  const fs::path folder = fs::path(configured != nullptr ? configured : "../shared/data") / part;
  if (!fs::is_directory(folder)) {
    std::printf("SKIPPED: %s is not there; set TOCSIN_DATA to the folder of the samples\n",
                folder.c_str());
    std::exit(77);
  }
  return folder;
}

std::vector<fs::path> files_below(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// --- Where a twin may differ from us, and why. Anything else fails.

// The twins' writer cut blanks off the end of strings; Windows keeps them: a CommandLine often ends
// with one.
bool differs_by_trailing_blanks(std::string_view ours, std::string_view twin) {
  const std::size_t end = ours.find_last_not_of(" \t\r\n");
  return ours.substr(0, end == std::string_view::npos ? 0 : end + 1) == twin;
}

struct JustifiedDifference {
  std::string_view name;
  bool (*holds)(std::string_view ours, std::string_view twin);
  int seen = 0;
};
JustifiedDifference justified[] = {{"trailing blanks", differs_by_trailing_blanks}};

// --- Comparison, value by value.

bool same(dom::element ours, dom::element twin, const std::string& path);

bool same_objects(dom::object ours, dom::object twin, const std::string& path) {
  bool equal = true;
  for (const auto& [key, value] : twin) {
    dom::element mine;
    if (ours[key].get(mine) != simdjson::SUCCESS) {
      MESSAGE("missing: " << path << "/" << std::string(key));
      equal = false;
    } else {
      equal = same(mine, value, path + "/" + std::string(key)) && equal;
    }
  }
  for (const auto& [key, value] : ours) {
    dom::element theirs;
    if (twin[key].get(theirs) == simdjson::SUCCESS) continue;
    MESSAGE("not in the twin: " << path << "/" << std::string(key));
    equal = false;
  }
  return equal && ours.size() == twin.size();
}

bool same_arrays(dom::array ours, dom::array twin, const std::string& path) {
  if (ours.size() != twin.size()) return false;
  bool equal = true;
  for (std::size_t i = 0; i < ours.size(); ++i)
    equal = same(ours.at(i), twin.at(i), path + "[" + std::to_string(i) + "]") && equal;
  return equal;
}

bool same_strings(std::string_view ours, std::string_view twin) {
  if (ours == twin) return true;
  for (JustifiedDifference& difference : justified) {
    if (!difference.holds(ours, twin)) continue;
    ++difference.seen;
    return true;
  }
  return false;
}

bool same(dom::element ours, dom::element twin, const std::string& path) {
  if (ours.is_object() && twin.is_object())
    return same_objects(ours.get_object(), twin.get_object(), path);
  if (ours.is_array() && twin.is_array())
    return same_arrays(ours.get_array(), twin.get_array(), path);
  const bool equal =
      ours.is_string() && twin.is_string()
          ? same_strings(std::string_view(ours), std::string_view(twin))
          : ours.type() == twin.type() && simdjson::minify(ours) == simdjson::minify(twin);
  if (!equal) MESSAGE(path << ": " << simdjson::minify(ours) << " | " << simdjson::minify(twin));
  return equal;
}

// A twin file holds one event, several one after the other, or arrays of them.
void append_events(std::vector<std::string>& events, dom::element element) {
  if (element.is_array()) {
    for (const dom::element item : element.get_array()) append_events(events, item);
  } else {
    events.push_back(simdjson::minify(element));
  }
}
std::vector<std::string> read_twin(const fs::path& file) {
  std::vector<std::string> events;
  dom::parser parser;
  const simdjson::padded_string text = simdjson::padded_string::load(file.string()).value();
  dom::document_stream documents;
  REQUIRE(parser.parse_many(text, 4'000'000).get(documents) == simdjson::SUCCESS);
  for (auto document : documents) append_events(events, document.value());
  return events;
}

}  // namespace

TEST_CASE("evtx samples: every event equals its JSON twin") {
  int files = 0;
  int events = 0;
  for (const fs::path& twin_file : files_below(data_folder("regression"), ".json")) {
    const fs::path file = fs::path(twin_file).replace_extension(".evtx");
    if (!fs::exists(file)) continue;
    CAPTURE(file.string());
    ++files;
    const Outcome outcome = read_all(open_evtx(file.string()));
    const std::vector<std::string> twins = read_twin(twin_file);
    CHECK(outcome.problems.empty());
    REQUIRE(outcome.events.size() == twins.size());
    dom::parser ours_parser;
    dom::parser twin_parser;
    for (std::size_t i = 0; i < twins.size(); ++i) {
      dom::element ours;
      REQUIRE(ours_parser.parse(outcome.events[i].json).get(ours) == simdjson::SUCCESS);
      CHECK(same(ours, twin_parser.parse(twins[i]).value(), ""));
      CHECK(outcome.events[i].origin.record_id ==
            ours["Event"]["System"]["EventRecordID"].get_uint64().value());
      ++events;
    }
  }
  std::printf("%d files, %d events equal their twins", files, events);
  for (const JustifiedDifference& difference : justified)
    std::printf("; %d values differ by %.*s", difference.seen,
                static_cast<int>(difference.name.size()), difference.name.data());
  std::printf("\n");
  CHECK(files >= 115);
}

TEST_CASE("evtx samples: as many records as evtx_dump finds, all of them JSON, no problem") {
  const fs::path folder = data_folder("evtx-attack-samples");
  std::ifstream table("tests/stages/produce/evtx/record_counts.tsv");
  REQUIRE(table);
  int files = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t tab = line.find('\t');
    const std::string name = line.substr(tab + 1);
    CAPTURE(name);
    const Outcome outcome = read_all(open_evtx((folder / name).string()));
    CHECK(outcome.events.size() == std::stoul(line.substr(0, tab)));
    CHECK(outcome.problems.empty());
    dom::parser parser;
    for (const RawEvent& event : outcome.events) {
      dom::element json;
      REQUIRE(parser.parse(event.json).get(json) == simdjson::SUCCESS);
      CHECK(json["Event"]["System"]["EventRecordID"].get_uint64().value() ==
            event.origin.record_id);
    }
    ++files;
  }
  CHECK(files == 149);
}

}  // namespace tocsin::produce::evtx::test
