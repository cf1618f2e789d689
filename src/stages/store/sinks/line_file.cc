// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/line_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace tocsin::store {
namespace {

bool all_new(const SinkBatch& batch, const std::vector<std::int64_t>& admitted) {
  for (std::size_t i = 0; i < admitted.size(); ++i)
    if (admitted[i] > batch.slices[i].first) return false;
  return true;
}

UnixNanos length_of(Rotation::Every every) {
  constexpr UnixNanos kHour = 3'600'000'000'000;
  return every == Rotation::Every::kHourly ? kHour : 24 * kHour;
}

}  // namespace

Result<std::unique_ptr<LineFile>> LineFile::open(const std::string& path, LineFileOptions options) {
  TOCSIN_TRY(auto file,
             AppendFile::open(
                 path, {.header = options.header, .first = options.first, .sync = options.fsync}));
  return std::unique_ptr<LineFile>(new LineFile(path, std::move(options), std::move(file)));
}

// A file holds at least one line, and lines of one hour or day only: the last append tells which.
bool LineFile::due(const LockedTail& file) const {
  const Rotation& rotation = options_.rotation;
  if (file.size() <= static_cast<std::int64_t>(options_.header.size())) return false;
  if (rotation.bytes > 0 && file.size() >= rotation.bytes) return true;
  if (rotation.every == Rotation::Every::kNever) return false;
  const UnixNanos length = length_of(rotation.every);
  return file.modified() / length != now_ns() / length;
}

// "verdicts.csv" is put aside as "verdicts.20261127T034500Z.csv".
std::string LineFile::aside() const {
  const std::filesystem::path path(path_);
  std::string time = format_rfc3339(now_ns(), 0);
  time.erase(std::remove_if(time.begin(), time.end(), [](char c) { return c == '-' || c == ':'; }),
             time.end());
  for (int number = 1;; ++number) {
    const std::string name =
        number == 1 ? fmt::format("{}.{}{}", path.stem().string(), time, path.extension().string())
                    : fmt::format("{}.{}-{}{}", path.stem().string(), time, number,
                                  path.extension().string());
    const std::filesystem::path free = path.parent_path() / name;
    std::error_code error;
    if (!std::filesystem::exists(free, error)) return free.string();
  }
}

Status LineFile::write(const SinkBatch& batch, const Format& format) {
  // Formatted outside of every lock; the buffer lives on for the thread's next batch.
  thread_local std::string lines;
  const auto make = [&](std::span<const std::int64_t> admitted) {
    lines.clear();
    format(lines, Admission(batch, admitted));
  };
  make({});
  return file_->append([&](LockedTail& file) -> Result<std::string_view> {
    if (!file.is_file()) return lines;
    FileOffsets* offsets = nullptr;
    if (!batch.slices.empty()) {
      TOCSIN_TRY(offsets, this->offsets());
      TOCSIN_TRY_STATUS(offsets->settle(file));
    }
    if (due(file)) {
      const std::string name = aside();
      log_info("{}: {} is put aside as {}", options_.sink, path_, name);
      TOCSIN_TRY_STATUS(file.rename_to(name));
      return std::string_view();
    }
    if (offsets == nullptr) return lines;
    TOCSIN_TRY(const std::vector<std::int64_t> admitted, offsets->admit(batch));
    if (!all_new(batch, admitted)) make(admitted);
    TOCSIN_TRY_STATUS(offsets->promise(batch, admitted, file, lines.size()));
    return lines;
  });
}

Status LineFile::claim(const SinkBatch& batch) {
  return file_->append([&](LockedTail& file) -> Result<std::string_view> {
    if (!file.is_file()) return std::string_view();
    TOCSIN_TRY(FileOffsets* const offsets, this->offsets());
    TOCSIN_TRY_STATUS(offsets->settle(file));
    TOCSIN_TRY_STATUS(offsets->claim(batch));
    return std::string_view();
  });
}

// Opened when first needed: what is written without slices has none. Under the file's lock.
Result<FileOffsets*> LineFile::offsets() {
  if (!offsets_) {
    TOCSIN_TRY(offsets_, FileOffsets::open(path_ + ".offsets", options_.sink, options_.fsync));
  }
  return offsets_.get();
}

}  // namespace tocsin::store
