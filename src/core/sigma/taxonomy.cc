// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/taxonomy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/embedded_files.h"
#include "base/utf8.h"
#include "base/yaml.h"

namespace tocsin::sigma {
namespace {

using yaml::Node;

std::vector<std::string> strings(const Node* node) {
  std::vector<std::string> out;
  if (node == nullptr) return out;
  if (node->is_scalar()) out.push_back(node->scalar);
  for (const Node& item : node->items) out.push_back(item.scalar);
  return out;
}

std::string text(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  return node != nullptr && node->is_scalar() ? node->scalar : std::string();
}

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

// `Image: NewProcessName`, `User: [SubjectDomainName, SubjectUserName]` (joined by a backslash), or
// `IntegrityLevel: {from: MandatoryLabel, values: {S-1-16-12288: High}}`.
Derivation derivation(const std::string& field, const Node& node) {
  Derivation out{field, {}, "\\", {}};
  if (!node.is_map()) {
    out.parts = strings(&node);
    return out;
  }
  out.parts = strings(node.find("from"));
  if (const Node* separator = node.find("separator")) out.separator = separator->scalar;
  if (const Node* values = node.find("values"))
    for (const auto& [from, to] : values->members) out.values.emplace_back(from.scalar, to.scalar);
  return out;
}

}  // namespace

Result<Taxonomy> Taxonomy::parse(std::string_view yaml_text, std::string_view path) {
  const auto documents = yaml::parse(yaml_text);
  if (!documents)
    return fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", path, documents.error().mark.line,
                                                 documents.error().message));
  if (documents->empty() || !documents->front().is_map())
    return fail(ErrorCode::kInvalid, fmt::format("{}: expected a map", path));
  const Node& root = documents->front();
  Taxonomy out;
  const std::string product = text(root, "product");
  out.routes_.push_back({"unknown", "", {}, {}, {}});
  out.other_windows_ = 1;
  out.routes_.push_back({product + "/other", product, {}, {}, {}});
  if (const Node* services = root.find("services")) {
    for (const auto& [service, channels] : services->members) {
      for (const std::string& channel : strings(&channels)) {
        Channel& entry = out.channels_[folded(channel)];
        if (entry.route == 0) {
          entry.route = static_cast<std::uint32_t>(out.routes_.size());
          out.routes_.push_back({product + "/" + service.scalar, product, {}, {}, {}});
        }
        add_once(out.routes_[entry.route].services, service.scalar);
      }
    }
  }
  const Node* events = root.find("events");
  for (const Node& event : events != nullptr ? events->items : std::vector<Node>()) {
    for (const std::string& channel : strings(event.find("channel"))) {
      const auto found = out.channels_.find(folded(channel));
      if (found == out.channels_.end())
        return fail(ErrorCode::kInvalid, fmt::format("{}:{}: channel '{}' belongs to no service",
                                                     path, event.mark.line, channel));
      for (const std::string& id : strings(event.find("ids"))) {
        auto [slot, is_new] = found->second.by_event_id.try_emplace(
            id, static_cast<std::uint32_t>(out.routes_.size()));
        if (is_new) {
          Route route = out.routes_[found->second.route];
          route.name += "/" + id;
          out.routes_.push_back(std::move(route));
        }
        Route& route = out.routes_[slot->second];
        for (const std::string& category : strings(event.find("category")))
          add_once(route.categories, category);
        if (const Node* fields = event.find("fields"))
          for (const auto& [field, from] : fields->members)
            route.derivations.push_back(derivation(field.scalar, from));
      }
    }
  }
  if (const Node* agents = root.find("agents"))
    for (const auto& [agent, fields] : agents->members)
      for (const auto& [field, from] : fields.members)
        for (const std::string& source : strings(&from))
          out.agents_[agent.scalar].emplace_back(source, field.scalar);
  return out;
}

const Taxonomy& Taxonomy::built_in() {
  static const Taxonomy instance = [] {
    for (const EmbeddedFile& file : embedded_files()) {
      if (file.path != "mappings/windows.yml") continue;
      auto parsed = parse(file.bytes, file.path);
      if (!parsed) fmt::print(stderr, "{}\n", parsed.error().message);
      TOCSIN_CHECK(parsed.has_value());
      return *std::move(parsed);
    }
    TOCSIN_CHECK(false && "mappings/windows.yml is part of the program");
    return Taxonomy();
  }();
  return instance;
}

std::uint32_t Taxonomy::windows_route(std::string_view channel, std::string_view event_id) const {
  const auto found = channels_.find(folded(channel));
  if (found == channels_.end()) return other_windows_;
  const auto by_id = found->second.by_event_id.find(std::string(event_id));
  return by_id == found->second.by_event_id.end() ? found->second.route : by_id->second;
}

void Taxonomy::set_default(const Logsource& logsource) {
  Route& route = routes_.front();
  route.product = logsource.product;
  route.services = {logsource.service};
  route.categories = {logsource.category};
}

const std::vector<std::pair<std::string, std::string>>& Taxonomy::agent_aliases(
    std::string_view agent) const {
  static const std::vector<std::pair<std::string, std::string>> kNone;
  const auto found = agents_.find(std::string(agent));
  return found == agents_.end() ? kNone : found->second;
}

bool Taxonomy::reads(const Logsource& rule, const Route& route) {
  const auto has = [](const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  return (rule.product.empty() || rule.product == route.product) &&
         (rule.category.empty() || has(route.categories, rule.category)) &&
         (rule.service.empty() || has(route.services, rule.service));
}

}  // namespace tocsin::sigma
