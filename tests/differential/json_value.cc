// SPDX-License-Identifier: Apache-2.0
#include "differential/json_value.h"

#include <fmt/format.h>

#include "differential/oracle_text.h"

namespace tocsin::differential {
namespace {

using Choose = std::function<unsigned(unsigned)>;

std::string escaped(char32_t c) {
  if (c < 0x10000) return fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  const auto rest = static_cast<unsigned>(c) - 0x10000;
  return fmt::format("\\u{:04X}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
}

std::string quoted(const std::string& text, const Choose& choose) {
  std::string out = "\"";
  const bool odd_escapes = choose(4) == 1;
  for (const char32_t c : to_code_points(text)) {
    if (c == '"' || c == '\\') {
      out += odd_escapes && choose(3) == 1 ? escaped(c) : std::string("\\") + static_cast<char>(c);
    } else if (c == '\n') {
      out += odd_escapes && choose(2) == 1 ? "\\u000A" : "\\n";
    } else if (c < 0x20) {
      out += escaped(c);
    } else if (c == '/' && odd_escapes && choose(2) == 1) {
      out += "\\/";
    } else if (odd_escapes && choose(6) == 1) {
      out += escaped(c);
    } else {
      out += to_utf8(std::u32string(1, c));
    }
  }
  return out + "\"";
}

std::string blank(const Choose& choose) {
  static const char* const kBlanks[] = {"", "", "", " ", "\n", "\t ", "\r\n"};
  return kBlanks[choose(7)];
}

void append(std::string& out, const JsonValue& value, const Choose& choose) {
  switch (value.kind) {
    case JsonValue::Kind::kNull:
      out += "null";
      return;
    case JsonValue::Kind::kBool:
    case JsonValue::Kind::kNumber:
      out += value.text;
      return;
    case JsonValue::Kind::kString:
      out += quoted(value.text, choose);
      return;
    case JsonValue::Kind::kArray:
      out += "[" + blank(choose);
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += "," + blank(choose);
        append(out, value.items[i], choose);
      }
      out += blank(choose) + "]";
      return;
    case JsonValue::Kind::kObject:
      out += "{" + blank(choose);
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += "," + blank(choose);
        out += quoted(value.members[i].name, [](unsigned) { return 0u; }) + blank(choose) + ":" +
               blank(choose);
        append(out, value.members[i].value, choose);
      }
      out += blank(choose) + "}";
  }
}

}  // namespace

JsonValue JsonValue::null() { return {}; }
JsonValue JsonValue::boolean(bool value) { return {Kind::kBool, value ? "true" : "false", {}, {}}; }
JsonValue JsonValue::number(std::string token) { return {Kind::kNumber, std::move(token), {}, {}}; }
JsonValue JsonValue::string(std::string text) { return {Kind::kString, std::move(text), {}, {}}; }
JsonValue JsonValue::array(std::vector<JsonValue> items) {
  return {Kind::kArray, {}, std::move(items), {}};
}
JsonValue JsonValue::object(std::vector<JsonMember> members) {
  return {Kind::kObject, {}, {}, std::move(members)};
}

std::string write(const JsonValue& value, const Choose& choose) {
  std::string out;
  append(out, value, choose);
  return out;
}

std::string write(const JsonValue& value) {
  return write(value, [](unsigned) { return 0u; });
}

}  // namespace tocsin::differential
