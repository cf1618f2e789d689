// SPDX-License-Identifier: Apache-2.0
//
// Any text as a search: it is refused with a place inside the text and a reason, or it becomes a
// query that SQLite answers, on alerts and on verdicts, and that OpenSearch is asked in valid JSON.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "stages/store/search/archive.h"
#include "stages/store/search/language/opensearch.h"
#include "stages/store/sink.h"

namespace {

using namespace tocsin;
using namespace tocsin::store::search;

constexpr std::size_t kTextMax = 2'048;

void check(bool holds) {
  if (!holds) std::abort();
}

// A folder that goes with the process.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tocsin-search-XXXXXX").string();
    check(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

// One alert to look at.
const Archive& archive() {
  static const Folder folder;
  static const std::string file = (folder.path / "t.db").string();
  static const auto opened = [] {
    auto sink = store::open_sqlite(file, {.detections_only = false, .fsync = false});
    check(sink.has_value());
    Verdict verdict;
    verdict.event_id = Uuid::hashed("event");
    verdict.timestamp = 1'700'000'000'000'000'000;
    verdict.host = "ws1.example.org";
    verdict.rules = {"rule"};
    Alert alert;
    alert.event_id = verdict.event_id;
    alert.alert_id = make_alert_id(alert.event_id, "rule");
    alert.timestamp = verdict.timestamp;
    alert.host = verdict.host;
    alert.rule_id = "rule";
    alert.rule_name = "a b c";
    check((*sink)->write({&verdict, 1}, {&alert, 1}).has_value());
    auto archive = Archive::open(file);
    check(archive.has_value());
    return std::move(*archive);
  }();
  return *opened;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text =
      std::string_view(reinterpret_cast<const char*>(data), size).substr(0, kTextMax);
  const auto query = parse_query(text, 1'700'000'000'000'000'000);
  if (!query) {
    check(query.error().position <= text.size() && !query.error().message.empty());
    return 0;
  }
  AlertFilter filter;
  filter.query = *query;
  const auto alerts = archive().count_alerts(filter);
  check(alerts.has_value() && *alerts >= 0 && *alerts <= 1);
  const auto verdicts = archive().count_verdicts(*query, {});
  check(verdicts.has_value() && *verdicts >= 0 && *verdicts <= 1);
  const auto json = opensearch_query(*query, {});
  if (!json) {
    check(json.error().code == ErrorCode::kUnsupported);
    return 0;
  }
  simdjson::dom::parser parser;
  check(parser.parse(*json).error() == simdjson::SUCCESS);
  return 0;
}
