// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/tuning/tuning_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tocsin::pipeline {
namespace {

using yaml::Node;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kWindowMax = 30 * 86'400 * kSecond;  // state is kept in memory
constexpr std::size_t kKeyFieldsMax = 8;

// One file being read.
struct Reader {
  const std::string& path;

  [[nodiscard]] tl::unexpected<Error> wrong(yaml::Mark mark, const std::string& message) const {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}:{}:{}: {}", path, mark.line, mark.column, message));
  }

  [[nodiscard]] Result<std::vector<std::string>> strings(const Node& node,
                                                         std::string_view what) const;
  [[nodiscard]] Result<std::vector<RuleReference>> references(const Node& node) const;
  [[nodiscard]] Result<bool> yes_or_no(const Node& node, std::string_view what) const;
  [[nodiscard]] Result<std::int64_t> duration(const Node& node) const;
  [[nodiscard]] Result<Suppression> suppression(const Node& node) const;
  [[nodiscard]] Status suppression_member(const Node& key, const Node& value,
                                          Suppression& out) const;
  [[nodiscard]] Status hosts(const Node& node, Override& out) const;
  [[nodiscard]] Status override_member(const Node& key, const Node& value, Override& out) const;
  [[nodiscard]] Result<Override> one_override(const Node& node) const;
};

bool is_text(const Node& node) {
  return node.is_scalar() && !node.scalar.empty() && node.scalar_type() != yaml::ScalarType::kNull;
}

Result<std::vector<std::string>> Reader::strings(const Node& node, std::string_view what) const {
  std::vector<std::string> out;
  if (is_text(node)) out.push_back(node.scalar);
  for (const Node& item : node.items) {
    if (!is_text(item)) return wrong(item.mark, fmt::format("{}: expected a text", what));
    out.push_back(item.scalar);
  }
  if (out.empty() || node.is_map())
    return wrong(node.mark, fmt::format("{}: expected a text or a list of texts", what));
  return out;
}

Result<std::vector<RuleReference>> Reader::references(const Node& node) const {
  std::vector<RuleReference> out;
  TOCSIN_TRY(const std::vector<std::string> ids, strings(node, "rule"));
  for (std::size_t i = 0; i < ids.size(); ++i)
    out.push_back({ids[i], node.is_sequence() ? node.items[i].mark : node.mark});
  return out;
}

Result<bool> Reader::yes_or_no(const Node& node, std::string_view what) const {
  if (node.is_scalar() && node.scalar == "true") return true;
  if (node.is_scalar() && node.scalar == "false") return false;
  return wrong(node.mark, fmt::format("{} is true or false", what));
}

