// SPDX-License-Identifier: Apache-2.0
//
// What was found, as text: a table for people, JSON lines and CSV for programs.
//
//   Found -> Rows::add() -> text to be printed (JSON, CSV) or kept (table) -> Rows::end()
//
// Text from events is hostile: the table shows what passes printable(), JSON and CSV escape it.
#pragma once

#include <string>
#include <string_view>

#include "app/cli/search/backend.h"
#include "app/cli/tables.h"

namespace tocsin::cli::search {

enum class Format : std::uint8_t { kTable, kJsonl, kCsv };

class Rows {
 public:
  Rows(Format format, bool verdicts, const Style& style);

  // Text to be printed now; "" when all is printed at the end.
  [[nodiscard]] std::string begin() const;
  [[nodiscard]] std::string add(const Found& found);
  [[nodiscard]] std::string end() const;

 private:
  void add_alert(const store::search::AlertRecord& row);
  void add_verdict(const store::search::EventRecord& row);

  const Format format_;
  const bool verdicts_;
  const Style style_;
  Table table_;
};

// The query with a mark under the byte at `position`.
[[nodiscard]] std::string marked(std::string_view query, std::size_t position, const Style& style);

}  // namespace tocsin::cli::search
