// SPDX-License-Identifier: Apache-2.0
//
// A digest of what a rule says, to tell a rule that changed from one whose file was only touched.
//
//   Rule -> every part that a match or an alert depends on, as text -> SHA-256, 128 bits of it
#pragma once

#include <array>
#include <cstdint>

#include "core/sigma/rule.h"

namespace tocsin::pipeline {

[[nodiscard]] std::array<std::uint8_t, 16> digest_of(const sigma::Rule& rule);

}  // namespace tocsin::pipeline
