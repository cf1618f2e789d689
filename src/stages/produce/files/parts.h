// SPDX-License-Identifier: Apache-2.0
//
// Parts: files cut into pieces that threads read at the same time, each piece once and whole.
//
//   paths -> PartPlan::next() -> Part -> PartReader (one a thread) -> EventView | Problem
//
// The cuts depend on the files alone, never on the number of threads: reading the parts in order
// gives what open_files() gives. Text of one event a line is cut at line ends, a large EVTX file at
// its chunks; everything else (small EVTX, documents, archives, pipes) is one part.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stages/produce/evtx/evtx.h"
#include "stages/produce/files/files.h"
#include "stages/produce/files/folder.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

// How many lines the parts of one file hold: part k learns its first line number from those before
// it. Threads: thread-safe.
class LineCounts {
 public:
  void publish(std::size_t part, std::uint64_t lines);
  // Waits until all parts before `part` have published, which each does right after it is read.
  [[nodiscard]] std::uint64_t lines_before(std::size_t part);

 private:
  std::mutex mutex_;
  std::condition_variable published_;
  std::vector<std::uint64_t> sums_{0};  // sums_[k]: lines before part k; as far as it is known
  std::vector<std::optional<std::uint64_t>> counts_;
};

// A file descriptor that the parts of one file share.
class SharedFile {
 public:
  explicit SharedFile(int descriptor) : descriptor_(descriptor) {}
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  ~SharedFile();
  // Up to `size` bytes at `offset`, fewer at the end of the file.
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, char* into, std::size_t size) const;

 private:
  const int descriptor_;
};

struct Part {
  enum class Kind : std::uint8_t { kWhole, kLines, kLongLine, kEvtx };
  Kind kind = Kind::kWhole;
  std::size_t number = 0;            // 0, 1, 2, ... over all files
  std::size_t file = 0;              // of PartPlan::files()
  std::uint64_t begin = 0, end = 0;  // kLines, kLongLine: bytes of the file
  bool first_of_file = true;
  bool last_of_file = true;
  std::size_t lines_part = 0;  // of `lines`
  std::shared_ptr<const SharedFile> bytes;
  std::shared_ptr<LineCounts> lines;
  EvtxRange evtx;
};

// Threads: thread-safe. Memory: the names of the files.
class PartPlan {
 public:
  // Of a part: stays in the second cache of a core.
  static constexpr std::uint64_t kLinesBytes = 256u << 10;
  static constexpr std::uint64_t kEvtxBytes = 4u << 20;

  PartPlan(const std::vector<std::string>& paths, FilesOptions options);

  // The next part in the order of the input; empty at the end. Whoever takes a part must open it.
  [[nodiscard]] std::optional<Part> next();
  [[nodiscard]] const std::vector<FoundFile>& files() const { return files_; }
  [[nodiscard]] const FilesOptions& options() const { return options_; }
  // 0 when a stream is among them.
  [[nodiscard]] std::uint64_t bytes_total() const { return bytes_total_; }

 private:
  void look_at(const FoundFile& file);
  [[nodiscard]] bool look_at_lines(const FoundFile& file);
  [[nodiscard]] Part next_lines();
  [[nodiscard]] std::uint64_t find_newline(std::uint64_t from, std::uint64_t limit) const;
  [[nodiscard]] std::uint64_t find_last_newline(std::uint64_t from, std::uint64_t to) const;

  std::vector<FoundFile> files_;
  const FilesOptions options_;
  std::uint64_t bytes_total_ = 0;

  std::mutex mutex_;
  std::size_t number_ = 0;
  std::size_t file_ = 0;
  bool looked_ = false;          // at files_[file_]
  std::vector<EvtxRange> evtx_;  // what is left of it, the last range first
  std::size_t parts_ = 0;        // given of it
  std::uint64_t at_ = 0;         // lines: where the next part begins
  std::shared_ptr<const SharedFile> bytes_;
  std::shared_ptr<LineCounts> lines_;
};

struct EventView {
  std::string_view json;  // valid until the next call; 64 readable bytes follow it
  std::string_view path;
  std::uint64_t line = 0;  // within the part: PartReader::line() has the file's
  std::uint64_t record_id = 0;
};

// Ownership: owns one buffer or source, reused from part to part; the plan must outlive it.
// Threads:   one thread.
class PartReader {
 public:
  explicit PartReader(const PartPlan& plan) : plan_(plan) {}

  void open(const Part& part);
  // kIdle: nothing now (a pipe). Problems carry the file's line numbers.
  [[nodiscard]] Next next(EventView& event, Problem& problem);
  // The line in the file of an event of this part; may wait for parts before it to be read.
  [[nodiscard]] std::uint64_t line(const EventView& event);
  // Bytes of the file that were read since the last call.
  [[nodiscard]] std::uint64_t take_progress();

 private:
  void read_lines();
  void find_line_ends();
  [[nodiscard]] Next next_line(EventView& event, Problem& problem);
  [[nodiscard]] Next tell_long_line(Problem& problem);
  [[nodiscard]] std::uint64_t lines_before();

  static constexpr std::size_t kPadding = 64;

  const PartPlan& plan_;
  Part part_;
  std::unique_ptr<Source> source_;
  RawEvent event_;
  std::uint64_t told_ = 0;  // of the part's bytes, by take_progress()

  std::vector<char> buffer_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  std::vector<std::size_t> line_ends_;  // in the buffer, of the lines that have one
  std::uint64_t line_ = 0;
  std::optional<std::uint64_t> lines_before_;
  std::optional<Problem> failed_;
};

}  // namespace tocsin::produce
