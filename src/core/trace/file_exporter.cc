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
  FileExporter(std::string path, std::unique_ptr<AppendFile> file, Resource resource)
      : path_(std::move(path)), file_(std::move(file)), resource_(std::move(resource)) {}

  void encode(SpanRefs spans) override {
    line_.clear();
    append_request_json(line_, resource_, spans);
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
  const Resource resource_;
  std::string line_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> open_file_exporter(const std::string& path, Resource resource) {
  TOCSIN_TRY(auto file, AppendFile::open(path, {.header = {}, .first = '{'}));
  return std::make_unique<FileExporter>(path, std::move(file), std::move(resource));
}

Result<std::unique_ptr<Exporter>> open_exporter(const std::string& destination,
                                                const Resource& resource,
                                                const std::string& service,
                                                std::chrono::milliseconds request_timeout) {
  if (destination.empty()) return fail(ErrorCode::kInvalid, "a destination of traces is empty");
  if (is_url(destination)) return open_http_exporter(destination, resource, request_timeout);
  if (is_database(destination)) return open_store_exporter(destination, service);
  return open_file_exporter(destination, resource);
}

}  // namespace tocsin::trace
