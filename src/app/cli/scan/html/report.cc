// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/html/report.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/cli/scan/html/alert_data.h"
#include "app/cli/scan/html/sections.h"
#include "base/check.h"
#include "base/embedded_files.h"

namespace tocsin::cli::scan::html {
namespace {

constexpr std::string_view kFolder = "src/app/cli/scan/html/";

std::string_view asset(std::string_view name) {
  const std::string path = std::string(kFolder) + std::string(name);
  for (const EmbeddedFile& file : embedded_files())
    if (file.path == path) return file.bytes;
  TOCSIN_CHECK(false && "the report's style and script are embedded in the program");
  return {};
}

// As a content security policy names an inline script.
std::string csp_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  TOCSIN_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) ==
               1);
  std::array<unsigned char, 64> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "sha256-" + std::string(reinterpret_cast<const char*>(base64.data()),
                                 static_cast<std::size_t>(length));
}

std::string page_head(std::string_view style, std::string_view script) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; "
      "script-src '{}'; base-uri 'none'; form-action 'none'\">\n",
      csp_hash(style), csp_hash(script));
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>Tocsin scan report</title>\n<style>";
  out.append(style).append("</style>\n</head>\n<body>\n");
  return out;
}

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
  const std::string_view style = asset("report.css");
  const std::string_view script = asset("report.js");
  std::string out = page_head(style, script);
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
  const std::string page = render(findings, damage, info);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  const bool whole = std::fwrite(page.data(), 1, page.size(), file) == page.size();
  if (std::fclose(file) == 0 && whole) return {};
  return fail(ErrorCode::kExhausted, path + ": the report could not be written (disk full?)");
}

}  // namespace tocsin::cli::scan::html
