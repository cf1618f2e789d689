// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <string>
#include <thread>

#include "stages/produce/evtx/evtx_builder.h"
#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

TEST_CASE("folders: known extensions below it, by name; the rest is told once as passed over") {
  const Scratch scratch;
  scratch.write("b/2.json", "{\"n\":3}");
  scratch.write("b/10.jsonl", "{\"n\":2}\n");
  scratch.write("a.ndjson", "{\"n\":1}\n");
  scratch.write("c.LOG", "{\"n\":4}\n{\"n\":5}\n");
  scratch.write("d.log", "Nov 22 host sshd[1]: hello\n");
  scratch.write("LICENSE", "do as you like");
  scratch.write("e.pcap", "\xD4\xC3\xB2\xA1 {\"n\":9}");
  scratch.write("f.json", "");
  scratch.write("__MACOSX/._g.json", std::string("\0\5\26\7\0\2\0\0", 8));
  const Everything all = read_all({scratch.path()});
  CHECK(all.texts() == Texts{"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}", "{\"n\":5}"});
  CHECK(all.events[1].origin.path == scratch.path("b/10.jsonl"));
  CHECK(all.codes() == Texts{"file.not_a_log (skipped)", "file.not_a_log (skipped)",
                             "file.not_a_log (skipped)", "file.not_a_log (skipped)",
                             "file.empty (skipped)"});
}

