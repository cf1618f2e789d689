// SPDX-License-Identifier: Apache-2.0
//
// YamlConfig: lets --config read YAML. A key is an option's long name; a command's options stand in
// a map under its name:
//
//   bus: kafka://broker:9092
//   detect:
//     workers: 4
//   overrides:                 # what a site wants of rules; see app/pipeline/tuning
//     - {rule: ID, level: low}
//
//   FILE -> YamlConfig -> options that neither a flag nor a TOCSIN_* variable has set
#pragma once

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

#include "base/yaml.h"

namespace tocsin::cli {

// Ownership: the application outlives it.
class YamlConfig : public CLI::Config {
 public:
  explicit YamlConfig(CLI::App& root) : root_(root) {}

  std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                        std::string prefix) const override;
  // Sets the options itself and returns nothing, so that every complaint can name file and line.
  // Throws CLI::ConfigError, which becomes a usage error.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

 private:
  void apply(const yaml::Node& map, CLI::App& app, const std::string& file) const;

  CLI::App& root_;
};

}  // namespace tocsin::cli
