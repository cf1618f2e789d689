// SPDX-License-Identifier: Apache-2.0
//
// Folders of rules: what is found, what is told, and what cannot hurt.
#include "core/sigma/rule_set.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "rule_world.h"

using namespace tocsin;
namespace fs = std::filesystem;

namespace {

// A folder that is gone with the object.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tocsin-rules-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

std::string rule(int number, const std::string& name = "") {
  return fmt::format(
      "title: r{0}\nid: 00000000-0000-4000-8000-{0:012}\n{1}logsource: {{product: windows}}\n"
      "detection: {{s: {{A: v{0}}}, condition: s}}\n",
      number, name.empty() ? "" : "name: " + name + "\n");
}

std::vector<std::string> codes(const sigma::RuleSet& set) {
  std::vector<std::string> out;
  for (const auto& d : set.diagnostics) out.push_back(d.code);
  return out;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("rule set: files of a folder, and what is none") {
  const Folder folder;
  folder.write("a/1.yml", rule(1));
  folder.write("a/b/2.yaml", rule(2));
  folder.write("a/3.test.yml", "cases: []");
  folder.write("a/readme.md", "text");
  folder.write(".git/4.yml", rule(4));
  folder.write("empty.yml", "");
  folder.write("broken.yml", "a: [");
  const auto set = sigma::load_rules({folder.path()});
  REQUIRE(set);
  CHECK(set->rules.size() == 2);
  CHECK(set->files == 4);
  CHECK(set->rejected == 1);
  CHECK(codes(*set) == Codes{"yaml", "rule.empty_file"});
  CHECK_FALSE(sigma::load_rules({folder.path("nowhere")}));
}

TEST_CASE("rule set: links are followed, circles end, a file counts once") {
  const Folder folder, other;
  folder.write("rules/1.yml", rule(1));
  other.write("2.yml", rule(2));
  fs::create_directory_symlink(folder.path(), folder.path("rules/up"));
  fs::create_directory_symlink(folder.path("rules"), folder.path("again"));
  fs::create_directory_symlink(other.path(), folder.path("elsewhere"));
  fs::create_symlink(folder.path("rules/1.yml"), folder.path("same.yml"));
  fs::create_symlink(folder.path("nobody.yml"), folder.path("dead.yml"));
  const auto set = sigma::load_rules({folder.path(), folder.path("rules"), other.path("2.yml")});
  REQUIRE(set);
  CHECK(set->rules.size() == 2);
  CHECK(set->files == 2);
  CHECK(codes(*set) == Codes{"rule.unreadable"});  // the dead link
}

TEST_CASE("rule set: what is no file is passed over, also behind a link") {
  const Folder folder;
  folder.write("1.yml", rule(1));
  REQUIRE(mkfifo(folder.path("pipe.yml").c_str(), 0600) == 0);
  fs::create_symlink(folder.path("pipe.yml"), folder.path("to_pipe.yml"));
  fs::create_symlink("/dev/zero", folder.path("to_zero.yml"));
  fs::create_symlink("to_itself.yml", folder.path("to_itself.yml"));
  const auto set = sigma::load_rules({folder.path()});
  REQUIRE(set);
  CHECK(set->rules.size() == 1);
  CHECK(set->files == 1);
  CHECK(codes(*set) == Codes{"rule.unreadable"});  // the link to itself
}

TEST_CASE("rule set: a file that may not be read is told, the others are read") {
  if (geteuid() == 0) return;  // root reads everything; the command line test runs as nobody
  const Folder folder;
  folder.write("1.yml", rule(1));
  folder.write("2.yml", rule(2));
  folder.write("sub/3.yml", rule(3));
  chmod(folder.path("2.yml").c_str(), 0);
  chmod(folder.path("sub").c_str(), 0);
  const auto set = sigma::load_rules({folder.path()});
  chmod(folder.path("sub").c_str(), 0755);
  REQUIRE(set);
  CHECK(set->rules.size() == 1);
  CHECK(codes(*set) == Codes{"rule.unreadable", "rule.unreadable"});
}

TEST_CASE("rule set: two rules with one id or name, also in one file") {
  const Folder folder;
  folder.write("1.yml", rule(1, "n") + "---\n" + rule(1));
  folder.write("2.yml", rule(1));
  folder.write("3.yml", rule(3, "n"));
  const auto set = sigma::load_rules({folder.path()});
  REQUIRE(set);
  CHECK(set->rules.size() == 2);
  CHECK(set->rejected == 2);
  CHECK(codes(*set) == Codes{"rule.duplicate_id", "rule.duplicate_id", "rule.duplicate_name"});
  CHECK(set->diagnostics[0].message.find("1.yml:1 has the same id") != std::string::npos);
  CHECK(set->diagnostics[0].excerpt == "title: r1");
}

TEST_CASE("rule set: filters come from rule folders and from their own") {
  const Folder folder, filters;
  folder.write("1.yml", rule(1, "one"));
  folder.write("f.yml",
               "title: f\nlogsource: {product: windows}\n"
               "filter: {rules: [one, two], s: {B: x}, condition: not s}\n");
  filters.write("g.yml",
                "title: g\nlogsource: {product: windows}\n"
                "filter: {rules: any, s: {C: x}, condition: not s}\n");
  filters.write("r.yml", rule(2));
  sigma::ParseOptions options;
  options.filter_paths = {filters.path()};
  const auto set = sigma::load_rules({folder.path()}, options);
  REQUIRE(set);
  REQUIRE(set->rules.size() == 1);
  CHECK(set->filters == 2);
  CHECK(set->rules[0].filters.size() == 2);
  CHECK(codes(*set) == Codes{"filter.not_a_filter", "filter.unknown_rule"});
  CHECK(set->diagnostics[1].message.find("'two'") != std::string::npos);
  CHECK(set->diagnostics[1].excerpt.substr(set->diagnostics[1].caret, 3) == "two");
  // The rules that the program carries take filters too.
  const auto built_in = sigma::built_in_rules(options);
  REQUIRE(built_in);
  CHECK(built_in->rules[0].filters.size() == 1);
  options.filter_paths = {filters.path("nowhere")};
  CHECK_FALSE(sigma::load_rules({folder.path()}, options));
}

TEST_CASE("rule set: thousands of files") {
  const Folder folder;
  for (int i = 0; i < 3'000; ++i) folder.write(std::to_string(i) + ".yml", rule(i));
  const auto set = sigma::load_rules({folder.path()});
  REQUIRE(set);
  CHECK(set->rules.size() == 3'000);
  CHECK(set->diagnostics.empty());
}

TEST_CASE("rule set: a device without end is cut at the limit") {
  const auto set = sigma::load_rules({"/dev/zero"});
  REQUIRE(set);
  CHECK(codes(*set) == Codes{"rule.file_too_large"});
}

TEST_CASE("placeholders: values from a file, or what is wrong with it") {
  const Folder folder;
  folder.write("p.yml", "a: [x, 5]\nb: y\n");
  const auto values = sigma::load_placeholders(folder.path("p.yml"));
  REQUIRE(values);
  CHECK(values->at("a") == std::vector<std::string>{"x", "5"});
  folder.write("bad.yml", "a: [x, {b: c}]\n");
  const auto bad = sigma::load_placeholders(folder.path("bad.yml"));
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("bad.yml:1:4: the values of 'a'") != std::string::npos);
  CHECK_FALSE(sigma::load_placeholders(folder.path("nowhere.yml")));
}