TEST_CASE("paths: what the user names is judged by content, whatever its extension") {
  const Scratch scratch;
  struct Case {
    std::string_view name;
    std::string_view bytes;
    Texts want;
    Texts codes;
  };
  const Case cases[] = {
      {"noext", "{\"a\":1}\n{\"a\":2}\n", {"{\"a\":1}", "{\"a\":2}"}, {}},
      {"x.txt", "[{\"a\":1}]", {"{\"a\":1}"}, {}},
      {"x.txt", "just text\n", {}, {"file.not_a_log (skipped)"}},
      {"x.log", "[2024-01-01] started\n", {}, {"file.not_a_log (skipped)"}},
      {"x.log", "{time} started\n", {}, {"file.not_a_log (skipped)"}},
      {"x.evtx", "no magic here", {}, {"evtx.bad_header"}},
      {"x.log",
       "o\",\"b\":1}\n{\"a\":1}\n{\"a\":2}\n",
       {"o\",\"b\":1}", "{\"a\":1}", "{\"a\":2}"},
       {}},
      {"x.log", "[1],\"b\":1}\n\n{\"a\":1}", {"[1],\"b\":1}", "{\"a\":1}"}, {}},
      {"x.log", "a\nb {\"a\":1}\n{\"a\":1}\nc\nd\n", {}, {"file.not_a_log (skipped)"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.bytes);
    const Everything all = read_all({scratch.write(c.name, c.bytes)});
    CHECK(all.texts() == c.want);
    CHECK(all.codes() == c.codes);
  }
}

TEST_CASE("paths: with the JSON format a text of unknown kind is read as lines") {
  const Scratch scratch;
  const std::string path = scratch.write("x.txt", "just text\n{\"a\":1}\n");
  CHECK(read_all({path}, {.format = Format::kJson}).texts() == Texts{"just text", "{\"a\":1}"});
}

TEST_CASE("paths: with the EVTX format a folder's texts are passed over in silence") {
  const Scratch scratch;
  scratch.write("x.jsonl", "{\"a\":1}\n");
  const Everything all = read_all({scratch.path()}, {.format = Format::kEvtx});
  CHECK(all.events.empty());
  CHECK(all.problems.empty());
}

TEST_CASE("paths: what cannot be read is a problem with the reason, and the others are read") {
  const Scratch scratch;
  const std::string good = scratch.write("x.jsonl", "{\"a\":1}\n");
  const Everything all = read_all({scratch.path("missing.json"), good});
  CHECK(all.texts() == Texts{"{\"a\":1}"});
  REQUIRE(all.codes() == Texts{"file.unreadable"});
  CHECK(all.problems[0].message.find("No such file") != std::string::npos);
  CHECK(all.problems[0].origin.path == scratch.path("missing.json"));
  CHECK_FALSE(open_files({}, {}).has_value());
}

TEST_CASE("paths: an unreadable file or folder inside a folder is a problem") {
  if (::geteuid() == 0) {
    MESSAGE("root reads everything: using a dangling link");
    const Scratch scratch;
    std::filesystem::create_symlink("nowhere", scratch.path("x.json"));
    CHECK(read_all({scratch.path()}).codes() == Texts{"file.unreadable"});
    return;
  }
  const Scratch scratch;
  scratch.write("a/x.jsonl", "{}\n");
  ::chmod(scratch.path("a").c_str(), 0);
  CHECK(read_all({scratch.path()}).codes() == Texts{"file.unreadable"});
  ::chmod(scratch.path("a").c_str(), 0755);
}

TEST_CASE("paths: a pipe that pauses is read to its end") {
  const Scratch scratch;
  const std::string fifo = scratch.path("pipe");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::thread writer([&] {
    const int out = ::open(fifo.c_str(), O_WRONLY);
    for (const std::string_view part : {"{\"a\"", ":1}\n{\"a\":2}", "\n{\"a\":3}"}) {
      CHECK(::write(out, part.data(), part.size()) == static_cast<ssize_t>(part.size()));
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
    }
    ::close(out);
  });
  const Everything all = read_all({fifo});
  writer.join();
  CHECK(all.numbered() == Texts{"1:{\"a\":1}", "2:{\"a\":2}", "3:{\"a\":3}"});
}

TEST_CASE("paths: a pipe that nobody writes to does not hold the reader") {
  const Scratch scratch;
  const std::string fifo = scratch.path("pipe");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::atomic<bool> waited = false;
  std::thread rescue([&] {  // so that a reader that is held fails instead of hanging
    for (int i = 0; i < 200 && !waited; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (!waited) ::close(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK));
  });
  auto source = open_files({fifo}, {});
  REQUIRE(source.has_value());
  RawEvent event;
  Problem problem;
  CHECK((*source)->next(event, problem) == Next::kIdle);
  CHECK((*source)->next(event, problem) == Next::kIdle);
  waited = true;
  rescue.join();
}

TEST_CASE("paths: EVTX is known by its content, also when its file header is damaged or missing") {
  evtx::test::ChunkBuilder chunk;
  for (std::uint64_t id = 1; id <= 3; ++id) evtx::test::add_simple_record(chunk, id);
  const std::string whole = evtx::test::build_file({chunk.build()});
  const std::string cut = whole.substr(evtx::test::kFileHeaderBytes);
  const std::string zeros = std::string(evtx::test::kFileHeaderBytes, '\0') + cut;
  std::string byte = whole;
  byte[0] = '\0';
  const Scratch scratch;
  for (const char* name : {"x.evtx", "x.log", "x.json", "x"}) {
    CAPTURE(name);
    CHECK(read_all({scratch.write(name, whole)}).codes() == Texts{});
    for (const std::string& bytes : {cut, zeros, byte}) {
      const Everything all = read_all({scratch.write(name, bytes)});
      CHECK(all.events.size() == 3);
      CHECK(all.codes() == Texts{"evtx.bad_header"});
    }
  }
}

TEST_CASE("progress: reaches the total at the end") {
  const Scratch scratch;
  scratch.write("a.jsonl", "{\"a\":1}\n");
  scratch.write("b.json", "[{\"a\":1}]");
  auto source = open_files({scratch.path()}, {});
  REQUIRE(source.has_value());
  CHECK((*source)->progress().bytes_done == 0);
  CHECK((*source)->progress().bytes_total == 17);
  RawEvent event;
  Problem problem;
  while ((*source)->next(event, problem) != Next::kEnd) {
  }
  CHECK((*source)->progress().bytes_done == 17);
}

}  // namespace
}  // namespace tocsin::produce
