// SPDX-License-Identifier: Apache-2.0
#include "app/console/auth/secrets.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/uuid.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr unsigned kLog2N = 15, kBlocks = 8, kParallel = 1;
constexpr unsigned kLog2NMax = 20, kBlocksMax = 16, kParallelMax = 4;
constexpr std::uint64_t kMemoryMax = 1ULL << 31;

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& bytes) {
  std::string out;
  append_hex(out, bytes.data(), bytes.size());
  return out;
}

struct Hash {
  unsigned log2n = 0, r = 0, p = 0;
  std::array<std::uint8_t, kSaltBytes> salt{};
  std::array<std::uint8_t, kHashBytes> hash{};
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool small_number(const std::string& text, unsigned max, unsigned& out) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, out);
  return read.ec == std::errc() && read.ptr == end && out >= 1 && out <= max;
}

std::optional<Hash> parse_hash(std::string_view text) {
  const std::vector<std::string> parts = split(text, '$');
  Hash out;
  if (parts.size() != 6 || parts[0] != "scrypt" || !small_number(parts[1], kLog2NMax, out.log2n) ||
      !small_number(parts[2], kBlocksMax, out.r) || !small_number(parts[3], kParallelMax, out.p) ||
      parts[4].size() != 2 * kSaltBytes || parts[5].size() != 2 * kHashBytes ||
      !decode_hex(parts[4], out.salt.data(), kSaltBytes) ||
      !decode_hex(parts[5], out.hash.data(), kHashBytes))
    return std::nullopt;
  return out;
}

bool derive(std::string_view password, const Hash& with,
            std::array<std::uint8_t, kHashBytes>& out) {
  const std::string copy(password);
  return EVP_PBE_scrypt(copy.data(), copy.size(), with.salt.data(), with.salt.size(),
                        1ULL << with.log2n, with.r, with.p, kMemoryMax, out.data(),
                        out.size()) == 1;
}

}  // namespace

std::string random_token() {
  std::array<std::uint8_t, kTokenBytes> bytes{};
  TOCSIN_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return hex(bytes);
}

std::string digest_of(std::string_view secret) {
  std::array<std::uint8_t, 32> bytes{};
  unsigned size = 0;
  const std::string copy(secret);
  TOCSIN_CHECK(EVP_Digest(copy.data(), copy.size(), bytes.data(), &size, EVP_sha256(), nullptr) ==
               1);
  return hex(bytes);
}

bool same_secret(std::string_view a, std::string_view b) {
  // Digests have one length, so that not even the lengths of the secrets are told.
  const std::string left = digest_of(a), right = digest_of(b);
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

Result<std::string> hash_password(std::string_view password) {
  Hash hash{.log2n = kLog2N, .r = kBlocks, .p = kParallel, .salt = {}, .hash = {}};
  if (RAND_bytes(hash.salt.data(), static_cast<int>(hash.salt.size())) != 1 ||
      !derive(password, hash, hash.hash))
    return fail(ErrorCode::kUnavailable, "the password could not be hashed (memory?)");
  return fmt::format("scrypt${}${}${}${}${}", hash.log2n, hash.r, hash.p, hex(hash.salt),
                     hex(hash.hash));
}

bool verify_password(std::string_view password, std::string_view hash) {
  const auto wanted = parse_hash(hash);
  std::array<std::uint8_t, kHashBytes> got{};
  return wanted && derive(password, *wanted, got) &&
         CRYPTO_memcmp(got.data(), wanted->hash.data(), got.size()) == 0;
}

bool is_password_hash(std::string_view hash) { return parse_hash(hash).has_value(); }

}  // namespace tocsin::console
