// SPDX-License-Identifier: Apache-2.0
#include "app/cli/views/progress.h"

#include <doctest/doctest.h>

namespace tocsin::cli {
namespace {

using namespace std::chrono_literals;

TEST_CASE("progress: what a line says") {
  struct Case {
    std::string_view name;
    ProgressState state;
    std::chrono::duration<double> elapsed;
    std::size_t width;
    std::string_view want;
  };
  const Case cases[] = {
      {"no total",
       {"producing", 5, 0, 1234567, 890.4, 0, ""},
       3s,
       100,
       "producing  1,234,567 events  890/s"},
      {"a bar",
       {"producing", 50, 100, 10, 0, 1, ""},
       10s,
       80,
       "producing  [##########..........]   50%  10 s left  10 events  1 problem"},
      {"narrow: no bar",
       {"p", 50, 100, 10, 0, 2, ""},
       10s,
       60,
       "p   50%  10 s left  10 events  2 problems"},
      {"done", {"p", 200, 100, 10, 0, 0, "lag 3"}, 10s, 60, "p  100%  10 events  lag 3"},
      {"long", {"p", 1, 100, 10, 0, 0, ""}, 7200s, 60, "p    1%  10 events"},
      {"hours", {"p", 10, 100, 10, 0, 0, ""}, 800s, 60, "p   10%  2 h 0 min left  10 events"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(render_progress(c.state, c.elapsed,
                          {.colour = false, .unicode = false, .width = c.width}) == c.want);
  }
}

TEST_CASE("progress: never wider than the terminal") {
  for (const bool unicode : {false, true})
    for (std::size_t width = 10; width < 120; ++width)
      CHECK(display_width(render_progress(
                {"a long label of what goes on", 1, 2, 999'999'999, 1e6, 7, "and a note"}, 9s,
                {.colour = false, .unicode = unicode, .width = width})) <= width);
}

}  // namespace
}  // namespace tocsin::cli
