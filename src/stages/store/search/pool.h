// SPDX-License-Identifier: Apache-2.0
//
// ConnectionPool: connections of an Archive, each used by one call at a time, within a time limit
// and on one snapshot.
//
//   read(body) -> idle or new connection -> BEGIN, body(db), COMMIT -> idle
//
// Threads: thread-safe. The body must leave no statement behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/sqlite.h"

namespace tocsin::store::search {

class ConnectionPool {
 public:
  ConnectionPool(std::string path, std::chrono::milliseconds limit)
      : path_(std::move(path)), limit_(limit) {}

  [[nodiscard]] const std::string& path() const { return path_; }

  // What `body(sqlite::Database&)` gives; a T{} when the file is not there yet.
  template <class T, class Body>
  [[nodiscard]] Result<T> read(Body&& body) {
    TOCSIN_TRY(std::optional<Connection> connection, take());
    if (!connection) return T{};
    if (Status begun = connection->db.exec("BEGIN"); !begun)
      return tl::unexpected(std::move(begun).error());
    Result<T> result = body(connection->db);
    connection->db.stop_at(std::chrono::steady_clock::time_point::max());
    // A connection that cannot end its transaction is not used again.
    if (connection->db.exec("ROLLBACK")) give_back(std::move(*connection));
    if (!result) return tl::unexpected(explained(std::move(result).error()));
    return result;
  }

 private:
  struct Connection {
    sqlite::Database db;
    ino_t file = 0;
  };
  // Empty when there is no file, or one without tables: its writer is about to make them.
  [[nodiscard]] Result<std::optional<Connection>> take();
  [[nodiscard]] Result<std::optional<Connection>> open(ino_t file);
  void give_back(Connection connection);
  [[nodiscard]] Error explained(Error error) const;

  const std::string path_;
  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::vector<Connection> idle_;
};

}  // namespace tocsin::store::search
