// SPDX-License-Identifier: Apache-2.0
//
// YamlConfig: lets --config read YAML. A key is an option's long name; a subcommand's options stand
// in a map under its name:
//
//   bus: kafka://broker:9092
//   detect:
//     workers: 4
#pragma once

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

namespace tocsin::cli {

class YamlConfig : public CLI::Config {
 public:
  std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                        std::string prefix) const override;
  // Throws CLI::ConfigError naming the line, which CLI11 turns into a usage error.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace tocsin::cli
