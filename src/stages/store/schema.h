// SPDX-License-Identifier: Apache-2.0
//
// The tables of tocsin.db, for its writer and its readers, and how an older file becomes this
// one's.
//
//   path -> open_store() -> sqlite::Database whose tables are those of kSchemaVersion
//
// Ids are 16-byte blobs and times nanoseconds since the Unix epoch: small and quick. The views show
// both as people write them.
//
// An alert's `docid` is its time (docid.h), so one order serves the page of the latest alerts, a
// range of time and the full-text index alike.
#pragma once

#include <string>

#include "base/result.h"
#include "base/sqlite.h"

namespace tocsin::store {

// 2: places of verdicts, alerts by time, full text, counts by time, triage, audit.
inline constexpr int kSchemaVersion = 2;

// With kWrite the file is made when missing, and brought up to date in one transaction when an
// older release wrote it. With kRead it is left as it is: kUnsupported when it is older than
// `oldest`. A newer one is kUnsupported in any case.
[[nodiscard]] Result<sqlite::Database> open_store(const std::string& path, sqlite::Mode mode,
                                                  int oldest = kSchemaVersion);
// The version of the file's tables; 0: none yet.
[[nodiscard]] Result<std::int64_t> stored_version(sqlite::Database& db);

// The time of a verdict in SQL, letter by letter as the indexes have it: when the event happened;
// when it does not say, when it was looked at.
#define TOCSIN_VERDICT_TIME "CASE timestamp WHEN 0 THEN classified_at ELSE timestamp END"
inline constexpr const char* kVerdictTime = TOCSIN_VERDICT_TIME;

}  // namespace tocsin::store
