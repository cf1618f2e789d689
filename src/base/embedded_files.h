// SPDX-License-Identifier: Apache-2.0
//
// The data files (starter rules, mappings, ATT&CK table) that the program carries in itself, so
// that one binary works from any folder. Which files: src/CMakeLists.txt, tocsin_embed().
#pragma once

#include <span>
#include <string_view>

namespace tocsin {

struct EmbeddedFile {
  std::string_view path;  // from the repository's root: "mappings/windows.yml"
  std::string_view bytes;
};

// Sorted by path; lives as long as the program.
[[nodiscard]] std::span<const EmbeddedFile> embedded_files();

}  // namespace tocsin
