// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "evtx_builder.h"
#include "read_all.h"

namespace tocsin::produce::evtx::test {
namespace {

using Ids = std::vector<std::uint64_t>;

std::string chunk_of(std::uint64_t first, std::uint64_t last) {
  ChunkBuilder chunk;
  for (std::uint64_t id = first; id <= last; ++id) add_simple_record(chunk, id);
  return chunk.build();
}

// Records 1-3, 4-6 and 7-9 in three chunks.
std::string three_chunks() { return build_file({chunk_of(1, 3), chunk_of(4, 6), chunk_of(7, 9)}); }

constexpr std::size_t chunk_at(std::size_t index) { return kFileHeaderBytes + index * kChunkBytes; }

// Of the record with this 0-based index in a chunk of records 1-9, which all have one size.
std::size_t record_at(std::size_t chunk, std::size_t index) {
  ChunkBuilder one;
  add_simple_record(one, 1);
  const std::size_t first = one.position() - 512;
  add_simple_record(one, 2);
  const std::size_t later = one.position() - 512 - first;  // names are by offset from the second on
  return chunk_at(chunk) + 512 + (index == 0 ? 0 : first + (index - 1) * later);
}

struct Case {
  std::string_view name;
  std::function<void(std::string&)> damage;
  Ids want;
  std::vector<std::string> codes;
  std::size_t offset = 0;  // of the first problem
};

const Case kCases[] = {
    {"nothing", [](std::string&) {}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {}},
    {"file header says there is one chunk",
     [](std::string& f) {
       patch(f, 42, std::uint16_t{1});
       patch(f, 16, std::uint64_t{0});
     },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {}},
    {"dirty file with stale checksums",
     [](std::string& f) {
       patch(f, 120, std::uint32_t{1});
       patch(f, chunk_at(1) + 52, std::uint32_t{0});
     },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {}},
    {"changed records in a closed file",
     [](std::string& f) { patch(f, chunk_at(1) + 52, std::uint32_t{0}); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_checksum"},
     chunk_at(1)},
    {"file header gone",
     [](std::string& f) { f.replace(0, 4096, 4096, 'x'); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_header"},
     0},
    {"one byte of the file header",
     [](std::string& f) { f[0] = '\0'; },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_header"},
     0},
    {"file header and first chunk gone",
     [](std::string& f) { f.replace(0, chunk_at(1), chunk_at(1), '\xAA'); },
     {4, 5, 6, 7, 8, 9},
     {"evtx.bad_header", "evtx.bad_chunk"},
     0},
    {"file header missing",
     [](std::string& f) { f.erase(0, chunk_at(0)); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_header"},
     0},
    {"first 1,000 bytes missing",
     [](std::string& f) { f.erase(0, 1000); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_header"},
     0},
    {"file header missing, and the header of the only chunk left",
     [](std::string& f) { f = std::string(512, 'x') + f.substr(chunk_at(2) + 512); },
     {7, 8, 9},
     {"evtx.bad_header", "evtx.bad_chunk"},
     0},
    {"unused chunk",
     [](std::string& f) { f.replace(chunk_at(1), kChunkBytes, kChunkBytes, '\0'); },
     {1, 2, 3, 7, 8, 9},
     {}},
    {"chunk overwritten",
     [](std::string& f) { f.replace(chunk_at(1), kChunkBytes, kChunkBytes, 'x'); },
     {1, 2, 3, 7, 8, 9},
     {"evtx.bad_chunk"},
     chunk_at(1)},
    {"chunk header overwritten",
     [](std::string& f) { f.replace(chunk_at(1), 512, 512, 'x'); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_chunk"},
     chunk_at(1)},
    {"chunk whose end is unknown",
     [](std::string& f) { patch(f, chunk_at(1) + 48, std::uint32_t{99999}); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_chunk"},
     chunk_at(1)},
    {"100 bytes too many before a chunk",
     [](std::string& f) { f.insert(chunk_at(1), 100, 'x'); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_chunk"},
     chunk_at(1)},
    {"record magic",
     [](std::string& f) { f[record_at(1, 1)] = 'x'; },
     {1, 2, 3, 4, 6, 7, 8, 9},
     {"evtx.bad_checksum", "evtx.bad_record"},
     chunk_at(1)},
    {"record size",
     [](std::string& f) { patch(f, record_at(1, 1) + 4, std::uint32_t{50000}); },
     {1, 2, 3, 4, 6, 7, 8, 9},
     {"evtx.bad_checksum", "evtx.bad_record"},
     chunk_at(1)},
    {"record's second size alone",
     [](std::string& f) { f[record_at(1, 2) - 4] ^= 1; },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {"evtx.bad_checksum"},
     chunk_at(1)},
    {"record's BinXML",
     [](std::string& f) { f[record_at(1, 1) + 28] = 0x7F; },
     {1, 2, 3, 4, 6, 7, 8, 9},
     {"evtx.bad_checksum", "evtx.bad_record"},
     chunk_at(1)},
    {"records behind the used space stay dropped",
     [](std::string& f) {
       patch(f, chunk_at(2) + 48, static_cast<std::uint32_t>(record_at(2, 1) - chunk_at(2)));
       patch(f, 120, std::uint32_t{1});
     },
     {1, 2, 3, 4, 5, 6, 7},
     {}},
    {"cut between chunks", [](std::string& f) { f.resize(chunk_at(2)); }, {1, 2, 3, 4, 5, 6}, {}},
    {"cut behind the used space",
     [](std::string& f) { f.resize(record_at(2, 3)); },
     {1, 2, 3, 4, 5, 6, 7, 8, 9},
     {}},
    {"cut in a record",
     [](std::string& f) { f.resize(record_at(2, 1) + 20); },
     {1, 2, 3, 4, 5, 6, 7},
     {"evtx.truncated"},
     0},
    {"cut in a chunk header",
     [](std::string& f) { f.resize(chunk_at(2) + 60); },
     {1, 2, 3, 4, 5, 6},
     {"evtx.bad_chunk"},
     chunk_at(2)},
    {"cut in the file header", [](std::string& f) { f.resize(200); }, {}, {"evtx.truncated"}, 0},
    {"only the file header", [](std::string& f) { f.resize(4096); }, {}, {}},
};

}  // namespace

TEST_CASE("evtx: damage costs what is damaged, and is told with its place") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    std::string file = three_chunks();
    c.damage(file);
    const Outcome outcome = read_bytes(file);
    CHECK(outcome.error.empty());
    CHECK(outcome.ids() == c.want);
    std::vector<std::string> codes;
    for (const Problem& problem : outcome.problems) {
      codes.push_back(problem.code);
      CHECK(problem.origin.path == "test.evtx");
      CHECK(problem.message.find("test.evtx at byte") == 0);
      CHECK(problem.skipped_only == (problem.code == "evtx.bad_checksum"));
      // The bytes are those of the file at that place.
      CHECK(file.compare(problem.byte_offset, problem.bytes.size(), problem.bytes) == 0);
    }
    CHECK(codes == c.codes);
    if (c.offset != 0 && !outcome.problems.empty())
      CHECK(outcome.problems[0].byte_offset == c.offset);
  }
}

TEST_CASE("evtx: a record that cannot be decoded is told with its id, place and bytes") {
  std::string file = three_chunks();
  const std::size_t begin = record_at(1, 1);
  const std::size_t end = record_at(1, 2);
  file[begin + 28] = 0x7F;
  const Outcome outcome = read_bytes(file);
  REQUIRE(outcome.problems.size() == 2);
  const Problem& problem = outcome.problems[1];
  CHECK(problem.byte_offset == begin);
  CHECK(problem.origin.record_id == 5);
  CHECK(problem.bytes == file.substr(begin, end - begin));
}

TEST_CASE("evtx: a log that has wrapped around is read oldest first") {
  const Outcome outcome =
      read_bytes(build_file({chunk_of(7, 8), chunk_of(9, 9), chunk_of(1, 3), chunk_of(4, 6)}));
  CHECK(outcome.ids() == Ids{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(outcome.problems.empty());
}

TEST_CASE("evtx: a damaged template costs the records that use it") {
  ChunkBuilder chunk;
  std::size_t body = 0;
  add_simple_record(chunk, 1);
  chunk.record(2, [&](ChunkBuilder& record) {
    record.fragment().instance(
        [&](ChunkBuilder& form) {
          body = form.position();
          form.open("Event").close_start().slot_element("A", 0).end();
        },
        {text_value("x")});
  });
  chunk.record(3,
               [](ChunkBuilder& record) { record.fragment().instance_again({text_value("y")}); });
  add_simple_record(chunk, 4);
  chunk.bytes()[body] = 0x7F;
  const Outcome outcome = read_bytes(build_file({chunk.build()}));
  CHECK(outcome.ids() == Ids{1, 4});
  CHECK(outcome.problems.size() == 2);
}

TEST_CASE("evtx: no single damaged byte crashes it or costs more than its chunk") {
  const std::string good = build_file({chunk_of(1, 2), chunk_of(3, 3)});
  const std::size_t used = record_at(0, 2);
  for (std::size_t at = kFileHeaderBytes; at < used; ++at) {
    for (const unsigned flip : {0x01u, 0x80u, 0xFFu}) {
      std::string file = good;
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ flip);
      const Outcome outcome = read_bytes(std::move(file));
      CAPTURE(at);
      REQUIRE(!outcome.events.empty());
      const Ids ids = outcome.ids();
      REQUIRE(std::find(ids.begin(), ids.end(), 3) != ids.end());
    }
  }
}

TEST_CASE("evtx: what is not an EVTX is refused with a reason") {
  CHECK(read_bytes("").error.find("empty") != std::string::npos);
  CHECK(read_bytes("{\"not\":\"evtx\"}").error.find("not an EVTX") != std::string::npos);
  CHECK(read_all(open_evtx("/nonexistent/x.evtx")).error.find("/nonexistent/x.evtx") !=
        std::string::npos);
  CHECK(read_all(open_evtx("/")).error.find("not a regular file") != std::string::npos);
  CHECK(looks_like_evtx(std::string_view("ElfFile\0more", 12)));
  CHECK_FALSE(looks_like_evtx("ElfFile"));
  CHECK(looks_like_evtx(std::string_view("ElfChnk\0more", 12)));
  std::string damaged = three_chunks().substr(0, kEvtxLookBytes);
  damaged.replace(0, 4096, 4096, '\0');
  CHECK(looks_like_evtx(damaged));
  CHECK_FALSE(looks_like_evtx("{\"a\":1}"));
}

TEST_CASE("evtx: a file on disk reads as the same bytes in memory, and tells its progress") {
  char path[] = "/tmp/tocsin_evtx_test_XXXXXX";
  const int descriptor = mkstemp(path);
  REQUIRE(descriptor >= 0);
  close(descriptor);
  const std::string bytes = three_chunks();
  std::ofstream(path, std::ios::binary) << bytes;
  auto source = open_evtx(path);
  REQUIRE(source);
  CHECK((*source)->progress().bytes_total == bytes.size());
  const Outcome memory = read_bytes(bytes);
  RawEvent event;
  Problem problem;
  for (const RawEvent& want : memory.events) {
    REQUIRE((*source)->next(event, problem) == Next::kEvent);
    CHECK(event.json == want.json);
    CHECK(event.origin.path == path);
  }
  CHECK((*source)->next(event, problem) == Next::kEnd);
  CHECK((*source)->next(event, problem) == Next::kEnd);
  CHECK((*source)->progress().bytes_done == bytes.size());
  std::remove(path);
}

}  // namespace tocsin::produce::evtx::test
