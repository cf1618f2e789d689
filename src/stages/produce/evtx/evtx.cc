// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/evtx.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "stages/produce/evtx/binxml/bytes.h"
#include "stages/produce/evtx/binxml/renderer.h"
#include "stages/produce/evtx/chunk.h"
#include "stages/produce/evtx/file_bytes.h"

namespace tocsin::produce {
namespace evtx {
namespace {

constexpr std::string_view kFileMagic{"ElfFile\0", 8};
constexpr std::size_t kFileHeaderSize = 4096;
constexpr std::size_t kFlagsOffset = 120;
constexpr std::uint32_t kFlagsUnsealed = 1 | 4;  // not closed cleanly, or without checksums
constexpr std::size_t kProblemBytesMax = 65536;

bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// The EventRecordID that the event itself states: in an exported log the records are numbered anew
// and only the event keeps its own. `fallback` when it states none.
std::uint64_t event_record_id(std::string_view json, std::uint64_t fallback) {
  constexpr std::string_view kKey =
      R"("EventRecordID":)";  // no value can hold it: quotes are escaped
  const std::size_t at = json.find(kKey);
  if (at == std::string_view::npos) return fallback;
  const char* begin = json.data() + at + kKey.size();
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(begin, json.data() + json.size(), id);
  return error == std::errc() && end != begin ? id : fallback;
}

// A stretch of the file that is read from begin to end.
struct Segment {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class EvtxSource final : public Source {
 public:
  EvtxSource(std::string path, FileBytes file) : path_(std::move(path)), file_(std::move(file)) {}

  // Reads the file header and finds the oldest chunk, or takes the range that it is told to read.
  Status start(const EvtxRange* range = nullptr) {
    TOCSIN_TRY(const std::string_view header, file_.read(0, kFileHeaderSize + kChunkHeaderSize));
    if (header.empty())
      return fail(ErrorCode::kInvalid, fmt::format("{}: the file is empty", path_));
    const bool header_ok = header.starts_with(kFileMagic);
    dirty_ = header.size() >= kFileHeaderSize &&
             (load<std::uint32_t>(header, kFlagsOffset) & kFlagsUnsealed) != 0;
    if (file_.size() < kFileHeaderSize && header_ok)
      note(0, "evtx.truncated", "the file ends inside its header: it holds no events", header);
    if (!header_ok) TOCSIN_TRY_STATUS(do_without_header());
    if (range != nullptr)
      restrict_to(*range);
    else
      order_segments();
    return {};
  }

  // After start(): the ranges in the order of reading.
  std::vector<EvtxRange> split(std::uint64_t bytes) {
    std::vector<EvtxRange> ranges;
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
      std::uint64_t begin = segment->begin;
      for (std::uint64_t at = begin + kChunkSize; at < segment->end; at += kChunkSize) {
        if (at - begin < bytes || !begins_chunk(at)) continue;
        ranges.push_back({begin, at, ranges.empty()});
        begin = at;
      }
      if (begin < segment->end) ranges.push_back({begin, segment->end, ranges.empty()});
    }
    return ranges;
  }

  Next next(RawEvent& event, Problem& problem) override {
    for (;;) {
      if (noted_) {
        problem = *std::move(noted_);
        noted_.reset();
        return Next::kProblem;
      }
      if (in_chunk_) {
        if (next_record(event)) return Next::kEvent;
      } else if (!next_chunk()) {
        return Next::kEnd;
      }
    }
  }

  SourceProgress progress() const override {
    return {.bytes_done = std::min(bytes_done_, file_.size()), .bytes_total = file_.size()};
  }

 private:
  // The chunks say enough by themselves; the first that is there tells where they lie.
  Status do_without_header() {
    TOCSIN_TRY(const std::optional<std::uint64_t> chunk, find_chunk());
    if (!chunk)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: not an EVTX file: it holds neither ElfFile nor a chunk", path_));
    chunks_at_ = *chunk % kChunkSize;
    if (chunks_at_ != kFileHeaderSize) dirty_ = false;  // what was read is no header
    bytes_done_ = chunks_at_;
    TOCSIN_TRY(const std::string_view header, file_.read(0, chunks_at_));
    note(0, "evtx.bad_header",
         fmt::format("the file header is {}; its chunks are read all the same",
                     chunks_at_ == 0 ? "missing" : "damaged"),
         header);
    return {};
  }

