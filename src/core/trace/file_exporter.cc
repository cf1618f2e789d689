// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/append_file.h"
#include "core/trace/exporter.h"

namespace tocsin::trace {
namespace {

bool is_url(const std::string& text) { return text.find("://") != std::string::npos; }

bool is_database(const std::string& path) { return path.size() > 3 && path.ends_with(".db"); }

// OTLP JSON lines: what the collector's file receiver and Jaeger's uploader read.
class FileExporter final : public Exporter {
 public:
  FileExporter(std::string path, std::unique_ptr<AppendFile> file, std::vector<Resource> resources)
      : path_(std::move(path)), file_(std::move(file)), resources_(std::move(resources)) {}

  void encode(ChunkRefs chunks) override {
    line_.clear();
    append_request_json(line_, resources_, chunks);
  }

  Outcome send() override {
    Status written = file_->append(line_);
    if (written) return {};
    return {.kind = Outcome::Kind::kRetry, .reason = std::move(written).error().message};
  }

  const std::string& describe() const override { return path_; }

 private:
  const std::string path_;
  const std::unique_ptr<AppendFile> file_;
  const std::vector<Resource> resources_;
  std::string line_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> open_file_exporter(const std::string& path,
                                                     std::vector<Resource> resources) {
  TOCSIN_TRY(auto file, AppendFile::open(path, {.header = {}, .first = '{'}));
  return std::make_unique<FileExporter>(path, std::move(file), std::move(resources));
}

Result<std::unique_ptr<Exporter>> open_exporter(const std::string& destination,
                                                const std::vector<Resource>& resources,
                                                const TracerOptions& options) {
  if (destination.empty()) return fail(ErrorCode::kInvalid, "a destination of traces is empty");
  if (is_url(destination)) return open_http_exporter(destination, resources, options);
  if (is_database(destination)) return open_store_exporter(destination, resources);
  return open_file_exporter(destination, resources);
}

}  // namespace tocsin::trace
