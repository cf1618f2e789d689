// SPDX-License-Identifier: Apache-2.0
//
// Files, folders, archives and standard input as one source of events.
//
//   .evtx .json .jsonl .ndjson .log, .gz .zst .zip of these, "-" -> open_files() -> Source
//
// Order: as given; a folder's entries by name, folders among them. What a file holds is told by its
// first bytes, then by its extension.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "stages/produce/files/folder.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

enum class Format : std::uint8_t {
  kAuto,  // whatever is recognised
  kEvtx,  // only EVTX; the rest of a folder is passed over in silence
  kJson,  // only text; a text of unknown kind that the user named is read as lines
};

struct FilesOptions {
  Format format = Format::kAuto;
  // Keep reading as the files grow, are rotated, or appear; the source then never ends.
  bool follow = false;
  std::size_t line_bytes_max = 16u << 20;  // of one event in a text file
  std::size_t evtx_bytes_max =
      1u << 30;  // of an EVTX file inside an archive, which is held in memory
  // Asked while an archive waits for its pipe, which nothing else can interrupt.
  bool (*stop)() = nullptr;
};

// Fails only when `paths` is empty. A path that does not exist or cannot be read is a problem
// "file.unreadable" when its turn comes; what is not a log is a problem with skipped_only.
[[nodiscard]] Result<std::unique_ptr<Source>> open_files(std::vector<std::string> paths,
                                                         FilesOptions options);

// One of those that find_files() named; `options.follow` is not heeded.
[[nodiscard]] std::unique_ptr<Source> open_file(FoundFile file, FilesOptions options);

}  // namespace tocsin::produce
