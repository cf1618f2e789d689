// SPDX-License-Identifier: Apache-2.0
//
// /live: figures and alerts as they come.
#include <chrono>
#include <memory>

#include "app/console/data/figures.h"
#include "app/console/routes/routes.h"

namespace tocsin::console {
namespace {

constexpr std::chrono::milliseconds kWait{400};
constexpr std::chrono::seconds kStatsEvery{1};

std::string stats_json(const Context& context) {
  const Figures now = figures_of(context);
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("events_per_second", now.events_per_second);
    json.member("lag", now.lag);
    json.member("alerts", now.alerts);
    json.member("events", now.events);
  });
  return out;
}

StreamStep live_step(const Context& context) {
  struct Stream {
    explicit Stream(LiveFeed& feed) : listener(feed) {}
    LiveFeed::Listener listener;
    std::chrono::steady_clock::time_point next{};
  };
  const auto stream = std::make_shared<Stream>(context.live);
  return [&context, stream](std::string& out) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= stream->next) {
      stream->next = now + kStatsEvery;
      append_event(out, "stats", stats_json(context));
    }
    const auto patience = out.empty() ? kWait : std::chrono::milliseconds(0);
    for (const std::string& row : stream->listener.next(patience)) append_event(out, "alert", row);
    return true;
  };
}

}  // namespace

void add_live_routes(Router& router, const Context& context) {
  router.add("GET", "/live", Role::kViewer, {}, [&context](const Call&) -> Answer {
    Reply reply;
    reply.open = [&context] { return live_step(context); };
    return reply;
  });
}

}  // namespace tocsin::console
