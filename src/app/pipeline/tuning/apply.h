// SPDX-License-Identifier: Apache-2.0
//
// Overrides applied to rules: what a site disables, ranks otherwise, or limits to hosts.
//
//   rules as their authors wrote them + Tuning -> rules as the site wants them + warnings
#pragma once

#include <string_view>
#include <vector>

#include "app/pipeline/tuning/tuning.h"
#include "core/sigma/diagnostic.h"
#include "core/sigma/rule.h"

namespace tocsin::pipeline {

struct AppliedTuning {
  std::vector<sigma::Diagnostic> warnings;  // an id that no rule has
  std::size_t disabled = 0;                 // rules taken out
  std::size_t changed = 0;                  // rules that differ now and stay
};

// Takes disabled rules out and changes the others. The order of the rules stays.
AppliedTuning apply_tuning(const Tuning& tuning, std::vector<sigma::Rule>& rules);

// Whether a match of the rule counts on this host. Without overrides always; an event that does not
// say its host is outside of every list. Names compare without case; a glob that holds for the
// first label ("dc01" of "dc01.example.org") holds for the host.
[[nodiscard]] bool reads_host(const sigma::Rule& rule, std::string_view host);

}  // namespace tocsin::pipeline
