// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or the reason there is none. The one error channel of the project.
//
// Errors here are expected facts of life (a bad rule, a broker away, a short file). A broken
// invariant is not an Error: it is a bug, and TOCSIN_CHECK() stops the process.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tocsin {

// What the caller can do about it; never one code per call site.
enum class ErrorCode : std::uint8_t {
  kInvalid,      // the input is wrong and retrying will not help
  kUnsupported,  // the input is right, this build cannot serve it
  kUnavailable,  // try again later
  kNotFound,     // the named thing does not exist
  kCorrupt,      // stored bytes fail their check
  kExhausted,    // a stated limit was reached (disk, memory, size)
  kStale,        // the caller no longer owns what it tries to change (a lost partition)
};

struct Error {
  ErrorCode code;
  std::string message;  // one sentence that names the thing: "rule 4f2a: unknown modifier 'regex'"
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace tocsin

// Binds the value or returns the error: TOCSIN_TRY(const Rule rule, parse_rule(text));
#define TOCSIN_CONCAT_IMPL(a, b) a##b
#define TOCSIN_CONCAT(a, b) TOCSIN_CONCAT_IMPL(a, b)
#define TOCSIN_TRY_IMPL(slot, declaration, expression)         \
  auto slot = (expression);                                    \
  if (!slot) return ::tl::unexpected(std::move(slot).error()); \
  declaration = *std::move(slot)
#define TOCSIN_TRY(declaration, expression) \
  TOCSIN_TRY_IMPL(TOCSIN_CONCAT(tocsin_try_, __LINE__), declaration, expression)

// The same for a Status: TOCSIN_TRY_STATUS(file.flush());
#define TOCSIN_TRY_STATUS(expression)                            \
  do {                                                           \
    if (auto tocsin_status = (expression); !tocsin_status)       \
      return ::tl::unexpected(std::move(tocsin_status).error()); \
  } while (false)
