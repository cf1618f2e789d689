// SPDX-License-Identifier: Apache-2.0
//
// LineFile: what the sinks that write lines to a file share: positions, a tail that survives
// crashes, rotation.
//
//   batch -> admitted, formatted -> lock, settle, rotate when due -> promise, append -> FILE
//                                                        `-> FILE's old lines as FILE.TIME
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/append_file.h"
#include "stages/store/sink.h"
#include "stages/store/sinks/file_offsets.h"

namespace tocsin::store {

struct LineFileOptions {
  std::string sink;         // its name, for messages
  std::string header = {};  // with its line ending
  char first = '\0';        // without a header: what every line begins with
  bool fsync = true;
  Rotation rotation = {};
};

// What of a batch is not in the sink yet.
class Admission {
 public:
  Admission(const SinkBatch& batch, std::span<const std::int64_t> admitted)
      : batch_(batch), admitted_(admitted) {}
  [[nodiscard]] bool verdict(std::size_t i) const { return is_new(batch_.verdict_places, i); }
  [[nodiscard]] bool alert(std::size_t i) const { return is_new(batch_.alert_places, i); }

 private:
  [[nodiscard]] bool is_new(std::span<const Place> places, std::size_t i) const {
    return admitted_.empty() || places[i].offset >= admitted_[places[i].slice];
  }
  const SinkBatch& batch_;
  const std::span<const std::int64_t> admitted_;
};

// Threads: thread-safe; several processes may write to the same file.
// Errors:  as Sink::write().
class LineFile {
 public:
  // Appends the lines of what is admitted.
  using Format = std::function<void(std::string& lines, const Admission& admission)>;

  [[nodiscard]] static Result<std::unique_ptr<LineFile>> open(const std::string& path,
                                                              LineFileOptions options);
  [[nodiscard]] Status write(const SinkBatch& batch, const Format& format);
  [[nodiscard]] Status claim(const SinkBatch& batch);

 private:
  LineFile(std::string path, LineFileOptions options, std::unique_ptr<AppendFile> file)
      : path_(std::move(path)), options_(std::move(options)), file_(std::move(file)) {}
  [[nodiscard]] bool due(const LockedTail& file) const;
  [[nodiscard]] std::string aside() const;
  [[nodiscard]] Result<FileOffsets*> offsets();

  const std::string path_;
  const LineFileOptions options_;
  const std::unique_ptr<AppendFile> file_;
  std::unique_ptr<FileOffsets> offsets_;
};

}  // namespace tocsin::store
