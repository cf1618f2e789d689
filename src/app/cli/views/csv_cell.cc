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

std::string csv_row(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_csv_cell(out, cells[i]);
  }
  return out + "\r\n";
}

}  // namespace tocsin::cli
