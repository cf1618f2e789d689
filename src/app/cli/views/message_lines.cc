// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/message_lines.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <simdjson.h>

#include <charconv>
#include <map>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace tocsin::cli {
namespace {

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP writes a NUL behind it
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

void text_or_base64(JsonWriter& json, std::string_view name, std::string_view bytes) {
  if (is_utf8(bytes))
    json.member(name, bytes);
  else
    json.member(std::string(name) + "_base64", base64(bytes));
}

bool is_header_name(std::string_view text) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  return !text.empty() && text.find_first_not_of(kLegal) == std::string_view::npos;
}

}  // namespace

Result<bus::ReadFrom> parse_read_from(const std::string& text) {
  using Kind = bus::ReadFrom::Kind;
  if (text == "earliest") return bus::ReadFrom{.kind = Kind::kEarliest, .partition = {}};
  if (text == "latest") return bus::ReadFrom{.kind = Kind::kLatest, .partition = {}};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) {
    return text.front() == '-'
               ? bus::ReadFrom{.kind = Kind::kTail, .value = -number, .partition = {}}
               : bus::ReadFrom{.kind = Kind::kOffset, .value = number, .partition = {}};
  }
  if (const auto time = parse_time(text))
    return bus::ReadFrom{.kind = Kind::kTime, .value = *time / 1'000'000, .partition = {}};
  return fail(ErrorCode::kInvalid,
              fmt::format("--from '{}': earliest, latest, an offset, -N for the last N of each "
                          "partition, or a time such as 2026-01-31T12:00:00Z",
                          text));
}

MessageFilter::MessageFilter(std::string text) : text_(std::move(text)) {
  const std::string_view whole = text_;
  const std::size_t equals = whole.find('=');
  if (equals == std::string_view::npos || !is_header_name(whole.substr(0, equals))) return;
  name_ = whole.substr(0, equals);
  wanted_ = whole.substr(equals + 1);
}

bool MessageFilter::passes(const bus::Message& message) const {
  if (message.value.find(text_) != std::string_view::npos) return true;
  if (name_.empty()) return false;
  if (name_ == "key" && message.key == wanted_) return true;
  for (const auto& [name, value] : message.headers) {
    if (name == name_ && value == wanted_) return true;
  }
  return false;
}

struct MessageLines::Parser {
  simdjson::dom::parser parser;
  std::string compact;
};

MessageLines::MessageLines() : parser_(std::make_unique<Parser>()) {}
MessageLines::~MessageLines() = default;

// True when the text is JSON, which is then in `compact` without line breaks.
bool MessageLines::minified(std::string_view json) {
  simdjson::dom::element ignored;
  if (parser_->parser.parse(json.data(), json.size()).get(ignored) != simdjson::SUCCESS)
    return false;
  parser_->compact.resize(json.size() + simdjson::SIMDJSON_PADDING);
  std::size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), parser_->compact.data(), size) !=
      simdjson::SUCCESS)
    return false;
  parser_->compact.resize(size);
  return true;
}

void MessageLines::append(std::string& out, const bus::Message& message) {
  JsonWriter json(out);
  json.object([&] {
    json.member("topic", message.topic);
    json.member("partition", message.partition);
    json.member("offset", message.offset);
    json.member("timestamp", format_rfc3339(message.timestamp_ms * 1'000'000, 3));
    text_or_base64(json, "key", message.key);
    json.key("headers");
    // A name may come twice; the last one counts, as in Message::header().
    std::map<std::string_view, std::string_view> headers;
    for (const auto& [name, value] : message.headers) headers[name] = value;
    json.object([&] {
      for (const auto& [name, value] : headers) text_or_base64(json, name, value);
    });
    if (minified(message.value)) {
      json.key("value");
      json.raw(parser_->compact);
    } else {
      text_or_base64(json, "value", message.value);
    }
  });
  out.push_back('\n');
}

}  // namespace tocsin::cli
