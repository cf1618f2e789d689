// SPDX-License-Identifier: Apache-2.0
#include "core/bus/embedded/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/bus/embedded/store/database.h"
#include "core/bus/embedded/store/partition_log.h"
#include "core/bus/embedded/waiter.h"

namespace tocsin::bus::embedded {
namespace {

struct Track {
  Cursor cursor;
  std::int64_t end = 0;  // when the reader was opened
};

class EmbeddedReader final : public Reader {
 public:
  EmbeddedReader(const Settings& settings, std::unique_ptr<Database> database,
                 std::vector<Track> tracks)
      : database_(std::move(database)),
        tracks_(std::move(tracks)),
        signal_(Signal::of(settings.path)) {}

  Result<Batch> poll(std::size_t messages_max, Milliseconds timeout) override {
    Waiter waiter(signal_, timeout);
    while (true) {
      BatchBuilder builder;
      for (std::size_t i = 0; i < tracks_.size() && builder.size() < messages_max; ++i)
        TOCSIN_TRY_STATUS(
            tracks_[next_++ % tracks_.size()].cursor.read(*database_, builder, messages_max));
      if (builder.size() > 0) return builder.finish();
      TOCSIN_TRY(const bool again, waiter.wait(*database_));
      if (!again) return Batch{};
    }
  }

  [[nodiscard]] bool at_end() const override {
    return std::all_of(tracks_.begin(), tracks_.end(),
                       [](const Track& t) { return t.cursor.position() >= t.end; });
  }

 private:
  std::unique_ptr<Database> database_;
  std::vector<Track> tracks_;
  std::shared_ptr<Signal> signal_;
  std::size_t next_ = 0;
};

Result<std::int64_t> start_offset(Database& database, const PartitionRow& partition,
                                  const ReadFrom& from) {
  const auto bounded = [&](std::int64_t offset) {
    return std::clamp(offset, partition.first_offset, partition.end_offset);
  };
  switch (from.kind) {
    case ReadFrom::Kind::kEarliest:
      return partition.first_offset;
    case ReadFrom::Kind::kLatest:
      return partition.end_offset;
    case ReadFrom::Kind::kOffset:
      return bounded(from.value);
    case ReadFrom::Kind::kTime:
      return offset_at(database, partition, from.value);
    case ReadFrom::Kind::kTail:
      return bounded(partition.end_offset - from.value);
  }
  return partition.first_offset;
}

}  // namespace

Result<std::unique_ptr<Reader>> open_reader(const Settings& settings, std::string topic,
                                            ReadFrom from) {
  TOCSIN_TRY(std::unique_ptr<Database> database,
             Database::open({.path = settings.path,
                             .synchronous_full = settings.synchronous_full,
                             .page_count_max = settings.page_count_max}));
  TOCSIN_TRY(const std::vector<PartitionRow> partitions, find_partitions(*database, topic));
  if (partitions.empty())
    return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", topic));
  const auto name = std::make_shared<const std::string>(std::move(topic));
  std::vector<Track> tracks;
  for (const PartitionRow& partition : partitions) {
    if (from.partition && *from.partition != partition.number) continue;
    TOCSIN_TRY(const std::int64_t start, start_offset(*database, partition, from));
    tracks.push_back({Cursor(partition.id, name, partition.number, start), partition.end_offset});
  }
  if (tracks.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("topic {} has no partition {}", *name, from.partition.value_or(0)));
  return std::make_unique<EmbeddedReader>(settings, std::move(database), std::move(tracks));
}

}  // namespace tocsin::bus::embedded
