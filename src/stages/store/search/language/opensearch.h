// SPDX-License-Identifier: Apache-2.0
//
// A query as OpenSearch's (and Elasticsearch's) query DSL, over alerts and verdicts as ECS
// documents.
//
//   Query + TimeRange -> opensearch_query() -> the JSON of "query" in a search request
//
// Names are compared without regard to case. Words are looked for side by side in the fields of
// words, as the server's analyser splits them: its words can differ from ours in rare cases
// ("4.5" is one word there).
//
// Threads: pure. Errors: kUnsupported for status and assignee: triage is kept by tocsin.db alone.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "stages/store/search/language/query.h"
#include "stages/store/search/language/sql.h"

namespace tocsin::store::search {

// Where the documents have what.
struct OpenSearchFields {
  std::string time = "@timestamp";
  std::string host = "host.name";
  std::string user = "user.name";
  std::string rule_id = "rule.id", rule_name = "rule.name";
  std::string level = "rule.level";
  std::string tactic = "threat.tactic", technique = "threat.technique";
  std::string event_class = "tocsin.class";
  std::string channel = "winlog.channel", provider = "event.provider", code = "event.code";
  std::string event_id = "event.id", trace_id = "trace.id";
  std::vector<std::string> words = {"rule.name.text", "host.name.text", "user.name.text",
                                    "tocsin.matched_fields.value.text"};
};

[[nodiscard]] Result<std::string> opensearch_query(const Query& query, const TimeRange& range,
                                                   const OpenSearchFields& fields = {});

}  // namespace tocsin::store::search
