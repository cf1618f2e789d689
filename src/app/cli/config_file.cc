// SPDX-License-Identifier: Apache-2.0
#include "app/cli/config_file.h"

#include <fmt/format.h>

#include <iterator>

#include "base/yaml.h"

namespace tocsin::cli {
namespace {

void collect(const yaml::Node& map, std::vector<std::string>& parents,
             std::vector<CLI::ConfigItem>& items) {
  for (const auto& [key, value] : map.members) {
    if (value.is_map()) {
      parents.push_back(key.scalar);
      collect(value, parents, items);
      parents.pop_back();
      continue;
    }
    CLI::ConfigItem item;
    item.parents = parents;
    item.name = key.scalar;
    if (value.is_scalar()) item.inputs.push_back(value.scalar);
    for (const yaml::Node& entry : value.items) item.inputs.push_back(entry.scalar);
    items.push_back(std::move(item));
  }
}

}  // namespace

std::string YamlConfig::to_config(const CLI::App*, bool, bool, std::string) const { return {}; }

std::vector<CLI::ConfigItem> YamlConfig::from_config(std::istream& input) const {
  const std::string text{std::istreambuf_iterator<char>(input), {}};
  const auto documents = yaml::parse(text);
  if (!documents) {
    const auto& [mark, message] = documents.error();
    throw CLI::ConfigError(
        fmt::format("configuration, line {}, column {}: {}", mark.line, mark.column, message));
  }
  std::vector<CLI::ConfigItem> out;
  std::vector<std::string> parents;
  for (const yaml::Node& document : *documents) {
    if (!document.is_map())
      throw CLI::ConfigError("configuration, line 1: expected a map of options");
    collect(document, parents, out);
  }
  return out;
}

}  // namespace tocsin::cli
