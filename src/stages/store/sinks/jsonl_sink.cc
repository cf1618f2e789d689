// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "core/event/record_json.h"
#include "stages/store/sinks/line_file.h"
#include "stages/store/sinks/ocsf/finding.h"
#include "stages/store/sinks/sinks.h"

namespace tocsin::store {
namespace {

// Verdicts and alerts as their topics have them, or alerts as findings.
class JsonLinesSink final : public Sink {
 public:
  JsonLinesSink(std::string name, std::unique_ptr<LineFile> file, Lines lines, bool detections_only)
      : name_(std::move(name)),
        file_(std::move(file)),
        lines_(lines),
        detections_only_(detections_only) {}

  Status write(const SinkBatch& batch) override {
    return file_->write(batch, [&](std::string& out, const Admission& admission) {
      if (lines_ == Lines::kRecords)
        for (std::size_t i = 0; i < batch.verdicts.size(); ++i) {
          if (!admission.verdict(i) || (detections_only_ && !batch.verdicts[i].detected()))
            continue;
          append_json(out, batch.verdicts[i]);
          out.push_back('\n');
        }
      for (std::size_t i = 0; i < batch.alerts.size(); ++i) {
        if (!admission.alert(i)) continue;
        if (lines_ == Lines::kFindings)
          ocsf::append_finding(out, batch.alerts[i]);
        else
          append_json(out, batch.alerts[i]);
        out.push_back('\n');
      }
    });
  }
  Status claim(const SinkBatch& batch) override { return file_->claim(batch); }
  std::string_view name() const override { return name_; }

 private:
  const std::string name_;
  const std::unique_ptr<LineFile> file_;
  const Lines lines_;
  const bool detections_only_;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_json_lines(const std::string& path, Lines lines,
                                              FileSinkOptions options) {
  std::string name = lines == Lines::kFindings ? "ocsf" : "jsonl";
  TOCSIN_TRY(auto file, LineFile::open(path, {.sink = name,
                                              .first = '{',
                                              .fsync = options.fsync,
                                              .rotation = options.rotation}));
  return std::make_unique<JsonLinesSink>(std::move(name), std::move(file), lines,
                                         options.detections_only);
}

}  // namespace tocsin::store
