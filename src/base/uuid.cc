// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tocsin {
namespace {

constexpr char kHex[] = "0123456789abcdef";

constexpr std::uint8_t kNoHex = 0xff;
constexpr std::array<std::uint8_t, 256> kHexValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoHex);
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i)
    values['a' + i] = values['A' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

std::uint8_t hex_value(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

struct Digest {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes;
};

// One context per thread: creating one costs more than hashing an event id.
Digest digest(const EVP_MD* kind, std::string_view a, std::string_view b = {}) {
  struct Context {
    EVP_MD_CTX* raw = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(raw); }
  };
  thread_local Context context;
  Digest out{};
  TOCSIN_CHECK(EVP_DigestInit_ex(context.raw, kind, nullptr) == 1);
  TOCSIN_CHECK(EVP_DigestUpdate(context.raw, a.data(), a.size()) == 1);
  TOCSIN_CHECK(EVP_DigestUpdate(context.raw, b.data(), b.size()) == 1);
  TOCSIN_CHECK(EVP_DigestFinal_ex(context.raw, out.bytes.data(), nullptr) == 1);
  return out;
}

const EVP_MD* sha1() {
  static const EVP_MD* const kind = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return kind;
}
const EVP_MD* sha256() {
  static const EVP_MD* const kind = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kind;
}

Uuid with_version(const std::uint8_t* data, std::uint8_t version) {
  Uuid id;
  std::copy_n(data, 16, id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | (version << 4));
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace

void append_hex(std::string& out, const std::uint8_t* data, std::size_t size) {
  const std::size_t at = out.size();
  out.resize(at + 2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    out[at + 2 * i] = kHex[data[i] >> 4];
    out[at + 2 * i + 1] = kHex[data[i] & 15];
  }
}

bool decode_hex(std::string_view text, std::uint8_t* out, std::size_t size) {
  if (text.size() != 2 * size) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned high = hex_value(text[2 * i]);
    const unsigned low = hex_value(text[2 * i + 1]);
    if ((high | low) > 0xf) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

std::array<std::uint8_t, 16> sha256_128(std::string_view data) {
  const Digest full = digest(sha256(), data);
  std::array<std::uint8_t, 16> out;
  std::copy_n(full.bytes.begin(), 16, out.begin());
  return out;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  if (text.size() > kUrn.size() &&
      std::equal(kUrn.begin(), kUrn.end(), text.begin(),
                 [](char want, char got) { return want == got || want == (got | 0x20); }))
    text.remove_prefix(kUrn.size());
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}')
    text = text.substr(1, text.size() - 2);
  Uuid id;
  if (text.size() == 32) {
    if (!decode_hex(text, id.bytes.data(), 16)) return std::nullopt;
    return id;
  }
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return std::nullopt;
  std::array<char, 32> digits{};
  std::copy_if(text.begin(), text.end(), digits.begin(),
               [n = 0](char c) mutable { return c != '-' && n++ < 32; });
  if (std::count(text.begin(), text.end(), '-') != 4) return std::nullopt;
  if (!decode_hex({digits.data(), digits.size()}, id.bytes.data(), 16)) return std::nullopt;
  return id;
}

Uuid Uuid::v5(const Uuid& name_space, std::string_view name) {
  const std::string_view prefix(reinterpret_cast<const char*>(name_space.bytes.data()), 16);
  return with_version(digest(sha1(), prefix, name).bytes.data(), 5);
}

Uuid Uuid::hashed(std::string_view name) {
  return with_version(digest(sha256(), name).bytes.data(), 8);
}

Uuid Uuid::random() {
  std::array<std::uint8_t, 16> bytes{};
  TOCSIN_CHECK(RAND_bytes(bytes.data(), 16) == 1);
  return with_version(bytes.data(), 4);
}

bool Uuid::is_nil() const {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

void Uuid::append_to(std::string& out) const {
  append_hex(out, bytes.data(), 4);
  for (const auto& [from, count] : {std::pair{4, 2}, {6, 2}, {8, 2}, {10, 6}}) {
    out.push_back('-');
    append_hex(out, bytes.data() + from, static_cast<std::size_t>(count));
  }
}

std::string Uuid::to_string() const {
  std::string out;
  out.reserve(36);
  append_to(out);
  return out;
}

}  // namespace tocsin

std::size_t std::hash<tocsin::Uuid>::operator()(const tocsin::Uuid& id) const noexcept {
  std::uint64_t parts[2];
  std::memcpy(parts, id.bytes.data(), 16);
  return static_cast<std::size_t>(parts[0] ^ (parts[1] * 0x9e3779b97f4a7c15ULL));
}
