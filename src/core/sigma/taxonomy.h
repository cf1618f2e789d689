// SPDX-License-Identifier: Apache-2.0
//
// Taxonomy: which log an event belongs to in Sigma's terms, and what Sigma calls its fields. Data,
// not code: mappings/*.yml.
//
//   (channel, event id) -> Route{product, services, categories, field aliases}
//   rule logsource      -> the routes that it reads
//
// Standard: Sigma specification 2.1, appendix "Taxonomy".
#pragma once

#include <cstdint>
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
  std::string field;                                        // as rules call it
  std::vector<std::string> parts;                           // event fields to join; one: an alias
  std::string separator;                                    // between the parts
  std::vector<std::pair<std::string, std::string>> values;  // replaces a whole value; others stay
};

struct Route {
  std::string name;  // for people: "windows/security/4688"
  std::string product;
  std::vector<std::string> services;
  std::vector<std::string> categories;
  std::vector<Derivation> derivations;
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
  std::vector<Route> routes_;
  std::uint32_t other_windows_ = 0;
  std::unordered_map<std::string, Channel> channels_;  // by folded name
  std::unordered_map<std::string, std::vector<std::pair<std::string, std::string>>> agents_;
};

}  // namespace tocsin::sigma
