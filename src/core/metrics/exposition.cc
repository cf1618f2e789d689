// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/exposition.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace tocsin::metrics {
namespace {

constexpr std::string_view kTotal = "_total";

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      break;
  }
  return "histogram";
}

// Backslash and line feed, and in label values the quote, are written with a backslash. Bytes that
// are no UTF-8 cannot come: labels are our own words, topics and file names of sinks.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

// A bound is part of the series' name: OpenMetrics wants it written as a float ("1.0").
std::string bound_text(double bound) {
  std::string text = fmt::format("{}", bound);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class Writer {
 public:
  explicit Writer(Format format) : open_(format == Format::kOpenMetrics) {}

  void family(const FamilySamples& one) {
    const Family& family = *one.family;
    std::string_view name = family.name;
    if (open_ && family.kind == Kind::kCounter) name.remove_suffix(kTotal.size());
    fmt::format_to(std::back_inserter(out_), "# HELP {} ", name);
    append_escaped(out_, family.help, open_);
    fmt::format_to(std::back_inserter(out_), "\n# TYPE {} {}\n", name, kind_text(family.kind));
    for (const Sample& sample : one.samples) {
      if (family.kind == Kind::kHistogram)
        histogram(family.name, sample);
      else
        line(family.name, "", sample.labels, {}, sample.value);
    }
  }

  std::string finish() {
    if (open_) out_ += "# EOF\n";
    return std::move(out_);
  }

 private:
  // Buckets are cumulative; their last is the count.
  void histogram(std::string_view name, const Sample& sample) {
    const HistogramValue& value = *sample.histogram;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < value.counts.size(); ++i) {
      count += value.counts[i];
      const bool last = i == value.bounds.size();
      line(name, "_bucket", sample.labels, last ? "+Inf" : bound_text(value.bounds[i]),
           static_cast<double>(count), value.exemplars[i]);
    }
    line(name, "_sum", sample.labels, {}, value.sum);
    line(name, "_count", sample.labels, {}, static_cast<double>(count));
  }

  void line(std::string_view name, std::string_view suffix, const Labels& labels,
            std::string_view bound, double value, const std::optional<Exemplar>& exemplar = {}) {
    out_ += name;
    out_ += suffix;
    if (!labels.empty() || !bound.empty()) {
      char before = '{';
      for (const auto& [key, text] : labels) {
        label(before, key, text);
        before = ',';
      }
      if (!bound.empty()) label(before, "le", bound);
      out_ += '}';
    }
    out_ += ' ';
    append_number(out_, value);
    if (open_ && exemplar) append_exemplar(*exemplar);
    out_ += '\n';
  }

  void label(char before, std::string_view key, std::string_view value) {
    out_ += before;
    out_ += key;
    out_ += "=\"";
    append_escaped(out_, value, true);
    out_ += '"';
  }

  void append_exemplar(const Exemplar& exemplar) {
    out_ += " # {trace_id=\"";
    for (const std::uint8_t byte : exemplar.trace)
      fmt::format_to(std::back_inserter(out_), "{:02x}", byte);
    out_ += "\"} ";
    append_number(out_, exemplar.value);
    fmt::format_to(std::back_inserter(out_), " {:.3f}", static_cast<double>(exemplar.time) / 1e9);
  }

  const bool open_;
  std::string out_;
};

}  // namespace

Format format_wanted(std::string_view accept) {
  constexpr std::string_view kType = "application/openmetrics-text";
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    const std::string_view one = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const std::size_t start = std::min(one.find_first_not_of(' '), one.size());
    if (!one.substr(start).starts_with(kType)) continue;
    const std::size_t quality = one.find("q=");
    // 0, 0.0, 0.000: not wanted (RFC 9110 section 12.4.2).
    if (quality != std::string_view::npos &&
        one.substr(quality + 2).find_first_not_of("0. ") == std::string_view::npos)
      continue;
    return Format::kOpenMetrics;
  }
  return Format::kPrometheus;
}

std::string_view content_type(Format format) {
  return format == Format::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string to_text(std::span<const FamilySamples> families, Format format) {
  Writer writer(format);
  for (const FamilySamples& family : families) writer.family(family);
  return writer.finish();
}

}  // namespace tocsin::metrics
