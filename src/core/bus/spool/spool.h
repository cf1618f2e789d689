// SPDX-License-Identifier: Apache-2.0
//
// Spool: records that wait on the local disk, first in first out, until they are on the bus.
//
//   append() -> FOLDER/0000000001.seg, ... -> next() -> acknowledge() -> segments deleted
//
// A segment is a row of frames: length, CRC-32C of the payload, payload. FOLDER/done says up to
// where records were acknowledged; FOLDER/lock names the process that has the spool.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/bus/spool/record_bytes.h"

namespace tocsin::bus::spool {

struct SpoolOptions {
  std::string folder;
  std::uint64_t bytes_max = 1ULL << 30;  // of all segments together
};

// Where reading or acknowledging is: behind a record. Places are ordered.
struct Place {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const Place&) const = default;
};

struct SpoolState {
  std::uint64_t records = 0;        // not acknowledged
  std::uint64_t bytes = 0;          // on the disk, acknowledged ones not yet deleted among them
  UnixNanos oldest = 0;             // when the first of them was spooled; 0: none
  std::uint64_t damaged_bytes = 0;  // could not be read; kept beside as NAME.damaged
};

// Ownership: owns the folder while it is open: one process at a time.
// Threads:   externally synchronised.
// Errors:    append() writes a record whole or not at all: kExhausted when the spool or the disk is
//            full. A process may be killed at any moment; what append() has returned for is there
//            when the spool is opened again. A power cut may take what came after the last sync().
class Spool {
 public:
  // kStale when another process has it.
  [[nodiscard]] static Result<std::unique_ptr<Spool>> open(SpoolOptions options);
  // Deletes the folder when nothing waits in it.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // The place behind the new record.
  [[nodiscard]] Result<Place> append(std::string_view topic, const Record& record,
                                     UnixNanos spooled_at);
  // The next record that was not read yet, and the place behind it. False at the end.
  [[nodiscard]] Result<bool> next(SpooledRecord& record, Place& behind);
  // Records that next() would give.
  [[nodiscard]] std::uint64_t unread() const { return unread_; }
  // Records that are not acknowledged.
  [[nodiscard]] std::uint64_t unacknowledged() const { return unacknowledged_; }
  // Whoever appended them has them already: next() gives none of those that are there now.
  void skip_unread();

  // The first `records` that were not acknowledged, up to `behind`, are on the bus.
  void acknowledge(Place behind, std::uint64_t records);
  // Makes all of it last: appended records also through a power cut, acknowledgements through the
  // death of the process.
  [[nodiscard]] Status sync();

  [[nodiscard]] SpoolState state() const;
  [[nodiscard]] const std::string& folder() const { return options_.folder; }

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };

  Spool(SpoolOptions options, int lock) : options_(std::move(options)), lock_(lock) {}
  [[nodiscard]] Status recover();
  [[nodiscard]] Status scan(Segment& segment, bool last);
  [[nodiscard]] Status open_writer();
  [[nodiscard]] Status write_frame();
  void load_done();
  [[nodiscard]] Status store_done();
  void delete_finished();
  void enter_next_segment();
  [[nodiscard]] std::string path_of(std::uint64_t segment) const;

  const SpoolOptions options_;
  int lock_ = -1;
  int writer_ = -1;  // of the last segment
  int reader_ = -1;  // of the segment of read_
  std::deque<Segment> segments_;
  Place read_;         // where next() goes on
  Place done_;         // everything before it is acknowledged
  Place stored_done_;  // the same as the file has it
  std::uint64_t bytes_ = 0;
  std::uint64_t unread_ = 0;
  std::uint64_t unacknowledged_ = 0;
  std::uint64_t damaged_bytes_ = 0;
  bool unsynced_ = false;
  std::string frame_;
};

// What waits in a spool, for people who look; nothing is changed. `owner`: the process that has it
// open, 0 when none has.
struct SpoolReport {
  std::string folder;
  SpoolState state;
  int owner = 0;
};
[[nodiscard]] Result<SpoolReport> inspect(const std::string& folder);

}  // namespace tocsin::bus::spool
