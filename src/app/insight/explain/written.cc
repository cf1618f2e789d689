// SPDX-License-Identifier: Apache-2.0
#include "app/insight/explain/written.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/embedded_files.h"

namespace tocsin::insight {
namespace {

std::pair<std::size_t, std::size_t> place(yaml::Mark mark) { return {mark.line, mark.column}; }

std::vector<std::string> values_of(const yaml::Node& node) {
  std::vector<std::string> out;
  if (node.is_scalar())
    out.push_back(node.scalar_type() == yaml::ScalarType::kNull ? "null" : node.scalar);
  for (const yaml::Node& item : node.items) {
    const std::vector<std::string> inner = values_of(item);
    out.insert(out.end(), inner.begin(), inner.end());
  }
  return out;
}

std::string condition_text(const yaml::Node& node) {
  std::string out;
  for (const std::string& part : values_of(node)) out += (out.empty() ? "" : "; or ") + part;
  return out;
}

}  // namespace

WrittenRule WrittenRule::read(std::string_view text) {
  WrittenRule out;
  const auto documents = yaml::parse(text);
  if (!documents) return out;
  std::string inherited;  // of a document with `action: global`
  for (const yaml::Node& document : *documents) {
    const yaml::Node* filter = document.find("filter");
    const yaml::Node* detection = filter != nullptr ? filter : document.find("detection");
    if (detection != nullptr && detection->is_map()) {
      out.read_detection(*detection);
      if (const yaml::Node* condition = detection->find("condition"))
        inherited = condition_text(*condition);
    }
    out.conditions_[place(document.mark)] = inherited;
  }
  return out;
}

void WrittenRule::read_detection(const yaml::Node& detection) {
  for (const auto& [name, value] : detection.members)
    if (name.scalar != "condition" && name.scalar != "timeframe" && name.scalar != "rules")
      add_items(name.scalar, value);
}

void WrittenRule::add_items(const std::string& selection, const yaml::Node& node) {
  if (node.is_scalar())
    items_.try_emplace(place(node.mark), WrittenItem{selection, "", values_of(node)});
  for (const yaml::Node& item : node.items) add_items(selection, item);
  for (const auto& [key, value] : node.members)
    items_.try_emplace(place(key.mark), WrittenItem{selection, key.scalar, values_of(value)});
}

const WrittenItem* WrittenRule::at(const sigma::Rule& rule, std::uint32_t predicate) const {
  const WrittenRule* file = this;
  for (std::size_t i = 0; i < std::min(filters_.size(), rule.filters.size()); ++i)
    if (predicate >= rule.filters[i].first_predicate) file = &filters_[i];
  const auto found = file->items_.find(place(rule.predicates[predicate].mark));
  return found == file->items_.end() ? nullptr : &found->second;
}

std::string rule_file_text(const std::string& path) {
  for (const EmbeddedFile& file : embedded_files())
    if (file.path == path && !std::filesystem::exists(path)) return std::string(file.bytes);
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

WrittenRule written_rule(const sigma::Rule& rule) {
  WrittenRule out = WrittenRule::read(rule_file_text(rule.path));
  for (const sigma::AppliedFilter& filter : rule.filters)
    out.filters_.push_back(WrittenRule::read(rule_file_text(filter.path)));
  return out;
}

std::string WrittenRule::condition(yaml::Mark document) const {
  const auto found = conditions_.find(place(document));
  return found == conditions_.end() ? std::string() : found->second;
}

}  // namespace tocsin::insight
