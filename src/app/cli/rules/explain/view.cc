// SPDX-License-Identifier: Apache-2.0
// (tidy: utf-8)
#include "app/cli/rules/explain/view.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/rules/rules.h"
#include "core/sigma/attack.h"

namespace tocsin::cli::rules {
namespace {

constexpr std::size_t kPatternsShown = 6;
constexpr std::size_t kValuesShown = 4;
constexpr std::size_t kValueBytesShown = 240;
constexpr std::size_t kRoutesShown = 12;

std::string cut(const std::string& text, bool all) {
  if (all || text.size() <= kValueBytesShown) return text;
  // Both ends: paths are told apart by their ends, command lines by their beginnings.
  const std::size_t half = kValueBytesShown / 2;
  return fmt::format("{} [... {} bytes ...] {}", text.substr(0, half),
                     text.size() - kValueBytesShown, text.substr(text.size() - half));
}

class TreeText {
 public:
  TreeText(bool has_event, const Style& style, bool all)
      : has_event_(has_event), style_(style), all_(all) {}

  void add(const Explained& node, std::size_t indent) {
    if (node.kind == Explained::Kind::kItem)
      add_item(node, indent);
    else
      add_group(node, indent);
  }

  std::string take() { return std::move(out_); }

 private:
  std::string mark(bool holds) const {
    if (!has_event_) return style_.unicode ? "• " : "- ";
    if (holds) return tinted(style_.unicode ? "✔ " : "yes ", Tint::kGreen, style_);
    return tinted(style_.unicode ? "✘ " : "no  ", Tint::kRed, style_);
  }

  void line(std::size_t indent, const std::string& text) {
    out_ += std::string(indent, ' ') + text + "\n";
  }

  void add_group(const Explained& node, std::size_t indent) {
    static constexpr std::string_view kWords[] = {"all of", "any of", "not"};
    std::string text = mark(node.holds);
    if (node.is_filter) text += "filter ";
    if (!node.name.empty()) text += tinted(printable(node.name, style_), Tint::kBold, style_) + " ";
    const bool plain = node.children.size() == 1 && node.kind != Explained::Kind::kNot;
    if (!plain || node.name.empty()) text += kWords[static_cast<std::size_t>(node.kind)];
    if (node.children.empty()) text += " nothing";
    while (text.ends_with(' ')) text.pop_back();
    line(indent, text);
    add_children(node, indent + 2);
  }

  // Of many alternatives that fail, a few tell enough.
  void add_children(const Explained& node, std::size_t indent) {
    std::size_t left_out = 0, failed = 0;
    for (const Explained& child : node.children) {
      const bool dull = has_event_ && node.kind == Explained::Kind::kAny && !child.holds;
      if (dull && ++failed > kPatternsShown && !all_)
        ++left_out;
      else
        add(child, indent);
    }
    if (left_out > 0) line(indent, fmt::format("... and {} more that fail (--all)", left_out));
  }

  void add_item(const Explained& node, std::size_t indent) {
    std::string text = mark(node.holds);
    if (!node.name.empty())
      text += tinted(printable(node.name, style_), Tint::kBold, style_) + ": ";
    const std::string key = node.key.empty() ? "any value of the event" : node.key;
    const bool single = node.patterns.size() == 1;
    if (has_event_) {
      text += tinted(printable(key, style_), Tint::kCyan, style_);
      if (single) text += ": " + printable(cut(node.patterns[0].text, all_), style_);
    } else {
      text += (node.negated ? "not: " : "") +
              tinted(printable(node.field.empty() ? key : node.field, style_), Tint::kCyan, style_);
      if (single) text += " " + printable(cut(node.patterns[0].words, all_), style_);
    }
    if (!single)
      text += fmt::format(" {} {} values", node.all ? "all of" : "any of", node.patterns.size());
    line(indent, text);
    if (!single) add_patterns(node, indent + 4);
    if (has_event_) add_values(node, indent + 4);
  }

  void add_patterns(const Explained& node, std::size_t indent) {
    // What decided comes first: what holds of alternatives, what fails of demands.
    std::vector<const ExplainedPattern*> order;
    for (const ExplainedPattern& p : node.patterns) order.push_back(&p);
    std::stable_partition(order.begin(), order.end(), [&](const ExplainedPattern* p) {
      return has_event_ && p->holds != node.all;
    });
    const std::size_t shown = all_ ? order.size() : std::min(order.size(), kPatternsShown);
    for (std::size_t i = 0; i < shown; ++i)
      line(indent, mark(order[i]->holds) +
                       printable(cut(has_event_ ? order[i]->text : order[i]->words, all_), style_));
    if (shown == order.size()) return;
    const auto holding =
        std::count_if(order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                      [](const ExplainedPattern* p) { return p->holds; });
    line(indent, has_event_ ? fmt::format("... and {} more, of which {} hold (--all)",
                                          order.size() - shown, holding)
                            : fmt::format("... and {} more (--all)", order.size() - shown));
  }

  void add_values(const Explained& node, std::size_t indent) {
    const std::string label = tinted("event: ", Tint::kDim, style_);
    if (node.values.empty()) {
      line(indent, label + tinted(node.field.empty() ? "no value has it" : "the field is absent",
                                  Tint::kDim, style_));
      return;
    }
    const std::size_t shown =
        all_ ? node.values.size() : std::min(node.values.size(), kValuesShown);
    for (std::size_t i = 0; i < shown; ++i) {
      const SeenValue& value = node.values[i];
      std::string text = label;
      if (value.field != node.field && !value.field.empty())
        text += printable(value.field, style_) + " = ";
      text += value.null           ? "null"
              : value.text.empty() ? "'' (empty)"
                                   : "'" + printable(cut(value.text, all_), style_) + "'";
      line(indent, text);
    }
    if (shown < node.values.size())
      line(indent, fmt::format("... and {} more values (--all)", node.values.size() - shown));
  }

