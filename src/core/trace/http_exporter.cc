// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "core/trace/exporter.h"

namespace tocsin::trace {
namespace {

constexpr std::size_t kResponseBytesMax = 64 * 1024;
constexpr long kUploadBuffer = 512 * 1024;  // fewer system calls for a batch

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Target {
  std::string url;    // with the path of the traces endpoint
  std::string shown;  // the same without user name and password
  bool loopback = false;
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

// The specification's default path goes onto a URL that has none.
Result<Target> parse_target(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::kInvalid, fmt::format("destination of traces: {}", why));
  };
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return refuse("the URL cannot be read; expected http://HOST:4318");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return refuse("only http:// and https:// URLs (OTLP/HTTP protobuf, usually port 4318)");
  const std::string path = part_of(url.get(), CURLUPART_PATH);
  if (path.empty() || path == "/") curl_url_set(url.get(), CURLUPART_PATH, "/v1/traces", 0);
  Target target;
  target.url = part_of(url.get(), CURLUPART_URL);
  const std::string host = part_of(url.get(), CURLUPART_HOST);
  target.loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
  curl_url_set(url.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(url.get(), CURLUPART_PASSWORD, nullptr, 0);
  curl_url_set(url.get(), CURLUPART_QUERY, nullptr, 0);
  target.shown = part_of(url.get(), CURLUPART_URL);
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

// One gzip member (RFC 1952), fast rather than small: spans repeat themselves.
class Gzip {
 public:
  Gzip()
      : ready_(deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
               Z_OK) {}
  ~Gzip() { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // False when `out` is to be sent as it was.
  [[nodiscard]] bool compress(const std::string& in, std::string& out) {
    if (!ready_ || deflateReset(&stream_) != Z_OK) return false;
    out.resize(deflateBound(&stream_, in.size()));
    // zlib does not write through next_in.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return false;
    out.resize(stream_.total_out);
    return true;
  }

 private:
  z_stream stream_{};
  const bool ready_;
};

class HttpExporter final : public Exporter {
 public:
  HttpExporter(Target target, std::vector<Resource> resources, CURL* easy, bool gzip)
      : target_(std::move(target)),
        resources_(std::move(resources)),
        easy_(easy),
        gzip_(gzip ? std::make_unique<Gzip>() : nullptr) {}

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
  using Headers = std::unique_ptr<curl_slist, FreeList>;

  void set_headers(const HttpOptions& options) {
    const auto add = [](Headers& list, const std::string& line) {
      list.reset(curl_slist_append(list.release(), line.c_str()));
    };
    for (Headers* list : {&plain_headers_, &gzip_headers_}) {
      add(*list, "Content-Type: application/x-protobuf");
      add(*list, "Expect:");
      // curl takes "Name;" for a header that is to be sent without a value.
      for (const auto& [name, value] : options.headers)
        add(*list, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    }
    add(gzip_headers_, "Content-Encoding: gzip");
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
  Headers plain_headers_, gzip_headers_;
  const std::unique_ptr<CURL, FreeEasy> easy_;
  const std::unique_ptr<Gzip> gzip_;
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
  CURL* easy = curl_easy_init();
  if (easy == nullptr) return fail(ErrorCode::kExhausted, "libcurl cannot be initialised");
  auto exporter = std::make_unique<HttpExporter>(std::move(target), std::move(resources), easy,
                                                 options.http.gzip);
  exporter->configure(options.http, options.request_timeout);
  return exporter;
}

}  // namespace tocsin::trace
