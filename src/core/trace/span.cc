// SPDX-License-Identifier: Apache-2.0
#include "core/trace/span.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tocsin::trace {
namespace {

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

// The value of each lower-case hex digit, 16 of every other byte: W3C Trace Context section 3.2.2
// allows lower case only.
constexpr std::array<std::uint8_t, 256> kLowerHex = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(16);
  for (std::uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) values['a' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

bool decode_lower_hex(std::string_view text, std::uint8_t* out) {
  unsigned wrong = 0;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const unsigned high = kLowerHex[static_cast<std::uint8_t>(text[i])];
    const unsigned low = kLowerHex[static_cast<std::uint8_t>(text[i + 1])];
    wrong |= high | low;
    *out++ = static_cast<std::uint8_t>(high << 4 | (low & 15));
  }
  return (wrong & 16) == 0;
}

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof number);
  return std::endian::native == std::endian::big ? number : __builtin_bswap64(number);
}

std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

constexpr std::size_t kTraceparentSize = 55;  // "00-" 32 "-" 16 "-" 2

}  // namespace

TraceId trace_id_of(const Uuid& event_id) {
  if (!event_id.is_nil()) return event_id.bytes;
  return sha256_128("tocsin: the trace of the nil event id");
}

// FNV-1a of the name, then the finalizer of SplitMix64: an id costs two multiplications or so, and
// is as good as random within a trace.
Stage::Stage(std::string_view name, std::uint32_t attempt) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  seed_ = mix64(hash + attempt);
}

SpanId Stage::id_in(const TraceId& trace) const {
  const std::uint64_t mixed =
      mix64(mix64(seed_ ^ big_endian(trace.data())) + big_endian(trace.data() + 8));
  const std::uint64_t bits = mixed != 0 ? mixed : 1;  // all zero is no id
  const std::uint64_t ordered =
      std::endian::native == std::endian::big ? bits : __builtin_bswap64(bits);
  SpanId id;
  std::memcpy(id.data(), &ordered, sizeof ordered);
  return id;
}

std::string format_traceparent(const Context& context) {
  std::string out;
  out.reserve(kTraceparentSize);
  out += "00-";
  append_hex(out, context.trace.data(), context.trace.size());
  out.push_back('-');
  append_hex(out, context.span.data(), context.span.size());
  out.push_back('-');
  append_hex(out, &context.flags, 1);
  return out;
}

std::optional<Context> parse_traceparent(std::string_view text) {
  if (text.size() < kTraceparentSize) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  std::uint8_t number = 0;
  if (!decode_lower_hex(version, &number) || version == "ff") return std::nullopt;
  if (text.size() > kTraceparentSize && (version == "00" || text[kTraceparentSize] != '-'))
    return std::nullopt;
  Context context;
  if (!decode_lower_hex(text.substr(3, 32), context.trace.data()) ||
      !decode_lower_hex(text.substr(36, 16), context.span.data()) ||
      !decode_lower_hex(text.substr(53, 2), &context.flags))
    return std::nullopt;
  if (is_zero(context.trace) || is_zero(context.span)) return std::nullopt;
  return context;
}

}  // namespace tocsin::trace
