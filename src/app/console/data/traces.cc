// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/traces.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "app/console/http/call.h"
#include "core/trace/jaeger_query.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kCandidatesMax = 1'000;  // traces that are read to be searched
constexpr std::size_t kJaegerTraces = 300;
constexpr const char* kJaegerService = "tocsin-detect";

std::optional<trace::TraceId> trace_id(std::string_view text) {
  std::string digits;
  for (const char c : lower(text.substr(0, 64)))
    if (c != '-') digits.push_back(c);
  trace::TraceId id{};
  if (digits.size() != 2 * id.size() || !decode_hex(digits, id.data(), id.size()))
    return std::nullopt;
  return trace::trace_id_of(Uuid{id});  // of a nil id the hashed one
}

std::string text_attribute(const trace::Span& span, std::string_view key) {
  for (const trace::Attribute& attribute : span.attributes)
    if (attribute.key == key)
      if (const auto* text = std::get_if<std::string>(&attribute.value)) return *text;
  return {};
}

struct Seen {
  UnixNanos start = INT64_MAX, end = 0;
  bool event = false;  // has spans of an event's life, not only those of a poll
};

bool fits(const TraceSummary& trace, const std::string& q) {
  std::string id;
  append_hex(id, trace.id.data(), trace.id.size());
  for (const std::string& text : {trace.host, trace.event_class, trace.event_id, id})
    if (lower(text).find(q) != std::string::npos) return true;
  return false;
}

void keep_wanted(std::vector<TraceSummary>& traces, std::size_t limit, std::int64_t min_us,
                 const std::string& q) {
  std::erase_if(traces, [&](const TraceSummary& t) {
    return t.duration_us < min_us || (!q.empty() && !fits(t, q));
  });
  std::sort(traces.begin(), traces.end(), [&](const TraceSummary& a, const TraceSummary& b) {
    return min_us > 0 && a.duration_us != b.duration_us ? a.duration_us > b.duration_us
                                                        : a.start > b.start;
  });
  if (traces.size() > limit) traces.resize(limit);
}

Result<std::vector<TraceSummary>> recent_of_jaeger(const std::string& url) {
  TOCSIN_TRY(const auto spans, trace::query_recent(url, kJaegerService, 0, kJaegerTraces));
  std::map<trace::TraceId, std::vector<trace::StoredSpan>> by_trace;
  for (const trace::StoredSpan& span : spans) by_trace[span.trace].push_back(span);
  std::vector<TraceSummary> out;
  for (const auto& [id, of_trace] : by_trace) out.push_back(summary_of(of_trace));
  return out;
}

Result<insight::Latency> measure(const std::string& store) {
  insight::LatencyCollector collector;
  if (store.find("://") != std::string::npos) {
    TOCSIN_TRY(const auto spans, trace::query_recent(store, kJaegerService, 0, kJaegerTraces));
    for (const trace::StoredSpan& span : spans)
      collector.add({span.trace, span.service, span.name, span.start, span.end});
  } else {
    const Status visited = trace::visit_latest(store, Traces::kSpansMeasured,
                                               [&](const auto& span) { collector.add(span); });
    if (!visited && visited.error().code != ErrorCode::kNotFound)
      return tl::unexpected(visited.error());
  }
  return collector.result();
}

}  // namespace

Traces::Traces(std::string store, std::string jaeger)
    : store_(std::move(store)),
      jaeger_(std::move(jaeger)),
      latency_([this] { return measure(store_); }, kLatencyKept) {}

TraceSummary summary_of(const std::vector<trace::StoredSpan>& spans) {
  TraceSummary out;
  if (spans.empty()) return out;
  out.id = spans.front().trace;
  out.start = spans.front().start;
  UnixNanos end = spans.front().end;
  for (const trace::StoredSpan& span : spans) {
    out.start = std::min(out.start, span.start);
    end = std::max(end, span.end);
    out.error = out.error || span.status == trace::SpanStatus::kError;
    if (out.host.empty()) out.host = text_attribute(span, "host.name");
    if (out.event_id.empty()) out.event_id = text_attribute(span, "event.id");
    const std::string tactic = text_attribute(span, "threat.tactic.name");
    if (!tactic.empty()) out.event_class = tactic;
  }
  if (out.event_id.empty()) out.event_id = Uuid{out.id}.to_string();
  out.duration_us = (end - out.start) / 1'000;
  out.spans = spans.size();
  return out;
}

Result<FoundTrace> Traces::find(std::string_view text) const {
  const auto id = trace_id(text);
  if (!id) return fail(ErrorCode::kInvalid, "the id of an event or a trace has 32 hex digits");
  FoundTrace out{.id = *id, .spans = {}, .from_jaeger = store_is_jaeger()};
  auto found = store_is_jaeger() ? trace::query_trace(store_, *id) : trace::read_trace(store_, *id);
  if (!found && found.error().code != ErrorCode::kNotFound) return tl::unexpected(found.error());
  if (found) out.spans = *std::move(found);
  if (!out.spans.empty() || jaeger_.empty() || store_is_jaeger()) return out;
  TOCSIN_TRY(out.spans, trace::query_trace(jaeger_, *id));
  out.from_jaeger = true;
  return out;
}

Result<std::vector<TraceSummary>> Traces::recent(std::size_t limit, std::int64_t min_us,
                                                 std::string_view q) const {
  const std::string wanted = lower(q);
  std::vector<TraceSummary> out;
  if (store_is_jaeger()) {
    TOCSIN_TRY(out, recent_of_jaeger(store_));
    keep_wanted(out, limit, min_us, wanted);
    return out;
  }
  std::unordered_map<Uuid, Seen> seen;
  // The slow ones are few, and somebody waits for them.
  const std::size_t looked_at = min_us > 0 || !wanted.empty() ? kSpansSearched : kSpansListed;
  const Status visited = trace::visit_latest(store_, looked_at, [&](const auto& span) {
    Seen& one = seen[Uuid{span.trace}];
    one.start = std::min(one.start, span.start);
    one.end = std::max(one.end, span.end);
    one.event = one.event || !span.name.starts_with("poll ");
  });
  if (!visited && visited.error().code == ErrorCode::kNotFound) return out;  // nothing yet
  TOCSIN_TRY_STATUS(visited);
  for (const auto& [id, one] : seen) {
    if (!one.event) continue;
    TraceSummary& trace = out.emplace_back();
    trace.id = id.bytes;
    trace.start = one.start;
    trace.duration_us = (one.end - one.start) / 1'000;
  }
  // What the attributes tell is read of those only that may be shown.
  keep_wanted(out, wanted.empty() ? limit : kCandidatesMax, min_us, "");
  std::vector<trace::TraceId> ids;
  for (const TraceSummary& trace : out) ids.push_back(trace.id);
  TOCSIN_TRY(const auto read, trace::read_traces(store_, ids));
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!read[i].empty()) out[i] = summary_of(read[i]);
  keep_wanted(out, limit, min_us, wanted);
  return out;
}

}  // namespace tocsin::console
