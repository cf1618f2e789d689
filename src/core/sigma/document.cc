// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/uuid.h"
#include "core/sigma/attack.h"
#include "core/sigma/detection/detection.h"

namespace tocsin::sigma {
namespace {

using yaml::Mark;
using yaml::Node;

constexpr std::size_t kTitleMax = 256;
constexpr std::array<std::string_view, 5> kStatuses = {"stable", "test", "experimental",
                                                       "deprecated", "unsupported"};

std::vector<std::string> strings_of(const Node& map, std::string_view key) {
  std::vector<std::string> out;
  const Node* node = map.find(key);
  if (node == nullptr) return out;
  if (node->is_scalar() && node->scalar_type() != yaml::ScalarType::kNull)
    out.push_back(node->scalar);
  for (const Node& item : node->items)
    if (item.is_scalar()) out.push_back(item.scalar);
  return out;
}

// 2025-01-31, or 2025/01/31 as older rules have it.
bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != text[7] || (text[4] != '-' && text[4] != '/')) return false;
  for (const std::size_t i : std::initializer_list<std::size_t>{0, 1, 2, 3, 5, 6, 8, 9})
    if (text[i] < '0' || text[i] > '9') return false;
  return true;
}

class DocumentReader {
 public:
  DocumentReader(const Node& document, DocumentContext context)
      : document_(document), context_(std::move(context)) {}

  std::optional<Rule> rule() {
    Rule rule;
    rule.path = context_.path;
    rule.mark = document_.mark;
    read_title(rule.title);
    read_id(rule);
    read_texts(rule);
    read_level(rule);
    check_taxonomy();
    read_logsource(rule.logsource);
    const Node* detection = document_.find("detection");
    if (detection == nullptr || !detection->is_map()) {
      error("rule.no_detection", detection == nullptr ? document_.mark : detection->mark,
            "the rule has no 'detection' map", "add detection: {selection: ..., condition: ...}");
      return std::nullopt;
    }
    Lowering lowering{rule.predicates, context_.placeholders, context_.budget, context_.tell};
    auto condition = lower_detections(lowering, *detection, {});
    if (failed_ || lowering.failed || !condition) return std::nullopt;
    rule.condition = *std::move(condition);
    rule.predicates.shrink_to_fit();  // it stays in memory as long as the rule
    const AttackTags attack = read_attack_tags(Attack::built_in(), rule.tags);
    rule.tactics = attack.tactics;
    rule.techniques = attack.techniques;
    return rule;
  }

  std::optional<Filter> filter() {
    Filter filter;
    filter.path = context_.path;
    filter.mark = document_.mark;
    read_title(filter.title);
    filter.id = lower_ascii(scalar_of(document_, "id"));
    check_taxonomy();
    read_logsource(filter.logsource);
    const Node* body = document_.find("filter");
    if (body == nullptr || !body->is_map()) {
      error("filter.no_map", body == nullptr ? document_.mark : body->mark,
            "'filter' must be a map", "add filter: {rules: ..., selection: ..., condition: ...}");
      return std::nullopt;
    }
    read_references(*body, filter);
    Lowering lowering{filter.predicates, context_.placeholders, context_.budget, context_.tell};
    auto condition = lower_detections(lowering, *body, {{"rules"}, true});
    if (failed_ || lowering.failed || !condition) return std::nullopt;
    filter.condition = *std::move(condition);
    filter.condition_mark = body->find("condition")->mark;
    return filter;
  }

 private:
  void error(std::string code, Mark mark, std::string message, std::string hint) {
    failed_ = true;
    context_.tell(Severity::kError, std::move(code), mark, std::move(message), std::move(hint));
  }
  void warning(std::string code, Mark mark, std::string message, std::string hint) {
    context_.tell(Severity::kWarning, std::move(code), mark, std::move(message), std::move(hint));
  }
  Mark mark_of(std::string_view key) const {
    const Node* node = document_.find(key);
    return node == nullptr ? document_.mark : node->mark;
  }

  void read_title(std::string& title) {
    title = scalar_of(document_, "title");
    if (title.empty())
      error("rule.no_title", mark_of("title"), "there is no title",
            "add one: title: <what it finds>");
    else if (title.size() > kTitleMax)
      warning("rule.long_title", mark_of("title"), "the title is longer than 256 characters",
              "move the rest to the description");
  }

  void read_id(Rule& rule) {
    rule.id = lower_ascii(scalar_of(document_, "id"));
    if (rule.id.empty()) {
      rule.id = Uuid::hashed("tocsin:rule\n" + rule.title).to_string();
      warning("rule.no_id", document_.mark, "the rule has no id", "add one: id: <random UUID>");
    } else if (!Uuid::parse(rule.id)) {
      warning("rule.id_format", mark_of("id"), "the id is not a UUID",
              "other tools refuse it: write a random UUID");
    }
  }

