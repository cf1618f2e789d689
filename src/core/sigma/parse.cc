// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/uuid.h"
#include "core/sigma/attack.h"
#include "core/sigma/condition.h"

namespace tocsin::sigma {
namespace {

using yaml::Node;

constexpr std::size_t kTitleMax = 256;
// `1 of` patterns may repeat a detection; a rule that grows beyond this is refused.
constexpr std::size_t kPredicatesMax = 200'000;

std::string_view line_of(std::string_view text, std::size_t line) {
  for (std::size_t n = 1; n < line; ++n) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.front() == ' ' || text.back() == '\r'))
    text.front() == ' ' ? text.remove_prefix(1) : text.remove_suffix(1);
  return text.substr(0, 160);
}

std::string lower_ascii(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string scalar_of(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  return node != nullptr && node->is_scalar() && node->scalar_type() != yaml::ScalarType::kNull
             ? node->scalar
             : std::string();
}

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

// Puts what `over` says on top of `base`: maps merge, the rest is replaced (`action: global`).
void merge(Node& base, const Node& over) {
  for (const auto& [key, value] : over.members) {
    auto found = std::find_if(base.members.begin(), base.members.end(), [&](const auto& member) {
      return member.first.scalar == key.scalar;
    });
    if (found == base.members.end())
      base.members.emplace_back(key, value);
    else if (found->second.is_map() && value.is_map())
      merge(found->second, value);
    else
      found->second = value;
  }
}

class RuleReader {
 public:
  RuleReader(const Node& document, std::string_view text, const std::string& path,
             const ParseOptions& options, ParsedFile& out)
      : document_(document), text_(text), options_(options), out_(out) {
    rule_.path = path;
    rule_.mark = document.mark;
  }

  void run() {
    read_meta();
    read_logsource();
    const Node* detection = document_.find("detection");
    if (detection == nullptr || !detection->is_map()) {
      error("rule.no_detection", document_.mark, "the rule has no 'detection' map");
    } else {
      read_detection(*detection);
    }
    if (failed_) {
      ++out_.rejected;
      return;
    }
    const AttackTags attack = read_attack_tags(Attack::built_in(), rule_.tags);
    rule_.tactics = attack.tactics;
    rule_.techniques = attack.techniques;
    out_.rules.push_back(std::move(rule_));
  }

 private:
  void tell(Severity severity, std::string code, yaml::Mark mark, std::string message,
            std::string hint) {
    if (severity == Severity::kError) failed_ = true;
    out_.diagnostics.push_back({severity, std::move(code), rule_.path, mark,
                                rule_.id.empty() ? rule_.title : rule_.id, std::move(message),
                                std::move(hint), std::string(line_of(text_, mark.line))});
  }
  void error(std::string code, yaml::Mark mark, std::string message, std::string hint = {}) {
    tell(Severity::kError, std::move(code), mark, std::move(message), std::move(hint));
  }
  void warning(std::string code, yaml::Mark mark, std::string message, std::string hint = {}) {
    tell(Severity::kWarning, std::move(code), mark, std::move(message), std::move(hint));
  }

  void read_meta() {
    rule_.title = scalar_of(document_, "title");
    rule_.id = lower_ascii(scalar_of(document_, "id"));
    rule_.name = scalar_of(document_, "name");
    rule_.author = scalar_of(document_, "author");
    rule_.status = scalar_of(document_, "status");
    rule_.description = scalar_of(document_, "description");
    rule_.references = strings_of(document_, "references");
    rule_.false_positives = strings_of(document_, "falsepositives");
    for (std::string& tag : strings_of(document_, "tags"))
      rule_.tags.push_back(lower_ascii(std::move(tag)));
    if (rule_.title.empty())
      error("rule.no_title", document_.mark, "the rule has no title");
    else if (rule_.title.size() > kTitleMax)
      warning("rule.long_title", document_.mark, "the title is longer than 256 characters");
    if (rule_.id.empty()) {
      rule_.id = Uuid::hashed("tocsin:rule\n" + rule_.title).to_string();
      warning("rule.no_id", document_.mark, "the rule has no id", "add one: id: <random UUID>");
    } else if (!Uuid::parse(rule_.id)) {
      warning("rule.id_format", document_.find("id")->mark, "the id is not a UUID");
    }
    const std::string level = scalar_of(document_, "level");
    if (const auto known = parse_level(level))
      rule_.level = *known;
    else if (!level.empty())
      error("rule.level", document_.find("level")->mark, fmt::format("unknown level '{}'", level),
            "use informational, low, medium, high or critical");
    const std::string taxonomy = scalar_of(document_, "taxonomy");
    if (!taxonomy.empty() && taxonomy != "sigma")
      error("rule.taxonomy", document_.find("taxonomy")->mark,
            fmt::format("taxonomy '{}' is not known", taxonomy));
  }

  void read_logsource() {
    const Node* logsource = document_.find("logsource");
    if (logsource == nullptr || !logsource->is_map()) {
      error("rule.no_logsource", document_.mark, "the rule has no 'logsource' map");
      return;
    }
    const auto attribute = [&](std::string_view key) {
      std::string value = lower_ascii(scalar_of(*logsource, key));
      std::replace(value.begin(), value.end(), ' ', '_');
      return value;
    };
    rule_.logsource = {attribute("category"), attribute("product"), attribute("service")};
    if (rule_.logsource.category.empty() && rule_.logsource.product.empty() &&
        rule_.logsource.service.empty())
      error("rule.logsource", logsource->mark,
            "the logsource names neither category, product nor service");
  }

  void read_detection(const Node& detection) {
    std::vector<std::string> names;
    for (const auto& [key, value] : detection.members)
      if (key.scalar != "condition" && key.scalar != "timeframe") names.push_back(key.scalar);
    const Node* condition = detection.find("condition");
    if (condition == nullptr) {
      error("rule.no_condition", detection.mark, "the detection has no condition");
      return;
    }
    if (names.empty()) {
      error("detection.empty", detection.mark, "the detection has no selections");
      return;
    }
    Lowering lowering{
        rule_, options_.placeholders,
        [this](Severity s, std::string c, yaml::Mark m, std::string t, std::string h) {
          tell(s, std::move(c), m, std::move(t), std::move(h));
        }};
    // Each detection is lowered once; the condition may use it many times.
    std::map<std::string, Expr> lowered;
    for (const std::string& name : names) {
      const auto& member = *std::find_if(detection.members.begin(), detection.members.end(),
                                         [&](const auto& m) { return m.first.scalar == name; });
      lowered[name] = lower_detection(lowering, member.second);
    }
    std::vector<Expr> queries;
    for (const Node* query : queries_of(*condition))
      if (auto expr = read_condition(*query, names, lowered)) queries.push_back(std::move(*expr));
    if (failed_) return;
    if (queries.size() == 1) {
      rule_.condition = std::move(queries.front());
    } else {
      rule_.condition.kind = Expr::Kind::kOr;
      rule_.condition.children = std::move(queries);
    }
    if (rule_.predicates.size() > kPredicatesMax)
      error("rule.too_large", detection.mark, "the rule has more than 200,000 predicates");
  }

  static std::vector<const Node*> queries_of(const Node& condition) {
    if (condition.is_scalar()) return {&condition};
    std::vector<const Node*> out;
    for (const Node& item : condition.items) out.push_back(&item);
    return out;
  }

  std::optional<Expr> read_condition(const Node& node, const std::vector<std::string>& names,
                                     const std::map<std::string, Expr>& lowered) {
    if (!node.is_scalar()) {
      error("condition.syntax", node.mark, "a condition must be text");
      return std::nullopt;
    }
    const auto position = [&](std::size_t at) {
      yaml::Mark mark = node.mark;
      if (node.plain) mark.column += at;
      return mark;
    };
    auto expr = parse_condition(
        {node.scalar, names, [&](const std::string& name) { return lowered.at(name); },
         [&](ConditionError e) { warning(e.code, position(e.at), e.message, e.hint); }});
    if (!expr) {
      const ConditionError& e = expr.error();
      error(e.code, position(e.at), e.message, e.hint);
      return std::nullopt;
    }
    return *std::move(expr);
  }

  // map: all of its items; list: any of its entries, where neighbouring scalars are keywords.
  Expr lower_detection(Lowering& lowering, const Node& node) {
    if (node.is_map()) return lower_map(lowering, node);
    if (node.is_scalar()) return lower_item(lowering, "", node.mark, node);
    if (node.items.empty()) {
      error("detection.empty", node.mark, "a detection is empty");
      return {};
    }
    Expr any;
    any.kind = Expr::Kind::kOr;
    for (const Node& item : node.items) any.children.push_back(lower_detection(lowering, item));
    return any;
  }

  Expr lower_map(Lowering& lowering, const Node& node) {
    if (node.members.empty()) {
      error("detection.empty", node.mark, "a detection is empty");
      return {};
    }
    Expr all;
    all.kind = Expr::Kind::kAnd;
    for (const auto& [key, value] : node.members)
      all.children.push_back(lower_item(lowering, key.scalar, key.mark, value));
    return all;
  }

  const Node& document_;
  std::string_view text_;
  const ParseOptions& options_;
  ParsedFile& out_;
  Rule rule_;
  bool failed_ = false;
};

void file_error(ParsedFile& out, std::string code, const std::string& path, yaml::Mark mark,
                std::string message, std::string_view text) {
  out.diagnostics.push_back({Severity::kError, std::move(code), path, mark, "", std::move(message),
                             "", std::string(line_of(text, mark.line))});
  ++out.rejected;
}

// Sets `document` to what the collection's actions make of it; false: nothing to read.
class Collection {
 public:
  bool apply(Node& document) {
    const std::string action = scalar_of(document, "action");
    std::erase_if(document.members, [](const auto& m) { return m.first.scalar == "action"; });
    if (action == "global") {
      merge(global_, document);
      has_global_ = true;
      return false;
    }
    if (action == "reset") {
      global_ = Node();
      has_global_ = false;
      return false;
    }
    if (action == "repeat" && has_previous_) {
      Node repeated = previous_;
      merge(repeated, document);
      document = std::move(repeated);
    } else if (has_global_) {
      Node merged = global_;
      merge(merged, document);
      merged.mark = document.mark;
      document = std::move(merged);
    }
    document.kind = yaml::Kind::kMap;
    previous_ = document;
    has_previous_ = true;
    return true;
  }

 private:
  Node global_, previous_;
  bool has_global_ = false, has_previous_ = false;
};

}  // namespace

