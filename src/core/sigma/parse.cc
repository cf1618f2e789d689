// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/uuid.h"
#include "core/sigma/document.h"

namespace tocsin::sigma {
namespace {

using yaml::Node;

std::size_t count(const Node& node) {
  std::size_t nodes = 1;
  for (const Node& item : node.items) nodes += count(item);
  for (const auto& [key, value] : node.members) nodes += count(key) + count(value);
  return nodes;
}

// Puts what `over` says on top of `base`: maps merge, the rest is replaced.
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

// What `action: global`, `reset` and `repeat` make of the documents of a file.
class Collection {
 public:
  // Sets `document` to the rule to read; false: there is none, or the limit is reached.
  bool apply(Node& document, const std::string& action) {
    std::erase_if(document.members, [](const auto& m) { return m.first.scalar == "action"; });
    if (action == "global") {
      global_ = document;
      previous_ = document;
      return false;
    }
    if (action == "reset") {
      global_.reset();
      return false;
    }
    const std::optional<Node>& base = action == "repeat" ? previous_ : global_;
    if (base) {
      // Merging looks every key up among the others.
      copied_ += count(*base) + base->members.size() * document.members.size();
      if (full()) return false;
      Node merged = *base;
      merge(merged, document);
      merged.mark = document.mark;
      document = std::move(merged);
    }
    remember(document);
    return true;
  }
  [[nodiscard]] bool full() const { return copied_ > kCollectionNodesMax; }
  [[nodiscard]] bool has_previous() const { return previous_.has_value(); }
  // Whether a later document can ask for the one before it.
  void keep_previous(bool keep) { keep_previous_ = keep; }

 private:
  void remember(const Node& document) {
    if (keep_previous_) previous_ = document;
  }

  std::optional<Node> global_, previous_;
  std::size_t copied_ = 0;
  bool keep_previous_ = true;
};

class FileReader {
 public:
  FileReader(std::string_view text, const std::string& path, const ParseOptions& options)
      : text_(text), source_(text), path_(path), options_(options) {
    collection_.keep_previous(text.find("repeat") != std::string_view::npos);
  }

  ParsedFile run() {
    if (text_.size() > kFileBytesMax) {
      reject("rule.file_too_large", {1, 1}, "a rule file has more than 64 MiB", "split it");
      return std::move(out_);
    }
    std::size_t documents = 0;
    yaml::for_each_document(text_, [&](tl::expected<Node, yaml::ParseError> document) {
      ++documents;
      if (document) {
        read(*document);
      } else {
        const yaml::ParseError& e = document.error();
        reject("yaml", e.mark, e.message, e.hint);
      }
      return !collection_.full();
    });
    if (documents == 0) {
      rule_.clear();
      told_ = 0;
      tell(Severity::kWarning, "rule.empty_file", {1, 1}, "there is no rule in this file",
           "write one, or remove the file");
    }
    return std::move(out_);
  }

 private:
  void read(Node& document) {
    told_ = 0;
    rule_.clear();
    if (document.is_scalar() && document.scalar_type() == yaml::ScalarType::kNull) return;
    if (!document.is_map())
      return reject("rule.not_a_map", document.mark, "a rule must be a map of keys",
                    "begin with title: <what the rule finds>");
    label(document);
    if (document.find("correlation") != nullptr) return skip_correlation(document);
    if (document.find("filter") != nullptr && document.find("detection") == nullptr) {
      std::optional<Filter> filter = read_filter(document, context());
      return filter ? out_.filters.push_back(*std::move(filter)) : count_rejected();
    }
    const Node* action = document.find("action");
    const std::string name = scalar_of(document, "action");
    if (action != nullptr && name != "global" && name != "reset" && name != "repeat")
      return reject("collection.action", action->mark, fmt::format("unknown action '{:.40}'", name),
                    "use global, reset or repeat");
    if (name == "repeat" && !collection_.has_previous())
      return reject("collection.nothing_to_repeat", action->mark,
                    "'action: repeat' repeats the rule before it, and there is none in this file",
                    "write that rule before it, or leave 'action' out");
    const bool has_id = document.find("id") != nullptr;
    if (!collection_.apply(document, name)) {
      if (collection_.full())
        reject("collection.too_large", document.mark,
               "'action: global' and 'repeat' make more than 4,000,000 nodes; the rest of the file "
               "is left out",
               "split the file");
      return;
    }
    label(document);
    std::optional<Rule> rule = read_rule(document, context());
    if (!rule) return count_rejected();
    if (!has_id) make_id_unique(*rule);
    out_.rules.push_back(*std::move(rule));
  }

