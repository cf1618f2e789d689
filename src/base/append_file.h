// SPDX-License-Identifier: Apache-2.0
//
// AppendFile: a text file to which several threads and processes append whole lines.
//
//   lines -> append() -> flock, mend a torn tail, one write -> file
//
// Why: a process killed in the middle of a write, or a full disk, leaves half a line. Whoever
// writes next cuts it away, so that the file is always whole lines and one torn write never spoils
// the line after it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace tocsin {

struct AppendFileOptions {
  std::string
      header;  // first line of a new file, with its line ending; an existing file must have it
  char first = '\0';  // without a header: the first byte that an existing file must have
  bool sync = false;  // fdatasync() before append() returns: survives power loss, not just a crash
};

// The file while nobody else can append to it.
class LockedTail {
 public:
  virtual ~LockedTail() = default;
  // False: a pipe or a device, which has no size and takes what it is given.
  [[nodiscard]] virtual bool is_file() const = 0;
  [[nodiscard]] virtual std::uint64_t inode() const = 0;
  [[nodiscard]] virtual std::int64_t size() const = 0;  // of the whole lines in it
  [[nodiscard]] virtual Status cut(std::int64_t size) = 0;
  // When somebody appended to it last.
  [[nodiscard]] virtual UnixNanos modified() const = 0;
  // Puts it aside under another name of the same folder, which must be free. The lines are then
  // asked for again, for a new file.
  [[nodiscard]] virtual Status rename_to(const std::string& path) = 0;
};

// Threads:   thread-safe, and safe among processes that all use this class.
// Errors:    append() takes all of the bytes or none: kExhausted when the disk is full or a limit
// reached,
//            kUnavailable on other I/O errors. open() refuses a file that is not of its kind
//            (kInvalid), so that no mending can hurt it.
// Invariant: between appends a regular file is empty or ends with a newline. A file renamed or
// deleted by
//            log rotation is opened anew. Pipes and devices are written to as they are.
class AppendFile {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AppendFile>> open(std::string path,
                                                                AppendFileOptions options);
  virtual ~AppendFile() = default;

  // `lines` ends with a newline.
  [[nodiscard]] Status append(std::string_view lines) {
    return append([&](LockedTail&) -> Result<std::string_view> { return lines; });
  }
  // Asks for the lines when the file is locked and mended. They must live until append() returns;
  // empty: nothing is appended.
  using Lines = std::function<Result<std::string_view>(LockedTail&)>;
  [[nodiscard]] virtual Status append(const Lines& lines) = 0;
};

}  // namespace tocsin
