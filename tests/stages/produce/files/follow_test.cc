// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "stages/produce/files/support.h"

namespace tocsin::produce {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Follower {
 public:
  explicit Follower(std::vector<std::string> paths) {
    auto source = open_files(std::move(paths), {.follow = true});
    REQUIRE(source.has_value());
    source_ = *std::move(source);
  }

  // Waits until `count` more events came, or says which did not.
  Texts take(std::size_t count, std::chrono::milliseconds patience = 8s) {
    Texts got;
    const auto until = std::chrono::steady_clock::now() + patience;
    RawEvent event;
    Problem problem;
    while (got.size() < count && std::chrono::steady_clock::now() < until) {
      switch (source_->next(event, problem)) {
        case Next::kEvent:
          got.push_back(event.json);
          lines_.push_back(event.origin.line);
          break;
        case Next::kProblem:
          codes_.push_back(problem.code + (problem.skipped_only ? " (skipped)" : ""));
          bytes_ += problem.bytes;
          break;
        case Next::kIdle:
          std::this_thread::sleep_for(5ms);
          break;
        case Next::kEnd:
          FAIL("a followed source ended");
      }
    }
    return got;
  }
  // What comes within a while in which nothing should.
  Texts rest(std::chrono::milliseconds patience = 400ms) { return take(1'000'000, patience); }
  [[nodiscard]] const Texts& codes() const { return codes_; }
  [[nodiscard]] const std::string& problem_bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<std::uint64_t>& lines() const { return lines_; }

