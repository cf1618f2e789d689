// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "stages/produce/evtx/evtx.h"
#include "stages/produce/files/archive_source.h"
#include "stages/produce/files/document_source.h"
#include "stages/produce/files/encoding.h"
#include "stages/produce/files/json_extent.h"

namespace tocsin::produce {
namespace {

constexpr std::size_t kArchiveDepthMax = 4;
constexpr std::size_t kMagicBytes = 8;
constexpr std::string_view kAppleDoubleMagic("\x00\x05\x16\x07", 4);
constexpr std::string_view kBlanks = " \t\r\n";

bool is_resource_fork(std::string_view label, std::string_view start) {
  const std::size_t slash = label.find_last_of("/!");
  const std::string_view base = slash == std::string_view::npos ? label : label.substr(slash + 1);
  return label.find("__MACOSX/") != std::string_view::npos || base.starts_with("._") ||
         start.starts_with(kAppleDoubleMagic);
}

Opened problem(const Input& input, std::string code, std::string_view what, bool skipped_only) {
  Opened opened;
  opened.problem = std::make_unique<Problem>();
  opened.problem->origin.path = input.label;
  opened.problem->code = std::move(code);
  opened.problem->message = fmt::format("{}: {}", input.label, what);
  opened.problem->skipped_only = skipped_only;
  return opened;
}

Opened not_a_log(const Input& input, std::string_view what) {
  if (input.options.format != Format::kAuto && !input.given) return {};
  return problem(input, "file.not_a_log", what, true);
}

enum class Look : std::uint8_t { kEnough, kComplete, kWait, kFailed };

// Reads until `enough(what is unread)`.
template <class Enough>
Look look(InputBuffer& bytes, std::optional<Error>& error, Enough&& enough) {
  while (!enough(bytes.unread())) {
    Result<bool> more = bytes.fill();
    if (more && *more) continue;
    if (more) return Look::kComplete;
    if (more.error().code == ErrorCode::kUnavailable) return Look::kWait;
    error = std::move(more).error();
    return Look::kFailed;
  }
  return Look::kEnough;
}

Opened open_evtx_input(const Input& input, InputBuffer& bytes) {
  if (input.options.format == Format::kJson) return not_a_log(input, "this is EVTX, not JSON");
  const std::size_t limit = input.options.evtx_bytes_max;
  if (input.path.empty()) {
    std::optional<Error> error;
    const Look seen =
        look(bytes, error, [&](std::string_view have) { return have.size() > limit; });
    if (seen == Look::kWait) return {.source = nullptr, .problem = nullptr, .wait = true};
    if (seen == Look::kEnough)
      return problem(input, "file.unreadable",
                     fmt::format("larger than {} bytes; unpack it first", limit), false);
  }
  Result<std::unique_ptr<Source>> source =
      input.path.empty() ? open_evtx_bytes(input.label, std::string(bytes.unread()))
                         : open_evtx(input.path);
  Opened opened;
  if (source) {
    opened.source = *std::move(source);
    return opened;
  }
  const bool other = source.error().code == ErrorCode::kInvalid;
  opened = problem(input, other ? "evtx.bad_header" : "file.unreadable", "", false);
  opened.problem->message = source.error().message;  // begins with the name
  return opened;
}

// Whether `bytes` must be looked at further in to know an EVTX whose file header is damaged. Text
// that comes from a stream is not kept waiting for that.
bool look_for_chunk(const Input& input, std::string_view start) {
  const bool stream = input.path.empty() && input.depth == 0;
  return !stream || start.substr(0, kMagicBytes).find('\0') != std::string_view::npos;
}

bool is_event_line(std::string_view line) {
  const std::size_t at = line.find_first_not_of(kBlanks);
  if (at == std::string_view::npos || line[at] != '{') return false;
  const std::size_t second = line.find_first_not_of(kBlanks, at + 1);
  return second != std::string_view::npos && line[second] == '"' && is_one_json_value(line);
}

// A log that was rotated or cut begins with half a line: whether most of the lines behind it are
// events.
bool events_follow(std::string_view start, bool complete) {
  std::size_t events = 0, others = 0;
  for (std::size_t at = start.find('\n'); at != std::string_view::npos;) {
    const std::size_t end = start.find('\n', ++at);
    if (end == std::string_view::npos && !complete) break;
    const std::string_view line = start.substr(at, end == std::string_view::npos ? end : end - at);
    if (line.find_first_not_of(kBlanks) != std::string_view::npos)
      ++(is_event_line(line) ? events : others);
    at = end;
  }
  return events > others;
}

// Looks at the first lines, too, of a text that does not begin as JSON.
bool begins_with_half_a_line(InputBuffer& bytes) {
  constexpr std::ptrdiff_t kLines = 9;
  constexpr std::size_t kBytes = 1u << 20;
  std::optional<Error> ignored;
  const Look seen = look(bytes, ignored, [](std::string_view have) {
    return have.size() >= kBytes || std::count(have.begin(), have.end(), '\n') >= kLines;
  });
  return events_follow(bytes.unread().substr(0, kBytes), seen != Look::kEnough);
}

Opened open_text(const Input& input, InputBuffer& bytes, bool known_extension) {
  const Encoding encoding = encoding_of(bytes.unread());
  bytes = to_utf8(std::move(bytes), encoding);
  Text shape = Text::kUnknownYet;
  std::optional<Error> error;
  const auto decide = [&](std::string_view have, bool complete) {
    shape = text_shape(have, input.name, complete, input.options.line_bytes_max);
    return shape != Text::kUnknownYet;
  };
  const Look seen = look(bytes, error, [&](std::string_view have) { return decide(have, false); });
  if (seen == Look::kWait) return {.source = nullptr, .problem = nullptr, .wait = true};
  if (seen != Look::kEnough) decide(bytes.unread(), true);

  const bool stream = input.path.empty() && input.depth == 0;
  if (shape == Text::kNotJson) {
    if (stream || (input.given && input.options.format == Format::kJson)) {
      shape = Text::kLines;
    } else if (extension_of(input.name) == ".json") {
      shape = Text::kDocument;
    } else if (begins_with_half_a_line(bytes)) {
      shape = Text::kLines;
    } else {
      return not_a_log(input, known_extension
                                  ? "passed over: this text is not JSON"
                                  : "passed over: not a log that is read here (EVTX, JSON, JSON "
                                    "lines, or gz, zst, zip of these)");
    }
  }
  Opened opened;
  if (shape == Text::kLines) {
    auto lines = std::make_unique<LineSource>(
        input.label, std::move(bytes),
        LineOptions{input.options.line_bytes_max, input.options.follow && !input.path.empty()});
    opened.lines = lines.get();
    opened.source = std::move(lines);
  } else {
    opened.source = std::make_unique<DocumentSource>(input.label, std::move(bytes),
                                                     input.options.line_bytes_max);
  }
  return opened;
}

}  // namespace

Opened open_input(const Input& input, InputBuffer& bytes) {
  std::optional<Error> error;
  const Look seen =
      look(bytes, error, [](std::string_view have) { return have.size() >= kMagicBytes; });
  if (seen == Look::kWait) return {.source = nullptr, .problem = nullptr, .wait = true};
  const std::string_view start = bytes.unread();
  if (start.empty() && seen == Look::kFailed) {
    Opened opened;
    opened.problem = std::make_unique<Problem>(stream_problem(*error, input.label, 0, 0));
    return opened;
  }
  if (is_resource_fork(input.label, start))
    return not_a_log(input, "passed over: a macOS resource fork, not a log");
  if (start.empty()) return problem(input, "file.empty", "the file is empty", true);
  if (looks_like_evtx(start)) return open_evtx_input(input, bytes);
  if (looks_like_archive(start)) {
    if (input.depth >= kArchiveDepthMax)
      return problem(input, "archive.too_deep", "archives nested too deep", false);
    Opened opened;
    opened.source = input.path.empty() ? open_archive_stream(input, std::move(bytes))
                                       : open_archive_file(input);
    return opened;
  }
  if (look_for_chunk(input, start) && look(bytes, error, [](std::string_view have) {
                                        return have.size() >= kEvtxLookBytes;
                                      }) == Look::kWait)
    return {.source = nullptr, .problem = nullptr, .wait = true};
  if (extension_of(input.name) == ".evtx" || looks_like_evtx(bytes.unread()))
    return open_evtx_input(input, bytes);
  const bool known = has_log_extension(input.name);
  if (input.options.format == Format::kEvtx) return not_a_log(input, "passed over: not EVTX");
  if (!known && !input.given) return not_a_log(input, "passed over: not a log that is read here");
  return open_text(input, bytes, known);
}

Text text_shape(std::string_view start, std::string_view name, bool complete,
                std::size_t line_bytes_max) {
  const std::string extension = extension_of(name);
  if (extension == ".jsonl" || extension == ".ndjson") return Text::kLines;
  const std::size_t at = start.find_first_not_of(kBlanks);
  if (at == std::string_view::npos) return complete ? Text::kLines : Text::kUnknownYet;
  start.remove_prefix(at);
  if (start[0] != '{' && start[0] != '[') return Text::kNotJson;
  const std::size_t second = start.find_first_not_of(kBlanks, 1);
  if (second != std::string_view::npos) {
    const std::string_view allowed = start[0] == '{' ? "\"}" : "{[]";
    if (allowed.find(start[second]) == std::string_view::npos) return Text::kNotJson;
  }
  if (start[0] == '[' || starts_records(start)) return Text::kDocument;
  const std::size_t newline = start.find('\n');
  if (newline == std::string_view::npos && !complete)
    return start.size() > line_bytes_max ? Text::kDocument : Text::kUnknownYet;
  return is_one_json_value(start.substr(0, newline)) ? Text::kLines : Text::kDocument;
}

std::string extension_of(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const std::string_view packed : {".gz", ".zst", ".bz2", ".xz"}) {
    if (!lower.ends_with(packed)) continue;
    lower.resize(lower.size() - packed.size());
    break;
  }
  const std::size_t dot = lower.find_last_of("./");
  return dot == std::string::npos || lower[dot] == '/' ? std::string() : lower.substr(dot);
}

bool has_log_extension(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKnown = {".json", ".jsonl", ".ndjson", ".log",
                                                      ".evtx"};
  return std::find(kKnown.begin(), kKnown.end(), extension_of(name)) != kKnown.end();
}

}  // namespace tocsin::produce
