// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "core/trace/exporter.h"

namespace tocsin::trace {
namespace {

constexpr std::size_t kResponseBytesMax = 64 * 1024;

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
    case CURLE_OUT_OF_MEMORY:
      return true;
    default:
      return false;
  }
}

class HttpExporter final : public Exporter {
 public:
  HttpExporter(Target target, Resource resource, CURL* easy)
      : target_(std::move(target)), resource_(std::move(resource)), easy_(easy) {}

  void encode(SpanRefs spans) override {
    body_.clear();
    append_request(body_, resource_, spans);
  }

  Outcome send() override {
    response_.clear();
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, body_.data());
    curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(body_.size()));
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
  void configure(std::chrono::milliseconds timeout) {
    for (const char* line : {"Content-Type: application/x-protobuf", "Expect:"})
      headers_.reset(curl_slist_append(headers_.release(), line));
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_URL, target_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (target_.loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpExporter::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &HttpExporter::on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  }

 private:
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
  const Resource resource_;
  const std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::string body_;
  std::string response_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

Result<std::unique_ptr<Exporter>> open_http_exporter(const std::string& url, Resource resource,
                                                     std::chrono::milliseconds request_timeout) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  TOCSIN_TRY(Target target, parse_target(url));
  CURL* easy = curl_easy_init();
  if (easy == nullptr) return fail(ErrorCode::kExhausted, "libcurl cannot be initialised");
  auto exporter = std::make_unique<HttpExporter>(std::move(target), std::move(resource), easy);
  exporter->configure(request_timeout);
  return exporter;
}

}  // namespace tocsin::trace