 private:
  std::unique_ptr<Source> source_;
  Texts codes_;
  std::string bytes_;
  std::vector<std::uint64_t> lines_;
};

TEST_CASE("follow: a file that grows, where half a line waits for its newline") {
  const Scratch scratch;
  Follower follower({scratch.write("x.jsonl", "{\"n\":1}\n{\"n\":")});
  CHECK(follower.take(1) == Texts{"{\"n\":1}"});
  CHECK(follower.rest() == Texts{});
  scratch.append("x.jsonl", "2");
  CHECK(follower.rest() == Texts{});
  scratch.append("x.jsonl", "}\n{\"n\":3}\n");
  CHECK(follower.take(2) == Texts{"{\"n\":2}", "{\"n\":3}"});
  CHECK(follower.lines() == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(follower.codes().empty());
}

TEST_CASE("follow: renamed and created anew: the rest of the old file comes first") {
  const Scratch scratch;
  const std::string path = scratch.write("x.jsonl", "{\"n\":1}\n");
  Follower follower({path});
  CHECK(follower.take(1) == Texts{"{\"n\":1}"});
  scratch.append("x.jsonl", "{\"n\":2}\n{\"n\":3}\n");
  fs::rename(path, scratch.path("x.jsonl.1"));
  scratch.write("x.jsonl", "{\"n\":5}\n");
  CHECK(follower.take(3) == Texts{"{\"n\":2}", "{\"n\":3}", "{\"n\":5}"});
  // Its writer has not reopened the log yet.
  scratch.append("x.jsonl.1", "{\"n\":4}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":4}"});
  scratch.append("x.jsonl", "{\"n\":6}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":6}"});
  CHECK(follower.codes().empty());
}

TEST_CASE("follow: half a line at the end of a rotated file is given after the grace") {
  const Scratch scratch;
  const std::string path = scratch.write("x.jsonl", "{\"n\":1}\n{\"n\":2}");
  Follower follower({path});
  CHECK(follower.take(1) == Texts{"{\"n\":1}"});
  fs::remove(path);
  CHECK(follower.take(1, 15s) == Texts{"{\"n\":2}"});
}

TEST_CASE("follow: truncated under the writer: read from the start, the lost half line is kept") {
  const Scratch scratch;
  const std::string path = scratch.write("x.jsonl", "{\"n\":1}\n{\"n\":2}\n{\"half");
  Follower follower({path});
  CHECK(follower.take(2).size() == 2);
  CHECK(follower.rest() == Texts{});
  fs::resize_file(path, 0);
  CHECK(follower.rest(600ms) == Texts{});
  scratch.append("x.jsonl", "{\"n\":3}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":3}"});
  CHECK(follower.codes() == Texts{"file.truncated"});
  CHECK(follower.problem_bytes() == "{\"half");
}

TEST_CASE("follow: a file that appears later") {
  const Scratch scratch;
  Follower follower({scratch.path("later.jsonl")});
  CHECK(follower.rest() == Texts{});
  scratch.write("later.jsonl", "{\"n\":1}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":1}"});
}

TEST_CASE("follow: new files and new folders in a folder, each file once") {
  const Scratch scratch;
  scratch.write("a.jsonl", "{\"n\":1}\n");
  Follower follower({scratch.path()});
  CHECK(follower.take(1) == Texts{"{\"n\":1}"});
  scratch.write("b.jsonl", "{\"n\":2}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":2}"});
  scratch.write("sub/deep/c.ndjson", "{\"n\":3}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":3}"});
  scratch.append("sub/deep/c.ndjson", "{\"n\":4}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":4}"});
  scratch.write("notes.txt", "hello\nworld\n");
  CHECK(follower.rest(1500ms) == Texts{});
  CHECK(follower.codes() == Texts{"file.not_a_log (skipped)"});
}

TEST_CASE("follow: rotation inside a followed folder does not read a file twice") {
  const Scratch scratch;
  for (const std::string_view rotated : {"app-1.jsonl", "app2.jsonl"}) {
    CAPTURE(rotated);
    const std::string path = scratch.write("app.jsonl", "{\"n\":1}\n");
    {
      Follower follower({scratch.path()});
      CHECK(follower.take(1) == Texts{"{\"n\":1}"});
      scratch.append("app.jsonl", "{\"n\":2}\n");
      fs::rename(path, scratch.path(rotated));
      scratch.write("app.jsonl", "{\"n\":3}\n");
      CHECK(follower.take(2) == Texts{"{\"n\":2}", "{\"n\":3}"});
      CHECK(follower.rest(6500ms) == Texts{});
    }
    fs::remove(scratch.path(rotated));
  }
}

TEST_CASE("follow: a document is read when it is finished, lines in a .json as they come") {
  const Scratch scratch;
  Follower follower({scratch.path()});
  scratch.write("doc.json", "{\n \"n\":");
  CHECK(follower.rest() == Texts{});
  scratch.append("doc.json", " 1\n}\n");
  CHECK(follower.take(1) == Texts{"{\n \"n\": 1\n}"});
  scratch.write("lines.json", "{\"n\":2}\n{\"n\"");
  CHECK(follower.take(1, 900ms) == Texts{"{\"n\":2}"});
  scratch.append("lines.json", ":3}\n");
  CHECK(follower.take(1) == Texts{"{\"n\":3}"});
  CHECK(follower.codes().empty());
}

TEST_CASE("follow: nothing is lost or doubled while a writer rotates as fast as it can") {
  const Scratch scratch;
  const std::string path = scratch.write("x.jsonl", "");
  Follower follower({path});
  constexpr int kEvents = 20'000;
  std::thread writer([&] {
    int n = 0;
    for (int round = 0; n < kEvents; ++round) {
      std::ofstream out(path, std::ios::app);
      for (int i = 0; i < 2'000; ++i, ++n) out << "{\"n\":" << n << "}\n";
      out.close();
      std::this_thread::sleep_for(500ms);
      if (n < kEvents) fs::rename(path, scratch.path(fmt::format("x.{}.old", round)));
    }
  });
  Texts want;
  for (int n = 0; n < kEvents; ++n) want.push_back(fmt::format("{{\"n\":{}}}", n));
  const Texts got = follower.take(kEvents, 30s);
  writer.join();
  CHECK(got.size() == want.size());
  CHECK(got == want);
}

}  // namespace
}  // namespace tocsin::produce
