// SPDX-License-Identifier: Apache-2.0
//
// A cell of a CSV file that people open in a spreadsheet. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::cli {

// RFC 4180, one physical line a row: controls become blanks. Text that a spreadsheet would take for
// a formula gets an apostrophe in front.
void append_csv_cell(std::string& out, std::string_view text);
// The cells of a row and its end.
[[nodiscard]] std::string csv_row(const std::vector<std::string>& cells);

}  // namespace tocsin::cli
