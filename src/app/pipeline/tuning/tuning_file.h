// SPDX-License-Identifier: Apache-2.0
//
// The YAML in which a user says what is wanted of rules, to Tuning.
//
//   overrides:
//     - rule: 7d6d30b8-5b91-4b90-a891-46cccaf29598     # or a list of ids
//       level: low
//       hosts: {except: ["backup-*"]}
//       suppress: {by: [host, user], for: 1h}
//   suppress: {by: [host], for: 10m}                   # rules without their own
//
// The same two keys stand in an overrides file and in the configuration beside other keys.
#pragma once

#include <string>

#include "app/pipeline/tuning/tuning.h"
#include "base/result.h"
#include "base/yaml.h"

namespace tocsin::pipeline {

// Whether `key` of a file's top level is one of ours.
[[nodiscard]] bool is_tuning_key(std::string_view key);

// Adds what a map under one of our keys says. Errors: kInvalid, "path:line:column: ...".
[[nodiscard]] Status read_tuning_member(const std::string& path, const yaml::Node& key,
                                        const yaml::Node& value, Tuning& out);

enum class OtherKeys : std::uint8_t { kRefuse, kSkip };

// Adds what the file says. kNotFound when it cannot be read, kInvalid when it is wrong.
[[nodiscard]] Status read_tuning(const std::string& path, OtherKeys others, Tuning& out);

}  // namespace tocsin::pipeline