ParsedFile parse_rules(std::string_view text, const std::string& path,
                       const ParseOptions& options) {
  ParsedFile out;
  auto documents = yaml::parse(text);
  if (!documents) {
    file_error(out, "yaml", path, documents.error().mark, documents.error().message, text);
    return out;
  }
  Collection collection;
  for (Node& document : *documents) {
    if (document.is_scalar() && document.scalar_type() == yaml::ScalarType::kNull) continue;
    if (!document.is_map()) {
      file_error(out, "rule.not_a_map", path, document.mark, "a rule must be a map of keys", text);
      continue;
    }
    const std::string action = scalar_of(document, "action");
    if (!action.empty() && action != "global" && action != "reset" && action != "repeat") {
      file_error(out, "collection.action", path, document.mark,
                 fmt::format("unknown action '{}'", action), text);
      continue;
    }
    if (document.find("correlation") != nullptr || document.find("filter") != nullptr) {
      ++out.ignored;
      out.diagnostics.push_back(
          {Severity::kWarning, "rule.not_supported", path, document.mark, scalar_of(document, "id"),
           document.find("filter") != nullptr
               ? "filters are not applied yet, the document is left out"
               : "correlations are not evaluated yet, the document is left out",
           "", std::string(line_of(text, document.mark.line))});
      continue;
    }
    if (collection.apply(document)) RuleReader(document, text, path, options, out).run();
  }
  return out;
}

}  // namespace tocsin::sigma
