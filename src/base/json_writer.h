// SPDX-License-Identifier: Apache-2.0
//
// JsonWriter: appends compact JSON to a string; the writer places the commas.
//
//   JsonWriter json(out);
//   json.object([&] { json.member("id", id); json.key("tags"); json.array([&] { json.value("a");
//   }); });
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so the
// result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

// Ownership: borrows the output string.
// Threads:   one thread.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  template <class Body>
  void object(Body&& body) {
    open('{');
    body();
    close('}');
  }
  template <class Body>
  void array(Body&& body) {
    open('[');
    body();
    close(']');
  }

  void key(std::string_view name);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool yes);
  void value(double number);
  template <std::integral T>
  void value(T number) {
    if constexpr (std::signed_integral<T>)
      value_signed(number);
    else
      value_unsigned(number);
  }
  void null();
  // Text that is JSON already.
  void raw(std::string_view json);

  template <class T>
  void member(std::string_view name, const T& member_value) {
    key(name);
    value(member_value);
  }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void value_signed(std::int64_t number);
  void value_unsigned(std::uint64_t number);

  std::string& out_;
  bool needs_comma_ = false;
};

}  // namespace tocsin
