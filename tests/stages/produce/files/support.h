// SPDX-License-Identifier: Apache-2.0
//
// What the tests of file sources share: a scratch folder, and a source read to its end.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "stages/produce/files/files.h"

namespace tocsin::produce {

// Ownership: removes the folder and all in it.
class Scratch {
 public:
  Scratch() {
    static std::atomic<int> count = 0;
    path_ = std::filesystem::temp_directory_path() /
            fmt::format("tocsin-files-test-{}-{}", ::getpid(), count++);
    std::filesystem::create_directories(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path(std::string_view name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  std::string write(std::string_view name, std::string_view bytes,
                    std::ios::openmode mode = std::ios::trunc) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::out | mode)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }
  std::string append(std::string_view name, std::string_view bytes) const {
    return write(name, bytes, std::ios::app);
  }

 private:
  std::filesystem::path path_;
};

struct Everything {
  std::vector<RawEvent> events;
  std::vector<Problem> problems;

  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const RawEvent& event : events) out.push_back(event.json);
    return out;
  }
  // "line:text" of each event.
  [[nodiscard]] std::vector<std::string> numbered() const {
    std::vector<std::string> out;
    for (const RawEvent& event : events)
      out.push_back(fmt::format("{}:{}", event.origin.line, event.json));
    return out;
  }
  [[nodiscard]] std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const Problem& problem : problems)
      out.push_back(problem.code + (problem.skipped_only ? " (skipped)" : ""));
    return out;
  }
};

inline Everything read_all(std::vector<std::string> paths, FilesOptions options = {}) {
  auto source = open_files(std::move(paths), options);
  REQUIRE(source.has_value());
  Everything all;
  RawEvent event;
  Problem problem;
  for (;;) {
    switch ((*source)->next(event, problem)) {
      case Next::kEvent:
        all.events.push_back(event);
        break;
      case Next::kProblem:
        all.problems.push_back(problem);
        break;
      case Next::kIdle:
        break;
      case Next::kEnd:
        return all;
    }
  }
}

using Texts = std::vector<std::string>;

}  // namespace tocsin::produce
