// SPDX-License-Identifier: Apache-2.0
#include "app/cli/setup/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "app/cli/setup/usage.h"
#include "app/pipeline/tuning/tuning_file.h"

namespace tocsin::cli {
namespace {

[[noreturn]] void complain(const std::string& file, yaml::Mark mark, const std::string& message) {
  throw CLI::ConfigError(fmt::format("{}:{}:{}: {}", file, mark.line, mark.column, message));
}

bool set_elsewhere(const CLI::Option& option) {
  if (!option.empty()) return true;
  const std::string name = option.get_envname();
  const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
  return value != nullptr && *value != '\0';
}

// Options are written with dashes; underscores are forgiven.
CLI::Option* option_of(CLI::App& app, std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  CLI::Option* option = name.empty() ? nullptr : app.get_option_no_throw("--" + name);
  return option != nullptr && option->get_configurable() ? option : nullptr;
}

std::string unknown_key(const CLI::App& app, const std::string& key) {
  const std::string command = app.get_parent() == nullptr ? "" : " of " + app.get_name();
  const std::string near = nearest_name(key, names_of(app));
  return fmt::format("'{}' is no option{}{}", key, command,
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

std::vector<std::string> inputs_of(const yaml::Node& value, const CLI::Option& option,
                                   const std::string& file) {
  std::vector<std::string> inputs;
  if (value.is_scalar()) inputs.push_back(value.scalar);
  for (const yaml::Node& item : value.items) {
    if (!item.is_scalar()) complain(file, item.mark, "expected a plain value");
    inputs.push_back(item.scalar);
  }
  if (inputs.size() > 1 && option.get_items_expected_max() <= 1)
    complain(file, value.mark, option.get_name() + " takes one value, not a list");
  return inputs;
}

void set_flag(CLI::Option& option, const yaml::Node& value, const std::string& file) {
  if (value.scalar != "true" && value.scalar != "false")
    complain(file, value.mark, option.get_name() + " is true or false");
  if (value.scalar == "true") option.add_result("true");
}

void set_value(CLI::Option& option, const yaml::Node& value, const std::string& file) {
  const std::vector<std::string> inputs = inputs_of(value, option, file);
  if (inputs.empty()) return;
  try {
    option.add_result(inputs);
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    complain(file, value.mark, error.what());
  }
}

}  // namespace

std::string YamlConfig::to_config(const CLI::App*, bool, bool, std::string) const { return {}; }

void YamlConfig::apply(const yaml::Node& map, CLI::App& app, const std::string& file) const {
  for (const auto& [key, value] : map.members) {
    const std::string& name = key.scalar;
    const bool empty = value.is_scalar() && value.scalar_type() == yaml::ScalarType::kNull;
    if (&app == &root_ && pipeline::is_tuning_key(name)) {
      // Read again, and applied, by those commands that load rules; here for its mistakes.
      pipeline::Tuning tuning;
      if (const Status read = pipeline::read_tuning_member(file, key, value, tuning); !read)
        throw CLI::ConfigError(read.error().message);
      continue;
    }
    const auto found = app.get_subcommands([&](CLI::App* sub) { return sub->get_name() == name; });
    if (empty && !found.empty()) continue;  // all its options are commented out
    if (value.is_map()) {
      if (found.empty()) complain(file, key.mark, "'" + name + "' is no command");
      apply(value, *found.front(), file);
      continue;
    }
    CLI::Option* option = option_of(app, name);
    if (option == nullptr) complain(file, key.mark, unknown_key(app, name));
    if (empty) continue;
    if (set_elsewhere(*option)) continue;
    if (option->get_expected_min() == 0)
      set_flag(*option, value, file);
    else
      set_value(*option, value, file);
  }
}

std::vector<CLI::ConfigItem> YamlConfig::from_config(std::istream& input) const {
  const std::string file = root_.get_config_ptr()->as<std::string>();
  const std::string text{std::istreambuf_iterator<char>(input), {}};
  const auto documents = yaml::parse(text);
  if (!documents) complain(file, documents.error().mark, documents.error().message);
  for (const yaml::Node& document : *documents) {
    if (document.is_scalar() && document.scalar.empty()) continue;
    if (!document.is_map()) complain(file, document.mark, "expected a map of options");
    apply(document, root_, file);
  }
  return {};
}

}  // namespace tocsin::cli
