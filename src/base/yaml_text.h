// SPDX-License-Identifier: Apache-2.0
//
// What happens to a YAML text before libyaml reads it: its encoding, and where its documents begin.
//
//   text -> utf16_to_utf8() -> DocumentSplitter -> parts that are parsed each for itself
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/yaml.h"

namespace tocsin::yaml {

// UTF-16 is told by its byte order mark.
[[nodiscard]] bool is_utf16(std::string_view text);
[[nodiscard]] tl::expected<std::string, ParseError> utf16_to_utf8(std::string_view text);

// Cuts a text where documents begin. Views the text.
class DocumentSplitter {
 public:
  explicit DocumentSplitter(std::string_view text) : rest_(text) {}

  struct Part {
    std::string_view text;
    std::size_t lines_before = 0;
    std::size_t directives = 0;
  };
  // False at the end.
  [[nodiscard]] bool next(Part& part);

 private:
  std::string_view rest_;
  std::size_t lines_ = 0;
};

}  // namespace tocsin::yaml
