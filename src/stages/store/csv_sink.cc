// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/append_file.h"
#include "stages/store/sink.h"

namespace tocsin::store {
namespace {

class CsvSink final : public Sink {
 public:
  CsvSink(std::unique_ptr<AppendFile> file, CsvOptions options)
      : file_(std::move(file)), options_(options) {}

  Status write(std::span<const Verdict> verdicts, std::span<const Alert>) override {
    // Formatted outside of every lock; the buffer lives on for the thread's next batch.
    thread_local std::string rows;
    rows.clear();
    for (const Verdict& verdict : verdicts)
      if (!options_.detections_only || verdict.detected()) append_csv(rows, verdict);
    return file_->append(rows);
  }

  std::string_view name() const override { return "csv"; }

 private:
  const std::unique_ptr<AppendFile> file_;
  const CsvOptions options_;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_csv(const std::string& path, CsvOptions options) {
  TOCSIN_TRY(auto file, AppendFile::open(path, {.header = std::string(kVerdictColumns) + "\r\n",
                                                .sync = options.fsync}));
  return std::make_unique<CsvSink>(std::move(file), options);
}

}  // namespace tocsin::store
