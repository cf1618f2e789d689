// SPDX-License-Identifier: Apache-2.0
//
// What a path that the user gave stands for: itself, or the files below it.
//
//   "logs/" -> find_files() -> logs/a.evtx, logs/b/c.json, ... in a stable order
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::produce {

struct FoundFile {
  std::string path;         // "-" is standard input
  std::uint64_t bytes = 0;  // 0 for a stream
  bool given = false;       // named by the user, not found in a folder
  bool is_stream = false;   // standard input, a pipe, a device: can be read once, from front to end
  std::string error = {};   // set: it cannot be read, and why
};

// Appends what `path` stands for. A folder's entries come by name (byte order), folders among them;
// links to folders are not followed, and sockets, pipes and devices inside folders are left out.
void find_files(const std::string& path, std::vector<FoundFile>& files);

}  // namespace tocsin::produce
