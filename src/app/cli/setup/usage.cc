// SPDX-License-Identifier: Apache-2.0
#include "app/cli/setup/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace tocsin::cli {
namespace {

std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

// "tocsin topics read" and its App.
std::pair<const CLI::App*, std::string> deepest(const CLI::App& root) {
  const CLI::App* app = &root;
  std::string name = "tocsin";
  for (auto parsed = app->get_subcommands(); !parsed.empty(); parsed = app->get_subcommands()) {
    app = parsed.front();
    name += " " + app->get_name();
  }
  return {app, name};
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

// "Could not convert: --workers = abc" -> "--workers: 'abc' cannot be read"
std::string clearer(std::string message) {
  constexpr std::string_view kStart = "Could not convert: ";
  const std::size_t equals = message.find(" = ");
  if (!message.starts_with(kStart) || equals == std::string::npos) return message;
  return fmt::format("{}: '{}' is no such value (a number?)",
                     message.substr(kStart.size(), equals - kStart.size()),
                     message.substr(equals + 3));
}

std::string without_dashes(const std::string& word) {
  const std::size_t start = word.find_first_not_of('-');
  return start == std::string::npos ? std::string() : word.substr(start, word.find('=') - start);
}

std::string meant(const std::string& near, const char* dashes) {
  return near.empty() ? std::string() : fmt::format("; did you mean {}{}?", dashes, near);
}

bool takes_words(const CLI::App& app) {
  const auto options = app.get_options();
  return std::any_of(options.begin(), options.end(),
                     [](const CLI::Option* option) { return option->get_positional(); });
}

// `typed`: the command, with those above it.
std::string about_word(const std::string& word, const CLI::App& root, const CLI::App& app,
                       const std::string& typed, bool command_wanted) {
  std::vector<std::string> names = names_of(app);
  if (word.size() > 1 && word.front() == '-') {
    for (std::string& name : names_of(root)) names.push_back(std::move(name));
    const std::string near = nearest_name(without_dashes(word), names);
    if (near.empty() && !word.starts_with("--") && takes_words(app))
      return fmt::format(
          "there is no option {}; a text that begins with '-' goes behind --: {} -- {}", word,
          typed, word);
    return fmt::format("there is no option {}{}", word, meant(near, "--"));
  }
  if (command_wanted)
    return fmt::format("there is no command '{}'{}", word,
                       meant(nearest_name(word, commands_of(app)), ""));
  return fmt::format("'{}' is one argument too many", word);
}

// Which environment variable a bad value came from.
std::string variable_of(const CLI::App& app, const std::string& message) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value != nullptr && *value != '\0' &&
        message.find(option->get_name()) != std::string::npos &&
        message.find(value) != std::string::npos)
      return variable;
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (std::string found = variable_of(*sub, message); !found.empty()) return found;
  return {};
}

}  // namespace

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  for (std::string& name : commands_of(app)) names.push_back(std::move(name));
  return names;
}

std::string nearest_name(const std::string& typed, const std::vector<std::string>& names) {
  std::string best;
  std::size_t least = typed.size() < 4 ? 2 : 3;  // beyond it two words are not alike
  for (const std::string& name : names) {
    const std::size_t far = distance(typed, name);
    if (far < least) {
      least = far;
      best = name;
    }
  }
  return best;
}

std::string usage_message(const CLI::App& root, const CLI::ParseError& error) {
  const auto [app, name] = deepest(root);
  const std::vector<std::string> extra = root.remaining(true);
  std::string message = error.what();
  const bool command_wanted = app->get_require_subcommand_max() > 0 && !commands_of(*app).empty();
  if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr)
    return fmt::format("tocsin: {}\n", message);
  if (const auto* file = dynamic_cast<const CLI::FileError*>(&error); file != nullptr)
    return fmt::format("tocsin: --config: {}\n", message);
  if (!extra.empty() &&
      (command_wanted || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr))
    message = about_word(extra.front(), root, *app, name, command_wanted);
  else if (command_wanted && extra.empty() &&
           dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    return app->help(name == "tocsin" ? "" : name.substr(0, name.rfind(' ')),
                     CLI::AppFormatMode::Normal);
  else if (const std::string variable = variable_of(root, message); !variable.empty())
    message += fmt::format(" (from the environment: {})", variable);
  return fmt::format("{}: {}\nSee `{} --help`.\n", name, clearer(message), name);
}

void refuse_negative_numbers(CLI::App& app) {
  const CLI::Validator not_negative(
      [](std::string& text) {
        const std::size_t first = text.find_first_not_of(" \t");
        return first != std::string::npos && text[first] == '-'
                   ? fmt::format("{} is negative", text)
                   : std::string();
      },
      "");
  for (CLI::Option* option : app.get_options())
    // First in line, before a size such as 10MB is made a number.
    if (const std::string type = option->get_type_name();
        type.starts_with("UINT") || type.starts_with("FLOAT"))
      option->transform(not_negative);
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; }))
    refuse_negative_numbers(*sub);
}

// Called after the command's own options were written.
std::string HelpFormatter::make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const {
  std::string subcommands = CLI::Formatter::make_subcommands(app, mode);
  if (mode == CLI::AppFormatMode::Sub || app->get_parent() == nullptr) return subcommands;
  std::string out;
  const CLI::App* root = app;
  bool bus = false;
  bool traces = false;
  for (; root->get_parent() != nullptr; root = root->get_parent()) {
    const auto among = [&](const std::vector<const CLI::App*>& commands) {
      return std::find(commands.begin(), commands.end(), root) != commands.end();
    };
    bus = bus || among(shared_.bus_commands);
    traces = traces || among(shared_.trace_commands);
  }
  for (const char* group : {kBusGroup, kTraceGroup, kCommonGroup}) {
    if ((group == kBusGroup && !bus) || (group == kTraceGroup && !traces)) continue;
    const auto options = root->get_options(
        [group](const CLI::Option* option) { return option->get_group() == group; });
    if (!options.empty()) out += make_group(group, false, options);
  }
  return out + subcommands;
}

}  // namespace tocsin::cli