  bool has_event_;
  const Style& style_;
  bool all_;
  std::string out_;
};

std::string mark_of(bool holds, const Style& style) {
  if (holds) return tinted(style.unicode ? "✔ " : "yes ", Tint::kGreen, style);
  return tinted(style.unicode ? "✘ " : "no  ", Tint::kRed, style);
}

std::string attributes(const sigma::Logsource& l) {
  std::string out;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, value);
  };
  add("product", l.product);
  add("category", l.category);
  add("service", l.service);
  return out;
}

std::string attack_text(const sigma::Rule& rule) {
  const sigma::Attack& attack = sigma::Attack::built_in();
  std::string out;
  for (const std::string& slug : rule.tactics) {
    const sigma::Tactic* tactic = attack.tactic(slug);
    out += (out.empty() ? "" : ", ") + (tactic != nullptr ? tactic->name : slug);
  }
  for (const std::string& id : rule.techniques)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", id, attack.technique_name(id));
  return out;
}

std::string header(const Explanation& x, const Style& style) {
  const sigma::Rule& rule = *x.rule;
  std::string out = tinted(printable(rule.title, style), Tint::kBold, style) + "\n";
  out += fmt::format("  {}, {}, {}\n", printable(rule.id, style),
                     tinted(to_string(rule.level), level_tint(rule.level), style),
                     printable(rule.status.empty() ? "no status" : rule.status, style));
  out += "  " + printable(rule.path, style) + "\n";
  if (!rule.tuning.empty()) out += "  overrides: " + printable(rule.tuning, style) + "\n";
  for (const sigma::AppliedFilter& filter : rule.filters)
    out += fmt::format("  filter: {} ({})\n", printable(filter.title, style),
                       printable(filter.path, style));
  return out;
}

std::string paragraph(std::string_view text, const Style& style) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += "  " + line + "\n";
    line.clear();
  };
  std::string words = printable(text, style);
  std::replace(words.begin(), words.end(), '\n', ' ');
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const std::string word = words.substr(at, end - at);
    if (!line.empty() && line.size() + word.size() + 3 > std::min<std::size_t>(style.width, 100))
      flush();
    if (!word.empty()) line += (line.empty() ? "" : " ") + word;
    at = end + 1;
  }
  flush();
  return out;
}

std::string meaning(const Explanation& x, const Style& style, bool all) {
  const sigma::Rule& rule = *x.rule;
  std::string out;
  std::string description = rule.description;
  std::replace(description.begin(), description.end(), '\n', ' ');
  if (!description.empty()) out += "\n" + paragraph(description, style);
  const std::string attack = attack_text(rule);
  if (!attack.empty()) out += fmt::format("\nATT&CK: {}\n", printable(attack, style));
  out += fmt::format("\nIt reads {}:\n", printable(attributes(rule.logsource), style));
  const std::size_t shown = all ? x.routes.size() : std::min(x.routes.size(), kRoutesShown);
  for (std::size_t i = 0; i < shown; ++i) out += "  " + printable(x.routes[i], style) + "\n";
  if (shown < x.routes.size())
    out += fmt::format("  ... and {} more (--all)\n", x.routes.size() - shown);
  if (x.routes.empty())
    out += "  no kind of event that the mappings know; --logsource says what yours are\n";
  out += "\nIt matches when";
  if (!x.condition.empty()) out += "  " + printable(x.condition, style);
  out += "\n" + render_tree(x.tree, false, style, all, 2);
  if (!rule.false_positives.empty()) {
    out += "\nFalse positives:\n";
    for (const std::string& text : rule.false_positives) {
      std::string one = text;
      std::replace(one.begin(), one.end(), '\n', ' ');
      out += paragraph(one, style);
    }
  }
  return out;
}

std::string verdict(const Explanation& x, const Style& style, bool all) {
  const ExplainedEvent& e = x.event;
  std::string out = fmt::format("\nevent {}", printable(e.place, style));
  for (const std::string* part : {&e.time, &e.host, &e.channel, &e.event_code})
    if (!part->empty()) out += "  " + printable(*part, style);
  out += "\n";
  if (e.looked_at > 1)
    out += fmt::format(
        "  ({} events were looked at, the rule matches {} of them; --line chooses "
        "another)\n",
        e.looked_at, e.matching);
  out += mark_of(e.route_read, style) + "logsource  the rule reads " +
         printable(attributes(x.rule->logsource), style) + "; the event is " +
         printable(e.route, style) + "\n";
  if (!e.host_counts)
    out += mark_of(false, style) +
           "host  an override leaves this host out: " + printable(x.rule->tuning, style) + "\n";
  out += mark_of(x.tree.holds, style) + "condition  " + printable(x.condition, style) + "\n";
  out += render_tree(x.tree, true, style, all, 2);
  const bool match = x.matches();
  out += tinted(match ? "The rule matches.\n" : "The rule does not match.\n",
                match ? Tint::kGreen : Tint::kRed, style);
  return out;
}

}  // namespace

std::string render_tree(const Explained& tree, bool has_event, const Style& style, bool all,
                        std::size_t indent) {
  TreeText text(has_event, style, all);
  text.add(tree, indent);
  return text.take();
}

std::string render_explanation(const Explanation& x, const Style& style, bool all) {
  return header(x, style) + (x.has_event ? verdict(x, style, all) : meaning(x, style, all));
}

}  // namespace tocsin::cli::rules
