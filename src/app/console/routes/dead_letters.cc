// SPDX-License-Identifier: Apache-2.0
//
// /dead-letters: what could not be read, and its replay.
#include "app/insight/dead_letters.h"

#include <fmt/format.h>

#include "app/console/data/message_view.h"
#include "app/console/http/json_body.h"
#include "app/console/routes/routes.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kValueShown = 64u << 10;
constexpr std::size_t kScanMax = 100'000;

void append_letter(std::string& out, const bus::Message& m) {
  JsonWriter json(out);
  json.object([&] {
    json.member("partition", m.partition);
    json.member("offset", m.offset);
    json.member("time", format_rfc3339(m.timestamp_ms * 1'000'000, 3));
    json.member("stage", m.header("error.stage"));
    json.member("code", m.header("error.code"));
    json.member("message", m.header("error.message"));
    json.member("origin", m.header("origin"));
    json.member("size", static_cast<std::uint64_t>(m.value.size()));
    json.member("value", m.value.substr(0, kValueShown));
    json.member("truncated", !m.header("truncated").empty() || m.value.size() > kValueShown);
    json.member("replays", insight::replays_of(m));
  });
}

Answer list(const Context& context, const Call& call) {
  PageRequest page;
  page.topic = context.options.dead_letter_topic;
  TOCSIN_TRY(const std::int64_t limit, call.limit());
  page.limit = static_cast<std::size_t>(limit);
  page.scan_max = kScanMax;
  page.write = &append_letter;
  TOCSIN_TRY(const std::string reason, call.text("reason"));
  if (!reason.empty())
    page.test = [reason](const bus::Message& m) {
      return m.header("error.code") == reason ||
             m.header("error.message").find(reason) != std::string_view::npos;
    };
  TOCSIN_TRY(const std::string cursor, call.text("cursor"));
  if (!cursor.empty() && !read_page_cursor(cursor, page))
    return refuse(ApiCode::kInvalid, "no such cursor", "cursor");
  auto read = read_page(context.bus, page);
  if (!read && read.error().code != ErrorCode::kNotFound) return tl::unexpected(read.error());
  MessagePage found;
  found.reached_end = true;  // no topic, no letters
  if (read) found = *std::move(read);
  return json_object([&](JsonWriter& json) {
    json.key("items");
    json.array([&] {
      for (const std::string& item : found.items) json.raw(item);
    });
    text_or_null(json, "next",
                 found.reached_end ? std::string() : page_cursor(page.direction, found.bounds));
  });
}

Answer replay(const Context& context, const Call& call) {
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"items", "all"}));
  TOCSIN_TRY(const auto items, body.numbers("items"));
  TOCSIN_TRY(const auto all, body.yes_or_no("all"));
  insight::ReplayRequest request;
  request.dead_letter_topic = context.options.dead_letter_topic;
  request.raw_topic = context.options.raw_topic;
  request.stopped = [] { return false; };
  for (const auto& item : items) {
    const auto partition = item.find("partition"), offset = item.find("offset");
    if (item.size() != 2 || partition == item.end() || offset == item.end())
      return refuse(ApiCode::kInvalid, "items: partition and offset of each are wanted", "items");
    request.filter.which.push_back(fmt::format("{}/{}", partition->second, offset->second));
  }
  if (all.value_or(false) != request.filter.which.empty())
    return refuse(ApiCode::kInvalid, "either items or all: true is wanted", "items");
  TOCSIN_TRY_STATUS(context.audit(call, "dead_letters.replay", request.dead_letter_topic,
                                  request.filter.which.empty()
                                      ? "all"
                                      : fmt::format("{}", fmt::join(request.filter.which, " "))));
  TOCSIN_TRY(const insight::Replay replayed, insight::replay_letters(context.bus, request));
  if (replayed.missing > 0 && replayed.sent + replayed.cut == 0)
    return refuse(ApiCode::kNotFound, "the topic has no such dead letter", "items");
  const auto skipped = replayed.cut + replayed.came_back + replayed.failed + replayed.missing;
  return json_object([&](JsonWriter& json) {
    json.member("replayed", replayed.sent - replayed.failed);
    json.member("skipped", skipped);
  });
}

}  // namespace

void add_dead_letter_routes(Router& router, const Context& context) {
  router.add("GET", "/dead-letters", Role::kViewer, {"limit", "cursor", "reason"},
             [&context](const Call& call) { return list(context, call); });
  router.add("POST", "/dead-letters/replay", Role::kAdmin, {},
             [&context](const Call& call) { return replay(context, call); });
}

}  // namespace tocsin::console
