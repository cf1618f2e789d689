// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/pool.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "stages/store/schema.h"

namespace tocsin::store::search {
namespace {

constexpr std::size_t kIdleMax = 8;

// Has no tables at all.
Result<bool> is_blank(sqlite::Database& db) {
  TOCSIN_TRY(auto tables, db.prepare("SELECT 1 FROM sqlite_master LIMIT 1"));
  TOCSIN_TRY(const bool any, tables.step());
  return !any;
}

}  // namespace

Result<std::optional<ConnectionPool::Connection>> ConnectionPool::take() {
  struct stat status{};
  if (stat(path_.c_str(), &status) != 0) return std::optional<Connection>();
  const std::lock_guard lock(mutex_);
  while (!idle_.empty()) {
    Connection connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection.file != status.st_ino) continue;  // of a file that was put in its place before
    connection.db.stop_at(std::chrono::steady_clock::now() + limit_);
    return std::optional<Connection>(std::move(connection));
  }
  return open(status.st_ino);
}

Result<std::optional<ConnectionPool::Connection>> ConnectionPool::open(ino_t file) {
  auto bare = sqlite::Database::open(path_, sqlite::Mode::kRead);
  if (!bare) {
    if (bare.error().code == ErrorCode::kNotFound) return std::optional<Connection>();
    return tl::unexpected(std::move(bare).error());
  }
  TOCSIN_TRY(const bool blank, is_blank(*bare));
  if (blank) return std::optional<Connection>();
  TOCSIN_TRY(auto db, open_store(path_, sqlite::Mode::kRead));
  TOCSIN_TRY_STATUS(db.exec("PRAGMA cache_size=-32768"));
  db.stop_at(std::chrono::steady_clock::now() + limit_);
  return std::optional<Connection>(Connection{std::move(db), file});
}

void ConnectionPool::give_back(Connection connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(connection));
}

Error ConnectionPool::explained(Error error) const {
  if (error.code == ErrorCode::kExhausted && error.message.ends_with("interrupted"))
    error.message = fmt::format(
        "{}: the search took longer than {:.0f} s and was stopped; narrow the time or the query",
        path_, std::chrono::duration<double>(limit_).count());
  return error;
}

}  // namespace tocsin::store::search
