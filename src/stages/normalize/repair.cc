// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/repair.h"

#include <fmt/format.h>

#include <iterator>

#include "base/utf8.h"

namespace tocsin::normalize {

std::string repair_json(std::string_view json) {
  const std::string utf8 = repair_utf8(json);
  std::string out;
  out.reserve(utf8.size() + 64);
  bool in_string = false;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const char c = utf8[i];
    if (in_string && c == '\\' && i + 1 < utf8.size()) {
      out.push_back(c);
      out.push_back(utf8[++i]);
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (static_cast<unsigned char>(c) >= 0x20)
      out.push_back(c);
    else if (in_string)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    else
      out.push_back(' ');
  }
  return out;
}

}  // namespace tocsin::normalize
