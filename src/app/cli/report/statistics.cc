// SPDX-License-Identifier: Apache-2.0
#include "app/cli/report/statistics.h"

#include "core/sigma/attack.h"
#include "core/trace/span_store.h"

namespace tocsin::cli {
namespace {

Result<std::optional<Latency>> read_stages(const StatisticsSources& sources) {
  if (sources.spans.empty()) return std::optional<Latency>();
  LatencyCollector collector;
  const Status read = trace::visit_times(
      sources.spans, 0, [&](const trace::SpanTimes& span) { collector.add(span); });
  if (!read) {
    if (!sources.spans_wanted && read.error().code == ErrorCode::kNotFound)
      return std::optional<Latency>();
    return tl::unexpected(read.error());
  }
  Latency latency = collector.result();
  if (latency.rows.empty()) return std::optional<Latency>();
  return std::optional<Latency>(std::move(latency));
}

}  // namespace

Result<Statistics> read_statistics(const StatisticsSources& sources) {
  Statistics out;
  TOCSIN_TRY(out.summary, store::summarize(sources.db, sources.top, &out.trends));
  TOCSIN_TRY(out.alerts, rules::tally_alerts(sources.db));
  TOCSIN_TRY(out.stages, read_stages(sources));
  return out;
}

std::size_t kill_chain_length() { return sigma::Attack::built_in().tactics().size(); }

std::size_t kill_chain_position(std::string_view event_class) {
  const int order = sigma::Attack::built_in().order(store::slug_of(event_class));
  return order < 0 ? kill_chain_length() : static_cast<std::size_t>(order);
}

}  // namespace tocsin::cli
