// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/http_client.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/http/curl.h"
#include "base/http/gzip.h"
#include "base/http/url.h"
#include "base/log.h"
#include "stages/store/sinks/opensearch/credentials.h"

namespace tocsin::store::opensearch {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kResponseBytesMax = 64u << 20;
constexpr long kUploadBuffer = 512 * 1024;
constexpr milliseconds kRestFirst{1'000};
constexpr milliseconds kRestMax{30'000};
constexpr std::size_t kReasonMax = 500;

struct Node {
  std::string url;  // without a slash at its end
  bool loopback = false;
  Clock::time_point rests_until{};
  milliseconds rest = kRestFirst;
};

Result<Node> parse_node(const std::string& text) {
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::kInvalid, fmt::format("address of OpenSearch: {}", why));
  };
  const std::optional<http::Url> url = http::Url::parse(text);
  if (!url) return refuse("cannot be read; expected https://HOST:9200");
  if (!url->is_http()) return refuse("only http:// and https:// can be used");
  if (!url->user().empty() || !url->password().empty())
    return refuse(
        "holds a user name or password, which everybody could read; use --opensearch-user and "
        "--opensearch-password");
  if (!url->query().empty() || !url->fragment().empty())
    return refuse("has a query; only host, port and a path are wanted");
  Node node;
  node.url = url->text();
  while (node.url.ends_with('/')) node.url.pop_back();
  node.loopback = url->is_loopback();
  return node;
}

Status check_files(const Options& options) {
  for (const std::string* path : {&options.ca_file, &options.certificate, &options.key})
    if (!path->empty() && access(path->c_str(), R_OK) != 0)
      return fail(ErrorCode::kInvalid, fmt::format("OpenSearch: {}: cannot be read", *path));
  return {};
}

bool is_gone(long status) { return status == 502 || status == 503 || status == 504; }

class Client final : public HttpClient {
 public:
  Client(const Options& options, std::vector<Node> nodes, http::Easy easy)
      : options_(options), nodes_(std::move(nodes)), easy_(std::move(easy)) {
    for (const Node& node : nodes_) described_ += (described_.empty() ? "" : ", ") + node.url;
  }

  Status start() {
    TOCSIN_TRY(authorization_, authorization_of(options_.credentials));
    for (const Node& node : nodes_)
      if (!authorization_.empty() && !node.loopback && node.url.starts_with("http://"))
        log_warning("{}: credentials are sent without TLS; use https://", node.url);
    configure();
    return {};
  }

  Result<Response> request(const Request& request) override {
    std::string reason = "no node is named";
    std::optional<Response> last;
    for (std::size_t tried = 0; tried < nodes_.size() && !cancelled(); ++tried) {
      Node& node = next_node();
      Result<Response> answer = ask(node, request);
      if (answer && !is_gone(answer->status)) {
        node.rest = kRestFirst;
        return answer;
      }
      node.rests_until = Clock::now() + node.rest;
      node.rest = std::min(node.rest * 2, kRestMax);
      if (answer)
        last = std::move(*answer);
      else
        reason = answer.error().message;
    }
    if (cancelled()) return fail(ErrorCode::kUnavailable, "told to stop");
    if (last) return *std::move(last);
    return fail(ErrorCode::kUnavailable, reason);
  }

  void cancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
  const std::string& describe() const override { return described_; }

 private:
  // In turn, but those that rest only when all do: then the one that has rested longest.
  Node& next_node() {
    const auto now = Clock::now();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[turn_++ % nodes_.size()];
      if (node.rests_until <= now) return node;
    }
    return *std::min_element(nodes_.begin(), nodes_.end(), [](const Node& a, const Node& b) {
      return a.rests_until < b.rests_until;
    });
  }

  Result<Response> ask(const Node& node, const Request& request) {
    Result<Response> answer = perform(node, request);
    if (!answer || answer->status != 401 || authorization_.empty()) return answer;
    // A password that was changed while this process ran.
    auto fresh = authorization_of(options_.credentials);
    if (!fresh || *fresh == authorization_) return answer;
    authorization_ = *std::move(fresh);
    return perform(node, request);
  }

