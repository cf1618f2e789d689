// SPDX-License-Identifier: Apache-2.0
#include "core/trace/sampling.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace tocsin;
using namespace tocsin::trace;

namespace {

TraceId id_of(const char* text) { return trace_id_of(*Uuid::parse(text)); }

TraceId numbered(unsigned number) {
  return trace_id_of(Uuid::hashed("event " + std::to_string(number)));
}

Sampler sampler(const char* text) { return Sampler(parse_sampling(text).value()); }

}  // namespace

TEST_CASE("sampling: what a user may write") {
  CHECK(parse_sampling("all")->kind == Sampling::Kind::kAll);
  CHECK(parse_sampling("off")->kind == Sampling::Kind::kOff);
  CHECK(parse_sampling("ratio:0.25")->share == doctest::Approx(0.25));
  CHECK(parse_sampling("ratio:1e-3")->share == doctest::Approx(0.001));
  CHECK(parse_sampling("tail:8")->share == doctest::Approx(0.125));
  for (const char* wrong :
       {"", "none", "ratio", "ratio:", "ratio:2", "ratio:-1", "ratio:nan", "ratio:0.5x", "tail",
        "tail:0", "tail:-3", "tail:1.5", "ALL", "all:1"}) {
    CAPTURE(wrong);
    const auto sampling = parse_sampling(wrong);
    REQUIRE_FALSE(sampling.has_value());
    CHECK(sampling.error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("sampling: OpenTelemetry's names of samplers") {
  struct Case {
    const char* name;
    const char* argument;
    bool unsampled_parent, sampled_parent, root;
  };
  const Case cases[] = {
      {"always_on", "", true, true, true},
      {"always_off", "", false, false, false},
      {"traceidratio", "1", true, true, true},
      {"traceidratio", "0", false, false, false},
      {"traceidratio", "", true, true, true},
      {"parentbased_always_on", "", false, true, true},
      {"parentbased_always_off", "", false, true, false},
      {"parentbased_traceidratio", "0", false, true, false},
      {"parentbased_traceidratio", "1.0", false, true, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Sampler sampler(sampling_of_otel(c.name, c.argument).value());
    Context parent{numbered(1), span_id_of(numbered(1), "x"), 0};
    CHECK(sampler.keeps(parent.trace, &parent) == c.unsampled_parent);
    parent.flags = 1;
    CHECK(sampler.keeps(parent.trace, &parent) == c.sampled_parent);
    CHECK(sampler.keeps(parent.trace, nullptr) == c.root);
  }
  CHECK(sampling_of_otel("jaeger_remote", "").error().code == ErrorCode::kUnsupported);
  CHECK_FALSE(sampling_of_otel("traceidratio", "half").has_value());
}

// The threshold of half is 2^55: the highest of the 56 bits decides.
TEST_CASE("sampling: the last 56 bits of a trace id are compared with the threshold") {
  struct Case {
    const char* id;
    std::uint64_t randomness;
  };
  // UUIDs of version 4 and 7, and one that W3C's level 2 would call random.
  const Case cases[] = {
      {"5b8efff7-98e1-4f6f-9cd8-89a7f0a1b2c3", 0xd889a7f0a1b2c3},
      {"01900000-0000-7000-8000-000000000000", 0},
      {"01900000-0000-7000-80ff-ffffffffffff", 0xffffffffffffff},
  };
  for (const Case& c : cases) CHECK(randomness_of(id_of(c.id)) == c.randomness);
  const Sampler half = sampler("ratio:0.5");
  CHECK_FALSE(half.keeps(id_of("01900000-0000-7000-807f-ffffffffffff"), nullptr));
  CHECK(half.keeps(id_of("01900000-0000-7000-8080-000000000000"), nullptr));
  const Sampler quarter = sampler("ratio:0.25");
  CHECK_FALSE(quarter.keeps(id_of("01900000-0000-7000-80bf-ffffffffffff"), nullptr));
  CHECK(quarter.keeps(id_of("01900000-0000-7000-80c0-000000000000"), nullptr));
  const Sampler none = sampler("ratio:0");
  CHECK_FALSE(none.keeps(id_of("01900000-0000-7000-80ff-ffffffffffff"), nullptr));
  const Sampler every = sampler("ratio:1");
  CHECK(every.keeps(id_of("01900000-0000-7000-8000-000000000000"), nullptr));
}

TEST_CASE("sampling: ids that end in a MAC address are hashed first") {
  // Two of one host, made at different times.
  CHECK(randomness_of(id_of("11111111-2222-1111-8333-444444444444")) == 0x88e841336582bf);
  CHECK(randomness_of(id_of("11111112-2222-1111-8333-444444444444")) !=
        randomness_of(id_of("11111111-2222-1111-8333-444444444444")));
}

TEST_CASE("sampling: the share that was asked for, of any kind of id") {
  constexpr unsigned kCount = 20'000;
  for (const double share : {0.5, 0.1, 0.01}) {
    CAPTURE(share);
    const Sampler chosen(
        Sampling{.kind = Sampling::Kind::kRatio, .share = share, .heeds_parent = true});
    unsigned hashed = 0;
    unsigned of_one_host = 0;
    for (unsigned i = 0; i < kCount; ++i) {
      if (chosen.keeps(numbered(i), nullptr)) ++hashed;
      // UUIDv1: a time in the front, the same node at the end.
      TraceId id = id_of("11111111-2222-1111-8333-444444444444");
      for (int byte = 0; byte < 4; ++byte)
        id[static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(i >> (8 * byte));
      if (chosen.keeps(id, nullptr)) ++of_one_host;
    }
    // Five standard deviations.
    const double spread = 5 * std::sqrt(kCount * share * (1 - share));
    CHECK(std::abs(hashed - kCount * share) < spread);
    CHECK(std::abs(of_one_host - kCount * share) < spread);
  }
}

TEST_CASE("sampling: a smaller share is a part of a larger one, and stages agree") {
  const Sampler few = sampler("tail:100");
  const Sampler many = sampler("ratio:0.1");
  const Sampler elsewhere = sampler("ratio:0.01");
  unsigned kept = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    const TraceId id = numbered(i);
    CHECK(few.keeps(id, nullptr) == elsewhere.keeps(id, nullptr));
    if (!few.keeps(id, nullptr)) continue;
    ++kept;
    CHECK(many.keeps(id, nullptr));
  }
  CHECK(kept > 100);
}

TEST_CASE("sampling: the flag of the context that came decides where it is heeded") {
  Context agent{numbered(7), span_id_of(numbered(7), "agent"), 0};
  CHECK(sampler("all").keeps(agent.trace, &agent));
  CHECK_FALSE(sampler("ratio:1").keeps(agent.trace, &agent));
  CHECK_FALSE(sampler("tail:1").keeps(agent.trace, &agent));
  CHECK_FALSE(sampler("off").keeps(agent.trace, &agent));
  agent.flags = 0x03;  // sampled, and W3C's level 2: random
  CHECK(sampler("ratio:0").keeps(agent.trace, &agent));
  CHECK(sampler("tail:1000000").keeps(agent.trace, &agent));
  CHECK_FALSE(sampler("off").keeps(agent.trace, &agent));
}

TEST_CASE("tracestate: the producer's times travel, in microseconds, among others' entries") {
  const ProducerTimes times{1'700'000'000'123'456'000, 1'700'000'000'123'487'000};
  const std::string text = format_tracestate(times);
  CHECK(text == "tocsin=60a241820225f-1f");
  for (const std::string& state : {text, "ot=th:c8, " + text, text + ",vendor=x", "a=,\t" + text}) {
    CAPTURE(state);
    const auto read = parse_tracestate(state);
    REQUIRE(read);
    CHECK(read->started == times.started);
    CHECK(read->sent == times.sent);
  }
  for (const char* state :
       {"", "ot=th:8", "tocsin=", "tocsin=-", "tocsin=12", "tocsin=12-", "tocsin=-1", "tocsin=1-2",
        "tocsin=xy-z", "tocsin=12-1x", "mytocsin=12-1", "tocsin=ffffffffffffffff-1"}) {
    CAPTURE(state);
    CHECK_FALSE(parse_tracestate(state).has_value());
  }
}
