// SPDX-License-Identifier: Apache-2.0
//
// A folder of fetched rules that is replaced as a whole: readers see the old set or the new one,
// never a mixture, and the set before stays for a rollback.
//
//   FOLDER                 the rules in force, with .tocsin-source.json: where they came from
//   .FOLDER.previous       those before
//   .FOLDER.new-XXXXXX     being filled; left-overs are removed by the next fetch
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace tocsin::cli::rules {

// Where a fetched folder came from.
struct FetchSource {
  std::string url;     // without credentials
  std::string sha256;  // of the archive
  std::string time;    // RFC 3339
};
// Empty when the folder was not made by a fetch.
[[nodiscard]] std::optional<FetchSource> read_source(const std::string& folder);
[[nodiscard]] Status write_source(const std::string& folder, const FetchSource& source);

// Ownership: holds a lock on the folder's name and a staging folder, which is removed with it.
class Installation {
 public:
  // Fails when another process installs there, or the folder holds what no fetch has put there.
  [[nodiscard]] static Result<Installation> begin(const std::string& folder);
  Installation(Installation&& other) noexcept;
  Installation& operator=(Installation&&) = delete;
  ~Installation();

  [[nodiscard]] const std::string& folder() const { return folder_; }  // without symbolic links
  [[nodiscard]] const std::string& previous() const { return previous_; }
  [[nodiscard]] const std::string& staging() const { return staging_; }
  [[nodiscard]] const std::string& archive() const { return archive_; }  // a file to download to
  // The staging folder becomes the folder; the folder becomes the previous one.
  [[nodiscard]] Status commit();
  // The folder and the previous one change places.
  [[nodiscard]] Status roll_back();

 private:
  Installation() = default;
  std::string folder_, previous_, work_, staging_, archive_;
  int lock_ = -1;
};

}  // namespace tocsin::cli::rules
