// SPDX-License-Identifier: Apache-2.0
//
// What a person reads who typed something else than the program understands, and the help.
//
//   CLI::ParseError -> usage_message() -> "tocsin scan: there is no option --frob ..." on stderr
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "app/cli/command.h"

namespace tocsin::cli {

// One or two lines that name the command, the wrong word and where to read on.
[[nodiscard]] std::string usage_message(const CLI::App& root, const CLI::ParseError& error);

// The commands and the long options of `app`, without dashes.
[[nodiscard]] std::vector<std::string> names_of(const CLI::App& app);

// The name that was probably meant; empty when none is near.
[[nodiscard]] std::string nearest_name(const std::string& typed,
                                       const std::vector<std::string>& names);

// Makes every option that is a count or a length of time, of `app` and of the commands below it,
// refuse a negative number: CLI11 would read a count of -1 as the greatest one. After all options
// were added.
void refuse_negative_numbers(CLI::App& app);

// Help that also lists, under a command, the options of the whole program which it heeds.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(const Shared& shared) : shared_(shared) {}
  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override;

 private:
  const Shared& shared_;
};

}  // namespace tocsin::cli