  void read_texts(Rule& rule) {
    rule.name = scalar_of(document_, "name");
    rule.author = scalar_of(document_, "author");
    rule.status = scalar_of(document_, "status");
    rule.description = scalar_of(document_, "description");
    rule.references = strings_of(document_, "references");
    rule.false_positives = strings_of(document_, "falsepositives");
    for (const std::string& tag : strings_of(document_, "tags")) {
      rule.tags.push_back(lower_ascii(tag));
      if (tag.find('.') == std::string::npos)
        warning("rule.tag", mark_of("tags"), fmt::format("the tag '{:.80}' has no namespace", tag),
                "write namespace.name, such as attack.t1059");
    }
    if (!rule.status.empty() &&
        std::find(kStatuses.begin(), kStatuses.end(), rule.status) == kStatuses.end())
      warning("rule.status", mark_of("status"), fmt::format("unknown status '{:.40}'", rule.status),
              "use stable, test, experimental, deprecated or unsupported");
    for (const std::string_view key : {"date", "modified"}) {
      const std::string date = scalar_of(document_, key);
      if (!date.empty() && !is_date(date))
        warning("rule.date", mark_of(key), fmt::format("'{:.40}' is not a date", date),
                "write YYYY-MM-DD");
    }
  }

  void read_level(Rule& rule) {
    const std::string level = scalar_of(document_, "level");
    if (const auto known = parse_level(level))
      rule.level = *known;
    else if (!level.empty())
      error("rule.level", mark_of("level"), fmt::format("unknown level '{:.40}'", level),
            "use informational, low, medium, high or critical");
  }

  void check_taxonomy() {
    const std::string taxonomy = scalar_of(document_, "taxonomy");
    if (!taxonomy.empty() && taxonomy != "sigma")
      error("rule.taxonomy", mark_of("taxonomy"),
            fmt::format("the taxonomy '{:.40}' is not known", taxonomy),
            "rewrite the rule with Sigma's own fields and logsources, and remove 'taxonomy'");
  }

  void read_logsource(Logsource& out) {
    const Node* logsource = document_.find("logsource");
    if (logsource == nullptr || !logsource->is_map()) {
      error("rule.no_logsource", mark_of("logsource"), "there is no 'logsource' map",
            "add one: logsource: {product: windows, category: process_creation}");
      return;
    }
    const auto attribute = [&](std::string_view key) {
      const Node* node = logsource->find(key);
      if (node != nullptr && !node->is_scalar())
        error("rule.logsource_value", node->mark,
              fmt::format("'{}' of the logsource must be one text", key),
              "write one rule for each logsource");
      std::string value = lower_ascii(scalar_of(*logsource, key));
      std::replace(value.begin(), value.end(), ' ', '_');
      return value;
    };
    out = {attribute("category"), attribute("product"), attribute("service")};
    if (out.category.empty() && out.product.empty() && out.service.empty())
      error("rule.logsource", logsource->mark,
            "the logsource names neither category, product nor service", "name at least one");
  }

  void read_references(const Node& body, Filter& filter) {
    const Node* rules = body.find("rules");
    const bool is_null = rules != nullptr && rules->scalar_type() == yaml::ScalarType::kNull;
    if (rules == nullptr || rules->is_map() || is_null) {
      error("filter.no_rules", rules == nullptr ? body.mark : rules->mark,
            "the filter does not say for which rules it is",
            "add rules: any, or a list of ids or names");
      return;
    }
    if (rules->is_scalar() && lower_ascii(rules->scalar) == "any") {
      filter.any = true;
      return;
    }
    if (rules->is_sequence() && rules->items.empty()) {
      filter.any = true;
      warning("filter.empty_rules", rules->mark,
              "an empty list means every rule inside the logsource", "write rules: any");
      return;
    }
    if (rules->is_scalar()) add_reference(*rules, filter);
    for (const Node& item : rules->items) add_reference(item, filter);
  }

  void add_reference(const Node& node, Filter& filter) {
    if (!node.is_scalar() || node.scalar.empty()) {
      error("filter.no_rules", node.mark, "a rule is referred to by its id or name",
            "write the id of the rule");
      return;
    }
    const std::string lower = lower_ascii(node.scalar);
    filter.references.push_back({Uuid::parse(lower) ? lower : node.scalar, node.mark});
  }

  const Node& document_;
  DocumentContext context_;
  bool failed_ = false;
};

}  // namespace

std::string scalar_of(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  return node != nullptr && node->is_scalar() && node->scalar_type() != yaml::ScalarType::kNull
             ? node->scalar
             : std::string();
}

std::optional<Rule> read_rule(const Node& document, DocumentContext context) {
  return DocumentReader(document, std::move(context)).rule();
}

std::optional<Filter> read_filter(const Node& document, DocumentContext context) {
  return DocumentReader(document, std::move(context)).filter();
}

}  // namespace tocsin::sigma
