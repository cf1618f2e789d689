// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>
#include <unordered_map>

#include "base/embedded_files.h"

namespace tocsin::sigma {
namespace {

namespace fs = std::filesystem;

bool is_rule_file(std::string_view name) {
  if (name.ends_with(".test.yml") || name.ends_with(".test.yaml")) return false;
  return name.ends_with(".yml") || name.ends_with(".yaml");
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, fmt::format("{}: cannot be read", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Files below `root` in a stable order. Folders that are hidden are left out.
Result<std::vector<std::string>> rule_files(const std::string& root) {
  std::error_code error;
  std::vector<std::string> files;
  const fs::file_status status = fs::status(root, error);
  if (!fs::exists(status))
    return fail(ErrorCode::kNotFound, fmt::format("{}: no such file or folder of rules", root));
  if (!fs::is_directory(status)) return std::vector<std::string>{root};
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error);
  if (error) return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", root, error.message()));
  for (const fs::recursive_directory_iterator end; it != end; it.increment(error)) {
    if (error) return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", root, error.message()));
    const std::string name = it->path().filename().string();
    if (name.starts_with('.') && it->is_directory(error)) it.disable_recursion_pending();
    if (it->is_regular_file(error) && is_rule_file(name)) files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void add(RuleSet& set, ParsedFile parsed, const std::string& ruleset) {
  ++set.files;
  set.rejected += parsed.rejected;
  set.ignored += parsed.ignored;
  std::move(parsed.diagnostics.begin(), parsed.diagnostics.end(),
            std::back_inserter(set.diagnostics));
  for (Rule& rule : parsed.rules) {
    rule.ruleset = ruleset;
    set.rules.push_back(std::move(rule));
  }
}

void finish(RuleSet& set) {
  std::sort(set.rules.begin(), set.rules.end(), [](const Rule& a, const Rule& b) {
    return std::tie(a.id, a.path, a.mark.line) < std::tie(b.id, b.path, b.mark.line);
  });
  std::unordered_map<std::string, std::string> seen;
  std::erase_if(set.rules, [&](const Rule& rule) {
    const auto [first, is_new] = seen.try_emplace(rule.id, rule.path);
    if (is_new) return false;
    // The same file reached by two paths is no mistake.
    std::error_code error;
    if (!fs::equivalent(first->second, rule.path, error)) {
      ++set.rejected;
      set.diagnostics.push_back({Severity::kError, "rule.duplicate_id", rule.path, rule.mark,
                                 rule.id, fmt::format("{} has the same id", first->second),
                                 "give each rule an id of its own", ""});
    }
    return true;
  });
}

}  // namespace

Result<RuleSet> load_rules(const std::vector<std::string>& paths, const ParseOptions& options) {
  RuleSet set;
  for (const std::string& root : paths) {
    TOCSIN_TRY(const std::vector<std::string> files, rule_files(root));
    const fs::path root_path(root);
    const fs::path named = root_path.has_filename() ? root_path : root_path.parent_path();
    for (const std::string& path : files) {
      auto text = read_file(path);
      if (!text) {
        ++set.rejected;
        set.diagnostics.push_back(
            {Severity::kError, "rule.unreadable", path, {}, "", text.error().message, "", ""});
        continue;
      }
      add(set, parse_rules(*text, path, options), named.filename().string());
    }
  }
  finish(set);
  return set;
}

RuleSet built_in_rules() {
  RuleSet set;
  for (const EmbeddedFile& file : embedded_files())
    if (file.path.starts_with("rules/") && is_rule_file(file.path))
      add(set, parse_rules(file.bytes, std::string(file.path)), "tocsin");
  finish(set);
  return set;
}

Result<Placeholders> load_placeholders(const std::string& path) {
  TOCSIN_TRY(const std::string text, read_file(path));
  const auto documents = yaml::parse(text);
  if (!documents)
    return fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", path, documents.error().mark.line,
                                                 documents.error().message));
  Placeholders out;
  for (const yaml::Node& document : *documents) {
    for (const auto& [name, value] : document.members) {
      std::vector<std::string>& values = out[name.scalar];
      if (value.is_scalar()) values.push_back(value.scalar);
      for (const yaml::Node& item : value.items) values.push_back(item.scalar);
    }
  }
  return out;
}

}  // namespace tocsin::sigma
