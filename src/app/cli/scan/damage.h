// SPDX-License-Identifier: Apache-2.0
//
// Damage: which files could not be read, or not as a whole, and what came out of them all the same.
//
//   Problem, events read -> Damage -> rows by file and kind of damage -> tables, JSON, HTML
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "stages/produce/source.h"

namespace tocsin::cli::scan {

struct DamageRow {
  std::string file;
  std::string code;     // "evtx.truncated"
  std::string message;  // of the first one, without the file's name
  std::uint64_t count = 0;
  std::uint64_t events = 0;  // read from the file in spite of it
  bool lost = true;          // false: nothing was lost, worth knowing all the same
};

// A problem for people: the name of its file, once, and what is wrong.
[[nodiscard]] std::string message_of(const produce::Problem& problem);

// Threads: one thread. Memory: kRowsMax rows; further files are only counted.
class Damage {
 public:
  static constexpr std::size_t kRowsMax = 1'000;
  static constexpr std::uint64_t kToldMax = 3;  // warnings for each row

  Damage() = default;
  // `named`: the paths that the user gave; what is read on the way to other files is not among
  // them.
  explicit Damage(const std::vector<std::string>& named) : named_(named.begin(), named.end()) {}

  // `count` problems of which this is one. True when it should be told at once: the first few of
  // each file and kind.
  bool add(const produce::Problem& problem, std::uint64_t count = 1);
  // Events that came from a file; for files without damage nothing is kept.
  void add_events(std::string_view file, std::uint64_t count);
  // A file, or an archive with all its members, is done.
  void finish_file();

  // In the order of the input.
  [[nodiscard]] std::vector<DamageRow> rows() const { return rows_; }
  [[nodiscard]] std::uint64_t problems() const { return problems_; }
  // Of which nothing could be read, or which were named and are no logs.
  [[nodiscard]] std::uint64_t lost_files() const { return lost_files_; }
  [[nodiscard]] std::uint64_t passed_over() const { return passed_over_; }
  [[nodiscard]] std::uint64_t more() const { return more_; }  // rows that were not kept

 private:
  [[nodiscard]] bool is_lost(const produce::Problem& problem) const;
  [[nodiscard]] std::uint64_t events_of(const std::string& file) const;

  std::set<std::string, std::less<>> named_;
  std::vector<DamageRow> rows_;
  std::map<std::string, std::size_t, std::less<>> index_;     // "file\ncode" of the files at hand
  std::map<std::string, std::uint64_t, std::less<>> events_;  // of the files at hand
  std::map<std::string, bool, std::less<>> troubled_;  // of these; true: lost whatever was read
  std::uint64_t problems_ = 0, lost_files_ = 0, passed_over_ = 0, more_ = 0;
};

}  // namespace tocsin::cli::scan
