// SPDX-License-Identifier: Apache-2.0
//
// EVTX, the Windows event log file, as a Source of events in the JSON of the `evtx` crate's
// evtx_dump.
//
//   file or bytes -> open_evtx() -> Source -> RawEvent {"Event":{"System":..,"EventData":..}} |
//   Problem
//
// Problem codes: evtx.bad_header (the file header; the chunks are read), evtx.bad_chunk (64 KiB
// without a usable chunk header), evtx.bad_checksum (its records were changed; skipped_only, as
// nothing is lost), evtx.bad_record (a record that cannot be found or decoded), evtx.truncated (the
// file ends early), evtx.unreadable (the system refuses to read). What stands before and after
// still comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

// Whether a file that begins so is an EVTX: "ElfFile" and a NUL, or a chunk. 8 bytes are enough for
// a whole one; one whose file header is damaged is known by its first chunk, kEvtxLookBytes in.
inline constexpr std::size_t kEvtxLookBytes = 4096 + 8;
[[nodiscard]] bool looks_like_evtx(std::string_view first_bytes);

// Errors: kNotFound, kUnavailable (the file cannot be opened or read), kInvalid (empty, or without
// file header and chunks). Events come oldest chunk first, as Windows reads a log that has wrapped
// around. Memory: one chunk; the file is read as the events are asked for.
[[nodiscard]] Result<std::unique_ptr<Source>> open_evtx(std::string path);

// A stretch of a file's chunks.
struct EvtxRange {
  std::uint64_t begin = 0, end = 0;  // bytes; `begin` is a chunk's
  bool first = true;                 // tells what is wrong with the file header
};
// Cuts the file into ranges of about `bytes` that, opened one after another, give what the whole
// gives.
[[nodiscard]] Result<std::vector<EvtxRange>> split_evtx(const std::string& path,
                                                        std::uint64_t bytes);
[[nodiscard]] Result<std::unique_ptr<Source>> open_evtx(std::string path, const EvtxRange& range);

// The same for a file that is in memory (a member of an archive); `path_label` becomes origin.path.
[[nodiscard]] Result<std::unique_ptr<Source>> open_evtx_bytes(std::string path_label,
                                                              std::string bytes);

}  // namespace tocsin::produce
