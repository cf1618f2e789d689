// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/store/database.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <random>
#include <system_error>
#include <thread>

namespace tocsin::bus::embedded {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr int kWalPagesSoft = 12'000;  // 96 MB
constexpr int kWalPagesMax = 48'000;   // 384 MB

// chunks.id is (partition id << 40) + the offset of the chunk's last record, so that one range scan
// of the table finds the chunk that holds an offset and all that follow it.
constexpr const char* kSchema = R"sql(
CREATE TABLE topics(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  retention_ms INTEGER NOT NULL, retention_bytes INTEGER NOT NULL);
CREATE TABLE partitions(
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, number INTEGER NOT NULL,
  first_offset INTEGER NOT NULL DEFAULT 0, end_offset INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0,
  UNIQUE(topic, number));
CREATE TABLE chunks(
  id INTEGER PRIMARY KEY, records INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
  size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE consumer_groups(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL DEFAULT 0);
CREATE TABLE members(
  id INTEGER PRIMARY KEY AUTOINCREMENT, consumer_group INTEGER NOT NULL, client TEXT NOT NULL,
  session_ms INTEGER NOT NULL, beat_ms INTEGER NOT NULL);
CREATE TABLE subscriptions(
  member INTEGER NOT NULL, topic TEXT NOT NULL, PRIMARY KEY(member, topic)) WITHOUT ROWID;
CREATE TABLE owners(
  consumer_group INTEGER NOT NULL, partition INTEGER NOT NULL, member INTEGER NOT NULL,
  PRIMARY KEY(consumer_group, partition)) WITHOUT ROWID;
CREATE TABLE offsets(
  consumer_group INTEGER NOT NULL, partition INTEGER NOT NULL, committed INTEGER NOT NULL,
  PRIMARY KEY(consumer_group, partition)) WITHOUT ROWID;
PRAGMA user_version = 1;
)sql";

ErrorCode code_of(int code, int system_error) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_IOERR:
      return system_error == ENOSPC || system_error == EDQUOT ? ErrorCode::kExhausted
                                                              : ErrorCode::kUnavailable;
    default:
      return ErrorCode::kUnavailable;
  }
}

std::string_view hint_of(int code, ErrorCode kind) {
  if (kind == ErrorCode::kExhausted && (code & 0xff) != SQLITE_TOOBIG)
    return "the disk (or the file's bound) is full";
  if (kind == ErrorCode::kCorrupt)
    return "the file is damaged; move it away, the records in it are lost to the bus";
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process holds the file for too long";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "the file or its folder is read-only";
    case SQLITE_CANTOPEN:
      return "the file cannot be opened";
    default:
      return "";
  }
}

}  // namespace

std::string_view Row::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Row::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(options.path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error)
    return fail(
        error == std::errc::no_space_on_device ? ErrorCode::kExhausted : ErrorCode::kUnavailable,
        fmt::format("{}: cannot create the folder: {}", folder.string(), error.message()));
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      options.path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  if (handle == nullptr)
    return fail(ErrorCode::kExhausted, fmt::format("{}: out of memory", options.path));
  std::unique_ptr<Database> database(new Database(handle, options.path));
  if (code != SQLITE_OK) return database->failure(code);
  TOCSIN_TRY_STATUS(database->configure(options));
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Database::configure(const DatabaseOptions& options) {
  busy_wait_ = options.busy_wait;
  sqlite3_busy_handler(handle_, &Database::on_busy, this);
  // These take effect only while the file is empty.
  TOCSIN_TRY_STATUS(run("PRAGMA page_size = 8192"));
  // Two processes that open a new file at once can meet here without the busy handler being asked.
  Status wal = run("PRAGMA journal_mode = WAL");
  for (int i = 0; i < 500 && !wal && wal.error().code == ErrorCode::kUnavailable; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    wal = run("PRAGMA journal_mode = WAL");
  }
  TOCSIN_TRY_STATUS(wal);
  TOCSIN_TRY_STATUS(
      run(options.synchronous_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  TOCSIN_TRY_STATUS(run("PRAGMA secure_delete = OFF"));
  TOCSIN_TRY_STATUS(run("PRAGMA cache_size = -8192"));
  TOCSIN_TRY_STATUS(run("PRAGMA journal_size_limit = 134217728"));
  if (options.page_count_max > 0) {
    const std::string sql = fmt::format("PRAGMA max_page_count = {}", options.page_count_max);
    if (const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
        code != SQLITE_OK)
      return failure(code);
  }
  // Installed last: it replaces SQLite's own automatic checkpoint.
  sqlite3_wal_hook(handle_, &Database::on_commit, this);
  return create_tables();
}

Status Database::create_tables() {
  std::int64_t version = 0;
  const auto read_version = [&] {
    return each("PRAGMA user_version", [&](const Row& row) { version = row.integer(0); });
  };
  TOCSIN_TRY_STATUS(read_version());
  if (version == 0) {
    const Status done = write([&]() -> Status {
      TOCSIN_TRY_STATUS(read_version());  // another process may have been faster
      if (version != 0) return {};
      const int code = sqlite3_exec(handle_, kSchema, nullptr, nullptr, nullptr);
      if (code != SQLITE_OK) return failure(code);
      version = kSchemaVersion;
      return {};
    });
    TOCSIN_TRY_STATUS(done);
  }
  if (version > kSchemaVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: written by a newer version of this program", path_));
  return {};
}

Result<sqlite3_stmt*> Database::prepared(const char* sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(code);
  statements_.emplace(sql, statement);
  return statement;
}

tl::unexpected<Error> Database::failure(int code) const {
  const ErrorCode kind = code_of(code, sqlite3_system_errno(handle_));
  const std::string_view hint = hint_of(code, kind);
  return fail(kind, fmt::format("{}: {}{}{}", path_, hint, hint.empty() ? "" : ": ",
                                sqlite3_errmsg(handle_)));
}

void Database::bind(sqlite3_stmt* statement, int index, std::int64_t value) {
  sqlite3_bind_int64(statement, index, value);
}
void Database::bind(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void Database::bind(sqlite3_stmt* statement, int index, const Blob& blob) {
  sqlite3_bind_blob64(statement, index, blob.bytes.data(), blob.bytes.size(), SQLITE_STATIC);
}

Result<std::int64_t> Database::data_version() {
  std::int64_t version = 0;
  TOCSIN_TRY_STATUS(each("PRAGMA data_version", [&](const Row& row) { version = row.integer(0); }));
  return version;
}

void Database::checkpoint() {
  sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  wal_pages_ = 0;
}

// A passive checkpoint waits for nobody. When readers always keep it from finishing, the log grows;
// then one that waits for a moment without readers is due.
void Database::after_commit() {
  if (wal_pages_ >= kWalPagesMax) {
    checkpoint();
  } else if (wal_pages_ >= kWalPagesSoft) {
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    wal_pages_ = 0;
  }
}

// SQLite's own handler sleeps up to 100 ms between tries, which starves a committing consumer
// beside a busy producer. Short, uneven sleeps share the lock better.
int Database::on_busy(void* self, int attempt) {
  auto& database = *static_cast<Database*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (attempt == 0) database.busy_since_ = now;
  if (now - database.busy_since_ > database.busy_wait_) return 0;
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto longest = attempt < 4 ? 300U : 2'000U;
  std::this_thread::sleep_for(std::chrono::microseconds(50 + random() % longest));
  return 1;
}

int Database::on_commit(void* self, sqlite3* /*handle*/, const char* /*name*/, int pages) {
  static_cast<Database*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

}  // namespace tocsin::bus::embedded
