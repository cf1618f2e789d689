// SPDX-License-Identifier: Apache-2.0
//
// Outputs: the files that a scan writes rows to: its output (-o, or stdout) and its timelines.
//
//   text and RowBatch of each Chunk, in order -> Outputs -> files
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/scan/options.h"
#include "app/cli/scan/sorted_rows.h"
#include "base/result.h"

namespace tocsin::cli::scan {

struct WorkerContext;

// Ownership: owns its files; the options must outlive it.
// Threads:   one thread at a time.
// Errors:    kExhausted names the file that cannot be written.
class Outputs {
 public:
  explicit Outputs(const Options& options) : options_(options) {}

  [[nodiscard]] Status open();
  // Which rows the workers shall make.
  void describe(WorkerContext& shared) const;
  [[nodiscard]] Status add(std::string_view text, const std::vector<RowBatch>& timelines);
  [[nodiscard]] Status finish();

  [[nodiscard]] bool writes_to_terminal() const;
  [[nodiscard]] bool stdout_is_free() const { return output_.file != stdout; }
  [[nodiscard]] int descriptor() const { return fileno(output_.file); }

 private:
  struct Sink {
    std::string path;  // for people
    std::FILE* file = nullptr;
    bool json = false;
    std::unique_ptr<SortedRows> rows;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> owned{nullptr, &std::fclose};
  };
  [[nodiscard]] static Status open_sink(const std::string& path, Sink& sink);
  [[nodiscard]] static Status put(Sink& sink, std::string_view text);
  [[nodiscard]] static Status close(Sink& sink);

  const Options& options_;
  Sink output_;
  std::vector<Sink> timelines_;
};

}  // namespace tocsin::cli::scan
