// SPDX-License-Identifier: Apache-2.0
//
// Database: one SQLite connection to the bus file, and the few ways in which the bus talks to it.
//
//   DIR/bus.db (+ -wal, -shm) <- Database <- producer, consumer, reader, admin (one connection
//   each)
//
// SQLite's return codes become Errors here and nowhere else.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::bus::embedded {

struct DatabaseOptions {
  std::string path;               // the file
  bool synchronous_full = false;  // fsync at every commit: survives a power cut, many times slower
  std::int64_t page_count_max = 0;             // bound of the file in pages; 0: none
  std::chrono::milliseconds busy_wait{5'000};  // how long to wait for another writer
};

// A row while it is being looked at.
// Ownership: borrows its statement. Text and blobs are valid until the next step.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;

 private:
  sqlite3_stmt* statement_;
};

// Bytes to store. They must live until the statement has run.
struct Blob {
  std::string_view bytes;
};

// Ownership: owns the connection and its prepared statements. Never carry one across fork().
// Threads:   one thread at a time.
// Errors:    kExhausted: disk or bound full; kUnavailable: busy, read-only or unreadable; kCorrupt.
class Database {
 public:
  // Creates the file and its tables when they are missing.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs a statement that returns no rows. `sql` must be a literal: it is the key of the statement
  // cache.
  template <class... Args>
  [[nodiscard]] Status run(const char* sql, const Args&... args) {
    return each(sql, [](const Row&) {}, args...);
  }
  // Calls on_row(const Row&) for every row.
  template <class OnRow, class... Args>
  [[nodiscard]] Status each(const char* sql, OnRow&& on_row, const Args&... args) {
    TOCSIN_TRY(sqlite3_stmt* const statement, prepared(sql));
    int index = 0;
    (bind(statement, ++index, args), ...);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) on_row(Row(statement));
    const Status status = code == SQLITE_DONE ? Status{} : Status{failure(code)};
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
  }

  // Runs `body` (returns Status) in one transaction that holds the write lock from its start; any
  // error undoes all of it.
  template <class Body>
  [[nodiscard]] Status write(Body&& body) {
    return transaction("BEGIN IMMEDIATE", body);
  }
  // Runs `body` on one snapshot.
  template <class Body>
  [[nodiscard]] Status read(Body&& body) {
    return transaction("BEGIN", body);
  }

  // A number that changes when another connection has committed.
  [[nodiscard]] Result<std::int64_t> data_version();
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_); }
  // Moves everything from the write-ahead log to the file and cuts the log: gives disk space back.
  void checkpoint();

 private:
  explicit Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  [[nodiscard]] Status configure(const DatabaseOptions& options);
  [[nodiscard]] Status create_tables();
  [[nodiscard]] Result<sqlite3_stmt*> prepared(const char* sql);
  [[nodiscard]] tl::unexpected<Error> failure(int code) const;
  void after_commit();
  static void bind(sqlite3_stmt* statement, int index, std::int64_t value);
  static void bind(sqlite3_stmt* statement, int index, std::string_view text);
  static void bind(sqlite3_stmt* statement, int index, const Blob& blob);

  template <class Body>
  [[nodiscard]] Status transaction(const char* begin, Body& body) {
    TOCSIN_TRY_STATUS(run(begin));
    Status status = body();
    if (status) status = run("COMMIT");
    if (status) after_commit();
    if (!status && sqlite3_get_autocommit(handle_) == 0) static_cast<void>(run("ROLLBACK"));
    return status;
  }

  sqlite3* handle_;
  std::string path_;
  std::chrono::milliseconds busy_wait_{0};
  std::chrono::steady_clock::time_point busy_since_;
  int wal_pages_ = 0;  // in the write-ahead log after our last commit
  std::map<const char*, sqlite3_stmt*> statements_;

  static int on_busy(void* self, int attempt);
  static int on_commit(void* self, sqlite3* handle, const char* name, int pages);
};

}  // namespace tocsin::bus::embedded