// "90s", "10m", "1h", "2d".
Result<std::int64_t> Reader::duration(const Node& node) const {
  static constexpr std::pair<char, std::int64_t> kUnits[] = {
      {'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}};
  const std::string& text = node.scalar;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end + 1 == text.data() + text.size() && number > 0) {
    for (const auto& [letter, seconds] : kUnits) {
      if (letter != *end) continue;
      if (number > kWindowMax / kSecond / seconds)
        return wrong(node.mark, fmt::format("'{}': 30d at most", text));
      return number * seconds * kSecond;
    }
  }
  return wrong(node.mark, fmt::format("'{}': expected a time such as 90s, 10m, 1h or 2d", text));
}

Status Reader::suppression_member(const Node& key, const Node& value, Suppression& out) const {
  if (key.scalar == "for") {
    TOCSIN_TRY(out.window_ns, duration(value));
    return {};
  }
  if (key.scalar == "by") {
    TOCSIN_TRY(out.by, strings(value, "by"));
    if (out.by.size() > kKeyFieldsMax)
      return wrong(value.mark, fmt::format("by: {} fields at most", kKeyFieldsMax));
    return {};
  }
  if (key.scalar == "rule") {
    if (value.scalar != "id" && value.scalar != "any")
      return wrong(value.mark,
                   fmt::format("rule: '{}': id (each rule for itself) or any (all rules together)",
                               value.scalar));
    out.any_rule = value.scalar == "any";
    return {};
  }
  return wrong(key.mark, fmt::format("'{}' is no part of suppress: by, for, rule", key.scalar));
}

Result<Suppression> Reader::suppression(const Node& node) const {
  Suppression out;
  if (node.is_scalar() && node.scalar == "false") return out;
  if (!node.is_map())
    return wrong(node.mark, "suppress: expected a map such as {by: [host], for: 10m}, or false");
  for (const auto& [key, value] : node.members)
    TOCSIN_TRY_STATUS(suppression_member(key, value, out));
  if (out.window_ns == 0) return wrong(node.mark, "suppress: says not for how long; add for: 10m");
  return out;
}

Status Reader::hosts(const Node& node, Override& out) const {
  if (!node.is_map() || node.members.empty())
    return wrong(node.mark, "hosts: expected a map {only: [...]} or {except: [...]}");
  for (const auto& [key, value] : node.members) {
    if (key.scalar != "only" && key.scalar != "except")
      return wrong(key.mark, fmt::format("'{}' is no part of hosts: only, except", key.scalar));
    TOCSIN_TRY((key.scalar == "only" ? out.only_hosts : out.except_hosts),
               strings(value, key.scalar));
  }
  return {};
}

Status Reader::override_member(const Node& key, const Node& value, Override& out) const {
  const std::string& name = key.scalar;
  if (name == "rule") {
    TOCSIN_TRY(out.rules, references(value));
  } else if (name == "disable") {
    TOCSIN_TRY(out.disable, yes_or_no(value, "disable"));
  } else if (name == "level") {
    out.level = parse_level(value.scalar);
    if (!out.level)
      return wrong(value.mark,
                   fmt::format("'{}' is no level: informational, low, medium, high, critical",
                               value.scalar));
  } else if (name == "tags") {
    TOCSIN_TRY(out.tags, strings(value, "tags"));
  } else if (name == "hosts") {
    return hosts(value, out);
  } else if (name == "suppress") {
    TOCSIN_TRY(out.suppress, suppression(value));
  } else if (name != "comment") {
    return wrong(key.mark, fmt::format("'{}' is no part of an override: rule, disable, level, "
                                       "hosts, tags, suppress, comment",
                                       name));
  }
  return {};
}

Result<Override> Reader::one_override(const Node& node) const {
  if (!node.is_map()) return wrong(node.mark, "expected a map such as {rule: ID, level: low}");
  Override out;
  out.path = path;
  for (const auto& [key, value] : node.members) TOCSIN_TRY_STATUS(override_member(key, value, out));
  if (out.rules.empty()) return wrong(node.mark, "says not which rule; add rule: ID");
  if (!out.disable && !out.level && out.tags.empty() && out.only_hosts.empty() &&
      out.except_hosts.empty() && !out.suppress)
    return wrong(node.mark, "changes nothing; add disable, level, hosts, tags or suppress");
  return out;
}

}  // namespace

bool is_tuning_key(std::string_view key) { return key == "overrides" || key == "suppress"; }

Status read_tuning_member(const std::string& path, const Node& key, const Node& value,
                          Tuning& out) {
  const Reader reader{path};
  if (value.is_scalar() && value.scalar_type() == yaml::ScalarType::kNull) return {};
  if (key.scalar == "suppress") {
    TOCSIN_TRY(out.suppress, reader.suppression(value));
    return {};
  }
  if (!value.is_sequence())
    return reader.wrong(value.mark, "overrides: expected a list of maps, each with rule: ID");
  for (const Node& item : value.items) {
    TOCSIN_TRY(Override one, reader.one_override(item));
    out.overrides.push_back(std::move(one));
  }
  return {};
}

Status read_tuning(const std::string& path, OtherKeys others, Tuning& out) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(ErrorCode::kInvalid, fmt::format("{}: is a folder, not a file of overrides", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, fmt::format("{}: cannot be read", path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return fail(ErrorCode::kUnavailable, fmt::format("{}: cannot be read", path));
  const auto documents = yaml::parse(text);
  const Reader reader{path};
  if (!documents) return reader.wrong(documents.error().mark, documents.error().message);
  for (const Node& document : *documents) {
    if (document.is_scalar() && document.scalar.empty()) continue;
    if (!document.is_map()) return reader.wrong(document.mark, "expected a map with overrides:");
    for (const auto& [key, value] : document.members) {
      if (is_tuning_key(key.scalar))
        TOCSIN_TRY_STATUS(read_tuning_member(path, key, value, out));
      else if (others == OtherKeys::kRefuse)
        return reader.wrong(key.mark,
                            fmt::format("'{}': expected overrides: or suppress:", key.scalar));
    }
  }
  return {};
}

}  // namespace tocsin::pipeline
