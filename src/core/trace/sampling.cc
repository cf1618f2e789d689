// SPDX-License-Identifier: Apache-2.0
#include "core/trace/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace tocsin::trace {
namespace {

constexpr std::uint64_t kRandomValues = 1ULL << 56;
constexpr std::string_view kEntry = "tocsin=";

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<double> share_of(std::string_view text) {
  const auto share = number_of<double>(text);
  if (share && *share >= 0 && *share <= 1) return *share;
  return fail(ErrorCode::kInvalid, fmt::format("'{}' is no share of traces from 0 to 1", text));
}

// A share below one in 2^56 cannot be told from none.
std::uint64_t threshold_of(double share) {
  const double kept = std::round(share * static_cast<double>(kRandomValues));
  return kRandomValues - std::min(kRandomValues, static_cast<std::uint64_t>(kept));
}

std::uint64_t last_bits(const TraceId& trace) {
  std::uint64_t bits = 0;
  for (std::size_t i = 9; i < trace.size(); ++i) bits = bits << 8 | trace[i];
  return bits;
}

bool ends_random(const TraceId& trace) {
  const int version = trace[6] >> 4;
  const bool rfc_variant = (trace[8] & 0xc0) == 0x80;
  return rfc_variant &&
         (version == 3 || version == 4 || version == 5 || version == 7 || version == 8);
}

}  // namespace

Result<Sampling> parse_sampling(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (text == "all") return Sampling{};
  if (text == "off") return Sampling{.kind = Sampling::Kind::kOff, .share = 0};
  if (name == "ratio") {
    TOCSIN_TRY(const double share, share_of(rest));
    return Sampling{.kind = Sampling::Kind::kRatio, .share = share, .heeds_parent = true};
  }
  if (name == "tail") {
    if (const auto one_of = number_of<std::uint64_t>(rest); one_of && *one_of > 0)
      return Sampling{.kind = Sampling::Kind::kTail,
                      .share = 1 / static_cast<double>(*one_of),
                      .heeds_parent = true};
    return fail(ErrorCode::kInvalid,
                fmt::format("tail:{}: one of how many is wanted, such as tail:100", rest));
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("'{}' is no sampling of traces: all, ratio:X (0 to 1), tail:N (one of N, "
                          "and what matters) or off",
                          text));
}

Result<Sampling> sampling_of_otel(std::string_view sampler, std::string_view argument) {
  constexpr std::string_view kParent = "parentbased_";
  Sampling sampling;
  sampling.heeds_parent = sampler.starts_with(kParent);
  const std::string_view root = sampling.heeds_parent ? sampler.substr(kParent.size()) : sampler;
  if (root == "always_on") return sampling;
  if (root == "always_off") {
    // Without a parent nothing is kept; with one that is sampled, its trace is.
    sampling.kind = sampling.heeds_parent ? Sampling::Kind::kRatio : Sampling::Kind::kOff;
    sampling.share = 0;
    return sampling;
  }
  if (root == "traceidratio") {
    sampling.kind = Sampling::Kind::kRatio;
    if (!argument.empty()) {
      TOCSIN_TRY(sampling.share, share_of(argument));
    }
    return sampling;
  }
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("the sampler '{}' is not known: always_on, always_off, traceidratio, each "
                  "also with parentbased_ before it",
                  sampler));
}

std::uint64_t randomness_of(const TraceId& trace) {
  if (ends_random(trace)) return last_bits(trace);
  const SpanId hash = Stage("tocsin: randomness of a trace id").id_in(trace);
  std::uint64_t bits = 0;
  for (std::size_t i = 1; i < hash.size(); ++i) bits = bits << 8 | hash[i];
  return bits;
}

Sampler::Sampler(const Sampling& sampling) : sampling_(sampling) {
  if (sampling_.kind == Sampling::Kind::kOff) sampling_.share = 0;
  if (sampling_.kind == Sampling::Kind::kAll) sampling_.share = 1;
  threshold_ = threshold_of(sampling_.share);
}

bool Sampler::keeps(const TraceId& trace, const Context* parent) const {
  if (sampling_.kind == Sampling::Kind::kOff) return false;
  if (sampling_.heeds_parent && parent != nullptr) return parent->sampled();
  return threshold_ == 0 || randomness_of(trace) >= threshold_;
}

std::string format_tracestate(const ProducerTimes& times) {
  std::array<char, 48> text{};
  char* at = std::copy(kEntry.begin(), kEntry.end(), text.data());
  const std::int64_t sent = times.sent / 1'000;
  at = std::to_chars(at, text.data() + text.size(), sent, 16).ptr;
  *at++ = '-';
  at = std::to_chars(at, text.data() + text.size(),
                     std::max<std::int64_t>(0, sent - times.started / 1'000), 16)
           .ptr;
  return {text.data(), at};
}

std::optional<ProducerTimes> parse_tracestate(std::string_view tracestate) {
  while (!tracestate.empty()) {
    const std::size_t comma = std::min(tracestate.find(','), tracestate.size());
    std::string_view entry = tracestate.substr(0, comma);
    tracestate.remove_prefix(std::min(comma + 1, tracestate.size()));
    entry.remove_prefix(std::min(entry.find_first_not_of(" \t"), entry.size()));
    entry = entry.substr(0, entry.find_last_not_of(" \t") + 1);
    if (!entry.starts_with(kEntry)) continue;
    entry.remove_prefix(kEntry.size());
    const char* const begin = entry.data();
    const char* const end = begin + entry.size();
    std::uint64_t sent = 0;
    std::uint64_t before = 0;
    const auto first = std::from_chars(begin, end, sent, 16);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, before, 16);
    constexpr std::uint64_t kMost = INT64_MAX / 1'000;
    if (second.ec != std::errc() || second.ptr != end || sent > kMost || before > sent)
      return std::nullopt;
    return ProducerTimes{static_cast<UnixNanos>((sent - before) * 1'000),
                         static_cast<UnixNanos>(sent * 1'000)};
  }
  return std::nullopt;
}

}  // namespace tocsin::trace
