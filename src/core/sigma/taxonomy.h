// SPDX-License-Identifier: Apache-2.0
//
// Taxonomy: which log an event belongs to in Sigma's terms, and what Sigma calls its fields. Data,
// not code: mappings/*.yml.
//
//   (channel, event id) -> Route{product, services, categories, derived fields}
//   rule logsource      -> the routes that it reads
//
// Standard: Sigma specification 2.1, appendix "Taxonomy".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/sigma/rule.h"

namespace tocsin::sigma {

// How one Sigma field comes from fields of the event.
struct Derivation {
  enum class Form : std::uint8_t {
    kText,           // the parts, joined
    kDecimal,        // "0x1f4" is "500"
    kRegistryValue,  // parts: type, value; as Sysmon writes it: "DWORD (0x00000001)"
    kKey,            // `key`=... of a list that `separator` divides: "SHA1=..,IMPHASH=.."
  };
  std::string field;                                        // as rules call it
  std::vector<std::string> parts;                           // event fields to join; one: an alias
  std::string separator;                                    // between the parts
  std::vector<std::pair<std::string, std::string>> values;  // replaces a whole value; others stay
  // Replaces the start of a value, case ignored, the first that fits; '#' is one or more digits.
  std::vector<std::pair<std::string, std::string>> prefixes;
  Form form = Form::kText;
  std::string key;                  // kKey
  std::vector<std::string> absent;  // texts that mean that there is no value: "-"
  bool only_listed = false;         // a value that is not in `values` gives none
  bool replaces = false;            // wins over a field of that name which the event has itself

  [[nodiscard]] bool is_alias() const {
    return parts.size() == 1 && values.empty() && prefixes.empty() && absent.empty() &&
           form == Form::kText;
  }
  // The value that these texts of `parts` (all of them) give; false: none.
  [[nodiscard]] bool apply(std::span<const std::string_view> texts, std::string& out) const;
};

// One condition that an event's own fields settle: it is of `route` then.
struct Branch {
  std::string field;
  std::vector<std::string> values;
  std::uint32_t route = 0;
};

struct Route {
  std::string name;  // for people: "windows/security/4688"
  std::string product;
  std::vector<std::string> services;
  std::vector<std::string> categories;
  // In order; of several for one field the first that gives a value counts.
  std::vector<Derivation> derivations;
  std::string event_id;              // empty: all other events of the channel
  std::vector<Branch> branches;      // see Taxonomy::refine
  std::vector<std::string> carries;  // fields that such events have; empty: not listed
};

// Ownership: owns its tables. Threads: immutable.
class Taxonomy {
 public:
  // The mappings that the program carries.
  [[nodiscard]] static const Taxonomy& built_in();
  [[nodiscard]] static Result<Taxonomy> parse(std::string_view yaml_text, std::string_view path);

  // Route 0 is "nothing known": no rule reads it unless its logsource was given with set_default().
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }
  // The route of a Windows event. The channel's case does not matter; an unknown channel has a
  // route of its own that only rules for the product as a whole read.
  [[nodiscard]] std::uint32_t windows_route(std::string_view channel,
                                            std::string_view event_id) const;
  // The route of an event of `route` whose fields `text_of(name)` gives (empty: it has none such).
  // Only routes with branches ask.
  template <class TextOf>
  [[nodiscard]] std::uint32_t refine(std::uint32_t route, TextOf&& text_of) const {
    for (const Branch& branch : routes_[route].branches) {
      const std::string_view text = text_of(std::string_view(branch.field));
      for (const std::string& value : branch.values)
        if (text == value) return branch.route;
    }
    return route;
  }
  // Whether events of some route are read by rules of this log source. Always true for products
  // that the mappings say nothing about.
  [[nodiscard]] bool knows(const Logsource& rule) const;
  // Fields that every event of the product has.
  [[nodiscard]] const std::vector<std::string>& common_fields() const { return common_fields_; }
  // What events of an unknown shape count as.
  void set_default(const Logsource& logsource);
  // Other names that an agent gives to Windows fields: (its name, Sigma's name).
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& agent_aliases(
      std::string_view agent) const;

  [[nodiscard]] static bool reads(const Logsource& rule, const Route& route);

 private:
  struct Channel {
    std::uint32_t route = 0;
    std::unordered_map<std::string, std::uint32_t> by_event_id;
  };
  class Reader;
  std::vector<Route> routes_;
  std::uint32_t other_windows_ = 0;
  std::vector<std::string> common_fields_;
  std::unordered_map<std::string, Channel> channels_;  // by folded name
  std::unordered_map<std::string, std::vector<std::pair<std::string, std::string>>> agents_;
};

}  // namespace tocsin::sigma
