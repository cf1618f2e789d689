// SPDX-License-Identifier: Apache-2.0
#include "app/cli/report/aggregates.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <system_error>

#include "app/cli/page/page.h"
#include "app/cli/views/csv_cell.h"
#include "core/sigma/attack.h"

namespace tocsin::cli {
namespace {

constexpr UnixNanos kHour = 3'600'000'000'000;

// Rows are added cell by cell.
class Sheet {
 public:
  Sheet(std::string name, std::string_view columns) {
    file_.name = std::move(name);
    file_.text.append(columns).append("\r\n");
  }

  Sheet& cell(std::string_view text) {
    separate();
    append_csv_cell(file_.text, text);
    return *this;
  }
  Sheet& number(std::int64_t value) {
    separate();
    fmt::format_to(std::back_inserter(file_.text), "{}", value);
    return *this;
  }
  // Empty where there is no such figure.
  Sheet& ratio(double value) {
    separate();
    if (value >= 0) fmt::format_to(std::back_inserter(file_.text), "{:.6f}", value);
    return *this;
  }
  void end_row() {
    file_.text += "\r\n";
    first_ = true;
  }
  CsvFile take() { return std::move(file_); }

 private:
  void separate() {
    if (!first_) file_.text.push_back(',');
    first_ = false;
  }

  CsvFile file_;
  bool first_ = true;
};

CsvFile counts(const char* name, std::string_view columns, const std::vector<store::Count>& items) {
  Sheet sheet(name, columns);
  for (const store::Count& item : items) sheet.cell(item.name).number(item.count).end_row();
  return sheet.take();
}

CsvFile hosts(const Statistics& s) {
  Sheet sheet("hosts.csv", "host,events,detected");
  for (const store::HostCount& host : s.summary.hosts)
    sheet.cell(host.name).number(host.events).number(host.detected).end_row();
  return sheet.take();
}

CsvFile host_classes(const Statistics& s) {
  Sheet sheet("host_classes.csv", "host,class,events");
  for (const auto& [host, classes] : s.trends.hosts)
    for (const auto& [name, count] : classes) sheet.cell(host).cell(name).number(count).end_row();
  return sheet.take();
}

CsvFile rules_sheet(const Statistics& s) {
  Sheet sheet("rules.csv", "rule_id,rule_name,level,alerts,hosts");
  for (const store::RuleCount& rule : s.summary.rules)
    sheet.cell(rule.id)
        .cell(rule.name)
        .cell(rule.level)
        .number(rule.count)
        .number(rule.hosts)
        .end_row();
  return sheet.take();
}

CsvFile techniques(const Statistics& s) {
  Sheet sheet("techniques.csv", "technique,name,alerts,critical,high,medium,low,informational");
  for (const auto& [id, count] : s.alerts.techniques) {
    sheet.cell(id).cell(sigma::Attack::built_in().technique_name(id));
    sheet.number(static_cast<std::int64_t>(count.total()));
    for (std::size_t i = count.levels.size(); i-- > 0;)
      sheet.number(static_cast<std::int64_t>(count.levels[i]));
    sheet.end_row();
  }
  return sheet.take();
}

CsvFile confusion(const store::Scoring& scoring) {
  Sheet sheet("confusion.csv", "truth,class,events");
  for (const auto& [truth, row] : scoring.confusion)
    for (const auto& [name, count] : row) sheet.cell(truth).cell(name).number(count).end_row();
  return sheet.take();
}

CsvFile scores(const store::Scoring& scoring) {
  Sheet sheet("scores.csv",
              "tactic,events,detected,true_positives,false_positives,false_negatives,precision,"
              "recall,f1,any_precision,any_recall,any_f1");
  for (const auto& [slug, score] : scoring.tactics) {
    const store::Quality& strict = score.strict;
    sheet.cell(slug).number(score.events).number(score.detected);
    sheet.number(strict.true_positives).number(strict.false_positives);
    sheet.number(strict.false_negatives);
    for (const store::Quality& quality : {strict, score.any_of})
      sheet.ratio(quality.precision()).ratio(quality.recall()).ratio(quality.f1());
    sheet.end_row();
  }
  return sheet.take();
}

CsvFile latency(const Statistics& s) {
  Sheet sheet("latency.csv", "step,service,count,p50_ns,p95_ns,p99_ns,max_ns,share");
  const store::Latency& whole = s.summary.latency;
  if (s.summary.verdicts > 0) {
    sheet.cell("(from topic to verdict)").cell("").number(s.summary.verdicts);
    for (const std::int64_t us : {whole.p50, whole.p95, whole.p99, whole.max})
      sheet.number(us * 1'000);
    sheet.ratio(-1).end_row();
  }
  if (!s.stages) return sheet.take();
  for (const LatencyRow& row : s.stages->rows) {
    sheet.cell(row.step).cell(row.service).number(static_cast<std::int64_t>(row.count));
    sheet.number(row.p50).number(row.p95).number(row.p99).number(row.max).ratio(row.share);
    sheet.end_row();
  }
  return sheet.take();
}

Result<CsvFile> hourly(const std::string& db) {
  Sheet sheet("hourly.csv", "hour,class,events");
  TOCSIN_TRY_STATUS(store::visit_class_times(
      db, kHour, [&](UnixNanos from, std::string_view event_class, std::int64_t events) {
        sheet.cell(format_rfc3339(from, 0)).cell(event_class).number(events).end_row();
      }));
  return sheet.take();
}

}  // namespace

std::vector<CsvFile> aggregates(const Statistics& s) {
  return {counts("classes.csv", "class,events", s.summary.classes),
          counts("levels.csv", "level,alerts", s.summary.levels),
          hosts(s),
          host_classes(s),
          rules_sheet(s),
          techniques(s),
          confusion(s.summary.scoring),
          scores(s.summary.scoring),
          latency(s)};
}

Status write_aggregates(const std::string& folder, const Statistics& statistics,
                        const std::string& db) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: cannot be made: {}", folder, error.message()));
  std::vector<CsvFile> files = aggregates(statistics);
  TOCSIN_TRY(CsvFile by_hour, hourly(db));
  files.push_back(std::move(by_hour));
  for (const CsvFile& file : files)
    TOCSIN_TRY_STATUS(page::write((std::filesystem::path(folder) / file.name).string(), file.text));
  return {};
}

}  // namespace tocsin::cli
