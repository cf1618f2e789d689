// SPDX-License-Identifier: Apache-2.0
//
// Secrets: random tokens, their digests, and passwords as scrypt hashes (RFC 7914).
//
//   password -> hash_password() -> "scrypt$15$8$1$SALT$HASH" -> verify_password()
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::console {

// 32 random bytes as hex.
[[nodiscard]] std::string random_token();
// SHA-256 as hex: what is kept of a token.
[[nodiscard]] std::string digest_of(std::string_view secret);
// Takes the same time wherever they differ.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b);

// Costs about 0.1 s and 32 MiB.
[[nodiscard]] Result<std::string> hash_password(std::string_view password);
// False also for a text that is no such hash.
[[nodiscard]] bool verify_password(std::string_view password, std::string_view hash);
// Whether a text has the form of a hash, with costs that a server can bear.
[[nodiscard]] bool is_password_hash(std::string_view hash);

}  // namespace tocsin::console
