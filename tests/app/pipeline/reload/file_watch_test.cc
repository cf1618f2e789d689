// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/reload/file_watch.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/trace/temp_dir.h"

using namespace tocsin;
using pipeline::FileWatch;
using pipeline::fingerprint_of;
namespace fs = std::filesystem;
using Milliseconds = std::chrono::milliseconds;

namespace {

// As long as a change may take on a busy machine; a watch that works needs half a second.
constexpr Milliseconds kPatience{20'000};

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

struct Tree {
  test::TempDir dir;
  std::string rules = dir / "rules";
  std::string single = dir / "single.yml";
  Tree() {
    fs::create_directories(rules + "/deep/deeper");
    write(rules + "/a.yml", "a");
    write(rules + "/deep/b.yml", "b");
    write(single, "s");
  }
};

}  // namespace

TEST_CASE("fingerprint: same files, same number; every way to change one changes it") {
  Tree tree;
  const std::vector<std::string> paths = {tree.rules, tree.single, tree.dir / "missing"};
  std::uint64_t before = fingerprint_of(paths);
  CHECK(fingerprint_of(paths) == before);
  const auto differs = [&](const char* how) {
    CAPTURE(how);
    const std::uint64_t now = fingerprint_of(paths);
    CHECK(now != before);
    before = now;
  };
  write(tree.rules + "/a.yml", "longer");
  differs("size");
  fs::last_write_time(tree.rules + "/a.yml",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  differs("time");
  write(tree.rules + "/c.yml", "c");
  differs("new file");
  fs::rename(tree.rules + "/c.yml", tree.rules + "/deep/deeper/c.yml");
  differs("renamed");
  fs::remove(tree.rules + "/deep/deeper/c.yml");
  differs("removed");
  fs::create_directory(tree.dir / "missing");
  differs("folder that was missing");
  fs::remove_all(tree.rules);
  differs("all gone");
}

TEST_CASE("fingerprint: hidden folders do not count, links do, a loop of links ends") {
  Tree tree;
  fs::create_directory(tree.rules + "/.git");
  write(tree.dir / "target1", "1");
  write(tree.dir / "target2", "22");
  fs::create_symlink(tree.dir / "target1", tree.rules + "/link.yml");
  fs::create_directory_symlink(tree.rules, tree.rules + "/loop");
  const std::uint64_t before = fingerprint_of({tree.rules});
  write(tree.rules + "/.git/index", "x");
  CHECK(fingerprint_of({tree.rules}) == before);
  fs::remove(tree.rules + "/link.yml");
  fs::create_symlink(tree.dir / "target2", tree.rules + "/link.yml");
  CHECK(fingerprint_of({tree.rules}) != before);
}

TEST_CASE("watch: each kind of change is told once, and nothing is told without one") {
  Tree tree;
  FileWatch watch({tree.rules, tree.single});
  CHECK(watch.trouble() == "");
  CHECK_FALSE(watch.changed(Milliseconds(50)));
  const auto told = [&](const char* how) {
    CAPTURE(how);
    CHECK(watch.changed(kPatience));
    CHECK_FALSE(watch.changed(Milliseconds(600)));
  };
  write(tree.rules + "/deep/b.yml", "changed");
  told("written in place, in a folder below");
  write(tree.rules + "/.tmp", "new text");
  fs::rename(tree.rules + "/.tmp", tree.rules + "/a.yml");
  told("replaced by rename");
  write(tree.dir / "other", "new");
  fs::rename(tree.dir / "other", tree.single);
  told("a single file replaced by rename");
  fs::create_directories(tree.rules + "/new/below");
  told("new folder");
  write(tree.rules + "/new/below/n.yml", "n");
  told("file in a folder that is new");
  fs::create_directory(tree.dir / "v2");
  write(tree.dir / "v2/z.yml", "z");
  fs::rename(tree.rules, tree.dir / "v1");
  fs::rename(tree.dir / "v2", tree.rules);
  told("the whole folder replaced");
  write(tree.rules + "/z.yml", "zz");
  told("file in the folder that replaced it");
  for (int i = 0; i < 300; ++i) write(tree.rules + "/m" + std::to_string(i) + ".yml", "m");
  told("many files at once");
  fs::remove_all(tree.rules);
  told("everything removed");
}

TEST_CASE("watch: what changes nothing is not told") {
  Tree tree;
  FileWatch watch({tree.rules});
  write(tree.dir / "neighbour", "x");
  write(tree.rules + "/new.tmp", "x");
  fs::remove(tree.rules + "/new.tmp");
  CHECK_FALSE(watch.changed(Milliseconds(900)));
}
