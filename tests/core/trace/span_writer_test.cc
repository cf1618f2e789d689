// SPDX-License-Identifier: Apache-2.0
#include "core/trace/span_writer.h"

#include <doctest/doctest.h>

#include "core/trace/fixture.h"
#include "core/trace/otlp.h"

using namespace tocsin;
using namespace tocsin::trace;

namespace {

std::vector<Span> spans_of(const SpanChunk& chunk) {
  std::vector<Span> spans;
  for_each_span(chunk, [&](std::string_view bytes) { spans.push_back(parse_span(bytes).value()); });
  return spans;
}

const std::string* text_of(const std::vector<Attribute>& attributes, const char* key) {
  for (const Attribute& attribute : attributes)
    if (attribute.key == key) return std::get_if<std::string>(&attribute.value);
  return nullptr;
}

}  // namespace

TEST_CASE("span writer: what is written is what a reader of OTLP reads") {
  const TraceId trace = trace_id_of(test::event(1));
  const SpanId id = span_id_of(trace, "a");
  const SpanId parent = span_id_of(trace, "b");
  const SpanTemplate common("process raw-events", SpanKind::kConsumer,
                            {{"messaging.system", "kafka"}, {"constant", std::int64_t{-1}}});
  SpanWriter writer(1);
  writer.begin(common, {trace, id, parent}, 1'000, 5'000);
  writer.integer("messaging.kafka.offset", 9'007'199'254'740'993);
  writer.integer("negative", -7);
  writer.boolean("yes", true);
  writer.begin_event("alert", 3'000);
  writer.text("rule.id", "4f2a");
  writer.end_event();
  writer.text("empty", "");
  writer.fail("event.invalid", "no \"luck\"");
  writer.end();
  writer.begin(common, {trace, parent, kNoSpan}, 9'000, 4'000);
  writer.end();
  const SpanChunk chunk = writer.take();
  CHECK(chunk.spans == 2);
  CHECK(chunk.resource == 1);
  const auto spans = spans_of(chunk);
  REQUIRE(spans.size() == 2);
  const Span& span = spans[0];
  CHECK(span.trace == trace);
  CHECK(span.id == id);
  CHECK(span.parent == parent);
  CHECK(span.name == "process raw-events");
  CHECK(span.kind == SpanKind::kConsumer);
  CHECK(span.start == 1'000);
  CHECK(span.end == 5'000);
  CHECK(span.status == SpanStatus::kError);
  CHECK(span.status_message == "no \"luck\"");
  REQUIRE(span.attributes.size() == 7);
  CHECK(std::get<std::int64_t>(span.attributes[1].value) == -1);
  CHECK(std::get<std::int64_t>(span.attributes[2].value) == 9'007'199'254'740'993);
  CHECK(std::get<std::int64_t>(span.attributes[3].value) == -7);
  CHECK(std::get<bool>(span.attributes[4].value));
  CHECK(*text_of(span.attributes, "empty") == "");
  CHECK(*text_of(span.attributes, "error.type") == "event.invalid");
  REQUIRE(span.events.size() == 1);
  CHECK(span.events[0].time == 3'000);
  CHECK(*text_of(span.events[0].attributes, "rule.id") == "4f2a");
  CHECK(spans[1].parent == kNoSpan);
  CHECK(spans[1].start == 9'000);
  CHECK(spans[1].end == 9'000);  // not before its start
}

TEST_CASE("span writer: lengths of one, two and three bytes") {
  const TraceId trace = trace_id_of(test::event(1));
  const SpanTemplate common("x", SpanKind::kInternal);
  for (const std::size_t size : {0u, 1u, 40u, 60u, 126u, 127u, 128u, 129u, 16'000u, 16'300u,
                                 16'383u, 16'384u, 70'000u, 2'100'000u}) {
    CAPTURE(size);
    SpanWriter writer;
    for (int twice = 0; twice < 2; ++twice) {
      writer.begin(common, {trace, span_id_of(trace, "x"), kNoSpan}, 1, 2);
      if (size % 2 == 0) {
        writer.text("key", std::string(size, 'v'));
      } else {
        writer.begin_event("e", 1);
        writer.text("key", std::string(size, 'v'));
        writer.end_event();
      }
      writer.end();
    }
    const auto spans = spans_of(writer.take());
    REQUIRE(spans.size() == 2);
    for (const Span& span : spans) {
      const auto& where = size % 2 == 0 ? span.attributes : span.events.at(0).attributes;
      REQUIRE(text_of(where, "key") != nullptr);
      CHECK(*text_of(where, "key") == std::string(size, 'v'));
    }
  }
}

TEST_CASE("span writer: text that is not UTF-8 is repaired, in attributes and in the status") {
  const TraceId trace = trace_id_of(test::event(1));
  SpanWriter writer;
  writer.begin(SpanTemplate("x", SpanKind::kInternal), {trace, span_id_of(trace, "x"), kNoSpan}, 1,
               2);
  writer.text("key", "bad \xff");
  writer.fail("t", "worse \xfe");
  writer.end();
  const auto spans = spans_of(writer.take());
  CHECK(*text_of(spans.at(0).attributes, "key") == "bad \xef\xbf\xbd");
  CHECK(spans.at(0).status_message == "worse \xef\xbf\xbd");
}

TEST_CASE(
    "span writer: a chunk is full at its size, holds no more memory than it needs, and the "
    "writer goes on") {
  const TraceId trace = trace_id_of(test::event(1));
  const SpanTemplate common("x", SpanKind::kInternal);
  SpanWriter writer;
  const auto write = [&] {
    writer.begin(common, {trace, span_id_of(trace, "x"), kNoSpan}, 1, 2);
    writer.text("key", std::string(300, 'v'));
    writer.end();
  };
  write();
  const SpanChunk small = writer.take();
  CHECK(small.bytes.capacity() < 1'024);
  CHECK(writer.spans() == 0);
  std::size_t count = 0;
  for (; !writer.full(); ++count) write();
  CHECK(count > 100);
  const SpanChunk large = writer.take();
  CHECK(large.spans == count);
  CHECK(spans_of(large).size() == count);
  CHECK(large.bytes.capacity() < 2 * SpanWriter::kChunkBytes);
  write();
  CHECK(spans_of(writer.take()).size() == 1);
  CHECK(writer.take().spans == 0);
}
