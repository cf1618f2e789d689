// SPDX-License-Identifier: Apache-2.0
//
// The bus's properties as people give them: options, the environment, a file; and secrets that
// stand where others can read them.
//
//   --bus-properties-file FILE, --bus-property name=value -> name, value -> bus::open()
#pragma once

#include <map>
#include <string>

#include "app/cli/command.h"
#include "base/result.h"

namespace tocsin::cli {

// Options win over the file. TOCSIN_BUS_PROPERTY may hold several, a line each. kInvalid names file
// and line, never a value.
[[nodiscard]] Result<std::map<std::string, std::string>> bus_properties_of(const Shared& shared);

// The text without the values of secrets, which end with their line. Also of properties that
// somebody wrote behind each other by mistake.
[[nodiscard]] std::string without_secrets(std::string text);

// Warns of secrets among the arguments, which every user of the machine can read, and overwrites
// them there: the process list shows them for a moment only.
void hide_secret_arguments(int argc, char** argv);

}  // namespace tocsin::cli
