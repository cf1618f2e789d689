// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "base/embedded_files.h"
#include "base/threads/parallel.h"
#include "core/sigma/rule_files.h"

namespace tocsin::sigma {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesEachThread = 50;  // fewer are read sooner than a thread starts
constexpr std::size_t kPlaceholderFileBytesMax = 64 << 20;

// Collects files, then makes one set of them.
class Loader {
 public:
  explicit Loader(const ParseOptions& options) : options_(options) {}

  Status add_path(const std::string& root, bool filters_only) {
    TOCSIN_TRY(const RuleFiles found, finder_.find(root));
    const fs::path root_path(root);
    const fs::path named = root_path.has_filename() ? root_path : root_path.parent_path();
    for (const Error& e : found.unreadable)
      reject(root, "rule.unreadable", e.message, "give the user who runs this read permission");
    set_.rules.reserve(set_.rules.size() + found.files.size());
    std::vector<Result<ParsedFile>> parsed(found.files.size(), ParsedFile{});
    parallel_for(parsed.size(), kFilesEachThread, [&](std::size_t i) {
      const auto text = read_rule_file(found.files[i], kFileBytesMax);
      if (text)
        parsed[i] = parse_rules(*text, found.files[i], options_);
      else
        parsed[i] = tl::unexpected(text.error());
    });
    for (std::size_t i = 0; i < parsed.size(); ++i) {
      if (parsed[i])
        add(*std::move(parsed[i]), named.filename().string(), filters_only);
      else
        reject(found.files[i], "rule.unreadable", parsed[i].error().message,
               "give the user who runs this read permission, or remove a dead link");
    }
    return {};
  }

  void add(ParsedFile parsed, const std::string& ruleset, bool filters_only) {
    ++set_.files;
    set_.rejected += parsed.rejected;
    set_.ignored += parsed.correlations;
    std::move(parsed.diagnostics.begin(), parsed.diagnostics.end(),
              std::back_inserter(set_.diagnostics));
    std::move(parsed.filters.begin(), parsed.filters.end(), std::back_inserter(filters_));
    for (Rule& rule : parsed.rules) {
      rule.ruleset = ruleset;
      if (filters_only)
        tell(Severity::kWarning, "filter.not_a_filter", rule.path, rule.mark, rule.id,
             "this is a rule, not a filter: it is left out", "give its folder with --rules");
      else
        set_.rules.push_back(std::move(rule));
    }
  }

  RuleSet finish() {
    sort_rules();
    drop_duplicates();
    std::sort(filters_.begin(), filters_.end(), [](const Filter& a, const Filter& b) {
      return std::tie(a.path, a.mark.line) < std::tie(b.path, b.mark.line);
    });
    check_filter_ids();
    apply_filters(set_.rules, filters_, options_.filter_mode, [this](Diagnostic d) {
      if (d.severity == Severity::kError) ++set_.rejected;
      show(d);
      set_.diagnostics.push_back(std::move(d));
    });
    set_.filters = filters_.size();
    return std::move(set_);
  }

 private:
  void tell(Severity severity, std::string code, const std::string& path, yaml::Mark mark,
            const std::string& rule, std::string message, std::string hint) {
    Diagnostic d{severity,           std::move(code), path, mark, rule,
                 std::move(message), std::move(hint), "",   0};
    show(d);
    set_.diagnostics.push_back(std::move(d));
  }

  void reject(const std::string& path, std::string code, std::string message, std::string hint) {
    ++set_.rejected;
    tell(Severity::kError, std::move(code), path, {}, "", std::move(message), std::move(hint));
  }

  // What is found only when all files are read is shown by reading the file again.
  void show(Diagnostic& d) {
    if (d.mark.line == 0 || shown_ >= kFileDiagnosticsMax) return;
    ++shown_;
    if (d.path != shown_path_) {
      shown_path_ = d.path;
      shown_text_ = read_rule_file(d.path, kFileBytesMax).value_or(std::string());
      shown_source_.emplace(shown_text_);
    }
    if (shown_source_) shown_source_->show(d);
  }

  // A rule is large: each is moved once.
  void sort_rules() {
    std::vector<Rule*> order;
    order.reserve(set_.rules.size());
    for (Rule& rule : set_.rules) order.push_back(&rule);
    std::sort(order.begin(), order.end(), [](const Rule* a, const Rule* b) {
      return std::tie(a->id, a->path, a->mark.line) < std::tie(b->id, b->path, b->mark.line);
    });
    std::vector<Rule> sorted;
    sorted.reserve(order.size());
    for (Rule* rule : order) sorted.push_back(std::move(*rule));
    set_.rules = std::move(sorted);
  }

