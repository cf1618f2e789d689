// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/credentials.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

namespace tocsin::store::opensearch {
namespace {

constexpr std::size_t kSecretBytesMax = 64u << 10;

Result<std::string> read_file(const std::string& path, std::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad())
    return fail(ErrorCode::kInvalid, fmt::format("{}: {} cannot be read", what, path));
  if (text.size() > kSecretBytesMax)
    return fail(ErrorCode::kInvalid, fmt::format("{}: {} is too large for a secret", what, path));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Result<std::string> read_secret(const std::string& reference, std::string_view what) {
  std::string secret;
  if (reference.starts_with("file:")) {
    TOCSIN_TRY(secret, read_file(reference.substr(5), what));
  } else if (reference.starts_with("env:")) {
    const char* const found = std::getenv(reference.c_str() + 4);
    if (found == nullptr)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: the environment has no {}", what, reference.substr(4)));
    secret = found;
  } else {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: give it as env:NAME or file:PATH, so that nobody can read it on "
                            "the command line or in a configuration",
                            what));
  }
  // A line break would end the header, and what follows would be another one.
  if (secret.empty() || secret.find_first_of("\r\n") != std::string::npos)
    return fail(ErrorCode::kInvalid, fmt::format("{}: is empty or has several lines", what));
  return secret;
}

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.c_str()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

Result<std::string> authorization_of(const Credentials& credentials) {
  if (!credentials.api_key.empty()) {
    TOCSIN_TRY(const std::string key, read_secret(credentials.api_key, "API key of OpenSearch"));
    return "ApiKey " + key;
  }
  if (credentials.user.empty() && credentials.password.empty()) return std::string();
  if (credentials.user.empty())
    return fail(ErrorCode::kInvalid, "password of OpenSearch: no user is named");
  if (credentials.user.find(':') != std::string::npos)
    return fail(ErrorCode::kInvalid, "user of OpenSearch: a name with a colon cannot be sent");
  TOCSIN_TRY(const std::string password,
             read_secret(credentials.password, "password of OpenSearch"));
  return "Basic " + base64(credentials.user + ":" + password);
}

}  // namespace tocsin::store::opensearch
