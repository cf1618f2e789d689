// SPDX-License-Identifier: Apache-2.0
//
// YAML in the form in which nearly all rules are written: block maps and block sequences, keys that
// are plain names, scalars of one line, and literal text (`|`). It takes a sixth of the
// instructions of reading by libyaml.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/yaml.h"

namespace tocsin::yaml {

struct BlockDocument {
  Node root;
  std::size_t nodes = 0;  // keys, values, maps and sequences
};

// The one document of `text`, whose marks count `lines_before` lines more; the same as libyaml
// would make of it. Nothing when anything is not of this form: an error, or what libyaml shall
// read.
[[nodiscard]] std::optional<BlockDocument> read_block_document(std::string_view text,
                                                               std::size_t lines_before);

}  // namespace tocsin::yaml
