// SPDX-License-Identifier: Apache-2.0
//
// Attack: the ids and names of MITRE ATT&CK (enterprise), from mappings/attack.yml.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin::sigma {

struct Tactic {
  std::string id;    // "TA0006"
  std::string slug;  // "credential-access", as Sigma tags write it
  std::string name;  // "Credential Access"
  std::vector<std::string> old_slugs;
};

// Ownership: owns its tables. Threads: immutable.
class Attack {
 public:
  [[nodiscard]] static Result<Attack> parse(std::string_view yaml_text, std::string_view path);
  // The table that the program carries.
  [[nodiscard]] static const Attack& built_in();

  // In the order of the kill chain.
  [[nodiscard]] const std::vector<Tactic>& tactics() const { return tactics_; }
  // By today's or an old slug, "_" and "-" alike; null when it is not a tactic.
  [[nodiscard]] const Tactic* tactic(std::string_view slug) const;
  // Position in the kill chain; -1 when unknown.
  [[nodiscard]] int order(std::string_view slug) const;
  // The technique's name; empty for an id that the table lacks (shown as the id).
  [[nodiscard]] std::string_view technique_name(std::string_view id) const;
  // Tactics (slugs) of a technique; empty when unknown.
  [[nodiscard]] std::vector<std::string> technique_tactics(std::string_view id) const;
  [[nodiscard]] std::size_t technique_count() const { return techniques_.size(); }

 private:
  struct Technique {
    std::string name;
    std::vector<std::string> tactics;
  };
  std::vector<Tactic> tactics_;
  std::map<std::string, Technique, std::less<>> techniques_;
};

// "attack.t1003.001" -> "T1003.001"; "attack.credential_access" -> tactic. Fills tactics (slugs)
// and techniques from Sigma tags, in the order written, without repeats. Unknown tactic names are
// kept as they are written.
struct AttackTags {
  std::vector<std::string> tactics;
  std::vector<std::string> techniques;
};
[[nodiscard]] AttackTags read_attack_tags(const Attack& attack,
                                          const std::vector<std::string>& tags);

}  // namespace tocsin::sigma
