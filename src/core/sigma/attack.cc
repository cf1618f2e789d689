// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/attack.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/embedded_files.h"
#include "base/yaml.h"

namespace tocsin::sigma {
namespace {

std::string dashed(std::string_view slug) {
  std::string out(slug);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::string text_of(const yaml::Node& map, std::string_view key) {
  const yaml::Node* node = map.find(key);
  return node != nullptr && node->is_scalar() ? node->scalar : std::string();
}

std::vector<std::string> list_of(const yaml::Node& map, std::string_view key) {
  std::vector<std::string> out;
  if (const yaml::Node* node = map.find(key))
    for (const yaml::Node& item : node->items) out.push_back(item.scalar);
  return out;
}

void add_once(std::vector<std::string>& list, std::string item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

// "t1003" or "t1003.001".
bool is_technique(std::string_view tag) {
  if (tag.size() < 5 || tag[0] != 't') return false;
  return std::all_of(tag.begin() + 1, tag.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Groups, software, mitigations, data sources and campaigns: "g0016", "s0002", "ds0009".
bool is_other_object(std::string_view tag) {
  const std::size_t digits = tag.find_first_of("0123456789");
  return digits != std::string_view::npos && digits <= 2 && tag.size() - digits == 4;
}

}  // namespace

Result<Attack> Attack::parse(std::string_view yaml_text, std::string_view path) {
  const auto documents = yaml::parse(yaml_text);
  if (!documents)
    return fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", path, documents.error().mark.line,
                                                 documents.error().message));
  Attack attack;
  const yaml::Node* tactics = documents->empty() ? nullptr : documents->front().find("tactics");
  if (tactics == nullptr || !tactics->is_sequence())
    return fail(ErrorCode::kInvalid, fmt::format("{}: expected a list 'tactics'", path));
  for (const yaml::Node& node : tactics->items)
    attack.tactics_.push_back({text_of(node, "id"), text_of(node, "slug"), text_of(node, "name"),
                               list_of(node, "old_slugs")});
  if (const yaml::Node* techniques = documents->front().find("techniques"))
    for (const auto& [id, node] : techniques->members)
      attack.techniques_[id.scalar] = {text_of(node, "name"), list_of(node, "tactics")};
  return attack;
}

const Attack& Attack::built_in() {
  static const Attack instance = [] {
    for (const EmbeddedFile& file : embedded_files()) {
      if (file.path != "mappings/attack.yml") continue;
      auto parsed = parse(file.bytes, file.path);
      TOCSIN_CHECK(parsed.has_value());
      return *std::move(parsed);
    }
    TOCSIN_CHECK(false && "mappings/attack.yml is part of the program");
    return Attack();
  }();
  return instance;
}

const Tactic* Attack::tactic(std::string_view slug) const {
  const std::string wanted = dashed(slug);
  for (const Tactic& t : tactics_) {
    if (t.slug == wanted) return &t;
    if (std::find(t.old_slugs.begin(), t.old_slugs.end(), wanted) != t.old_slugs.end()) return &t;
  }
  return nullptr;
}

int Attack::order(std::string_view slug) const {
  const Tactic* found = tactic(slug);
  return found == nullptr ? -1 : static_cast<int>(found - tactics_.data());
}

std::string_view Attack::technique_name(std::string_view id) const {
  const auto found = techniques_.find(id);
  return found == techniques_.end() ? std::string_view() : std::string_view(found->second.name);
}

std::vector<std::string> Attack::technique_tactics(std::string_view id) const {
  const auto found = techniques_.find(id);
  return found == techniques_.end() ? std::vector<std::string>() : found->second.tactics;
}

AttackTags read_attack_tags(const Attack& attack, const std::vector<std::string>& tags) {
  AttackTags out;
  for (const std::string& tag : tags) {
    constexpr std::string_view kPrefix = "attack.";
    if (!tag.starts_with(kPrefix)) continue;
    const std::string_view rest = std::string_view(tag).substr(kPrefix.size());
    if (is_technique(rest)) {
      std::string id(rest);
      id[0] = 'T';
      add_once(out.techniques, std::move(id));
    } else if (const Tactic* tactic = attack.tactic(rest)) {
      add_once(out.tactics, tactic->slug);
    } else if (!is_other_object(rest)) {
      add_once(out.tactics, dashed(rest));
    }
  }
  return out;
}

}  // namespace tocsin::sigma
