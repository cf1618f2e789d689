// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/csv_cell.h"

namespace tocsin::cli {

void append_csv_cell(std::string& out, std::string_view text) {
  constexpr std::string_view kFormula = "=+-@\t\r";
  const bool formula = !text.empty() && kFormula.find(text[0]) != std::string_view::npos;
  bool quote = text.starts_with(' ') || text.ends_with(' ');
  for (const char c : text) quote |= c == ',' || c == '"' || static_cast<unsigned char>(c) < 0x20;
  if (quote) out.push_back('"');
  if (formula) out.push_back('\'');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? ' ' : c);
  }
  if (quote) out.push_back('"');
}

}  // namespace tocsin::cli
