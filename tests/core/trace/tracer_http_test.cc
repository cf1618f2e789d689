// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <zlib.h>

#include <map>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <thread>

#include "base/log.h"
#include "collector.h"
#include "core/trace/otlp.h"
#include "core/trace/tracer.h"
#include "fixture.h"

using namespace tocsin;
using namespace tocsin::trace;
using namespace std::chrono_literals;
using protozero::pbf_reader;
using test::Answer;
using test::Collector;

namespace {

// What a collector reads from a request, by the numbers of opentelemetry-proto and not by our own
// code.
struct Decoded {
  std::string service;
  std::string scope;
  std::vector<std::string> names;
  std::set<std::string> span_ids;
  std::string first_span;  // bytes
};

std::string attribute_of(pbf_reader resource, const std::string& wanted) {
  while (resource.next(1)) {
    pbf_reader pair = resource.get_message();
    std::string key;
    std::string text;
    while (pair.next()) {
      if (pair.tag() == 1) {
        key = pair.get_string();
      } else {
        pbf_reader value = pair.get_message();
        while (value.next())
          if (value.tag() == 1)
            text = value.get_string();
          else
            value.skip();
      }
    }
    if (key == wanted) return text;
  }
  return {};
}

void decode(const std::string& body, Decoded& out) {
  pbf_reader request(body);
  while (request.next(1)) {
    pbf_reader resource_spans = request.get_message();
    while (resource_spans.next()) {
      if (resource_spans.tag() == 1) {
        out.service = attribute_of(resource_spans.get_message(), "service.name");
        continue;
      }
      pbf_reader scope_spans = resource_spans.get_message();
      while (scope_spans.next()) {
        if (scope_spans.tag() == 1) {
          pbf_reader scope = scope_spans.get_message();
          while (scope.next())
            if (scope.tag() == 1)
              out.scope = scope.get_string();
            else
              scope.skip();
          continue;
        }
        const auto bytes = scope_spans.get_view();
        if (out.first_span.empty()) out.first_span = std::string(bytes.data(), bytes.size());
        pbf_reader span(bytes);
        while (span.next()) {
          if (span.tag() == 2)
            out.span_ids.insert(span.get_bytes());
          else if (span.tag() == 5)
            out.names.push_back(span.get_string());
          else
            span.skip();
        }
      }
    }
  }
}

TracerOptions options_for(const std::string& url) {
  TracerOptions options;
  options.service = "tocsin-test";
  options.destinations = {url};
  options.linger = 10ms;
  options.request_timeout = 1'000ms;
  options.retry_for = 5'000ms;
  options.close_timeout = 300ms;
  return options;
}

std::unique_ptr<Tracer> open_tracer(const TracerOptions& options) {
  set_log_level(LogLevel::kOff);
  auto tracer = Tracer::open(options);
  REQUIRE_MESSAGE(tracer.has_value(), (tracer ? "" : tracer.error().message));
  return std::move(*tracer);
}

std::string unpacked(const std::string& gzip) {
  std::string out(gzip.size() * 50 + 1'000, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::vector<Span> spans(unsigned first, unsigned count) {
  std::vector<Span> out;
  for (unsigned i = 0; i < count; ++i) out.push_back(test::full_span(first + i));
  return out;
}

}  // namespace

TEST_CASE("tracer: a collector gets every span once, as OTLP protobuf, at /v1/traces") {
  Collector collector;
  REQUIRE(collector.ok());
  auto tracer = open_tracer(options_for(collector.url()));
  CHECK(tracer->enabled());
  for (unsigned i = 0; i < 50; ++i) tracer->record(spans(i * 10, 10));
  CHECK(tracer->flush(5s));
  CHECK(tracer->stats().exported == 500);
  CHECK(tracer->stats().dropped == 0);
  Decoded decoded;
  for (const auto& request : collector.requests()) {
    CHECK(request.head.starts_with("POST /v1/traces HTTP/1.1"));
    CHECK(request.head.find("Content-Type: application/x-protobuf") != std::string::npos);
    decode(request.body, decoded);
  }
  CHECK(decoded.service == "tocsin-test");
  CHECK(decoded.scope == "tocsin");
  CHECK(decoded.names.size() == 500);
  CHECK(decoded.span_ids.size() == 500);
}

TEST_CASE("tracer: a span's fields reach the collector under the specification's numbers") {
  Collector collector;
  auto tracer = open_tracer(options_for(collector.url() + "/custom/path"));
  const Span sent = test::full_span(7);
  tracer->record({sent});
  REQUIRE(tracer->flush(5s));
  const auto requests = collector.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].head.starts_with("POST /custom/path HTTP/1.1"));
  Decoded decoded;
  decode(requests[0].body, decoded);
  pbf_reader span(decoded.first_span);
  std::set<unsigned> seen;
  const auto bytes = [](const auto& id) {
    return std::string(reinterpret_cast<const char*>(id.data()), id.size());
  };
  while (span.next()) {
    seen.insert(span.tag());
    switch (span.tag()) {
      case 1:
        CHECK(span.get_bytes() == bytes(sent.trace));
        break;
      case 2:
        CHECK(span.get_bytes() == bytes(sent.id));
        break;
      case 4:
        CHECK(span.get_bytes() == bytes(sent.parent));
        break;
      case 5:
        CHECK(span.get_string() == sent.name);
        break;
      case 6:
        CHECK(span.get_enum() == 5);
        break;
      case 7:
        CHECK(span.get_fixed64() == static_cast<std::uint64_t>(sent.start));
        break;
      case 8:
        CHECK(span.get_fixed64() == static_cast<std::uint64_t>(sent.end));
        break;
      default:
        span.skip();
    }
  }
  CHECK(seen == std::set<unsigned>{1, 2, 4, 5, 6, 7, 8, 9, 11, 13, 15});
}

