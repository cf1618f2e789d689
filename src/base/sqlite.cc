// SPDX-License-Identifier: Apache-2.0
#include "base/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"

namespace tocsin::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
constexpr int kStepsBetweenLooks = 20'000;  // of the virtual machine: well below a millisecond

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
    case SQLITE_INTERRUPT:
      return ErrorCode::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kUnavailable;
  }
}

tl::unexpected<Error> failure(sqlite3* db, std::string_view what) {
  const char* file = sqlite3_db_filename(db, "main");
  return fail(
      code_of(sqlite3_extended_errcode(db)),
      fmt::format("{}: {}: {}", file == nullptr ? "sqlite" : file, what, sqlite3_errmsg(db)));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::bind(int index, std::int64_t value) {
  TOCSIN_CHECK(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  TOCSIN_CHECK(sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_STATIC,
                                   SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  TOCSIN_CHECK(sqlite3_bind_blob64(statement_.get(), index, data, bytes.size(), SQLITE_STATIC) ==
               SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = failure(sqlite3_db_handle(statement_.get()), "statement failed");
  reset();
  return error;
}

Status Statement::run() {
  TOCSIN_TRY(const bool row, step());
  if (row) reset();
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Result<Database> Database::open(const std::string& path, Mode mode) {
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (mode == Mode::kWrite ? SQLITE_OPEN_CREATE : 0);
  std::error_code ignored;  // sqlite3_open says it better
  if (mode == Mode::kWrite)
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database db(path, mode, handle);
  if (result != SQLITE_OK) {
    const bool missing = mode == Mode::kRead && (result & 0xff) == SQLITE_CANTOPEN;
    return fail(missing ? ErrorCode::kNotFound : code_of(result),
                fmt::format("{}: cannot open the database: {}", path,
                            handle == nullptr ? "out of memory" : sqlite3_errmsg(handle)));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (mode == Mode::kWrite) TOCSIN_TRY_STATUS(db.use_log());
  TOCSIN_TRY_STATUS(
      db.exec(mode == Mode::kWrite
                  ? "PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536;"
                    "PRAGMA wal_autocheckpoint=8192;"
                  : "PRAGMA query_only=1; PRAGMA temp_store=MEMORY;"));
  return db;
}

// Of two programs that make a new file at once, SQLite tells one that it is busy, without asking
// the busy handler: the lock that both hold must become the lock of one.
Status Database::use_log() {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  while (true) {
    Status done = exec("PRAGMA journal_mode=WAL");
    if (done || (sqlite3_errcode(db_.get()) & 0xff) != SQLITE_BUSY ||
        std::chrono::steady_clock::now() >= deadline)
      return done;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Status Database::exec(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure(db_.get(), "statement failed");
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return failure(db_.get(), "cannot prepare");
  return Statement(statement);
}

Status Database::adopt_schema(int version, const char* sql) {
  return adopt_schema(version, [sql](Database& db, std::int64_t) { return db.exec(sql); });
}

Status Database::add_function(const char* name, std::string (*function)(std::string_view)) {
  using Function = std::string (*)(std::string_view);
  // SQLite keeps a pointer to data, which a function's need not fit.
  auto kept = std::make_unique<Function>(function);
  const auto call = [](sqlite3_context* context, int, sqlite3_value** values) {
    const auto* const known = static_cast<const Function*>(sqlite3_user_data(context));
    const auto* const data = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
    const std::string out =
        (*known)(data == nullptr ? std::string_view() : std::string_view(data, size));
    sqlite3_result_text64(context, out.data(), out.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  };
  const auto forget = [](void* data) { delete static_cast<Function*>(data); };
  if (sqlite3_create_function_v2(db_.get(), name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                 kept.release(), call, nullptr, nullptr, forget) != SQLITE_OK)
    return failure(db_.get(), "cannot add a function");
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_.get()); }

void Database::stop_at(std::chrono::steady_clock::time_point deadline) {
  if (deadline_ == nullptr) {
    deadline_ = std::make_unique<std::chrono::steady_clock::time_point>(deadline);
    const auto late = [](void* at) {
      const auto* moment = static_cast<const std::chrono::steady_clock::time_point*>(at);
      return std::chrono::steady_clock::now() >= *moment ? 1 : 0;
    };
    sqlite3_progress_handler(db_.get(), kStepsBetweenLooks, late, deadline_.get());
  }
  *deadline_ = deadline;
}

Status Database::adopt_schema(int version, const MakeSchema& make) {
  TOCSIN_TRY(Statement query, prepare("PRAGMA user_version"));
  const auto stored_version = [&]() -> Result<std::int64_t> {
    TOCSIN_TRY(const bool row, query.step());
    const std::int64_t stored = row ? query.integer(0) : 0;
    query.reset();
    return stored;
  };
  const auto check = [&](std::int64_t stored) -> Status {
    if (stored <= version) return {};
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("{}: written by a newer release (schema {}, this one knows {}); use that "
                    "release or another file",
                    path_, stored, version));
  };
  TOCSIN_TRY(const std::int64_t before, stored_version());
  TOCSIN_TRY_STATUS(check(before));
  if (mode_ == Mode::kRead) {
    if (before == 0) return fail(ErrorCode::kInvalid, path_ + ": is not a database of this kind");
    return {};
  }
  if (before == version) return {};
  TOCSIN_TRY(Transaction transaction, Transaction::begin(*this));
  TOCSIN_TRY(const std::int64_t locked, stored_version());  // another process may have been quicker
  TOCSIN_TRY_STATUS(check(locked));
  TOCSIN_TRY_STATUS(make(*this, locked));
  TOCSIN_TRY_STATUS(exec(fmt::format("PRAGMA user_version={}", version).c_str()));
  return transaction.commit();
}

Result<Transaction> Transaction::begin(Database& db) {
  TOCSIN_TRY_STATUS(db.exec("BEGIN IMMEDIATE"));
  return Transaction(db);
}

Transaction::~Transaction() {
  if (db_ == nullptr) return;
  // Fails when SQLite has rolled back by itself already (disk full): then nothing is left to do.
  if (Status undone = db_->exec("ROLLBACK"); !undone) return;
}

Status Transaction::commit() {
  TOCSIN_TRY_STATUS(db_->exec("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace tocsin::sqlite
