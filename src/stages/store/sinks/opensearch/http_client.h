// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: requests to any of several nodes of one cluster.
//
//   request -> a node that is not resting -> answer
//                   `-> no answer, 502 to 504: it rests, the next one is asked
//
// Certificates are verified, always. Redirects are told and not followed: what was sent may hold
// credentials.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stages/store/sinks/opensearch/options.h"

namespace tocsin::store::opensearch {

struct Request {
  std::string_view method = "GET";
  std::string path;  // "/_bulk?...": behind the path of the host's URL
  std::string_view body = {};
  std::string_view content_type = "application/json";
};

struct Response {
  long status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};
  std::string node;  // who answered
};

// Threads: request(): one thread; cancel(): any.
// Errors:  open(): kInvalid: a URL, a certificate or a credential that cannot be used.
//          request(): kUnavailable: no node answered, with the reason of the last one; an answer of
//          any status is a Response. No message holds a secret.
class HttpClient {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HttpClient>> open(const Options& options);
  virtual ~HttpClient() = default;

  [[nodiscard]] virtual Result<Response> request(const Request& request) = 0;
  // A request under way ends soon, and none begins any more.
  virtual void cancel() = 0;
  [[nodiscard]] virtual bool cancelled() const = 0;
  // The nodes, for messages to people.
  [[nodiscard]] virtual const std::string& describe() const = 0;
};

// "HTTP status 403 from https://a:9200: security_exception: no permissions for ...".
[[nodiscard]] std::string describe_failure(const Response& response);

}  // namespace tocsin::store::opensearch
