// SPDX-License-Identifier: Apache-2.0
//
// The value types of BinXML ([MS-EVEN6] 2.2.12, libevtx "Windows XML Event Log") and their text, as
// Windows renders them.
//
//   (type, bytes) -> append_value() -> JSON value, or text inside a JSON string
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stages/produce/evtx/binxml/json_text.h"

namespace tocsin::produce::evtx {

enum class ValueType : std::uint8_t {
  kNull = 0x00,
  kString = 0x01,  // UTF-16
  kAnsiString = 0x02,
  kInt8 = 0x03,
  kUInt8 = 0x04,
  kInt16 = 0x05,
  kUInt16 = 0x06,
  kInt32 = 0x07,
  kUInt32 = 0x08,
  kInt64 = 0x09,
  kUInt64 = 0x0A,
  kReal32 = 0x0B,
  kReal64 = 0x0C,
  kBool = 0x0D,
  kBinary = 0x0E,
  kGuid = 0x0F,
  kSizeT = 0x10,
  kFileTime = 0x11,
  kSystemTime = 0x12,
  kSid = 0x13,
  kHexInt32 = 0x14,
  kHexInt64 = 0x15,
  kEvtHandle = 0x20,
  kBinXml = 0x21,
  kEvtXml = 0x23,
};
inline constexpr std::uint8_t kArrayFlag = 0x80;

// One substitution value. Ownership: borrows the chunk's bytes.
struct Value {
  std::uint8_t type = 0;     // ValueType, with kArrayFlag for an array of it
  std::uint32_t offset = 0;  // of the bytes in the chunk: nested BinXML names its parts by offset
  std::string_view bytes;

  [[nodiscard]] bool is_array() const { return (type & kArrayFlag) != 0; }
  [[nodiscard]] ValueType scalar_type() const { return static_cast<ValueType>(type & ~kArrayFlag); }
  [[nodiscard]] bool is_binxml() const {
    return type == static_cast<std::uint8_t>(ValueType::kBinXml) && !bytes.empty();
  }
};

// The size of a type whose values all have one size; 0 for the others.
[[nodiscard]] std::uint32_t fixed_size(ValueType type);

// Never set, or a type of fixed size without its bytes: rendered as null, left out of attributes.
[[nodiscard]] bool is_null(const Value& value);

enum class As : std::uint8_t {
  kJson,  // a JSON value: a number, true, "text", [..]
  kText,  // text between quotes that the caller writes; an array's items are joined by ','
};

// Appends any value but BinXML. A value whose size does not fit its type is shown as hex, never
// dropped.
void append_value(JsonText& out, const Value& value, As as);

// Appends an array's items as JSON values separated by ',' (no brackets); returns how many.
std::size_t append_items(JsonText& out, const Value& array, As as);

}  // namespace tocsin::produce::evtx
