// SPDX-License-Identifier: Apache-2.0
#include "core/trace/settings.h"

#include <doctest/doctest.h>

#include <map>

#include "base/log.h"
#include "core/trace/tracer.h"

using namespace tocsin;
using namespace tocsin::trace;
using namespace std::chrono_literals;

namespace {

using Variables = std::map<std::string, std::string>;

Result<TracerOptions> resolved(const Variables& variables, const TraceSettings& settings = {}) {
  set_log_level(LogLevel::kOff);
  return resolve(settings, "tocsin-test", [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

const std::string* resource_of(const TracerOptions& options, const char* key) {
  for (const Attribute& attribute : options.resource)
    if (attribute.key == key) return std::get_if<std::string>(&attribute.value);
  return nullptr;
}

}  // namespace

TEST_CASE("settings: nothing said, nothing exported") {
  const auto options = resolved({});
  CHECK(options->destinations.empty());
  CHECK(options->service == "tocsin-test");
  CHECK(options->sampling.kind == Sampling::Kind::kAll);
  CHECK_FALSE(options->http.gzip);
}

TEST_CASE("settings: the endpoint for all signals is a base, that for traces is taken as it is") {
  const auto destination = [](const Variables& variables, const TraceSettings& settings = {}) {
    const auto options = resolved(variables, settings);
    return options->destinations.empty() ? std::string("-") : options->destinations.front();
  };
  const char* all = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const char* own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  CHECK(destination({{all, "http://c:4318"}}) == "http://c:4318/v1/traces");
  CHECK(destination({{all, "http://c:4318/otlp/"}}) == "http://c:4318/otlp/v1/traces");
  CHECK(destination({{own, "http://t/x"}}) == "http://t/x");
  CHECK(destination({{own, "http://t/x"}, {all, "http://c"}}) == "http://t/x");
  CHECK(destination({{own, ""}, {all, "http://c"}}) == "http://c/v1/traces");
  CHECK(destination({{all, "http://c"}, {"OTEL_TRACES_EXPORTER", "none"}}) == "-");
  CHECK(destination({{"OTEL_TRACES_EXPORTER", "otlp"}}) == "http://localhost:4318/v1/traces");
  CHECK(destination({{"OTEL_TRACES_EXPORTER", "console"}}) == "-");
  CHECK(destination({{all, "http://c"}}, {.destinations = {"mine.db"}}) == "mine.db");
}

TEST_CASE("settings: OTEL_SDK_DISABLED silences whatever else was said") {
  const TraceSettings flag{.destinations = {"http://c"}};
  CHECK(resolved({{"OTEL_SDK_DISABLED", "true"}}, flag)->destinations.empty());
  CHECK(resolved({{"OTEL_SDK_DISABLED", "TRUE"}}, flag)->destinations.empty());
  CHECK(resolved({{"OTEL_SDK_DISABLED", "false"}}, flag)->destinations.size() == 1);
  CHECK(resolved({{"OTEL_SDK_DISABLED", "truely"}}, flag)->destinations.size() == 1);
}

TEST_CASE("settings: the service's name and attributes") {
  auto options = resolved({{"OTEL_RESOURCE_ATTRIBUTES",
                            "deployment.environment.name=test, service.name=a%20b,team=x%3Dy"}});
  CHECK(options->service == "a b");
  CHECK(*resource_of(*options, "deployment.environment.name") == "test");
  CHECK(*resource_of(*options, "team") == "x=y");
  options = resolved({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a"}, {"OTEL_SERVICE_NAME", "b"}});
  CHECK(options->service == "b");
  for (const char* wrong : {"novalue", "=x", "a=%2", "a=%zz"}) {
    CAPTURE(wrong);
    CHECK(resolved({{"OTEL_RESOURCE_ATTRIBUTES", wrong}})->resource.empty());
  }
}

TEST_CASE("settings: headers, of which none is ever told") {
  const auto headers = [](const Variables& variables, const TraceSettings& settings = {}) {
    return resolved(variables, settings)->http.headers;
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;
  CHECK(headers({{"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret, x-a=1"}}) ==
        Headers{{"authorization", "Bearer s3cret"}, {"x-a", "1"}});
  CHECK(headers({{"OTEL_EXPORTER_OTLP_HEADERS", "a=1"},
                 {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"}}) == Headers{{"b", "2"}});
  CHECK(headers({{"OTEL_EXPORTER_OTLP_HEADERS", "a=1"}}, {.headers = {"c=d=e"}}) ==
        Headers{{"c", "d=e"}});
  // What would break out of its line is refused.
  CHECK(headers({{"OTEL_EXPORTER_OTLP_HEADERS", "a=1%0d%0aEvil:%201"}}).empty());
  for (const char* wrong : {"s3cret", "=s3cret", "a b=s3cret", "a=s3cret\r\nEvil: 1"}) {
    CAPTURE(wrong);
    const auto options = resolved({}, {.headers = {wrong}});
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().message.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("settings: compression, certificates, time-out, queue; what was said wins") {
  const Variables variables = {{"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                               {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca"},
                               {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/cert"},
                               {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key"},
                               {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
                               {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1500"},
                               {"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
                               {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "500"},
                               {"OTEL_BSP_SCHEDULE_DELAY", "70"},
                               {"OTEL_BSP_EXPORT_TIMEOUT", "9000"}};
  auto options = resolved(variables);
  CHECK(options->http.gzip);
  CHECK(options->http.ca_file == "/ca");
  CHECK(options->http.certificate == "/cert");
  CHECK(options->http.key == "/key");
  CHECK(options->request_timeout == 1'500ms);
  CHECK(options->queue_spans_max == 100);
  CHECK(options->batch_spans_max == 100);  // a batch larger than the queue would never come about
  CHECK(options->linger == 70ms);
  CHECK(options->retry_for == 9'000ms);
  options = resolved(
      variables,
      {.compression = "none", .ca_file = "/mine", .timeout_seconds = 0.25, .queue_spans_max = 7});
  CHECK_FALSE(options->http.gzip);
  CHECK(options->http.ca_file == "/mine");
  CHECK(options->request_timeout == 250ms);
  CHECK(options->queue_spans_max == 7);
}

TEST_CASE("settings: a wrong variable is ignored, a wrong setting of the user's is an error") {
  const TracerOptions plain;
  const auto options = resolved({{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"},
                                 {"OTEL_EXPORTER_OTLP_TIMEOUT", "soon"},
                                 {"OTEL_BSP_MAX_QUEUE_SIZE", "-5"},
                                 {"OTEL_TRACES_SAMPLER", "sometimes"}});
  CHECK_FALSE(options->http.gzip);
  CHECK(options->request_timeout == plain.request_timeout);
  CHECK(options->queue_spans_max == plain.queue_spans_max);
  CHECK(options->sampling.kind == Sampling::Kind::kAll);
  CHECK_FALSE(resolved({}, {.compression = "zstd"}).has_value());
  CHECK_FALSE(resolved({}, {.sampling = "sometimes"}).has_value());
}

TEST_CASE("settings: the sampler") {
  const Variables otel = {{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                          {"OTEL_TRACES_SAMPLER_ARG", "0.25"}};
  auto options = resolved(otel);
  CHECK(options->sampling.kind == Sampling::Kind::kRatio);
  CHECK(options->sampling.share == doctest::Approx(0.25));
  CHECK(options->sampling.heeds_parent);
  options = resolved(otel, {.sampling = "tail:10", .slow_seconds = 0.5});
  CHECK(options->sampling.kind == Sampling::Kind::kTail);
  CHECK(options->sampling.slow_ns == 500'000'000);
}
