// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/files/tail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

namespace tocsin::produce {
namespace {

using namespace std::chrono_literals;

constexpr auto kGrace = 5s;  // for who still writes to a renamed file
constexpr double kSettledSeconds = 1;

double age_seconds(const struct stat& info) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec - info.st_mtim.tv_sec) +
         static_cast<double>(now.tv_nsec - info.st_mtim.tv_nsec) / 1e9;
}

}  // namespace

Next Tail::next(RawEvent& event, Problem& problem) {
  if (done_) return Next::kEnd;
  if (!source_) {
    told_ = false;
    const Ready ready = open(problem);
    if (ready == Ready::kNever) done_ = true;
    if (told_) return Next::kProblem;
    if (ready == Ready::kNever) return Next::kEnd;
    if (ready == Ready::kNo) {
      if (!retired_ || Clock::now() - active_ < kGrace) return Next::kIdle;
      done_ = true;
      return Next::kEnd;
    }
  }
  const Next what = source_->next(event, problem);
  if (what == Next::kEvent || what == Next::kProblem) {
    active_ = Clock::now();
  } else if (what == Next::kEnd) {
    done_ = true;
  } else if (retired_ && lines_ != nullptr && Clock::now() - active_ > kGrace) {
    lines_->stop_following();  // the next call gives the half line, then ends
  }
  return what;
}

// kNo: there is not enough to tell what the file is.
Tail::Ready Tail::open(Problem& problem) {
  const bool is_stream = path_ == "-";
  if (descriptor_ < 0 || (!is_stream && !bytes_)) {
    descriptor_ = is_stream ? STDIN_FILENO : ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) {
      problem = {};
      problem.origin.path = path_;
      problem.code = "file.unreadable";
      problem.message = fmt::format("{}: {}", path_, errno_text(errno));
      told_ = true;
      return Ready::kNever;
    }
    bytes_.emplace(stream_of(descriptor_, path_));
  }
  ::fstat(descriptor_, &file_);
  const std::string extension = extension_of(path_);
  const bool lines_by_name = extension == ".jsonl" || extension == ".ndjson";
  if (!is_stream && (file_.st_size == 0 || (!lines_by_name && !settled()))) {
    // A first whole line tells lines from a document that is still being written.
    const bool more = file_.st_size != 0 && bytes_->fill().value_or(false);
    if (!more || bytes_->unread().find('\n') == std::string_view::npos) {
      bytes_.reset();
      return Ready::kNo;
    }
  }
  Input input;
  input.label = input.name = path_;
  if (!is_stream) input.path = path_;
  input.given = given_;
  input.options = options_;
  Opened opened = open_input(input, *bytes_);
  if (opened.wait) return Ready::kNo;
  if (opened.source && opened.lines == nullptr && !is_stream && !settled()) {
    bytes_.reset();  // a whole file: read when it is finished
    return Ready::kNo;
  }
  bytes_.reset();
  source_ = std::move(opened.source);
  lines_ = opened.lines;
  active_ = Clock::now();
  if (source_) return Ready::kYes;
  if (opened.problem) {
    problem = std::move(*opened.problem);
    told_ = true;
  }
  return Ready::kNever;
}

bool Tail::settled() const { return age_seconds(file_) > kSettledSeconds; }

bool Tail::truncated() const {
  if (lines_ == nullptr) return false;
  struct stat now{};
  if (::fstat(descriptor_, &now) != 0) return false;
  return now.st_size < ::lseek(descriptor_, 0, SEEK_CUR);
}

std::optional<Problem> Tail::lost_half_line() const {
  if (lines_ == nullptr || lines_->half_line().empty()) return std::nullopt;
  Problem problem;
  problem.origin.path = path_;
  problem.byte_offset = lines_->progress().bytes_done;
  problem.code = "file.truncated";
  problem.message =
      fmt::format("{}: truncated in the middle of a line; what was read of it is kept here", path_);
  problem.bytes.assign(lines_->half_line().substr(0, kProblemBytesMax));
  return problem;
}

}  // namespace tocsin::produce
