// SPDX-License-Identifier: Apache-2.0
//
// A thin, owning face of SQLite: databases that several processes share (WAL), prepared statements,
// errors as Result.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tocsin::sqlite {

// Ownership: owns the statement; must not outlive its Database. Move-only.
// Threads:   one thread at a time.
// Errors:    bind() cannot fail but for bugs (a wrong index), which stop the process.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // 1-based. The bytes must stay until step() or run() has returned.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);

  // True: a row stands ready. False: done, and the statement is reset.
  [[nodiscard]] Result<bool> step();
  // A statement without rows: step, reset.
  [[nodiscard]] Status run();
  void reset();

  // 0-based; views are valid until the next step() or reset().
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

enum class Mode : std::uint8_t {
  kWrite,  // created when missing, WAL, synchronous=NORMAL: survives a crash of the process at any
           // moment; a power loss may take the last transactions, never the database
  kRead,   // kNotFound when missing; changes nothing
};

// Ownership: owns the connection. Move-only.
// Threads:   externally synchronised.
class Database {
 public:
  [[nodiscard]] static Result<Database> open(const std::string& path, Mode mode);

  [[nodiscard]] Status exec(const char* sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);

  // Creates the tables of a new database (`sql`, idempotent) and sets its version; kUnsupported
  // when the file was written by a newer release. With kRead only the check.
  [[nodiscard]] Status adopt_schema(int version, const char* sql);
  // The same where a database of an older version is made over: `make(db, stored version)` within
  // the transaction, 0 for a new one.
  using MakeSchema = std::function<Status(Database&, std::int64_t)>;
  [[nodiscard]] Status adopt_schema(int version, const MakeSchema& make);

  // Makes a function of text to text known to SQL. It must give the same for the same.
  [[nodiscard]] Status add_function(const char* name, std::string (*function)(std::string_view));

  // Rows that the last INSERT, UPDATE or DELETE changed.
  [[nodiscard]] std::int64_t changes() const;
  // From now on, statements that are under way at that moment fail with kExhausted.
  void stop_at(std::chrono::steady_clock::time_point deadline);

 private:
  [[nodiscard]] Status use_log();
  struct Close {
    void operator()(sqlite3* db) const;
  };
  Database(std::string path, Mode mode, sqlite3* db)
      : path_(std::move(path)), mode_(mode), db_(db) {}

  std::string path_;
  Mode mode_ = Mode::kRead;
  std::unique_ptr<std::chrono::steady_clock::time_point> deadline_;  // outlives db_
  std::unique_ptr<sqlite3, Close> db_;
};

// BEGIN IMMEDIATE ... COMMIT; rolled back unless commit() succeeded.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& db);
  Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Status commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_;
};

}  // namespace tocsin::sqlite
