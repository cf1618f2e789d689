// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>

#include <csignal>
#include <string>
#include <vector>

#include "core/event/verdict.h"
#include "core/trace/temp_dir.h"

namespace tocsin::test {

inline Verdict verdict(unsigned number, bool detected = true) {
  Verdict v;
  v.event_id = Uuid::hashed("event " + std::to_string(number));
  v.trace_id = v.event_id.bytes;
  v.timestamp = 1'700'000'000'000'000'000 + number;
  v.host = "ws" + std::to_string(number % 7) + ".example.org";
  v.channel = "Microsoft-Windows-Sysmon/Operational";
  v.provider = "Microsoft-Windows-Sysmon";
  v.event_code = "10";
  if (detected) {
    v.event_class = "Credential Access";
    v.tactics = {"credential-access", "stealth"};
    v.techniques = {"T1003.001"};
    v.rules = {"0d894093-71bc-43c3-8c4d-ecfc28dcf5d9"};
    v.level = Level::kHigh;
    v.score = severity_score(v.level);
  }
  v.classified_at = v.timestamp + 5'000'000;
  v.latency_us = 5'000;
  return v;
}

inline Alert alert_of(const Verdict& v) {
  Alert a;
  a.event_id = v.event_id;
  a.rule_id = v.rules.at(0);
  a.alert_id = make_alert_id(v.event_id, a.rule_id);
  a.trace_id = v.trace_id;
  a.timestamp = v.timestamp;
  a.created = v.classified_at;
  a.host = v.host;
  a.rule_name = "LSASS \"access\"";
  a.level = v.level;
  a.tactics = v.tactics;
  a.techniques = v.techniques;
  return a;
}

inline std::vector<Verdict> verdicts(unsigned first, unsigned count) {
  std::vector<Verdict> out;
  for (unsigned i = 0; i < count; ++i) out.push_back(verdict(first + i, (first + i) % 2 == 0));
  return out;
}

// An independent reader of RFC 4180 for whole files: rows of cells; `torn` when the last row has no
// end.
struct CsvFile {
  std::vector<std::vector<std::string>> rows;
  bool torn = false;
};
inline CsvFile parse_csv(const std::string& text) {
  CsvFile file;
  std::vector<std::string> row(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        row.back().push_back(c);
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        row.back().push_back('"');
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      row.emplace_back();
    } else if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
      file.rows.push_back(std::move(row));
      row.assign(1, "");
    } else {
      row.back().push_back(c);
    }
  }
  file.torn = row.size() > 1 || !row.back().empty() || quoted;
  return file;
}

// Runs `body` in a child process and gives its id.
template <class Body>
pid_t in_child(Body&& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}
inline int wait_for(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

}  // namespace tocsin::test
