// SPDX-License-Identifier: Apache-2.0
//
// JsonValue: an event as a tree that a test builds, and the many ways to write it down.
//
//   generator -> JsonValue -> write() -> the bytes that the normalizer reads
//                          -> oracle.h reads the tree itself
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tocsin::differential {

struct JsonMember;

struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;  // kNumber: its token, kBool: true or false, kString: its characters (UTF-8)
  std::vector<JsonValue> items;     // kArray
  std::vector<JsonMember> members;  // kObject

  static JsonValue null();
  static JsonValue boolean(bool value);
  static JsonValue number(std::string token);
  static JsonValue string(std::string text);
  static JsonValue array(std::vector<JsonValue> items);
  static JsonValue object(std::vector<JsonMember> members);
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

// JSON text. `choose(n)` gives a number below n and decides what JSON leaves open: blanks, and
// whether a character is written as itself or as an escape; 0 is always the plain form.
[[nodiscard]] std::string write(const JsonValue& value,
                                const std::function<unsigned(unsigned)>& choose);
[[nodiscard]] std::string write(const JsonValue& value);

}  // namespace tocsin::differential