  // The first place that begins like a chunk, wherever it is; else one whose header is gone.
  Result<std::optional<std::uint64_t>> find_chunk() {
    for (std::uint64_t at = 0; at < file_.size(); at += kChunkSize) {
      TOCSIN_TRY(const std::string_view bytes, file_.read(at, kChunkSize + kChunkMagic.size() - 1));
      const std::size_t found = bytes.find(kChunkMagic);
      if (found != std::string_view::npos) return at + found;
    }
    for (const std::uint64_t at : {std::uint64_t{kFileHeaderSize}, std::uint64_t{0}}) {
      TOCSIN_TRY(const std::string_view bytes, file_.read(at, kChunkSize));
      if (is_record(bytes, kChunkHeaderSize, bytes.size())) return at;
    }
    return std::nullopt;
  }

  void restrict_to(const EvtxRange& range) {
    segments_ = {{range.begin, range.end}};
    if (range.first) return;
    noted_.reset();
    bytes_done_ = 0;
  }

  // A log that has wrapped around begins in the middle: at the chunk with the lowest record id.
  void order_segments() {
    std::uint64_t oldest_at = chunks_at_;
    std::uint64_t oldest_id = std::numeric_limits<std::uint64_t>::max();
    for (std::uint64_t at = chunks_at_; at < file_.size(); at += kChunkSize) {
      const auto bytes = file_.read(at, kChunkHeaderSize);
      if (!bytes) break;
      const ChunkHeader header = read_chunk_header(*bytes);
      if (!header.has_magic || header.first_record_id >= oldest_id) continue;
      if (header.free_space == kChunkHeaderSize) continue;  // holds no record
      oldest_id = header.first_record_id;
      oldest_at = at;
    }
    if (oldest_at != chunks_at_) segments_.push_back({chunks_at_, oldest_at});
    segments_.push_back({oldest_at, std::max<std::uint64_t>(file_.size(), oldest_at)});
  }

  bool begins_chunk(std::uint64_t at) {
    const auto bytes = file_.read(at, kChunkMagic.size());
    return bytes && *bytes == kChunkMagic;
  }

  // Loads the next chunk of the file; false at its end. A place without one is noted and skipped.
  bool next_chunk() {
    while (!segments_.empty() && segments_.back().begin >= segments_.back().end)
      segments_.pop_back();
    if (segments_.empty()) return false;
    Segment& segment = segments_.back();
    chunk_at_ = segment.begin;
    const auto bytes = file_.read(chunk_at_, kChunkSize);
    if (!bytes || bytes->empty()) {
      note(chunk_at_, "evtx.unreadable",
           bytes ? "the file has become shorter" : bytes.error().message, {});
      segments_.clear();
      return true;
    }
    chunk_ = *bytes;
    const ChunkHeader header = read_chunk_header(chunk_);
    std::size_t size = std::min(chunk_.size(), kChunkSize);
    if (header.has_magic)
      enter_chunk(header);
    else
      size = skip_damaged_chunk(size);
    segment.begin += size;
    bytes_done_ += size;
    return true;
  }

  void enter_chunk(const ChunkHeader& header) {
    const bool sane = header.free_space_is_sane();
    if (!sane)
      note(chunk_at_, "evtx.bad_chunk",
           fmt::format("the chunk's header says its records end at {}: reading until they do",
                       header.free_space),
           chunk_.substr(0, kChunkHeaderSize));
    else if (header.free_space > chunk_.size())
      note(chunk_at_ + chunk_.size(), "evtx.truncated",
           fmt::format("the file ends {} bytes before the records of its last chunk do",
                       header.free_space - chunk_.size()),
           {});
    else if (!dirty_ && !checksum_holds(chunk_, header))
      note_changed_chunk();
    walk(sane ? header.free_space : chunk_.size(), sane && header.free_space <= chunk_.size());
  }

  // Nothing is lost by it, so it is told and not counted as an error.
  void note_changed_chunk() {
    note(chunk_at_, "evtx.bad_checksum",
         "the records of this chunk were changed after Windows wrote them; they are read all the "
         "same",
         {});
    noted_->skipped_only = true;
  }

  void walk(std::size_t end, bool end_known) {
    walker_ = ChunkWalker(chunk_, end, end_known);
    renderer_.begin_chunk(chunk_);
    in_chunk_ = true;
  }

