// SPDX-License-Identifier: Apache-2.0
//
// ArchiveSource: the events of every member of a zip or tar, or of one compressed file.
//
//   libarchive -> member bytes -> open_input() -> events with origin "archive.zip!member.json"
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "stages/produce/files/byte_stream.h"
#include "stages/produce/files/input.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

// True for the first bytes of zip, gzip, zstd, bzip2 and xz.
[[nodiscard]] bool looks_like_archive(std::string_view first_bytes);

// A file on disk is read by its path, because a zip is best read from its directory at the end;
// anything else as a stream. Errors inside come out as problems.
[[nodiscard]] std::unique_ptr<Source> open_archive_file(Input input);
[[nodiscard]] std::unique_ptr<Source> open_archive_stream(Input input, InputBuffer bytes);

}  // namespace tocsin::produce
