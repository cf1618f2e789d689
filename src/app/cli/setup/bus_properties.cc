// SPDX-License-Identifier: Apache-2.0
#include "app/cli/setup/bus_properties.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace tocsin::cli {
namespace {

using Properties = std::map<std::string, std::string>;

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Lines of name=value; blank ones and those that begin with # say nothing. `where` names the
// source.
Status add_lines(Properties& properties, std::string_view text, const std::string& where) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view one = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (one.empty() || one.front() == '#') continue;
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return fail(ErrorCode::kInvalid, fmt::format("{}:{}: expected name=value", where, line));
    const std::string name(trimmed(one.substr(0, equals)));
    if (name == "bootstrap.servers") continue;  // of a client's file; --bus says it here
    properties[name] = trimmed(one.substr(equals + 1));
  }
  return {};
}

// The secret's value inside "name=value", or nothing.
char* secret_in(char* argument) {
  char* const equals = std::strchr(argument, '=');
  if (equals == nullptr || equals[1] == '\0') return nullptr;
  const std::string_view name(argument, static_cast<std::size_t>(equals - argument));
  return bus::is_secret(name) && !bus::is_reference(equals + 1) ? equals + 1 : nullptr;
}

}  // namespace

Result<Properties> bus_properties_of(const Shared& shared) {
  Properties properties;
  if (!shared.bus_properties_file.empty()) {
    std::ifstream file(shared.bus_properties_file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file)
      return fail(ErrorCode::kInvalid,
                  fmt::format("--bus-properties-file: cannot read {}", shared.bus_properties_file));
    TOCSIN_TRY_STATUS(add_lines(properties, text, shared.bus_properties_file));
  }
  for (const std::string& given : shared.bus_properties)
    TOCSIN_TRY_STATUS(add_lines(properties, given, "--bus-property"));
  return properties;
}

void hide_secret_arguments(int argc, char** argv) {
  constexpr std::string_view kOption = "--bus-property";
  bool found = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    char* argument = nullptr;
    if (word == kOption && i + 1 < argc) argument = argv[i + 1];
    if (word.starts_with(kOption) && word.substr(kOption.size()).starts_with('='))
      argument = argv[i] + kOption.size() + 1;
    char* const secret = argument == nullptr ? nullptr : secret_in(argument);
    if (secret == nullptr) continue;
    found = true;
    std::memset(secret, '*', std::strlen(secret));
  }
  if (found)
    log_warning(
        "a password on the command line can be read by every user of this machine; give it as "
        "--bus-property NAME=env:VARIABLE or NAME=file:PATH, or in --bus-properties-file");
}

}  // namespace tocsin::cli
