// SPDX-License-Identifier: Apache-2.0
//
// tocsin config: the options in force, from flags, environment and file, as the YAML that --config
// reads. Secrets are not shown.
#include <fmt/format.h>

#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/setup/bus_properties.h"
#include "base/json_writer.h"

namespace tocsin::cli {
namespace {

// "name=value" of a secret, and user:password@ in a URL, lose their value.
std::string redacted(std::string value) {
  value = without_secrets(std::move(value));
  const std::size_t scheme = value.find("://");
  const std::size_t at = value.rfind('@');
  if (scheme != std::string::npos && at != std::string::npos && at > scheme)
    value.replace(scheme + 3, at - scheme - 3, "***");
  return value;
}

// A JSON string is a YAML string, too.
std::string scalar(const std::string& value) {
  const bool number = !value.empty() && value.find_first_not_of("0123456789.") == std::string::npos;
  if (number || value == "true" || value == "false") return value;
  std::string out;
  JsonWriter json(out);
  json.value(redacted(value));
  return out;
}

// Of headers nobody knows which are secret.
std::vector<std::string> results_of(const CLI::Option& option) {
  std::vector<std::string> results = option.reduced_results();
  if (option.check_lname("trace-header"))
    for (std::string& header : results) header.replace(header.find('=') + 1, header.size(), "***");
  return results;
}

std::string value_of(const CLI::Option& option) {
  if (option.get_expected_min() == 0) return option.count() > 0 ? "true" : "false";
  if (option.count() == 0) {
    const std::string fallback = option.get_default_str();
    return fallback.starts_with("[") ? fallback : scalar(fallback);
  }
  const std::vector<std::string> results = results_of(option);
  if (option.get_items_expected_max() <= 1) return scalar(results.front());
  std::string out;
  for (const std::string& item : results) out += (out.empty() ? "" : ", ") + scalar(item);
  return "[" + out + "]";
}

void append_options(std::string& out, const CLI::App& app, const std::string& indent) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (option->count() == 0 && option->get_expected_min() != 0 &&
        option->get_default_str().empty())
      out += fmt::format("{}# {}:\n", indent, name);
    else
      out += fmt::format("{}{}: {}\n", indent, name, value_of(*option));
  }
}

void append_commands(std::string& out, const CLI::App& app, const std::string& indent) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::string inner;
    append_options(inner, *sub, indent + "  ");
    append_commands(inner, *sub, indent + "  ");
    const bool any = inner.find_first_not_of(" #") != std::string::npos;
    if (any) out += fmt::format("{}{}:\n{}", indent, sub->get_name(), inner);
  }
}

int show(const CLI::App& root) {
  std::string out = "# The options in force; secrets are shown as ***.\n";
  append_options(out, root, "");
  append_commands(out, root, "");
  std::fwrite(out.data(), 1, out.size(), stdout);
  return kDone;
}

// By now every option has been read; what is wrong has been told with file and line.
int check(const CLI::App& root, const Shared& shared) {
  const std::string file = root.get_config_ptr()->count() > 0
                               ? root.get_config_ptr()->as<std::string>()
                               : "no file (name one by --config)";
  if (const auto bus = shared.open_bus(); !bus) {
    report(bus.error());
    return bus.error().code == ErrorCode::kInvalid ? kUsage : kFailed;
  }
  std::printf("The configuration is good: %s and the environment.\n", file.c_str());
  return kDone;
}

}  // namespace

void add_config(Context& context) {
  CLI::App& config = *context.root.add_subcommand(
      "config", "Show or check the options that files, environment and flags add up to");
  config.require_subcommand(1);
  config.add_subcommand("show", "The options in force, as YAML that --config reads")
      ->callback([&context] { context.exit_code = show(context.root); });
  config.add_subcommand("check", "Whether the file and the environment can be used")
      ->callback([&context] { context.exit_code = check(context.root, context.shared); });
  config.footer(
      "Examples:\n"
      "  tocsin config show > tocsin.yml\n"
      "  tocsin --config tocsin.yml config check\n"
      "\n"
      "Exit status: 2 when the configuration is wrong.");
}

}  // namespace tocsin::cli