TEST_CASE("tracer: text that is not UTF-8 is repaired, or a collector would refuse the batch") {
  Collector collector;
  auto tracer = open_tracer(options_for(collector.url()));
  Span span = test::full_span(1);
  span.name = "bad \xff";
  tracer->record({span});
  REQUIRE(tracer->flush(5s));
  Decoded decoded;
  decode(collector.requests().at(0).body, decoded);
  CHECK(decoded.names == std::vector<std::string>{"bad \xef\xbf\xbd"});
}

TEST_CASE("tracer: what a collector's answer means") {
  // partial_success { rejected_spans: 3, error_message: "no" }
  const std::string partial = {0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, 'n', 'o'};
  struct Case {
    const char* name;
    std::deque<Answer> script;
    std::size_t requests;
    std::uint64_t exported;
    std::uint64_t dropped;
  };
  const Case cases[] = {
      {"503, then taken", {{.status = 503}}, 2, 10, 0},
      {"429, 502, 504, then taken", {{.status = 429}, {.status = 502}, {.status = 504}}, 4, 10, 0},
      {"400 is final", {{.status = 400}}, 1, 0, 10},
      {"404 is final", {{.status = 404}}, 1, 0, 10},
      {"500 is final", {{.status = 500}}, 1, 0, 10},
      {"redirects are not followed", {{.status = 302, .headers = "Location: /x\r\n"}}, 1, 0, 10},
      {"partial success", {{.status = 200, .body = partial}}, 1, 7, 3},
      {"an answer that is not protobuf", {{.status = 200, .body = "\xff\xff\xff"}}, 1, 10, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Collector collector(c.script);
    auto tracer = open_tracer(options_for(collector.url()));
    tracer->record(spans(0, 10));
    CHECK(tracer->flush(5s));
    CHECK(collector.requests().size() == c.requests);
    CHECK(tracer->stats().exported == c.exported);
    CHECK(tracer->stats().dropped == c.dropped);
  }
}

TEST_CASE("tracer: Retry-After is honoured") {
  Collector collector({{.status = 503, .headers = "Retry-After: 1\r\n"}});
  auto tracer = open_tracer(options_for(collector.url()));
  tracer->record(spans(0, 1));
  CHECK(tracer->flush(5s));
  const auto requests = collector.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].at - requests[0].at >= 900ms);
  CHECK(tracer->stats().exported == 1);
}

