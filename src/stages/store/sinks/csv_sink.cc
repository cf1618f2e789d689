// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "stages/store/sink.h"
#include "stages/store/sinks/line_file.h"

namespace tocsin::store {
namespace {

class CsvSink final : public Sink {
 public:
  CsvSink(std::unique_ptr<LineFile> file, bool detections_only)
      : file_(std::move(file)), detections_only_(detections_only) {}

  Status write(const SinkBatch& batch) override {
    return file_->write(batch, [&](std::string& rows, const Admission& admission) {
      for (std::size_t i = 0; i < batch.verdicts.size(); ++i)
        if (admission.verdict(i) && (!detections_only_ || batch.verdicts[i].detected()))
          append_csv(rows, batch.verdicts[i]);
    });
  }
  Status claim(const SinkBatch& batch) override { return file_->claim(batch); }
  std::string_view name() const override { return "csv"; }

 private:
  const std::unique_ptr<LineFile> file_;
  const bool detections_only_;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_csv(const std::string& path, CsvOptions options) {
  TOCSIN_TRY(auto file, LineFile::open(path, {.sink = "csv",
                                              .header = std::string(kVerdictColumns) + "\r\n",
                                              .fsync = options.fsync,
                                              .rotation = options.rotation}));
  return std::make_unique<CsvSink>(std::move(file), options.detections_only);
}

}  // namespace tocsin::store
