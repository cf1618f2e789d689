// SPDX-License-Identifier: Apache-2.0
//
// Fields: writes the members of EventData straight as JSON text; no tree in between.
//
//   Fields(out).text("Image", image).number("ProcessId", pid) -> ,"Image":"C:\\...","ProcessId":4
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "stages/produce/synthetic/world/estate.h"

namespace tocsin::synthetic {

// The text must be UTF-8; ours always is.
void append_escaped(std::string& out, std::string_view text);
void append_decimal(std::string& out, std::uint64_t value);

// Ownership: borrows `out`; opens an object on construction, closes it on destruction.
class Fields {
 public:
  explicit Fields(std::string& out, std::string_view opening = "\"EventData\":{",
                  std::string_view closing = "}")
      : out_(out), closing_(closing) {
    out_ += opening;
  }
  ~Fields() { out_ += closing_; }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  Fields& text(std::string_view name, std::string_view value);
  Fields& number(std::string_view name, std::uint64_t value);
  Fields& hex(std::string_view name, std::uint64_t value);  // "0x3e7"
  Fields& flag(std::string_view name, bool value) { return text(name, value ? "true" : "false"); }
  Fields& time(std::string_view name, UnixNanos value);  // "2026-03-02 07:30:00.123"
  Fields& process_guid(std::string_view name, const Process& process);
  Fields& logon_guid(std::string_view name, const Host& host, const Logon& logon);

 private:
  void key(std::string_view name);

  std::string& out_;
  std::string_view closing_;
  bool first_ = true;
};

}  // namespace tocsin::synthetic
