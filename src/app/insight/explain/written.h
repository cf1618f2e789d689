// SPDX-License-Identifier: Apache-2.0
//
// A rule as its author wrote it: names of selections, keys with their modifiers, values before case
// folding and lowering. The reader of rules keeps only positions; this finds the text at them.
//
//   file text + sigma::Rule -> WrittenRule -> explanation
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/yaml.h"
#include "core/sigma/rule.h"

namespace tocsin::insight {

struct WrittenItem {
  std::string selection;            // "selection_img"
  std::string key;                  // "Image|endswith"; empty: a keyword
  std::vector<std::string> values;  // as YAML gives them
};

class WrittenRule {
 public:
  // Empty (nothing is found) when the text is not the YAML that the rule came from.
  [[nodiscard]] static WrittenRule read(std::string_view text);

  // What stands where a predicate was made, in the rule's file or that of a filter; null when
  // unknown.
  [[nodiscard]] const WrittenItem* at(const sigma::Rule& rule, std::uint32_t predicate) const;
  // The condition of the document that begins at `mark`; lists are joined by "; or ".
  [[nodiscard]] std::string condition(yaml::Mark document) const;

 private:
  friend WrittenRule written_rule(const sigma::Rule& rule);

  void read_detection(const yaml::Node& detection);
  void add_items(const std::string& selection, const yaml::Node& node);

  std::map<std::pair<std::size_t, std::size_t>, WrittenItem> items_;
  std::map<std::pair<std::size_t, std::size_t>, std::string> conditions_;
  std::vector<WrittenRule> filters_;  // those that are applied to the rule, in its order
};

// The text of a rule's file, from disk or out of the program; empty when it is gone.
[[nodiscard]] std::string rule_file_text(const std::string& path);

// The files of the rule and of its filters, read again.
[[nodiscard]] WrittenRule written_rule(const sigma::Rule& rule);

}  // namespace tocsin::insight
