// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "stages/produce/files/byte_stream.h"
#include "stages/produce/files/folder.h"
#include "stages/produce/files/follow.h"
#include "stages/produce/files/input.h"

namespace tocsin::produce {
namespace {

class FilesSource final : public Source {
 public:
  FilesSource(std::vector<FoundFile> files, FilesOptions options)
      : files_(std::move(files)), options_(options) {
    for (const FoundFile& file : files_) bytes_total_ += file.bytes;
    for (const FoundFile& file : files_)
      if (file.is_stream) bytes_total_ = 0;
  }

  Next next(RawEvent& event, Problem& problem) override {
    for (;;) {
      if (source_) {
        const Next what = source_->next(event, problem);
        if (what != Next::kEnd) return what;
        leave_file();
        continue;
      }
      if (at_ == files_.size()) return Next::kEnd;
      if (const std::optional<Next> what = open_file(problem)) return *what;
    }
  }

  SourceProgress progress() const override {
    const std::uint64_t here = source_ ? source_->progress().bytes_done : 0;
    const std::uint64_t done = bytes_done_ + here;
    return {bytes_total_ == 0 ? done : std::min(done, bytes_total_), bytes_total_};
  }

 private:
  // Empty when a source was opened or the file holds nothing to read.
  std::optional<Next> open_file(Problem& problem) {
    const FoundFile& file = files_[at_];
    if (!file.error.empty()) return tell_unreadable(file.error, problem);
    if (!bytes_) {
      Result<std::unique_ptr<ByteStream>> stream =
          file.path == "-" ? stream_of(STDIN_FILENO, file.path) : open_file_stream(file.path);
      if (!stream) return tell_unreadable(stream.error().message, problem);
      bytes_.emplace(*std::move(stream));
    }
    Input input;
    input.label = input.name = file.path;
    if (!file.is_stream) input.path = file.path;
    input.given = file.given;
    input.options = options_;
    Opened opened = open_input(input, *bytes_);
    if (opened.wait) return Next::kIdle;
    source_ = std::move(opened.source);
    if (source_) return std::nullopt;
    leave_file();
    if (!opened.problem) return std::nullopt;
    problem = std::move(*opened.problem);
    return Next::kProblem;
  }

  Next tell_unreadable(const std::string& why, Problem& problem) {
    problem = {};
    problem.origin.path = files_[at_].path;
    problem.code = "file.unreadable";
    problem.message = fmt::format("{}: {}", files_[at_].path, why);
    leave_file();
    return Next::kProblem;
  }

  void leave_file() {
    source_.reset();
    bytes_.reset();
    bytes_done_ += files_[at_].bytes;
    ++at_;
  }

  const std::vector<FoundFile> files_;
  const FilesOptions options_;
  std::size_t at_ = 0;
  std::optional<InputBuffer> bytes_;  // of a file whose kind is not known yet
  std::unique_ptr<Source> source_;
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_total_ = 0;
};

}  // namespace

Result<std::unique_ptr<Source>> open_files(std::vector<std::string> paths, FilesOptions options) {
  if (paths.empty()) return fail(ErrorCode::kInvalid, "no file or folder was named");
  if (options.follow) return open_follow(std::move(paths), options);
  std::vector<FoundFile> files;
  for (const std::string& path : paths) find_files(path, files);
  return std::make_unique<FilesSource>(std::move(files), options);
}

std::unique_ptr<Source> open_file(FoundFile file, FilesOptions options) {
  options.follow = false;
  std::vector<FoundFile> files;
  files.push_back(std::move(file));
  return std::make_unique<FilesSource>(std::move(files), options);
}

}  // namespace tocsin::produce
