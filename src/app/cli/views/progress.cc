// SPDX-License-Identifier: Apache-2.0
// The bar is drawn with block elements. (tidy: utf-8)
#include "app/cli/views/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tocsin::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedraw = 100ms;
constexpr auto kLineEvery = 5s;
constexpr std::size_t kBarMax = 30;

// "3 s", "2 min 5 s", "1 h 20 min".
std::string left_text(std::chrono::duration<double> left) {
  const auto seconds = static_cast<std::uint64_t>(std::max(0.0, left.count()));
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

std::string bar(double share, std::size_t width, const Style& style) {
  const auto full = static_cast<std::size_t>(std::lround(share * static_cast<double>(width)));
  std::string out = style.unicode ? "▕" : "[";
  for (std::size_t i = 0; i < width; ++i)
    out += i < full ? (style.unicode ? "█" : "#") : (style.unicode ? " " : ".");
  return out + (style.unicode ? "▏" : "]");
}

}  // namespace

std::string render_progress(const ProgressState& state, std::chrono::duration<double> elapsed,
                            const Style& style) {
  std::string line = state.label;
  if (state.total != 0) {
    const double share =
        std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
    if (style.width > 70) line += "  " + bar(share, std::min(kBarMax, style.width - 60), style);
    line += fmt::format("  {:3.0f}%", std::floor(share * 100));
    if (share > 0.01 && share < 1 && elapsed > 2s)
      line += fmt::format("  {} left", left_text(elapsed * ((1 - share) / share)));
  }
  line += fmt::format("  {} events", grouped(static_cast<std::int64_t>(state.events)));
  if (state.events_per_second >= 1)
    line += fmt::format("  {}/s", grouped(static_cast<std::int64_t>(state.events_per_second)));
  if (state.problems != 0)
    line += fmt::format("  {} problem{}", grouped(static_cast<std::int64_t>(state.problems)),
                        state.problems == 1 ? "" : "s");
  if (!state.note.empty()) line += "  " + state.note;
  if (display_width(line) <= style.width) return line;
  return fitted(line, style.width, Align::kLeft, style);
}

Progress::Progress(bool quiet)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), style_(style_of(STDERR_FILENO)) {}

void Progress::update(const ProgressState& state) {
  if (quiet_) return;
  const auto now = Clock::now();
  if (now - drawn_ < (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kLineEvery))) return;
  drawn_ = now;
  const std::string line = render_progress(state, now - started_, style_);
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    visible_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

void Progress::clear() {
  if (!visible_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  visible_ = false;
}

}  // namespace tocsin::cli
