// SPDX-License-Identifier: Apache-2.0
//
// A release archive (zip, tar, tar.gz, tar.zst ...) to a folder, distrusting all it says.
//
//   archive file -> unpack() -> rule files, licences and version notes below a folder
//
// An archive that tries to leave the folder, holds links or devices, or is larger than the limits
// is refused as a whole: nothing that is half good is worth having.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::cli::rules {

struct UnpackLimits {
  std::uint64_t bytes_max = 1u << 30;        // of all members, unpacked or passed over
  std::uint64_t file_bytes_max = 16u << 20;  // of one file that is unpacked
  std::uint64_t entries_max = 200'000;
};

struct Unpacked {
  std::uint64_t files = 0;
  std::uint64_t passed_over = 0;  // neither rules nor licences: samples, scripts, hidden files
};

// `folder` exists and is empty.
[[nodiscard]] Result<Unpacked> unpack(const std::string& archive, const std::string& folder,
                                      const UnpackLimits& limits = {});

// Empty, or why a member may not have this name.
[[nodiscard]] std::string refuse_name(std::string_view name);
// Rules (*.yml, *.yaml), LICENSE*, README*, NOTICE*, version*; nothing below a hidden folder.
[[nodiscard]] bool is_wanted(std::string_view name);

}  // namespace tocsin::cli::rules
