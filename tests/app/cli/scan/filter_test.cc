// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/filter.h"

#include <doctest/doctest.h>

namespace tocsin::cli::scan {
namespace {

constexpr UnixNanos kNow = 1'767'225'600'000'000'000;  // 2026-01-01T00:00:00Z

TEST_CASE("filter: globs") {
  struct Case {
    std::string_view pattern, text;
    bool want;
  };
  for (const Case& c : std::initializer_list<Case>{{"", "", true},
                                                   {"", "a", false},
                                                   {"*", "", true},
                                                   {"dc*", "DC01.corp", true},
                                                   {"*.corp", "DC01.CORP", true},
                                                   {"d?01*", "dc01", true},
                                                   {"d?01", "d01", false},
                                                   {"*a*b*c", "xaybzc", true},
                                                   {"*a*b*c", "xaybz", false},
                                                   {"a**b", "ab", true},
                                                   {"[a]", "a", false}}) {
    CAPTURE(c.pattern);
    CAPTURE(c.text);
    CHECK(glob_matches(c.pattern, c.text) == c.want);
  }
  // A hostile pattern takes its time in proportion, not exponentially.
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  CHECK_FALSE(glob_matches(stars + "b", std::string(20'000, 'a')));
}

TEST_CASE("filter: moments") {
  struct Case {
    std::string_view text;
    bool end;
    std::string_view want;  // empty: not one
  };
  for (const Case& c : std::initializer_list<Case>{
           {"2026-01-31", false, "2026-01-31T00:00:00.000000000Z"},
           {"2026-01-31", true, "2026-01-31T23:59:59.999999999Z"},
           {"2026-01-31T08:00:00Z", true, "2026-01-31T08:00:00.000000000Z"},
           {"2026-01-31 08:00", false, "2026-01-31T08:00:00.000000000Z"},
           {"2026-01-31T08:00:00+02:00", false, "2026-01-31T06:00:00.000000000Z"},
           {"24h", false, "2025-12-31T00:00:00.000000000Z"},
           {"7d", false, "2025-12-25T00:00:00.000000000Z"},
           {"2w", false, "2025-12-18T00:00:00.000000000Z"},
           {"90m", false, "2025-12-31T22:30:00.000000000Z"},
           {"2026-13-01", false, ""},
           {"24", false, ""},
           {"h", false, ""},
           {"-1h", false, ""},
           {"4000000000d", false, ""},
           {"99999999999h", false, ""},
           {"", false, ""},
           {"yesterday", false, ""}}) {
    CAPTURE(c.text);
    const auto moment = read_moment(c.text, kNow, c.end);
    CHECK((moment ? format_rfc3339(*moment, 9) : "") == c.want);
  }
}

TEST_CASE("filter: an alert passes when each option lets it") {
  sigma::Rule rule;
  rule.id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
  rule.title = "Shadow copies deleted";
  Alert alert;
  alert.rule_id = rule.id;
  alert.level = Level::kHigh;
  alert.host = "DC01.corp";
  alert.timestamp = kNow;
  const auto keeps = [&](const Options& options) {
    const auto filter = Filter::make(options, {rule}, kNow);
    REQUIRE(filter.has_value());
    return filter->keeps(alert);
  };
  Options options;
  CHECK(keeps(options));
  options.min_level = "high";
  options.from = "2025-12-31";
  options.to = "2026-01-01";
  options.hosts = {"other", "dc01*"};
  options.only_rules = {"shadow*"};
  CHECK(keeps(options));
  const auto broken = [&](auto&& change) {
    Options changed = options;
    change(changed);
    return !keeps(changed);
  };
  CHECK(broken([](Options& o) { o.min_level = "critical"; }));
  CHECK(broken([](Options& o) { o.from = "2026-01-01T00:00:01Z"; }));
  CHECK(broken([](Options& o) { o.to = "2025-12-31"; }));
  CHECK(broken([](Options& o) { o.hosts = {"dc02*"}; }));
  alert.rule_id = "other";
  CHECK_FALSE(keeps(options));
}

}  // namespace
}  // namespace tocsin::cli::scan
