// SPDX-License-Identifier: Apache-2.0
//
// Following files as `tail -F` does, without losing a line when they are rotated.
//
//   growing, renamed, truncated, new files -> open_follow() -> Source that never ends
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stages/produce/files/files.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

// Every file is read from its beginning; line numbers begin anew in a rotated file.
// - Renamed and created anew: the old file is read to its end first, and for 5 s more, because its
// writer
//   may still hold it open.
// - Truncated (copytruncate): read from the start; half a line that was lost is a problem
//   "file.truncated". A file that grew beyond its old size within a second of its truncation looks
//   like one that only grew, as it does to tail.
// - EVTX, archives and JSON documents are read once, when they have not changed for a second.
// - A compressed copy of a followed file (x.log.1.gz) is passed over.
// Woken by inotify; where that does not work (network file systems), it looks every second.
[[nodiscard]] std::unique_ptr<Source> open_follow(std::vector<std::string> paths,
                                                  FilesOptions options);

}  // namespace tocsin::produce
