// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/sarif.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "base/json_writer.h"

namespace tocsin::cli::rules {
namespace {

using sigma::Diagnostic;
using sigma::Severity;

// RFC 3986: everything but unreserved characters and '/' is escaped.
std::string uri_of(std::string_view path) {
  std::string out = path.starts_with('/') ? "file://" : "";
  while (path.starts_with("./")) path.remove_prefix(2);
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

void write_text(JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  json.object([&] { json.member("text", text); });
}

void write_location(JsonWriter& json, const Diagnostic& d) {
  json.key("physicalLocation");
  json.object([&] {
    json.key("artifactLocation");
    json.object([&] { json.member("uri", uri_of(d.path)); });
    if (d.mark.line == 0) return;
    json.key("region");
    json.object([&] {
      json.member("startLine", d.mark.line);
      if (d.mark.column > 0) json.member("startColumn", d.mark.column);
      if (!d.excerpt.empty()) write_text(json, "snippet", d.excerpt);
    });
  });
}

void write_result(JsonWriter& json, const Diagnostic& d, std::size_t index) {
  json.object([&] {
    json.member("ruleId", d.code);
    json.member("ruleIndex", index);
    json.member("level", d.severity == Severity::kError ? "error" : "warning");
    write_text(json, "message", d.hint.empty() ? d.message : d.message + " (" + d.hint + ")");
    json.key("locations");
    json.array([&] { json.object([&] { write_location(json, d); }); });
    if (d.rule.empty()) return;
    json.key("properties");
    json.object([&] { json.member("sigmaRule", d.rule); });
  });
}

void write_driver(JsonWriter& json, const std::map<std::string, std::size_t>& codes) {
  json.key("tool");
  json.object([&] {
    json.key("driver");
    json.object([&] {
      json.member("name", "tocsin rules check");
      json.key("rules");
      json.array([&] {
        for (const auto& code : codes)
          json.object([&] {
            json.member("id", code.first);
            write_text(json, "shortDescription", "Sigma rule check " + code.first);
          });
      });
    });
  });
}

}  // namespace

std::string sarif_log(std::span<const Diagnostic> diagnostics) {
  std::map<std::string, std::size_t> codes;
  for (const Diagnostic& d : diagnostics) codes.try_emplace(d.code, 0);
  std::size_t next = 0;
  for (auto& [code, index] : codes) index = next++;
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json.member("version", "2.1.0");
    json.key("runs");
    json.array([&] {
      json.object([&] {
        write_driver(json, codes);
        json.member("columnKind", "unicodeCodePoints");
        json.key("results");
        json.array([&] {
          for (const Diagnostic& d : diagnostics) write_result(json, d, codes.at(d.code));
        });
      });
    });
  });
  out.push_back('\n');
  return out;
}

}  // namespace tocsin::cli::rules
