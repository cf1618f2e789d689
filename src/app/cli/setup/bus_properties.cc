// SPDX-License-Identifier: Apache-2.0
#include "app/cli/setup/bus_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>
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

// The next secret's value, from `from` on to the end of its line: where it begins and its size. No
// secret: where is npos.
std::pair<std::size_t, std::size_t> next_secret(std::string_view text, std::size_t from) {
  for (std::size_t equals = text.find('=', from); equals != text.npos;
       equals = text.find('=', equals + 1)) {
    std::size_t end = equals;  // of the name; blanks may follow it
    while (end > from && kBlanks.find(text[end - 1]) != kBlanks.npos) --end;
    const std::size_t before = text.substr(0, end).find_last_of(" \t\r\n");
    const std::size_t name = before == text.npos ? 0 : before + 1;
    const std::size_t size = std::min(text.find('\n', equals), text.size()) - equals - 1;
    const std::string_view value = text.substr(equals + 1, size);
    if (!value.empty() && bus::is_secret(text.substr(name, end - name)) &&
        !bus::is_reference(value))
      return {equals + 1, size};
  }
  return {text.npos, 0};
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

std::string without_secrets(std::string text) {
  constexpr std::string_view kHidden = "***";
  for (std::size_t from = 0;;) {
    const auto [at, size] = next_secret(text, from);
    if (at == text.npos) return text;
    text.replace(at, size, kHidden);
    from = at + kHidden.size();
  }
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
    if (argument == nullptr) continue;
    for (std::size_t from = 0;;) {
      const auto [at, size] = next_secret(argument, from);
      if (at == std::string_view::npos) break;
      found = true;
      std::memset(argument + at, '*', size);
      from = at + size;
    }
  }
  if (found)
    log_warning(
        "a password on the command line can be read by every user of this machine; give it as "
        "--bus-property NAME=env:VARIABLE or NAME=file:PATH, or in --bus-properties-file");
}

}  // namespace tocsin::cli
