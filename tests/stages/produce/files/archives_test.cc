// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <archive_entry.h>

#include <string>
#include <utility>
#include <vector>

#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;
enum class Packing { kZip, kGzip, kZstd, kTarGz };

// The bytes of an archive made here, so that no binary sample is needed.
std::string pack(Packing packing, const Members& members) {
  std::string out(16u << 20, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  if (packing == Packing::kZip) archive_write_set_format_zip(writer);
  if (packing == Packing::kGzip || packing == Packing::kZstd) archive_write_set_format_raw(writer);
  if (packing == Packing::kTarGz) archive_write_set_format_pax_restricted(writer);
  if (packing == Packing::kGzip || packing == Packing::kTarGz)
    archive_write_add_filter_gzip(writer);
  if (packing == Packing::kZstd) archive_write_add_filter_zstd(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  REQUIRE(archive_write_open_memory(writer, out.data(), out.size(), &used) == ARCHIVE_OK);
  for (const auto& [name, bytes] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    REQUIRE(archive_write_header(writer, entry) == ARCHIVE_OK);
    REQUIRE(archive_write_data(writer, bytes.data(), bytes.size()) ==
            static_cast<la_ssize_t>(bytes.size()));
    archive_entry_free(entry);
  }
  REQUIRE(archive_write_close(writer) == ARCHIVE_OK);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

// Lines that do not compress to nothing.
std::string many_lines(int count) {
  std::string out;
  std::uint64_t state = 42;
  for (int i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    out += fmt::format("{{\"n\":{},\"x\":\"{:016x}\"}}\n", i, state);
  }
  return out;
}

TEST_CASE("archives: a compressed file keeps its own path and line numbers") {
  const Scratch scratch;
  for (const Packing packing : {Packing::kGzip, Packing::kZstd}) {
    const std::string path =
        scratch.write("x.jsonl.gz", pack(packing, {{"ignored", "{\"a\":1}\n\n{\"a\":2}\n"}}));
    const Everything all = read_all({path});
    CHECK(all.numbered() == Texts{"1:{\"a\":1}", "3:{\"a\":2}"});
    CHECK(all.events.at(0).origin.path == path);
    CHECK(all.codes().empty());
  }
}

TEST_CASE("archives: members of a zip are read by content, what is no log is told") {
  const Scratch scratch;
  const std::string bytes =
      pack(Packing::kZip, {{"a.json", "{\"a\":1}\n{\"a\":2}\n"},
                           {"__MACOSX/._a.json", std::string("\0\5\26\7", 4) + "Mac OS X"},
                           {"b/c.json", "{\n\"a\": 3\n}"},
                           {"b/notes.txt", "hello"},
                           {"b/d.jsonl.gz", pack(Packing::kGzip, {{"x", "{\"a\":4}\n"}})}});
  for (const std::string_view name : {"x.zip", "x.bin"}) {
    CAPTURE(name);
    const std::string path = scratch.write(name, bytes);
    const Everything all = read_all({path});
    CHECK(all.texts() == Texts{"{\"a\":1}", "{\"a\":2}", "{\n\"a\": 3\n}", "{\"a\":4}"});
    CHECK(all.events.at(1).origin.path == path + "!a.json");
    CHECK(all.events.at(1).origin.line == 2);
    CHECK(all.events.at(3).origin.path == path + "!b/d.jsonl.gz");
    CHECK(all.codes() == Texts{"file.not_a_log (skipped)", "file.not_a_log (skipped)"});
  }
}

TEST_CASE("archives: a tar inside gzip") {
  const Scratch scratch;
  const std::string path = scratch.write(
      "x.tar.gz", pack(Packing::kTarGz, {{"a.jsonl", "{\"a\":1}\n"}, {"b.jsonl", "{\"a\":2}\n"}}));
  const Everything all = read_all({path});
  CHECK(all.texts() == Texts{"{\"a\":1}", "{\"a\":2}"});
  CHECK(all.events.at(1).origin.path == path + "!b.jsonl");
}

TEST_CASE("archives: of a cut one comes out what could be read, then a problem") {
  const Scratch scratch;
  const std::string lines = many_lines(60'000);
  for (const Packing packing : {Packing::kGzip, Packing::kZip, Packing::kZstd}) {
    CAPTURE(static_cast<int>(packing));
    const std::string whole = pack(packing, {{"a.jsonl", lines}});
    const std::string path =
        scratch.write("x.jsonl.gz", std::string_view(whole).substr(0, whole.size() / 2));
    const Everything all = read_all({path});
    CHECK(all.events.size() > 20'000);
    CHECK(all.events.size() < 40'000);
    REQUIRE_FALSE(all.codes().empty());
    CHECK(all.codes()[0] == "archive.corrupt");
    CHECK(all.problems[0].message.find("x.jsonl.gz") != std::string::npos);
    if (all.events.size() > 20'000) CHECK(all.events[20'000].json.starts_with("{\"n\":20000,"));
  }
}

TEST_CASE("archives: rubbish behind a magic number is a problem") {
  const Scratch scratch;
  for (const std::string_view bytes : {"PK\x03\x04 and no more of it", "\x1F\x8B\x08 rubbish",
                                       "\x28\xB5\x2F\xFD rubbish, not zstd"}) {
    const Everything all = read_all({scratch.write("x.json.gz", bytes)});
    CHECK(all.events.empty());
    REQUIRE(all.problems.size() == 1);
    CHECK_FALSE(all.problems[0].skipped_only);
  }
}

TEST_CASE("archives: what grows beyond all measure is left off, and what lies beside it is read") {
  const Scratch scratch;
  const std::string zeros(200u << 20, '\0');
  const std::string bomb = pack(Packing::kGzip, {{"x", zeros}});
  const std::string zip = pack(Packing::kZip, {{"a.jsonl", "{\"a\":1}\n"},
                                               {"b.zip", pack(Packing::kZip, {{"b.jsonl", zeros}})},
                                               {"c.jsonl", "{\"a\":2}\n"}});
  for (const std::string_view name : {"x.jsonl.gz", "y.zip"}) {
    CAPTURE(name);
    const std::string path = scratch.write(name, name.ends_with("gz") ? bomb : zip);
    const Everything all = read_all({path, scratch.write("good.jsonl", "{\"a\":3}\n")});
    REQUIRE_FALSE(all.problems.empty());
    CHECK(all.codes().back() == "archive.bomb");
    CHECK(all.problems.back().message.find(name) != std::string::npos);
    CHECK(all.texts().back() == "{\"a\":3}");
    CHECK(all.texts().front() == (name.ends_with("gz") ? "{\"a\":3}" : "{\"a\":1}"));
  }
}

TEST_CASE("archives: a log that begins with zero bytes is no empty tar") {
  const Scratch scratch;
  const std::string log = std::string(4096, '\0') + "\n{\"a\":1}\n";
  const Everything all =
      read_all({scratch.write("x.jsonl.gz", pack(Packing::kGzip, {{"x", log}}))});
  CHECK(all.texts() == Texts{"{\"a\":1}"});
  CHECK(read_all({scratch.write("e.zip", pack(Packing::kZip, {}))}).codes() ==
        Texts{"file.empty (skipped)"});
}

}  // namespace
}  // namespace tocsin::produce
