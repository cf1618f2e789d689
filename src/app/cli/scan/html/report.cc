// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/html/report.h"

#include <algorithm>

#include "app/cli/page/page.h"
#include "app/cli/scan/html/alert_data.h"
#include "app/cli/scan/html/sections.h"

namespace tocsin::cli::scan::html {
namespace {

constexpr const char* kStyle = "src/app/cli/scan/html/report.css";
constexpr const char* kScript = "src/app/cli/scan/html/report.js";

}  // namespace

void Report::add(Alert&& alert) {
  const auto level = static_cast<std::size_t>(alert.level);
  if (size_ >= rows_max_) {
    std::size_t least = 0;
    while (least < level && rows_[least].empty()) ++least;
    if (least >= level) return;
    rows_[least].pop_back();
    --size_;
  }
  rows_[level].push_back(std::move(alert));
  ++size_;
}

std::vector<const Alert*> Report::rows_by_time() const {
  std::vector<const Alert*> out;
  out.reserve(size_);
  for (std::size_t i = rows_.size(); i-- > 0;)
    for (const Alert& alert : rows_[i]) out.push_back(&alert);
  std::stable_sort(out.begin(), out.end(), [](const Alert* a, const Alert* b) {
    return std::pair(a->timestamp == 0, a->timestamp) < std::pair(b->timestamp == 0, b->timestamp);
  });
  return out;
}

std::string Report::render(const Findings& findings, const Damage& damage, const ReportInfo& info) {
  const std::string_view script = page::asset(kScript);
  std::string out = page::head("Tocsin scan report", page::style_with(page::asset(kStyle)), script);
  append_header(out, findings, info);
  append_cards(out, findings, damage);
  append_chart(out, findings.histogram, findings.alerts);
  append_tactics(out, findings);
  append_rules_and_hosts(out, findings);
  append_alerts_frame(out, size_, findings.counts.alerts);
  append_damage(out, damage);
  out += "<script type=\"application/json\" id=\"data\">";
  append_alert_data(out, rows_by_time());
  out += "</script>\n<script>";
  out.append(script).append("</script>\n</body>\n</html>\n");
  return out;
}

Status Report::write(const std::string& path, const Findings& findings, const Damage& damage,
                     const ReportInfo& info) {
  return page::write(path, render(findings, damage, info));
}

}  // namespace tocsin::cli::scan::html
