// SPDX-License-Identifier: Apache-2.0
//
// JsonValue: an event as a tree that a test builds, and the many ways to write it down.
//
//   generator -> JsonValue -> write() -> the bytes that the normalizer reads
//                          -> oracle.h reads the tree itself
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::differential {

struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;  // kNumber: its token, kBool: true or false, kString: its characters (UTF-8)
  std::vector<JsonValue> items;                            // kArray
  std::vector<std::pair<std::string, JsonValue>> members;  // kObject

  static JsonValue null() { return {}; }
  static JsonValue boolean(bool value) { return {Kind::kBool, value ? "true" : "false", {}, {}}; }
  static JsonValue number(std::string token) { return {Kind::kNumber, std::move(token), {}, {}}; }
  static JsonValue string(std::string text) { return {Kind::kString, std::move(text), {}, {}}; }
  static JsonValue array(std::vector<JsonValue> items) {
    return {Kind::kArray, {}, std::move(items), {}};
  }
  static JsonValue object(std::vector<std::pair<std::string, JsonValue>> members) {
    return {Kind::kObject, {}, {}, std::move(members)};
  }
};

// JSON text. `choose(n)` gives a number below n and decides what JSON leaves open: blanks, and
// whether a character is written as itself or as an escape; 0 is always the plain form.
[[nodiscard]] std::string write(const JsonValue& value,
                                const std::function<unsigned(unsigned)>& choose);
[[nodiscard]] std::string write(const JsonValue& value);

}  // namespace tocsin::differential