  // Not a chunk by its magic: unused space, a chunk whose header alone is gone, or garbage. Returns
  // how much of it to skip.
  std::size_t skip_damaged_chunk(std::size_t size) {
    if (all_zero(chunk_)) return size;
    if (is_record(chunk_, kChunkHeaderSize, chunk_.size())) {
      note(chunk_at_, "evtx.bad_chunk", "the chunk's header is damaged; its records are read",
           chunk_.substr(0, kChunkHeaderSize));
      walk(chunk_.size(), false);
      return size;
    }
    size = std::min(size, chunk_.find(kChunkMagic, 1));
    note(chunk_at_, "evtx.bad_chunk", fmt::format("{} bytes hold no chunk and were skipped", size),
         chunk_.substr(0, size));
    return size;
  }

  // True: `event` is the next record of the chunk. False: something was noted, or the chunk is
  // done.
  bool next_record(RawEvent& event) {
    const ChunkWalker::Step step = walker_.next();
    const RecordSpan span = walker_.span();
    if (step == ChunkWalker::Step::kEnd) {
      in_chunk_ = false;
      return false;
    }
    const std::string_view bytes = chunk_.substr(span.begin, span.end - span.begin);
    if (step == ChunkWalker::Step::kDamage) {
      note(chunk_at_ + span.begin, "evtx.bad_record",
           fmt::format("{} bytes hold no whole record and were skipped", bytes.size()), bytes);
      return false;
    }
    const auto json =
        renderer_.render(span.begin + kRecordHeaderSize, span.end - kRecordTrailerSize);
    if (!json) {
      note(chunk_at_ + span.begin, "evtx.bad_record",
           fmt::format("record {} cannot be decoded: {}", span.id, json.error().message), bytes);
      noted_->origin.record_id = span.id;
      return false;
    }
    event.json.assign(*json);
    event.origin.path = path_;
    event.origin.line = 0;
    event.origin.record_id = event_record_id(event.json, span.id);
    event.truth = {};
    return true;
  }

  void note(std::uint64_t offset, std::string_view code, std::string_view message,
            std::string_view bytes) {
    Problem problem;
    problem.origin.path = path_;
    problem.byte_offset = offset;
    problem.code = code;
    problem.message = fmt::format("{} at byte {}: {}", path_, offset, message);
    problem.bytes = bytes.substr(0, kProblemBytesMax);
    noted_ = std::move(problem);
  }

  std::string path_;
  FileBytes file_;
  std::vector<Segment> segments_;              // what is left to read, the last one first
  std::uint64_t chunks_at_ = kFileHeaderSize;  // where the first one stands, or would
  std::uint64_t bytes_done_ = kFileHeaderSize;
  bool dirty_ = false;  // Windows had it open: its checksums lag behind its records

  std::string_view chunk_;  // in file_'s buffer
  std::uint64_t chunk_at_ = 0;
  bool in_chunk_ = false;
  ChunkWalker walker_;
  Renderer renderer_;
  std::optional<Problem> noted_;
};

Result<std::unique_ptr<Source>> started(std::unique_ptr<EvtxSource> source) {
  TOCSIN_TRY_STATUS(source->start());
  return source;
}

}  // namespace
}  // namespace evtx

bool looks_like_evtx(std::string_view first_bytes) {
  if (first_bytes.starts_with(evtx::kFileMagic) || first_bytes.starts_with(evtx::kChunkMagic))
    return true;
  return first_bytes.size() >= kEvtxLookBytes &&
         first_bytes.substr(evtx::kFileHeaderSize).starts_with(evtx::kChunkMagic);
}

Result<std::unique_ptr<Source>> open_evtx(std::string path) {
  TOCSIN_TRY(auto file, evtx::FileBytes::open(path));
  return evtx::started(std::make_unique<evtx::EvtxSource>(std::move(path), std::move(file)));
}

Result<std::vector<EvtxRange>> split_evtx(const std::string& path, std::uint64_t bytes) {
  TOCSIN_TRY(auto file, evtx::FileBytes::open(path));
  evtx::EvtxSource source(path, std::move(file));
  TOCSIN_TRY_STATUS(source.start());
  return source.split(bytes);
}

Result<std::unique_ptr<Source>> open_evtx(std::string path, const EvtxRange& range) {
  TOCSIN_TRY(auto file, evtx::FileBytes::open(path));
  auto source = std::make_unique<evtx::EvtxSource>(std::move(path), std::move(file));
  TOCSIN_TRY_STATUS(source->start(&range));
  return source;
}

Result<std::unique_ptr<Source>> open_evtx_bytes(std::string path_label, std::string bytes) {
  return evtx::started(
      std::make_unique<evtx::EvtxSource>(std::move(path_label), evtx::FileBytes(std::move(bytes))));
}

}  // namespace tocsin::produce
