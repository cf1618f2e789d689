// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "evtx_builder.h"
#include "read_all.h"

namespace tocsin::produce::evtx::test {
namespace {

using namespace std::string_literals;

template <class Real>
std::string real_bytes(Real number) {
  std::string bytes(sizeof(Real), '\0');
  std::memcpy(bytes.data(), &number, sizeof(Real));
  return bytes;
}
template <class T>
std::string le(T number) {
  return little_endian(number);
}

// S-1-5-21-1-2
std::string sid_bytes() {
  return "\x01\x03\0\0\0\0\0\x05"s + le(std::uint32_t{21}) + le(std::uint32_t{1}) +
         le(std::uint32_t{2});
}
const std::string kGuidBytes = "\x78\x56\x34\x12\x34\x12\xCD\xAB\x01\x02\x03\x04\x05\x06\x07\x08"s;

std::string system_time() {
  std::string bytes;
  for (const unsigned part : {2024u, 2u, 4u, 29u, 23u, 59u, 58u, 7u})
    bytes += le(static_cast<std::uint16_t>(part));
  return bytes;
}

struct Case {
  std::string_view name;
  std::uint8_t type;
  std::string bytes;
  std::string want;  // the JSON of the member
};

const Case kCases[] = {
    {"null", 0x00, "", "null"},
    {"string", 0x01, wide("C:\\a \"b\"\t"), R"("C:\\a \"b\"\t")"},
    {"string, empty", 0x01, "", R"("")"},
    {"string keeps blanks at its ends", 0x01, wide(" cmd.exe "), R"(" cmd.exe ")"},
    {"string ends at NUL", 0x01, wide("ab\0cd"s), R"("ab")"},
    {"string, control character", 0x01, wide("a\x01z"), R"("a\u0001z")"},
    {"string, plain run then special", 0x01, wide("0123456789abcdef\\0123456789"),
     R"("0123456789abcdef\\0123456789")"},
    {"string, two and three bytes", 0x01, "\xE4\x00\xAC\x20"s, "\"\xC3\xA4\xE2\x82\xAC\""},
    {"string, surrogate pair", 0x01, "\x3D\xD8\x00\xDE"s, "\"\xF0\x9F\x98\x80\""},
    {"string, lone high surrogate", 0x01, "\x3D\xD8\x41\x00"s, "\"\xEF\xBF\xBD\x41\""},
    {"string, lone low surrogate", 0x01, "\x00\xDE"s, "\"\xEF\xBF\xBD\""},
    {"string, odd byte is ignored", 0x01, wide("ab") + "c", R"("ab")"},
    {"ansi", 0x02, "caf\xE9 \x80\0rest"s, "\"caf\xC3\xA9 \xE2\x82\xAC\""},
    {"int8", 0x03, "\xFF", "-1"},
    {"uint8", 0x04, "\xFF", "255"},
    {"int16", 0x05, le(std::int16_t{-2}), "-2"},
    {"uint16", 0x06, le(std::uint16_t{65534}), "65534"},
    {"int32", 0x07, le(std::int32_t{-3}), "-3"},
    {"uint32", 0x08, le(std::uint32_t{4294967293u}), "4294967293"},
    {"int64", 0x09, le(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808"},
    {"uint64", 0x0A, le(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615"},
    {"real32", 0x0B, real_bytes(0.5F), "0.5"},
    {"real64", 0x0C, real_bytes(-1.25), "-1.25"},
    {"real64, not a number is text", 0x0C, real_bytes(std::numeric_limits<double>::infinity()),
     R"("inf")"},
    {"bool, true", 0x0D, le(std::uint32_t{1}), "true"},
    {"bool, false", 0x0D, le(std::uint32_t{0}), "false"},
    {"binary", 0x0E, "\x00\xAB\xFF"s, R"("00ABFF")"},
    {"guid", 0x0F, kGuidBytes, R"("12345678-1234-ABCD-0102-030405060708")"},
    {"size_t of 4", 0x10, le(std::uint32_t{0x17DAD}), R"("0x17dad")"},
    {"size_t of 8", 0x10, le(std::uint64_t{0x17DAD}), R"("0x17dad")"},
    {"filetime", 0x11, le(std::uint64_t{133536671986543219}), R"("2024-02-29T07:59:58.654321Z")"},
    {"filetime, zero", 0x11, le(std::uint64_t{0}), R"("1601-01-01T00:00:00.000000Z")"},
    {"filetime, last of year 9999", 0x11, le(std::uint64_t{2650467743999999999}),
     R"("9999-12-31T23:59:59.999999Z")"},
    {"filetime, beyond RFC 3339", 0x11, le(std::uint64_t{2650467744000000000}),
     R"("2650467744000000000")"},
    {"systemtime", 0x12, system_time(), R"("2024-02-29T23:59:58.007000Z")"},
    {"sid", 0x13, sid_bytes(), R"("S-1-5-21-1-2")"},
    {"sid that does not fit is hex", 0x13, "\x01\x05\0\0\0\0\0\x05"s, R"("0105000000000005")"},
    {"hexint32", 0x14, le(std::uint32_t{0}), R"("0x0")"},
    {"hexint64 without leading zeros", 0x15, le(std::uint64_t{0x3E7}), R"("0x3e7")"},
    {"evthandle", 0x20, le(std::uint32_t{5}), R"("05000000")"},
    {"evtxml", 0x23, wide("<a>"), R"("<a>")"},
    {"unknown type is hex", 0x55, "\x01\x02", R"("0102")"},
    {"int32 without bytes is null", 0x07, "", "null"},
    {"int32 cut short is hex", 0x07, "\x01\x02", R"("0102")"},
    {"strings", 0x81, wide("a\0\0b\0"s), R"(["a","","b"])"},
    {"strings, last without NUL", 0x81, wide("a\0b"s), R"(["a","b"])"},
    {"ansi strings", 0x82, "a\0b\0"s, R"(["a","b"])"},
    {"int8s", 0x83, "\xFE\x02", "[-2,2]"},
    {"uint8s", 0x84, "\x01\x02", "[1,2]"},
    {"int16s", 0x85, le(std::int16_t{-5}) + le(std::int16_t{6}), "[-5,6]"},
    {"uint16s", 0x86, le(std::uint16_t{5}), "[5]"},
    {"int32s", 0x87, le(std::int32_t{-1}) + le(std::int32_t{1}), "[-1,1]"},
    {"uint32s", 0x88, le(std::uint32_t{1}) + le(std::uint32_t{2}), "[1,2]"},
    {"int64s", 0x89, le(std::int64_t{-1}), "[-1]"},
    {"uint64s", 0x8A, le(std::uint64_t{1}) + le(std::uint64_t{2}), "[1,2]"},
    {"real32s", 0x8B, real_bytes(1.5F) + real_bytes(2.5F), "[1.5,2.5]"},
    {"real64s", 0x8C, real_bytes(1.5), "[1.5]"},
    {"bools", 0x8D, le(std::uint32_t{1}) + le(std::uint32_t{0}), "[true,false]"},
    {"guids", 0x8F, kGuidBytes + kGuidBytes,
     R"(["12345678-1234-ABCD-0102-030405060708","12345678-1234-ABCD-0102-030405060708"])"},
    {"filetimes", 0x91, le(std::uint64_t{0}), R"(["1601-01-01T00:00:00.000000Z"])"},
    {"systemtimes", 0x92, system_time(), R"(["2024-02-29T23:59:58.007000Z"])"},
    {"sids", 0x93, sid_bytes() + sid_bytes(), R"(["S-1-5-21-1-2","S-1-5-21-1-2"])"},
    {"hexint32s", 0x94, le(std::uint32_t{16}) + le(std::uint32_t{1}), R"(["0x10","0x1"])"},
    {"hexint64s", 0x95, le(std::uint64_t{16}), R"(["0x10"])"},
    {"no items", 0x87, "", "[]"},
    {"an item cut short is hex", 0x86, "\x05\x00\x07"s, R"([5,"07"])"},
};

}  // namespace

TEST_CASE("evtx values: every type renders as Windows renders it") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    ChunkBuilder chunk;
    chunk.record(1, [&](ChunkBuilder& record) {
      record.fragment().instance(
          [](ChunkBuilder& form) {
            form.open("Event").close_start().open("EventData").close_start();
            form.named_data("V", 0).end().end();
          },
          {{c.type, c.bytes}});
    });
    const Outcome outcome = read_bytes(build_file({chunk.build()}));
    REQUIRE(outcome.problems.empty());
    REQUIRE(outcome.events.size() == 1);
    CHECK(outcome.events[0].json == R"({"Event":{"EventData":{"V":)" + c.want + "}}}");
  }
}

TEST_CASE("evtx values: in an attribute null is left out, in a text values are joined") {
  ChunkBuilder chunk;
  chunk.record(1, [&](ChunkBuilder& record) {
    record.fragment().instance(
        [](ChunkBuilder& form) {
          form.open("Event", true).attribute("Gone").slot(0, true);
          form.attribute("Number").slot(1).attribute("Joined").text("n=").slot(1).close_start();
          form.open("Joined").close_start().text("a").slot(2).slot(1).slot(0, true).end();
          form.end();
        },
        {{0x00, ""}, {0x08, le(std::uint32_t{5})}, {0x81, wide("x\0y\0"s)}});
  });
  const Outcome outcome = read_bytes(build_file({chunk.build()}));
  REQUIRE(outcome.events.size() == 1);
  CHECK(outcome.events[0].json ==
        R"({"Event":{"#attributes":{"Number":5,"Joined":"n=5"},"Joined":"ax,y5"}})");
}

}  // namespace tocsin::produce::evtx::test