  Result<Response> perform(const Node& node, const Request& request) {
    Response response;
    response.node = node.url;
    answer_ = &response;
    too_large_ = false;
    std::string packed;
    const bool gzip =
        options_.gzip && !request.body.empty() && gzip_.compress(request.body, packed);
    const std::string_view body = gzip ? std::string_view(packed) : request.body;
    const http::Headers headers = headers_of(request, gzip);
    const std::string method(request.method);
    const std::string url = node.url + request.path;
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_PROXY, node.loopback ? "" : nullptr);
    if (body.empty()) {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, &body.front());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    const CURLcode code = curl_easy_perform(easy);
    // They live no longer than this call.
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, nullptr);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
    if (too_large_)
      return fail(ErrorCode::kUnavailable, fmt::format("{}: the answer is too large", node.url));
    if (code != CURLE_OK)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}: {}", node.url, curl_easy_strerror(code)));
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response.status);
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    response.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 3'600));
    return response;
  }

  http::Headers headers_of(const Request& request, bool gzip) const {
    http::Headers list;
    const auto add = [&](const std::string& line) { http::append(list, line); };
    if (!request.body.empty()) add(fmt::format("Content-Type: {}", request.content_type));
    if (gzip) add("Content-Encoding: gzip");
    if (!authorization_.empty()) add("Authorization: " + authorization_);
    add("Expect:");
    return list;
  }

  void configure() {
    CURL* easy = easy_.get();
    const auto set_path = [easy](CURLoption option, const std::string& path) {
      if (!path.empty()) curl_easy_setopt(easy, option, path.c_str());
    };
    set_path(CURLOPT_CAINFO, options_.ca_file);
    set_path(CURLOPT_SSLCERT, options_.certificate);
    set_path(CURLOPT_SSLKEY, options_.key);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tocsin/" TOCSIN_VERSION);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options_.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Client::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Client::on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& client = *static_cast<Client*>(self);
    std::string& body = client.answer_->body;
    client.too_large_ = body.size() + size > kResponseBytesMax;
    if (client.too_large_) return 0;
    body.append(data, size);
    return size;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Client*>(self)->cancelled() ? 1 : 0;
  }

  const Options options_;
  std::vector<Node> nodes_;
  std::size_t turn_ = 0;
  const http::Easy easy_;
  http::Gzip gzip_;
  std::string described_;
  std::string authorization_;
  Response* answer_ = nullptr;
  bool too_large_ = false;
  std::atomic<bool> cancelled_{false};
};

// {"error":{"type":"...","reason":"..."}} or {"error":"..."}.
std::string reason_in(const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view text;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return {};
  if (root["error"].get(text) == simdjson::SUCCESS) return std::string(text);
  std::string_view type;
  if (root.at_pointer("/error/type").get(type) != simdjson::SUCCESS) return {};
  std::string reason(type);
  if (root.at_pointer("/error/reason").get(text) == simdjson::SUCCESS)
    reason += fmt::format(": {}", text);
  return reason;
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::open(const Options& options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  TOCSIN_TRY_STATUS(check_files(options));
  std::vector<Node> nodes;
  for (const std::string& host : options.hosts) {
    TOCSIN_TRY(Node node, parse_node(host));
    nodes.push_back(std::move(node));
  }
  if (nodes.empty()) return fail(ErrorCode::kInvalid, "address of OpenSearch: none is given");
  http::Easy easy(curl_easy_init());
  if (!easy) return fail(ErrorCode::kExhausted, "libcurl cannot be initialised");
  auto client = std::make_unique<Client>(options, std::move(nodes), std::move(easy));
  TOCSIN_TRY_STATUS(client->start());
  return client;
}

std::string describe_failure(const Response& response) {
  std::string text = fmt::format("HTTP status {} from {}", response.status, response.node);
  if (response.status >= 300 && response.status < 400)
    return text + ": it redirects, which is not followed; name the address it points to";
  std::string reason = reason_in(response.body);
  if (reason.size() > kReasonMax) reason.resize(kReasonMax);
  if (!reason.empty()) text += ": " + reason;
  return text;
}

}  // namespace tocsin::store::opensearch
