// SPDX-License-Identifier: Apache-2.0
#include "core/trace/span_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <protozero/varint.hpp>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "core/trace/otlp.h"
#include "core/trace/otlp_fields.h"

namespace tocsin::trace {
namespace {

constexpr std::size_t kVarintMax = 10;
// A message of 128 to 16,383 bytes, as nearly every span is: the room left for its length.
constexpr std::size_t kLengthRoom = 2;

enum Wire : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2 };

constexpr char tag(field::Tag number, Wire wire) { return static_cast<char>(number << 3 | wire); }

char* put_varint(char* at, std::uint64_t value) {
  return at + protozero::add_varint_to_buffer(at, value);
}

char* put_bytes(char* at, std::string_view bytes) {
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

char* put_text(char* at, char tag_byte, std::string_view text) {
  *at++ = tag_byte;
  return put_bytes(put_varint(at, text.size()), text);
}

template <std::size_t N>
char* put_id(char* at, char tag_byte, const std::array<std::uint8_t, N>& id) {
  *at++ = tag_byte;
  *at++ = static_cast<char>(N);
  std::memcpy(at, id.data(), N);
  return at + N;
}

char* put_time(char* at, char tag_byte, UnixNanos time) {
  *at++ = tag_byte;
  auto bits = static_cast<std::uint64_t>(time);
  if (std::endian::native == std::endian::big) bits = __builtin_bswap64(bits);
  std::memcpy(at, &bits, sizeof bits);
  return at + sizeof bits;
}

std::size_t varint_size(std::uint64_t value) {
  return static_cast<std::size_t>(protozero::length_of_varint(value));
}

// The head of a KeyValue whose AnyValue has `value_size` bytes.
char* put_pair(char* at, char tag_byte, std::string_view key, std::size_t value_size) {
  const std::size_t pair_size =
      1 + varint_size(key.size()) + key.size() + 1 + varint_size(value_size) + value_size;
  *at++ = tag_byte;
  at = put_varint(at, pair_size);
  at = put_text(at, tag(field::kKeyValueKey, kBytes), key);
  *at++ = tag(field::kKeyValueValue, kBytes);
  return put_varint(at, value_size);
}

}  // namespace

SpanTemplate::SpanTemplate(std::string_view name, SpanKind kind,
                           const std::vector<Attribute>& attributes) {
  append_span_constants(bytes_, name, kind, attributes);
}

char* SpanWriter::room(std::size_t bytes) {
  if (buffer_.size() - used_ < bytes)
    buffer_.resize(std::max({kChunkBytes + kChunkBytes / 8, buffer_.size() * 2, used_ + bytes}));
  return buffer_.data() + used_;
}

void SpanWriter::open_message(char tag_byte) {
  char* at = room(1 + kLengthRoom);
  *at = tag_byte;
  used_ += 1 + kLengthRoom;
}

void SpanWriter::close_message(std::size_t start) {
  const std::size_t size = used_ - start;
  const std::size_t length_size = varint_size(size);
  if (length_size > kLengthRoom) static_cast<void>(room(length_size - kLengthRoom));
  char* const length = buffer_.data() + start - kLengthRoom;
  if (length_size != kLengthRoom) {
    std::memmove(length + length_size, length + kLengthRoom, size);
    used_ = used_ - kLengthRoom + length_size;
  }
  put_varint(length, size);
}

void SpanWriter::begin(const SpanTemplate& common, const SpanPlace& place, UnixNanos start,
                       UnixNanos end) {
  TOCSIN_CHECK(span_start_ == 0);
  open_message(tag(field::kScopeSpansSpans, kBytes));
  span_start_ = used_;
  char* at = room(64 + common.bytes().size());
  at = put_id(at, tag(field::kSpanTraceId, kBytes), place.trace);
  at = put_id(at, tag(field::kSpanId, kBytes), place.id);
  if (place.parent != kNoSpan) at = put_id(at, tag(field::kSpanParentId, kBytes), place.parent);
  at = put_time(at, tag(field::kSpanStart, kFixed64), start);
  at = put_time(at, tag(field::kSpanEnd, kFixed64), std::max(start, end));
  commit(put_bytes(at, common.bytes()));
}

void SpanWriter::text(std::string_view key, std::string_view value) {
  if (!is_utf8(value)) {
    const std::string repaired = repair_utf8(value);
    return text(key, repaired);
  }
  char* at = room(key.size() + value.size() + 5 * kVarintMax);
  at = put_pair(at,
                event_start_ != 0 ? tag(field::kEventAttributes, kBytes)
                                  : tag(field::kSpanAttributes, kBytes),
                key, 1 + varint_size(value.size()) + value.size());
  commit(put_text(at, tag(field::kValueString, kBytes), value));
}

void SpanWriter::integer(std::string_view key, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  char* at = room(key.size() + 5 * kVarintMax);
  at = put_pair(at,
                event_start_ != 0 ? tag(field::kEventAttributes, kBytes)
                                  : tag(field::kSpanAttributes, kBytes),
                key, 1 + varint_size(bits));
  *at++ = tag(field::kValueInt, kVarint);
  commit(put_varint(at, bits));
}

void SpanWriter::boolean(std::string_view key, bool value) {
  char* at = room(key.size() + 5 * kVarintMax);
  at = put_pair(at,
                event_start_ != 0 ? tag(field::kEventAttributes, kBytes)
                                  : tag(field::kSpanAttributes, kBytes),
                key, 2);
  *at++ = tag(field::kValueBool, kVarint);
  *at++ = value ? 1 : 0;
  commit(at);
}

void SpanWriter::begin_event(std::string_view name, UnixNanos time) {
  TOCSIN_CHECK(span_start_ != 0 && event_start_ == 0);
  open_message(tag(field::kSpanEvents, kBytes));
  event_start_ = used_;
  char* at = room(16 + kVarintMax + name.size());
  at = put_time(at, tag(field::kEventTime, kFixed64), time);
  commit(put_text(at, tag(field::kEventName, kBytes), name));
}

void SpanWriter::end_event() {
  TOCSIN_CHECK(event_start_ != 0);
  close_message(std::exchange(event_start_, 0));
}

void SpanWriter::fail(std::string_view type, std::string_view message) {
  text("error.type", type);
  const std::string repaired = is_utf8(message) ? std::string() : repair_utf8(message);
  if (!repaired.empty()) message = repaired;
  char* at = room(message.size() + 4 * kVarintMax);
  *at++ = tag(field::kSpanStatus, kBytes);
  at = put_varint(at, 1 + varint_size(message.size()) + message.size() + 2);
  at = put_text(at, tag(field::kStatusMessage, kBytes), message);
  *at++ = tag(field::kStatusCode, kVarint);
  *at++ = static_cast<char>(SpanStatus::kError);
  commit(at);
}

void SpanWriter::end() {
  TOCSIN_CHECK(span_start_ != 0 && event_start_ == 0);
  close_message(std::exchange(span_start_, 0));
  ++spans_;
}

SpanChunk SpanWriter::take() {
  SpanChunk chunk{{}, std::exchange(spans_, 0), resource_};
  // A copy of just this size: a queue of half-empty buffers would hold more than its bytes, and a
  // new buffer would have to be cleared.
  chunk.bytes.assign(buffer_, 0, used_);
  used_ = 0;
  return chunk;
}

}  // namespace tocsin::trace
