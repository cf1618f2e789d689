// SPDX-License-Identifier: Apache-2.0
//
// What a route answers: a body with its type and headers, a stream of server-sent events, or an
// ApiError, which becomes {"error": {"code", "message", "field"}}.
//
//   handler -> Answer -> Server -> bytes
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tocsin::console {

// The codes of the API, each with its HTTP status.
enum class ApiCode : std::uint8_t {
  kInvalid,       // 400
  kUnauthorized,  // 401
  kForbidden,     // 403
  kNotFound,      // 404
  kNotAllowed,    // 405: told as "invalid"
  kConflict,      // 409
  kNoLength,      // 411: told as "invalid"
  kTooLarge,      // 413
  kWrongType,     // 415: told as "invalid"
  kRateLimited,   // 429
  kInternal,      // 500
  kUnavailable,   // 503
};
[[nodiscard]] int status_of(ApiCode code);

struct ApiError {
  ApiCode code = ApiCode::kInternal;
  std::string message;  // for people; nothing of the inside of the program
  std::string field;    // the parameter or member that is wrong; may be empty

  ApiError(ApiCode c, std::string m, std::string f = {})
      : code(c), message(std::move(m)), field(std::move(f)) {}
  // What a module below says, as the caller should see it.
  ApiError(Error error);  // NOLINT(google-explicit-constructor): so that TOCSIN_TRY works in routes
};

// One more piece of a stream: appends events to `out`, or nothing after a wait of at most half a
// second. False: the stream has come to its end.
using StreamStep = std::function<bool(std::string& out)>;

struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool compressed = false;           // the body is gzip already
  std::string_view embedded;         // instead of `body`: bytes of the program itself
  std::function<StreamStep()> open;  // set: text/event-stream; called once, before the first step

  [[nodiscard]] std::string_view bytes() const { return embedded.empty() ? body : embedded; }
};

using Answer = tl::expected<Reply, ApiError>;

[[nodiscard]] Reply json_reply(std::string json, int status = 200);
[[nodiscard]] Reply error_reply(const ApiError& error);
[[nodiscard]] tl::unexpected<ApiError> refuse(ApiCode code, std::string message,
                                              std::string field = {});

// "event: NAME\ndata: JSON\n\n". The JSON must be on one line.
void append_event(std::string& out, std::string_view name, std::string_view json);

}  // namespace tocsin::console
