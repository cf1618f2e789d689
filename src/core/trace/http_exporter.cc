// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "base/http/curl.h"
#include "base/http/gzip.h"
#include "base/http/url.h"
#include "core/trace/exporter.h"

namespace tocsin::trace {
namespace {

constexpr std::size_t kResponseBytesMax = 64 * 1024;
constexpr long kUploadBuffer = 512 * 1024;  // fewer system calls for a batch

struct Target {
  std::string url;    // with the path of the traces endpoint
  std::string shown;  // the same without user name and password
  bool loopback = false;
};

// The specification's default path goes onto a URL that has none.
Result<Target> parse_target(const std::string& text) {
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::kInvalid, fmt::format("destination of traces: {}", why));
  };
  std::optional<http::Url> url = http::Url::parse(text);
  if (!url) return refuse("the URL cannot be read; expected http://HOST:4318");
  if (!url->is_http())
    return refuse("only http:// and https:// URLs (OTLP/HTTP protobuf, usually port 4318)");
  if (const std::string path = url->path(); path.empty() || path == "/")
    url->set_path("/v1/traces");
  Target target;
  target.url = url->text();
  target.loopback = url->is_loopback();
  url->forget_credentials();
  url->forget_query();
  target.shown = url->text();
  return target;
}

// A wrong path is told at the start, not with the first batch.
Status check_files(const HttpOptions& options) {
  for (const std::string* path : {&options.ca_file, &options.certificate, &options.key})
    if (!path->empty() && access(path->c_str(), R_OK) != 0)
      return fail(ErrorCode::kInvalid,
                  fmt::format("destination of traces: {}: cannot be read", *path));
  return {};
}

// The specification's list (OTLP/HTTP, "Retryable response codes").
bool is_retryable(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

// What another attempt cannot mend: everything else is the network's mood.
bool is_final(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_OUT_OF_MEMORY:
      return true;
    default:
      return false;
  }
}

class HttpExporter final : public Exporter {
 public:
  HttpExporter(Target target, std::vector<Resource> resources, http::Easy easy, bool gzip)
      : target_(std::move(target)),
        resources_(std::move(resources)),
        easy_(std::move(easy)),
        gzip_(gzip ? std::make_unique<http::Gzip>() : nullptr) {}

  void encode(ChunkRefs chunks) override {
    body_.clear();
    append_request(body_, resources_, chunks);
    const bool packed = gzip_ != nullptr && gzip_->compress(body_, packed_);
    sent_ = packed ? &packed_ : &body_;
    curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER,
                     (packed ? gzip_headers_ : plain_headers_).get());
  }

  Outcome send() override {
    response_.clear();
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, sent_->data());
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(sent_->size()));
    const CURLcode code = curl_easy_perform(easy_.get());
    if (code != CURLE_OK) {
      return {.kind = is_final(code) ? Outcome::Kind::kRefused : Outcome::Kind::kRetry,
              .reason = curl_easy_strerror(code)};
    }
    return judge();
  }

  void cancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  const std::string& describe() const override { return target_.shown; }

  // Sets all that stays the same from request to request.
  void configure(const HttpOptions& options, std::chrono::milliseconds timeout) {
    set_headers(options);
    CURL* easy = easy_.get();
    const auto set_path = [easy](CURLoption option, const std::string& path) {
      if (!path.empty()) curl_easy_setopt(easy, option, path.c_str());
    };
    set_path(CURLOPT_CAINFO, options.ca_file);
    set_path(CURLOPT_SSLCERT, options.certificate);
    set_path(CURLOPT_SSLKEY, options.key);
    curl_easy_setopt(easy, CURLOPT_URL, target_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (target_.loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpExporter::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &HttpExporter::on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  }

 private:
  void set_headers(const HttpOptions& options) {
    for (http::Headers* list : {&plain_headers_, &gzip_headers_}) {
      http::append(*list, "Content-Type: application/x-protobuf");
      http::append(*list, "Expect:");
      // curl takes "Name;" for a header that is to be sent without a value.
      for (const auto& [name, value] : options.headers)
        http::append(*list, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    }
    http::append(gzip_headers_, "Content-Encoding: gzip");
  }

  Outcome judge() {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
      PartialSuccess partial = parse_response(response_);
      return {
          .kind = Outcome::Kind::kTaken,
          .rejected = static_cast<std::size_t>(std::max<std::int64_t>(0, partial.rejected_spans)),
          .reason = std::move(partial.message)};
    }
    Outcome outcome{.kind = is_retryable(status) ? Outcome::Kind::kRetry : Outcome::Kind::kRefused,
                    .reason = fmt::format("HTTP status {}", status)};
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
    outcome.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 3600));
    return outcome;
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
    std::string& response = static_cast<HttpExporter*>(self)->response_;
    response.append(data, std::min(size, kResponseBytesMax - response.size()));
    return size;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<HttpExporter*>(self)->cancelled_.load(std::memory_order_relaxed) ? 1 : 0;
  }

  const Target target_;
  const std::vector<Resource> resources_;
  http::Headers plain_headers_, gzip_headers_;
  const http::Easy easy_;
  const std::unique_ptr<http::Gzip> gzip_;
  std::string body_;
  std::string packed_;
  const std::string* sent_ = &body_;
  std::string response_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

Result<std::unique_ptr<Exporter>> open_http_exporter(const std::string& url,
                                                     std::vector<Resource> resources,
                                                     const TracerOptions& options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  TOCSIN_TRY(Target target, parse_target(url));
  TOCSIN_TRY_STATUS(check_files(options.http));
  http::Easy easy(curl_easy_init());
  if (!easy) return fail(ErrorCode::kExhausted, "libcurl cannot be initialised");
  auto exporter = std::make_unique<HttpExporter>(std::move(target), std::move(resources),
                                                 std::move(easy), options.http.gzip);
  exporter->configure(options.http, options.request_timeout);
  return exporter;
}

}  // namespace tocsin::trace
