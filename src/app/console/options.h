// SPDX-License-Identifier: Apache-2.0
//
// What the console is told at its start.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "app/console/auth/guard.h"
#include "app/console/http/server.h"
#include "app/pipeline/reload/rule_library.h"
#include "core/sigma/filter.h"

namespace tocsin::console {

struct Options {
  std::string version;
  ServerOptions server;
  GuardOptions guard;

  std::string data_dir;  // for drafts, and what else the console writes
  std::string database;  // tocsin.db
  std::string spans;     // FILE.db, or Jaeger's query API (http://HOST:16686)
  std::string jaeger;    // Jaeger's query API, for traces that `spans` lacks
  std::string raw_topic = "raw-events";
  std::string alerts_topic = "alerts";
  std::string dead_letter_topic = "dead-letter";
  std::vector<std::string> csv;  // verdict files whose size is shown

  pipeline::RuleSources rules;
  std::vector<std::string> watched;  // files and folders that the rules come from
  std::string overrides;             // the file that changes of rules are written to; or empty
  sigma::FilterMode filter_mode = sigma::FilterMode::kPySigma;  // of the filters that it drafts
  std::string rules_dir;  // the folder that new rules are written to; or empty

  std::chrono::milliseconds sample_every{2'000};
};

}  // namespace tocsin::console