TEST_CASE("tracer: a collector that never answers costs its spans, not the pipeline's time") {
  Collector collector({{.hang = true}, {.hang = true}, {.hang = true}});
  TracerOptions options = options_for(collector.url());
  options.request_timeout = 30s;
  options.queue_spans_max = 1'000;
  auto tracer = open_tracer(options);
  const auto start = std::chrono::steady_clock::now();
  tracer->record(spans(0, 1));
  REQUIRE(collector.wait_for(1));
  for (unsigned i = 0; i < 2'000; ++i) tracer->record(spans(i, 1));
  CHECK(std::chrono::steady_clock::now() - start < 3s);
  CHECK_FALSE(tracer->flush(50ms));
  const TracerStats stats = tracer->stats();
  CHECK(stats.exported == 0);
  CHECK(stats.dropped == 1'001);  // one is under way, 999 wait
  CHECK(stats.queue_full == 1'001);
  CHECK(stats.queued == 1'000);
  const auto closing = std::chrono::steady_clock::now();
  tracer.reset();
  CHECK(std::chrono::steady_clock::now() - closing < 4s);
}

TEST_CASE("tracer: an absent collector is no error; its spans are dropped and counted") {
  std::string url;
  {
    Collector gone;
    url = gone.url();
  }
  TracerOptions options = options_for(url);
  options.retry_for = 400ms;
  auto tracer = open_tracer(options);
  tracer->record(spans(0, 25));
  CHECK(tracer->flush(5s));
  CHECK(tracer->stats().exported == 0);
  CHECK(tracer->stats().dropped == 25);
  CHECK(tracer->stats().no_taker == 25);
}

TEST_CASE("tracer: what waits is bounded in bytes, too") {
  Collector collector(std::deque<Answer>{{.hang = true}});
  TracerOptions options = options_for(collector.url());
  options.request_timeout = 30s;
  options.queue_bytes_max = 100'000;
  auto tracer = open_tracer(options);
  tracer->record(spans(0, 1));
  REQUIRE(collector.wait_for(1));
  Span large = test::full_span(1);
  large.attributes.push_back({"large", std::string(9'900, 'x')});
  for (unsigned i = 0; i < 30; ++i) tracer->record({large});
  const TracerStats stats = tracer->stats();
  CHECK(stats.queued == 10);  // nine of 10 kB, and the one under way
  CHECK(stats.queue_full == 21);
}

TEST_CASE("tracer: gzip, and headers for a collector that wants to know who asks") {
  Collector collector;
  TracerOptions options = options_for(collector.url());
  options.http.gzip = true;
  options.http.headers = {{"Authorization", "Bearer s3cret"}, {"X-Scope", ""}};
  auto tracer = open_tracer(options);
  tracer->record(spans(0, 300));
  REQUIRE(tracer->flush(5s));
  Decoded decoded;
  for (const auto& request : collector.requests()) {
    CHECK(request.head.find("\r\nContent-Encoding: gzip") != std::string::npos);
    CHECK(request.head.find("\r\nAuthorization: Bearer s3cret") != std::string::npos);
    CHECK(request.head.find("\r\nX-Scope:") != std::string::npos);
    decode(unpacked(request.body), decoded);
  }
  CHECK(decoded.span_ids.size() == 300);
}

TEST_CASE("tracer: spans told for another stage go under its name, in the same request") {
  Collector collector;
  TracerOptions options = options_for(collector.url());
  options.other_services = {"tocsin-produce"};
  options.resource = {{"team", "blue"}, {"service.name", "ignored: it is the service"}};
  options.linger = 200ms;
  auto tracer = open_tracer(options);
  SpanChunk other;
  encode(other, test::full_span(2));
  other.resource = 1;
  tracer->record({test::full_span(1)});
  tracer->record(std::move(other));
  REQUIRE(tracer->flush(5s));
  std::map<std::string, std::string> team_by_service;
  for (const auto& request : collector.requests()) {
    pbf_reader body(request.body);
    while (body.next(1)) {
      pbf_reader resource_spans = body.get_message();
      REQUIRE(resource_spans.next(1));
      const auto resource = resource_spans.get_view();
      team_by_service[attribute_of(pbf_reader(resource), "service.name")] =
          attribute_of(pbf_reader(resource), "team");
    }
  }
  CHECK(team_by_service ==
        std::map<std::string, std::string>{{"tocsin-produce", ""}, {"tocsin-test", "blue"}});
}

TEST_CASE("tracer: sampling that is off makes no spans") {
  Collector collector;
  TracerOptions options = options_for(collector.url());
  options.sampling = parse_sampling("off").value();
  auto tracer = open_tracer(options);
  CHECK_FALSE(tracer->enabled());
  tracer->record(spans(0, 3));
  CHECK(tracer->flush(1s));
  CHECK(collector.requests().empty());
}

TEST_CASE("tracer: a slow destination does not hold back another") {
  Collector slow({{.hang = true}, {.hang = true}});
  Collector quick;
  TracerOptions options = options_for(slow.url());
  options.destinations.push_back(quick.url());
  options.request_timeout = 30s;
  auto tracer = open_tracer(options);
  tracer->record(spans(0, 5));
  REQUIRE(slow.wait_for(1));
  REQUIRE(quick.wait_for(1));
  tracer->record(spans(5, 5));
  REQUIRE(quick.wait_for(2));
  CHECK_FALSE(tracer->flush(200ms));
  CHECK(tracer->stats().exported == 10);
}

TEST_CASE("tracer: many threads record at once and nothing is lost") {
  Collector collector;
  TracerOptions options = options_for(collector.url());
  options.batch_spans_max = 100;
  auto tracer = open_tracer(options);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 100; ++i) tracer->record(spans(t * 10'000 + i * 7, 7));
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(tracer->flush(10s));
  CHECK(tracer->stats().exported == 2'800);
  Decoded decoded;
  for (const auto& request : collector.requests()) {
    Decoded one;
    decode(request.body, one);
    CHECK(one.names.size() <= 100);
    decoded.span_ids.insert(one.span_ids.begin(), one.span_ids.end());
  }
  CHECK(decoded.span_ids.size() == 2'800);
}

TEST_CASE("tracer: destinations that cannot be used at all are refused at once") {
  set_log_level(LogLevel::kOff);
  for (const char* destination : {"", "ftp://host/x", "http://", "grpc://host:4317",
                                  "/proc/none/traces.jsonl", "/", "/proc/x.db"}) {
    CAPTURE(destination);
    auto tracer = Tracer::open({.service = "t", .destinations = {destination}});
    CHECK_FALSE(tracer.has_value());
  }
  TracerOptions no_file{.service = "t", .destinations = {"https://host"}};
  no_file.http.ca_file = "/proc/none/ca.pem";
  CHECK_FALSE(Tracer::open(no_file).has_value());
  auto secret = Tracer::open({.service = "t", .destinations = {"ftp://user:hunter2@host/"}});
  REQUIRE_FALSE(secret.has_value());
  CHECK(secret.error().message.find("hunter2") == std::string::npos);
}

TEST_CASE("tracer: without a destination recording is free of effects") {
  auto tracer = open_tracer({.service = "t", .destinations = {}});
  CHECK_FALSE(tracer->enabled());
  tracer->record(spans(0, 3));
  CHECK(tracer->flush(0ms));
  CHECK(tracer->stats().exported == 0);
}

TEST_CASE("tracer: a collector that refuses again and again is asked ever less often") {
  std::deque<Answer> script(1'000, Answer{.status = 403});
  Collector collector(script);
  TracerOptions options = options_for(collector.url());
  options.queue_spans_max = 50;
  options.batch_spans_max = 1;
  auto tracer = open_tracer(options);
  for (unsigned i = 0; i < 50; ++i) tracer->record(spans(i, 1));
  std::this_thread::sleep_for(500ms);
  CHECK(collector.requests().size() < 10);
  for (unsigned i = 0; i < 50; ++i) tracer->record(spans(i, 1));
  CHECK_FALSE(tracer->has_room());
  tracer->count_dropped(7);
  CHECK(tracer->flush(5s));  // the end of a process does not wait for it
  const TracerStats stats = tracer->stats();
  CHECK(stats.exported == 0);
  CHECK(stats.dropped == 107);
  CHECK(stats.rejected + stats.queue_full == 107);
  CHECK(tracer->has_room());
}
