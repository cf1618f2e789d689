// SPDX-License-Identifier: Apache-2.0
#include "app/cli/page/page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "app/cli/tables.h"
#include "base/check.h"
#include "base/embedded_files.h"

namespace tocsin::cli::page {
namespace {

// As a content security policy names what stands in the page.
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

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text, Style{.colour = false, .unicode = true, .width = 0})) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string_view asset(std::string_view path) {
  for (const EmbeddedFile& file : embedded_files())
    if (file.path == path) return file.bytes;
  TOCSIN_CHECK(false && "the styles and scripts of pages are embedded in the program");
  return {};
}

std::string style_with(std::string_view own) {
  return std::string(asset("src/app/cli/page/page.css")).append(own);
}

std::string head(std::string_view title, std::string_view style, std::string_view script) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  const std::string scripts =
      script.empty() ? std::string() : fmt::format("script-src '{}'; ", csp_hash(script));
  out += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; "
      "{}base-uri 'none'; form-action 'none'\">\n",
      csp_hash(style), scripts);
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n";
  out.append("<title>").append(title).append("</title>\n<style>");
  out.append(style).append("</style>\n</head>\n<body>\n");
  return out;
}

namespace {

Result<std::FILE*> open_page(const std::string& path, const char* mode) {
  if (std::FILE* file = std::fopen(path.c_str(), mode)) return file;
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

}  // namespace

Status check(const std::string& path) {
  // Who reads a pipe would take the trial for the end.
  std::error_code ignored;
  const auto there = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there) &&
      !std::filesystem::is_directory(there))
    return {};
  TOCSIN_TRY(std::FILE* const file, open_page(path, "ab"));
  std::fclose(file);
  return {};
}

Status write(const std::string& path, std::string_view text) {
  TOCSIN_TRY(std::FILE* const file, open_page(path, "wb"));
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) == 0 && whole) return {};
  return fail(ErrorCode::kExhausted, path + ": could not be written whole (disk full?)");
}

UnixNanos stamp() {
  constexpr long long kSecondsMax = 9'000'000'000;
  const char* fixed = std::getenv("SOURCE_DATE_EPOCH");
  if (fixed == nullptr || *fixed == '\0') return now_ns();
  return std::clamp(std::strtoll(fixed, nullptr, 10), 0LL, kSecondsMax) * 1'000'000'000;
}

std::string number(std::int64_t value) { return grouped(value); }

std::string moment(UnixNanos time) {
  if (time == 0) return "&ndash;";
  std::string text = format_rfc3339(time, 0);
  text[10] = ' ';
  text.pop_back();
  return text;
}

std::string_view level_class(Level level) {
  constexpr std::array<std::string_view, 5> kNames = {"info", "low", "medium", "high", "critical"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string badge(Level level) {
  return fmt::format("<span class=\"badge {}\">{}</span>", level_class(level), to_string(level));
}

void append_card(std::string& out, std::string_view name, std::string_view value,
                 std::string_view kind) {
  fmt::format_to(std::back_inserter(out), "<div class=\"card {}\"><b>{}</b><span>{}</span></div>\n",
                 kind, value, name);
}

std::string stacked_bar(std::span<const BarPart> parts, double full) {
  std::string out = "<svg class=\"stack\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\">";
  double at = 0;
  for (const BarPart& part : parts) {
    if (part.value <= 0 || full <= 0) continue;
    const double width = 100.0 * part.value / full;
    fmt::format_to(std::back_inserter(out),
                   "<rect class=\"{}\" x=\"{:.2f}\" width=\"{:.2f}\" height=\"6\"/>",
                   part.css_class, at, width);
    at += width;
  }
  return out + "</svg>";
}

}  // namespace tocsin::cli::page