  void drop_duplicates() {
    std::unordered_map<std::string, std::string> ids, names;
    std::erase_if(set_.rules, [&](const Rule& rule) {
      const std::string place = fmt::format("{}:{}", rule.path, rule.mark.line);
      const auto [first, is_new] = ids.try_emplace(rule.id, place);
      if (!is_new) {
        ++set_.rejected;
        tell(Severity::kError, "rule.duplicate_id", rule.path, rule.mark, rule.id,
             fmt::format("{} has the same id", first->second), "give each rule an id of its own");
        return true;
      }
      if (rule.name.empty()) return false;
      if (const auto [other, fresh] = names.try_emplace(rule.name, place); !fresh)
        tell(Severity::kWarning, "rule.duplicate_name", rule.path, rule.mark, rule.id,
             fmt::format("{} has the same name '{:.80}'", other->second, rule.name),
             "a name refers to one rule: change one of them");
      return false;
    });
  }

  void check_filter_ids() {
    std::unordered_map<std::string, const Filter*> ids;
    for (const Filter& filter : filters_) {
      if (filter.id.empty()) continue;
      const auto [first, is_new] = ids.try_emplace(filter.id, &filter);
      if (!is_new)
        tell(Severity::kWarning, "filter.duplicate_id", filter.path, filter.mark, filter.id,
             fmt::format("{}:{} has the same id; both are applied", first->second->path,
                         first->second->mark.line),
             "remove one of them, or give it an id of its own");
    }
  }

  const ParseOptions& options_;
  RuleSet set_;
  std::vector<Filter> filters_;
  RuleFileFinder finder_;
  std::string shown_path_, shown_text_;
  std::optional<SourceText> shown_source_;  // views shown_text_; finds its lines once
  std::size_t shown_ = 0;
};

Result<RuleSet> finish(Loader& loader, const ParseOptions& options) {
  for (const std::string& path : options.filter_paths)
    TOCSIN_TRY_STATUS(loader.add_path(path, true));
  return loader.finish();
}

}  // namespace

Result<RuleSet> load_rules(const std::vector<std::string>& paths, const ParseOptions& options) {
  Loader loader(options);
  for (const std::string& root : paths) TOCSIN_TRY_STATUS(loader.add_path(root, false));
  return finish(loader, options);
}

std::string why_no_rules(const RuleSet& set) {
  const auto first =
      std::find_if(set.diagnostics.begin(), set.diagnostics.end(),
                   [](const Diagnostic& d) { return d.severity == Severity::kError; });
  if (first == set.diagnostics.end())
    return "no rule to match: give --rules a folder of Sigma rules (*.yml)";
  return fmt::format("no rule can be used, {} rejected: {}; `tocsin rules check` tells all",
                     set.rejected, to_text(*first));
}

Result<RuleSet> built_in_rules(const ParseOptions& options) {
  Loader loader(options);
  for (const EmbeddedFile& file : embedded_files())
    if (file.path.starts_with("rules/") && is_rule_file(file.path))
      loader.add(parse_rules(file.bytes, std::string(file.path), options), "tocsin", false);
  return finish(loader, options);
}

RuleSet built_in_rules() { return *built_in_rules(ParseOptions{}); }

Result<Placeholders> load_placeholders(const std::string& path) {
  TOCSIN_TRY(const std::string text, read_rule_file(path, kPlaceholderFileBytesMax));
  const auto documents = yaml::parse(text);
  if (!documents)
    return fail(ErrorCode::kInvalid,
                fmt::format("{}:{}:{}: {}", path, documents.error().mark.line,
                            documents.error().mark.column, documents.error().message));
  Placeholders out;
  for (const yaml::Node& document : *documents) {
    for (const auto& [name, value] : document.members) {
      std::vector<std::string>& values = out[name.scalar];
      const auto add = [&](const yaml::Node& node) {
        if (node.is_scalar()) values.push_back(node.scalar);
        return node.is_scalar();
      };
      const bool good = value.is_sequence()
                            ? std::all_of(value.items.begin(), value.items.end(), add)
                            : add(value);
      if (!good)
        return fail(ErrorCode::kInvalid,
                    fmt::format("{}:{}:{}: the values of '{}' must be texts or numbers", path,
                                value.mark.line, value.mark.column, name.scalar));
    }
  }
  return out;
}

}  // namespace tocsin::sigma