  // Rules that take their id from `action: global` are different rules.
  void make_id_unique(Rule& rule) {
    const std::size_t before = inherited_ids_[rule.id]++;
    if (before == 0) return;
    tell(Severity::kWarning, "collection.inherited_id", rule.mark,
         "the id is that of the rule before, so it gets one that is derived from it",
         "give each document of the collection an id");
    rule.id = Uuid::hashed(fmt::format("tocsin:rule\n{}\n{}", rule.id, before)).to_string();
  }

  void count_rejected() { ++out_.rejected; }

  // How diagnostics call the document.
  void label(const Node& document) {
    rule_ = lower_ascii(scalar_of(document, "id"));
    if (rule_.empty()) rule_ = scalar_of(document, "title");
  }

  void skip_correlation(const Node& document) {
    ++out_.correlations;
    tell(Severity::kWarning, "rule.correlation", document.mark,
         "correlation rules are not evaluated yet: this one is left out",
         "its single rules are matched on their own");
  }

  void reject(std::string code, yaml::Mark mark, std::string message, std::string hint) {
    told_ = 0;
    tell(Severity::kError, std::move(code), mark, std::move(message), std::move(hint));
    ++out_.rejected;
  }

  DocumentContext context() {
    return {path_, options_.placeholders, budget_,
            [this](Severity severity, std::string code, yaml::Mark mark, std::string message,
                   std::string hint) {
              tell(severity, std::move(code), mark, std::move(message), std::move(hint));
            }};
  }

  // Bounded for each document, and for the file as far as only warnings are lost.
  void tell(Severity severity, std::string code, yaml::Mark mark, std::string message,
            std::string hint) {
    const bool first_error = severity == Severity::kError && told_errors_of() == 0;
    if (!first_error) {
      if (told_ == kDocumentDiagnosticsMax) {
        code = "rule.more_problems";
        message = "there are more problems than are told here";
        hint = "mend these first";
        severity = Severity::kWarning;
      }
      if (told_ > kDocumentDiagnosticsMax || out_.diagnostics.size() >= kFileDiagnosticsMax) return;
    }
    ++told_;
    out_.diagnostics.push_back({severity, std::move(code), path_, mark, rule_, std::move(message),
                                std::move(hint), "", 0});
    if (out_.diagnostics.size() <= kFileDiagnosticsMax) source_.show(out_.diagnostics.back());
  }

  // Errors told of the current document.
  std::size_t told_errors_of() const {
    const auto first = out_.diagnostics.end() -
                       static_cast<std::ptrdiff_t>(std::min(told_, out_.diagnostics.size()));
    return static_cast<std::size_t>(
        std::count_if(first, out_.diagnostics.end(),
                      [](const Diagnostic& d) { return d.severity == Severity::kError; }));
  }

  std::string_view text_;
  SourceText source_;
  const std::string& path_;
  const ParseOptions& options_;
  ParsedFile out_;
  Budget budget_;
  Collection collection_;
  std::unordered_map<std::string, std::size_t> inherited_ids_;
  std::string rule_;      // id or title of the current document
  std::size_t told_ = 0;  // diagnostics of the current document
};

}  // namespace

ParsedFile parse_rules(std::string_view text, const std::string& path,
                       const ParseOptions& options) {
  if (yaml::is_utf16(text))  // what is shown of the file shall be readable, too
    if (const auto utf8 = yaml::utf16_to_utf8(text)) return FileReader(*utf8, path, options).run();
  return FileReader(text, path, options).run();
}

}  // namespace tocsin::sigma
