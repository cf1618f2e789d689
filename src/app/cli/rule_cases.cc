// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rule_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json_writer.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;

void write(JsonWriter& json, const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Kind::kMap:
      json.object([&] {
        for (const auto& [key, value] : node.members) {
          json.key(key.scalar);
          write(json, value);
        }
      });
      return;
    case yaml::Kind::kSequence:
      json.array([&] {
        for (const yaml::Node& item : node.items) write(json, item);
      });
      return;
    case yaml::Kind::kScalar:
      break;
  }
  switch (node.scalar_type()) {
    case yaml::ScalarType::kNull:
      json.null();
      break;
    case yaml::ScalarType::kBool:
      json.value((node.scalar[0] | 0x20) == 't');
      break;
    case yaml::ScalarType::kInt:
      // JSON has no leading zeros and no plus sign.
      if (node.scalar == "0" || (node.scalar[0] >= '1' && node.scalar[0] <= '9'))
        json.raw(node.scalar);
      else
        json.value(node.scalar);
      break;
    default:
      json.value(node.scalar);
  }
}

}  // namespace

void append_json(std::string& out, const yaml::Node& node) {
  JsonWriter json(out);
  write(json, node);
}

RuleCases parse_cases(std::string_view text, const std::string& path) {
  RuleCases out;
  const auto documents = yaml::parse(text);
  if (!documents) {
    out.problems.push_back({path, documents.error().mark, documents.error().message});
    return out;
  }
  for (const yaml::Node& document : *documents) {
    const yaml::Node* rule = document.find("rule");
    const yaml::Node* cases = document.find("cases");
    if (rule == nullptr || cases == nullptr || !cases->is_sequence()) {
      out.problems.push_back({path, document.mark, "expected the keys 'rule' and 'cases'"});
      continue;
    }
    for (const yaml::Node& node : cases->items) {
      const yaml::Node* name = node.find("name");
      const yaml::Node* match = node.find("match");
      const yaml::Node* event = node.find("event");
      if (name == nullptr || match == nullptr || event == nullptr || !event->is_map() ||
          match->scalar_type() != yaml::ScalarType::kBool) {
        out.problems.push_back(
            {path, node.mark, "a case needs 'name', 'match' (true or false) and 'event' (a map)"});
        continue;
      }
      RuleCase& added = out.cases.emplace_back();
      added = {path, node.mark, rule->scalar, name->scalar, (match->scalar[0] | 0x20) == 't', ""};
      append_json(added.event_json, *event);
    }
  }
  return out;
}

Result<RuleCases> load_cases(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& root : paths) {
    std::error_code error;
    if (!fs::exists(root, error))
      return fail(ErrorCode::kNotFound, fmt::format("{}: no such file or folder", root));
    if (!fs::is_directory(root, error)) {
      files.push_back(root);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(root, error))
      if (entry.path().string().ends_with(".test.yml")) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  RuleCases out;
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    RuleCases parsed = parse_cases(text, path);
    std::move(parsed.cases.begin(), parsed.cases.end(), std::back_inserter(out.cases));
    std::move(parsed.problems.begin(), parsed.problems.end(), std::back_inserter(out.problems));
  }
  return out;
}

}  // namespace tocsin::cli
