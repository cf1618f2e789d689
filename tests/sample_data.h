// SPDX-License-Identifier: Apache-2.0
//
// Where tests find the third-party samples, which the repository does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace tocsin::tests {

// $TOCSIN_DATA, else ../shared/data beside the repository; empty, and said loudly, when it is not
// there.
inline std::optional<std::filesystem::path> sample_data() {
  const char* given = std::getenv("TOCSIN_DATA");
  const std::filesystem::path path = given != nullptr ? given : "../shared/data";
  if (std::filesystem::is_directory(path)) return path;
  std::printf("SKIPPED: %s is not there; set TOCSIN_DATA to the folder of the samples\n",
              path.c_str());
  return std::nullopt;
}

}  // namespace tocsin::tests
