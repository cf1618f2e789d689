// SPDX-License-Identifier: Apache-2.0
//
// The spools below one folder: each process that spools has one of its own there, and whoever comes
// next takes over those that a process left behind.
//
//   DIR/1, DIR/2, ... -> claim() -> the spools left behind, oldest first, and one to write to
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/bus/spool/spool.h"

namespace tocsin::bus::spool {

// Every spool below `options.folder` that no process has and in which something waits, and as the
// last one to append to (which may be one of them). `options.bytes_max` bounds each.
[[nodiscard]] Result<std::vector<std::unique_ptr<Spool>>> claim(const SpoolOptions& options);

// All of them, empty ones left out. No error when the folder is missing.
[[nodiscard]] Result<std::vector<SpoolReport>> inspect_all(const std::string& folder);

}  // namespace tocsin::bus::spool
