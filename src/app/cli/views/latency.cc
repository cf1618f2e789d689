// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/latency.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace tocsin::cli {

std::string render_latency(const Latency& latency, const Style& style) {
  if (latency.rows.empty()) return "no spans\n";
  Table table{.columns = {{"STEP", Align::kLeft, true},
                          {"SERVICE", Align::kLeft, true},
                          {"SPANS", Align::kRight},
                          {"P50", Align::kRight},
                          {"P95", Align::kRight},
                          {"P99", Align::kRight},
                          {"MAX", Align::kRight},
                          {"SHARE", Align::kRight}},
              .rows = {}};
  for (const LatencyRow& row : latency.rows) {
    const Tint tint = row.step == latency.bottleneck ? Tint::kYellow
                      : row.service.empty()          ? Tint::kDim
                                                     : Tint::kNone;
    table.rows.push_back(
        {Cell(printable(row.step, style), tint), Cell(printable(row.service, style)),
         Cell(grouped(static_cast<std::int64_t>(row.count))), Cell(duration_text(row.p50)),
         Cell(duration_text(row.p95)), Cell(duration_text(row.p99)), Cell(duration_text(row.max)),
         Cell(row.share < 0 ? "" : percent(row.share, 1.0))});
  }
  std::string out = render_table(table, style);
  if (latency.bottleneck.empty())
    return out +
           "\nNo trace has both the producer's and the detector's spans: no bottleneck to "
           "name.\n";
  out += fmt::format("\nbottleneck: {} ({} traces)\n  {}\n", printable(latency.bottleneck, style),
                     grouped(static_cast<std::int64_t>(latency.traces)), latency.advice);
  return out;
}

std::string latency_json(const Latency& latency) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("traces", latency.traces);
    json.member("bottleneck", latency.bottleneck);
    json.member("advice", latency.advice);
    json.key("steps");
    json.array([&] {
      for (const LatencyRow& row : latency.rows) {
        json.object([&] {
          json.member("step", row.step);
          if (!row.service.empty()) json.member("service", row.service);
          json.member("count", row.count);
          json.member("p50_ns", row.p50);
          json.member("p95_ns", row.p95);
          json.member("p99_ns", row.p99);
          json.member("max_ns", row.max);
          if (row.share >= 0) json.member("share", row.share);
        });
      }
    });
  });
  return out + "\n";
}

}  // namespace tocsin::cli
