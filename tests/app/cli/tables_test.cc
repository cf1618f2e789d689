// SPDX-License-Identifier: Apache-2.0
#include "app/cli/tables.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

using namespace tocsin::cli;

namespace {
constexpr Style kPlain{.colour = false, .unicode = false, .width = 40};
constexpr Style kUnicode{.colour = false, .unicode = true, .width = 40};
constexpr Style kColour{.colour = true, .unicode = true, .width = 40};
}  // namespace

TEST_CASE("tables: columns align and lines carry no blanks at their end") {
  const Table table{.columns = {{"rule"}, {"hits", Align::kRight}, {"note"}},
                    .rows = {{"a", "7", "first"}, {"longer", "1,234", ""}, {"x"}}};
  CHECK(render_table(table, kPlain) ==
        "rule     hits  note\n"
        "------  -----  -----\n"
        "a           7  first\n"
        "longer  1,234\n"
        "x\n");
}

TEST_CASE("tables: a table that is too wide gives way at its shrinking column") {
  const Table table{.columns = {{"id"}, {"text", Align::kLeft, true}},
                    .rows = {{"0123456789", std::string(80, 'x')}}};
  const std::string text = render_table(table, kPlain);
  CHECK(text.find("0123456789  " + std::string(27, 'x') + "~\n") != std::string::npos);
}

TEST_CASE("tables: text from events cannot steer the terminal") {
  struct Case {
    const char* name;
    std::string input;
    std::string unicode;
    std::string ascii;
  };
  const Case cases[] = {
      {"escape", "a\x1b[2Jb", "a\ufffd[2Jb", "a?[2Jb"},
      {"newline", "a\nb", "a\ufffdb", "a?b"},
      {"tab", "a\tb", "a b", "a b"},
      {"C1 control", "a\u009bb", "a\ufffdb", "a?b"},
      {"right-to-left override", "exe\u202egpj", "exe\ufffdgpj", "exe?gpj"},
      {"not UTF-8", "a\xff", "a\ufffd", "a?"},
      {"letters stay", "K\u00f6ln", "K\u00f6ln", "K?ln"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(printable(c.input, kUnicode) == c.unicode);
    CHECK(printable(c.input, kPlain) == c.ascii);
  }
}

TEST_CASE("tables: width counts columns, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("\u00e9t\u00e9") == 3);
  CHECK(display_width("\u65e5\u672c") == 4);
  CHECK(display_width("e\u0301") == 1);
}

TEST_CASE("tables: fitted() gives exactly the width asked for") {
  struct Case {
    std::string text;
    std::size_t width;
    std::string want;
  };
  const Case cases[] = {
      {"ab", 4, "ab  "},
      {"abcdef", 4, "abc\u2026"},
      {"\u65e5\u672c\u8a9e", 4, "\u65e5\u2026 "},
      {"abc", 0, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const std::string got = fitted(c.text, c.width, Align::kLeft, kUnicode);
    CHECK(got == c.want);
    CHECK(display_width(got) == c.width);
  }
  CHECK(fitted("ab", 4, Align::kRight, kUnicode) == "  ab");
}

TEST_CASE("bars: scaled to the largest, small values stay visible, zero draws nothing") {
  const std::array<Bar, 3> bars = {Bar{"big", 1000, "1,000"}, Bar{"tiny", 1, "1"},
                                   Bar{"none", 0, "0"}};
  const std::string plain = render_bars(bars, kPlain);
  CHECK(plain ==
        "big   ###########################  1,000\n"
        "tiny  #                                1\n"
        "none                                   0\n");
  const std::string fine = render_bars(bars, kUnicode);
  CHECK(fine.find("tiny  \u258f") != std::string::npos);
}

TEST_CASE("colour: only when the style asks for it, and blanks at the end go with it") {
  CHECK(tinted("x", Tint::kRed, kUnicode) == "x");
  CHECK(tinted("x", Tint::kRed, kColour) == "\x1b[31mx\x1b[0m");
  CHECK(tinted("x", Tint::kNone, kColour) == "x");
  setenv("NO_COLOR", "1", 1);
  CHECK_FALSE(style_of(1).colour);
  unsetenv("NO_COLOR");
}

TEST_CASE("style: Unicode follows the locale's variables in their order") {
  setenv("LC_ALL", "C", 1);
  CHECK_FALSE(style_of(1).unicode);
  setenv("LC_ALL", "en_GB.UTF-8", 1);
  CHECK(style_of(1).unicode);
  setenv("LC_ALL", "", 1);
  setenv("LC_CTYPE", "C.utf8", 1);
  CHECK(style_of(1).unicode);
  unsetenv("LC_ALL");
  unsetenv("LC_CTYPE");
}

TEST_CASE("numbers for people") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(-1234567) == "-1,234,567");
  CHECK(percent(1, 8) == "12.5%");
  CHECK(percent(1, 0) == "-");
  struct Case {
    std::int64_t ns;
    const char* want;
  };
  for (const Case& c :
       {Case{0, "0 ns"}, Case{999, "999 ns"}, Case{1500, "1.50 us"}, Case{1'250'000, "1.25 ms"},
        Case{12'340'000, "12.3 ms"}, Case{999'600'000, "1.00 s"}, Case{61'000'000'000, "61.0 s"},
        Case{1'000'000'000'000, "16 min 40 s"}, Case{7'260'000'000'000, "2 h 1 min"}}) {
    CAPTURE(c.ns);
    CHECK(duration_text(c.ns) == c.want);
  }
}
