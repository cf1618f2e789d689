// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/waterfall.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/json_writer.h"

namespace tocsin::cli {
namespace {

using trace::StoredSpan;

constexpr std::size_t kServiceMax = 18;
constexpr std::size_t kTimeWidth = 9;  // "999.9 ms" and a blank
constexpr std::size_t kBarMin = 10;
constexpr std::size_t kServiceFrom = 76;  // narrower terminals do without the service column

struct Row {
  enum class Kind { kSpan, kWait, kEvent, kError };
  Kind kind = Kind::kSpan;
  std::size_t depth = 0;
  std::string service;
  std::string text;
  UnixNanos start = 0;
  UnixNanos end = 0;
  Tint tint = Tint::kNone;
};

std::string value_text(const trace::Attribute& attribute) {
  struct Text {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(bool yes) const { return yes ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
  };
  return std::visit(Text{}, attribute.value);
}

std::string event_text(const trace::SpanEvent& event) {
  std::string text = event.name;
  for (const trace::Attribute& attribute : event.attributes) {
    const bool rule_id = attribute.key == "rule.id";
    text +=
        rule_id ? " " + value_text(attribute) : " " + attribute.key + "=" + value_text(attribute);
  }
  return text;
}

// The spans as they are drawn. A consumer can seem to begin before its producer's span ended: the
// clocks of two hosts differ, or the acknowledgement was seen later than the record. It and all
// below it are then moved to that end; `moved` is by how much at most.
std::vector<StoredSpan> in_causal_order(std::span<const StoredSpan> spans, UnixNanos& moved) {
  std::vector<StoredSpan> out(spans.begin(), spans.end());
  std::map<trace::SpanId, std::size_t> by_id;
  std::multimap<trace::SpanId, std::size_t> children;
  for (std::size_t i = 0; i < out.size(); ++i) {
    by_id.emplace(out[i].id, i);
    if (out[i].parent != out[i].id) children.emplace(out[i].parent, i);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto parent = by_id.find(out[i].parent);
    if (out[i].kind != trace::SpanKind::kConsumer || parent == by_id.end()) continue;
    const StoredSpan& producer = out[parent->second];
    const UnixNanos gap = producer.end - out[i].start;
    if (producer.kind != trace::SpanKind::kProducer || gap <= 0) continue;
    moved = std::max(moved, gap);
    std::vector<std::size_t> todo = {i};
    std::set<std::size_t> done;  // parents may form a ring
    while (!todo.empty()) {
      const std::size_t at = todo.back();
      todo.pop_back();
      if (!done.insert(at).second) continue;
      out[at].start += gap;
      out[at].end += gap;
      for (trace::SpanEvent& event : out[at].events) event.time += gap;
      for (auto [child, last] = children.equal_range(out[at].id); child != last; ++child)
        todo.push_back(child->second);
    }
  }
  return out;
}

// Depth first, children by start time.
class Rows {
 public:
  explicit Rows(std::span<const StoredSpan> spans) {
    for (const StoredSpan& span : spans) by_id_.emplace(span.id, &span);
    for (const auto& [id, span] : by_id_) {
      const bool has_parent = span->parent != id && by_id_.contains(span->parent);
      children_[has_parent ? span->parent : trace::kNoSpan].push_back(span);
    }
    for (auto& [id, list] : children_)
      std::stable_sort(list.begin(), list.end(),
                       [](const auto* a, const auto* b) { return a->start < b->start; });
    add_children(trace::kNoSpan, 0);
    for (const auto& [id, span] : by_id_) add(*span, 0);  // left over: parents that form a ring
  }

  std::vector<Row> rows;
  [[nodiscard]] std::size_t spans_shown() const { return shown_.size(); }

 private:
  void add_children(const trace::SpanId& parent, std::size_t depth) {
    const auto found = children_.find(parent);
    if (found == children_.end()) return;
    for (const StoredSpan* span : found->second) add(*span, depth);
  }

  void add(const StoredSpan& span, std::size_t depth) {
    if (!shown_.insert(span.id).second) return;
    const auto parent = by_id_.find(span.parent);
    if (parent != by_id_.end() && parent->second->kind == trace::SpanKind::kProducer &&
        span.kind == trace::SpanKind::kConsumer && span.start > parent->second->end)
      rows.push_back({Row::Kind::kWait, depth, "", "waiting in topic", parent->second->end,
                      span.start, Tint::kDim});
    rows.push_back({Row::Kind::kSpan, depth, span.service, span.name, span.start, span.end,
                    tint_of(span.service)});
    if (span.status == trace::SpanStatus::kError)
      rows.push_back({Row::Kind::kError, depth + 1, "",
                      span.status_message.empty() ? "failed" : span.status_message, span.end,
                      span.end, Tint::kRed});
    for (const trace::SpanEvent& event : span.events)
      rows.push_back({Row::Kind::kEvent, depth + 1, "", event_text(event), event.time, event.time,
                      Tint::kYellow});
    add_children(span.id, depth + 1);
  }

  Tint tint_of(const std::string& service) {
    static constexpr std::array kTints = {Tint::kCyan, Tint::kGreen, Tint::kMagenta, Tint::kBlue};
    return tints_.emplace(service, kTints[tints_.size() % kTints.size()]).first->second;
  }

  std::map<trace::SpanId, const StoredSpan*> by_id_;
  std::map<trace::SpanId, std::vector<const StoredSpan*>> children_;
  std::set<trace::SpanId> shown_;
  std::map<std::string, Tint> tints_;
};

struct Layout {
  std::size_t service = 0;
  std::size_t name = 0;
  std::size_t bar = 0;
};

std::string name_of(const Row& row, const Style& style) {
  std::string name(row.depth * 2, ' ');
  if (row.kind == Row::Kind::kEvent) name += style.unicode ? "\u25c6 " : "* ";
  if (row.kind == Row::Kind::kError) name += style.unicode ? "\u2717 " : "! ";
  return name + printable(row.text, style);
}

Layout layout_of(const std::vector<Row>& rows, const Style& style) {
  Layout layout;
  for (const Row& row : rows) {
    layout.service = std::max(layout.service, display_width(printable(row.service, style)));
    if (row.kind == Row::Kind::kSpan || row.kind == Row::Kind::kWait)
      layout.name = std::max(layout.name, display_width(name_of(row, style)));
  }
  layout.service = style.width < kServiceFrom ? 0 : std::min(layout.service, kServiceMax) + 2;
  const std::size_t fixed = layout.service + 2 * kTimeWidth + 4;
  const std::size_t room = style.width > fixed ? style.width - fixed : 0;
  layout.name =
      std::min(layout.name, std::max<std::size_t>(16, room > kBarMin ? room - kBarMin : 0));
  layout.bar = std::clamp<std::size_t>(room > layout.name ? room - layout.name : 0, kBarMin, 100);
  return layout;
}

// The row's time on the common axis: blanks, then the bar; a moment is one mark.
std::string axis(const Row& row, UnixNanos from, UnixNanos total, std::size_t width,
                 const Style& style) {
  const double scale = total > 0 ? static_cast<double>(width) / static_cast<double>(total) : 0;
  const auto column = [&](UnixNanos time) {
    return static_cast<std::size_t>(std::max(0.0, static_cast<double>(time - from) * scale));
  };
  const std::size_t first = std::min(column(row.start), width - 1);
  const std::string blanks(first, ' ');
  switch (row.kind) {
    case Row::Kind::kEvent:
    case Row::Kind::kError:
      return blanks + (style.unicode ? "\u25c6" : "*");
    case Row::Kind::kWait: {
      std::string dots;
      for (std::size_t i = first; i < std::clamp(column(row.end), first + 1, width); ++i)
        dots += style.unicode ? "\u2591" : ".";
      return blanks + dots;
    }
    case Row::Kind::kSpan:
      break;
  }
  const double length = static_cast<double>(row.end - row.start) * scale;
  return blanks +
         bar_text(std::max(length, 0.01), static_cast<double>(width - first), width - first, style);
}

std::string render_row(const Row& row, UnixNanos from, UnixNanos total, const Layout& layout,
                       const Style& style) {
  std::string line;
  const bool quiet = row.kind == Row::Kind::kWait;
  const Tint text_tint = row.kind == Row::Kind::kSpan ? Tint::kNone : row.tint;
  if (layout.service > 0)
    line += tinted(fitted(printable(row.service, style), layout.service - 2, Align::kLeft, style),
                   row.tint, style) +
            "  ";
  if (row.kind == Row::Kind::kEvent || row.kind == Row::Kind::kError) {
    // A moment has no duration: its text may use that room too.
    const std::string at = "+" + duration_text(row.start - from);
    const std::size_t room = style.width > layout.service + kTimeWidth + 2
                                 ? style.width - layout.service - kTimeWidth - 2
                                 : layout.name;
    std::string name = name_of(row, style);
    if (display_width(name) > layout.name) {
      const std::size_t width = std::min(display_width(name), room);
      line += tinted(fitted(name, width, Align::kLeft, style), text_tint, style) + "  " + at;
      return line + "\n";
    }
  }
  line += tinted(fitted(name_of(row, style), layout.name, Align::kLeft, style), text_tint, style);
  line += fitted("+" + duration_text(row.start - from), kTimeWidth + 1, Align::kRight, style);
  const bool moment = row.kind == Row::Kind::kEvent || row.kind == Row::Kind::kError;
  line += fitted(moment ? "" : duration_text(row.end - row.start), kTimeWidth + 1, Align::kRight,
                 style);
  line += "  ";
  line += tinted(axis(row, from, total, layout.bar, style), quiet ? Tint::kDim : row.tint, style);
  return line + "\n";
}

std::string hex_of(const auto& id) {
  std::string hex;
  append_hex(hex, id.data(), id.size());
  return hex;
}

std::pair<UnixNanos, UnixNanos> bounds_of(std::span<const StoredSpan> spans) {
  UnixNanos from = spans.front().start;
  UnixNanos to = spans.front().end;
  for (const StoredSpan& span : spans) {
    from = std::min(from, span.start);
    to = std::max(to, span.end);
  }
  return {from, to};
}

void write_attributes(JsonWriter& json, const std::vector<trace::Attribute>& attributes) {
  json.key("attributes");
  json.object([&] {
    for (const trace::Attribute& attribute : attributes)
      std::visit([&](const auto& value) { json.member(attribute.key, value); }, attribute.value);
  });
}

std::string_view kind_name(trace::SpanKind kind) {
  static constexpr std::array<std::string_view, 6> kNames = {"unspecified", "internal", "server",
                                                             "client",      "producer", "consumer"};
  return kNames[std::min<std::size_t>(static_cast<std::size_t>(kind), kNames.size() - 1)];
}

void write_span(JsonWriter& json, const StoredSpan& span) {
  json.object([&] {
    json.member("span_id", hex_of(span.id));
    if (span.parent != trace::kNoSpan) json.member("parent_span_id", hex_of(span.parent));
    json.member("service", span.service);
    json.member("name", span.name);
    json.member("kind", kind_name(span.kind));
    json.member("start", format_rfc3339(span.start, 9));
    json.member("end", format_rfc3339(span.end, 9));
    json.member("duration_ns", span.end - span.start);
    write_attributes(json, span.attributes);
    json.key("events");
    json.array([&] {
      for (const trace::SpanEvent& event : span.events) {
        json.object([&] {
          json.member("time", format_rfc3339(event.time, 9));
          json.member("name", event.name);
          write_attributes(json, event.attributes);
        });
      }
    });
    if (span.status == trace::SpanStatus::kError) json.member("error", span.status_message);
  });
}

}  // namespace

std::string render_waterfall(std::span<const StoredSpan> recorded, const WaterfallHeader& header,
                             const Style& style) {
  if (recorded.empty()) return "no spans\n";
  UnixNanos moved = 0;
  const std::vector<StoredSpan> spans = in_causal_order(recorded, moved);
  const auto [from, to] = bounds_of(spans);
  const Rows tree(spans);
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    out += tinted(fitted(name, 7, Align::kLeft, style), Tint::kDim, style) +
           printable(value, style) + "\n";
  };
  line("event", header.event_id);
  line("trace", hex_of(spans.front().trace));
  line("host", header.host);
  line("class", header.event_class);
  for (std::size_t i = 0; i < header.rules.size(); ++i)
    line(i == 0 ? "rules" : "", header.rules[i]);
  line("time", fmt::format("{} from {}, {} spans", duration_text(to - from), format_rfc3339(from),
                           tree.spans_shown()));
  if (moved > 0)
    line("clock", fmt::format("the consumer's spans are drawn {} later, after its record was "
                              "acknowledged",
                              duration_text(moved)));
  out += "\n";
  const Layout layout = layout_of(tree.rows, style);
  for (const Row& row : tree.rows) out += render_row(row, from, to - from, layout, style);
  return out;
}

std::string trace_json(std::span<const StoredSpan> spans) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    if (!spans.empty()) {
      const auto [from, to] = bounds_of(spans);
      json.member("trace_id", hex_of(spans.front().trace));
      json.member("duration_ns", to - from);
    }
    json.key("spans");
    json.array([&] {
      for (const StoredSpan& span : spans) write_span(json, span);
    });
  });
  return out + "\n";
}

}  // namespace tocsin::cli
