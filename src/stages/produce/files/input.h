// SPDX-License-Identifier: Apache-2.0
//
// What an input is, told by its content first and its name second, and the reader that fits it.
//
//   path or archive member -> open_input() -> EVTX, archive, line or document source, or why there
//   is none
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "stages/produce/files/byte_stream.h"
#include "stages/produce/files/files.h"
#include "stages/produce/files/line_source.h"
#include "stages/produce/source.h"

namespace tocsin::produce {

struct Unpacked;  // archive_source.cc

struct Input {
  std::string label;      // for people and for Origin::path: "a.zip!b.json"
  std::string name;       // decides the extension: "b.json"
  std::string path;       // of a regular file; empty when there are only bytes
  bool given = false;     // named by the user, not found in a folder: read whatever its extension
  std::size_t depth = 0;  // archives around it
  FilesOptions options;
  std::shared_ptr<Unpacked> unpacked;  // of the outermost archive around it
};

// What came of looking at an input. At most one of `source` and `problem` is set; neither: nothing
// to read in it. `wait`: too few bytes yet to tell (a pipe).
struct Opened {
  std::unique_ptr<Source> source;
  LineSource* lines = nullptr;  // `source`, when it reads line by line
  std::unique_ptr<Problem> problem;
  bool wait = false;
};

// Takes `bytes` when a source comes out of them.
[[nodiscard]] Opened open_input(const Input& input, InputBuffer& bytes);

// How a text is cut into events.
enum class Text : std::uint8_t { kLines, kDocument, kNotJson, kUnknownYet };
// `start` is UTF-8 from the file's first byte on; `complete` when it is all there is.
[[nodiscard]] Text text_shape(std::string_view start, std::string_view name, bool complete,
                              std::size_t line_bytes_max);

// Lower case and without a trailing .gz, .zst, .bz2, .xz: ".json" of "A.JSON.gz".
[[nodiscard]] std::string extension_of(std::string_view name);
[[nodiscard]] bool has_log_extension(std::string_view name);

}  // namespace tocsin::produce
