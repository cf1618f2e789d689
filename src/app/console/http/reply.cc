// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/reply.h"

#include <array>

#include "base/json_writer.h"

namespace tocsin::console {
namespace {

struct CodeRow {
  ApiCode code;
  int status;
  std::string_view name;
};
constexpr std::array<CodeRow, 12> kCodes = {{{ApiCode::kInvalid, 400, "invalid"},
                                             {ApiCode::kUnauthorized, 401, "unauthorized"},
                                             {ApiCode::kForbidden, 403, "forbidden"},
                                             {ApiCode::kNotFound, 404, "not_found"},
                                             {ApiCode::kNotAllowed, 405, "invalid"},
                                             {ApiCode::kConflict, 409, "conflict"},
                                             {ApiCode::kNoLength, 411, "invalid"},
                                             {ApiCode::kTooLarge, 413, "too_large"},
                                             {ApiCode::kWrongType, 415, "invalid"},
                                             {ApiCode::kRateLimited, 429, "rate_limited"},
                                             {ApiCode::kInternal, 500, "internal"},
                                             {ApiCode::kUnavailable, 503, "unavailable"}}};

const CodeRow& row_of(ApiCode code) { return kCodes[static_cast<std::size_t>(code)]; }

ApiCode code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return ApiCode::kInvalid;
    case ErrorCode::kNotFound:
      return ApiCode::kNotFound;
    case ErrorCode::kStale:
      return ApiCode::kConflict;
    case ErrorCode::kExhausted:
      return ApiCode::kTooLarge;
    case ErrorCode::kUnsupported:
    case ErrorCode::kUnavailable:
    case ErrorCode::kCorrupt:
      break;
  }
  return ApiCode::kUnavailable;
}

}  // namespace

int status_of(ApiCode code) { return row_of(code).status; }

ApiError::ApiError(Error error) : code(code_of(error.code)), message(std::move(error.message)) {}

Reply json_reply(std::string json, int status) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(json);
  return reply;
}

Reply error_reply(const ApiError& error) {
  std::string body;
  JsonWriter json(body);
  json.object([&] {
    json.key("error");
    json.object([&] {
      json.member("code", row_of(error.code).name);
      json.member("message", error.message);
      if (!error.field.empty()) json.member("field", error.field);
    });
  });
  return json_reply(std::move(body), status_of(error.code));
}

tl::unexpected<ApiError> refuse(ApiCode code, std::string message, std::string field) {
  return tl::unexpected<ApiError>(ApiError(code, std::move(message), std::move(field)));
}

void append_event(std::string& out, std::string_view name, std::string_view json) {
  out += "event: ";
  out += name;
  out += "\ndata: ";
  out += json;
  out += "\n\n";
}

}  // namespace tocsin::console
