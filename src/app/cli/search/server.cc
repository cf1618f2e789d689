// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "app/cli/search/backend.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "core/event/record_json.h"
#include "stages/store/search/language/opensearch.h"
#include "stages/store/sinks/opensearch/http_client.h"

namespace tocsin::cli::search {
namespace {

using simdjson::dom::element;
using store::opensearch::HttpClient;
using store::opensearch::Response;
using store::search::AlertRecord;
using store::search::EventRecord;

constexpr std::size_t kPage = 500;

std::string text_of(const element& from, const char* pointer) {
  std::string_view text;
  if (from.at_pointer(pointer).get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

std::int64_t number_of(const element& from, const char* pointer) {
  std::int64_t number = 0;
  if (from.at_pointer(pointer).get(number) != simdjson::SUCCESS) return 0;
  return number;
}

std::vector<std::string> list_of(const element& from, const char* pointer) {
  std::vector<std::string> list;
  simdjson::dom::array items;
  if (from.at_pointer(pointer).get(items) != simdjson::SUCCESS) return list;
  for (const element item : items) {
    std::string_view text;
    if (item.get(text) == simdjson::SUCCESS) list.emplace_back(text);
  }
  return list;
}

UnixNanos time_of(const element& from, const char* pointer) {
  return parse_time(text_of(from, pointer)).value_or(0);
}

AlertRecord alert_of(const element& source) {
  AlertRecord row;
  row.alert_id = Uuid::parse(text_of(source, "/tocsin/alert_id")).value_or(Uuid{});
  row.event_id = Uuid::parse(text_of(source, "/event/id")).value_or(Uuid{});
  row.trace_id = Uuid::parse(text_of(source, "/trace/id")).value_or(Uuid{}).bytes;
  row.time = time_of(source, "/@timestamp");
  row.created = time_of(source, "/event/created");
  row.host = text_of(source, "/host/name");
  row.user = text_of(source, "/user/name");
  row.level = text_of(source, "/rule/level");
  row.rule_id = text_of(source, "/rule/id");
  row.rule_name = text_of(source, "/rule/name");
  row.event_class = text_of(source, "/tocsin/class");
  row.tactics = list_of(source, "/threat/tactic");
  row.techniques = list_of(source, "/threat/technique");
  row.suppressed = number_of(source, "/tocsin/suppressed");
  return row;
}

EventRecord verdict_of(const element& source) {
  EventRecord row;
  row.event_id = Uuid::parse(text_of(source, "/event/id")).value_or(Uuid{});
  row.trace_id = Uuid::parse(text_of(source, "/trace/id")).value_or(Uuid{}).bytes;
  row.time = time_of(source, "/@timestamp");
  row.classified_at = time_of(source, "/event/created");
  row.host = text_of(source, "/host/name");
  row.channel = text_of(source, "/winlog/channel");
  row.provider = text_of(source, "/event/provider");
  row.code = text_of(source, "/event/code");
  row.event_class = text_of(source, "/tocsin/class");
  row.level = text_of(source, "/rule/level");
  row.tactics = list_of(source, "/threat/tactic");
  row.techniques = list_of(source, "/threat/technique");
  row.rules = list_of(source, "/rule/id");
  row.score = number_of(source, "/event/severity");
  row.latency_us = number_of(source, "/tocsin/latency_us");
  return row;
}

class Server final : public Backend {
 public:
  Server(std::unique_ptr<HttpClient> client, std::string prefix)
      : client_(std::move(client)), prefix_(std::move(prefix)) {}

  Result<std::int64_t> count(const Request& request) override {
    TOCSIN_TRY(const std::string query, opensearch_query(request.query, request.range));
    TOCSIN_TRY(const element root,
               ask("_count", request.verdicts, fmt::format(R"({{"query":{}}})", query)));
    return number_of(root, "/count");
  }

  Status find(const Request& request, const std::function<void(const Found&)>& take) override {
    TOCSIN_TRY(const std::string query, opensearch_query(request.query, request.range));
    std::size_t left = request.limit == 0 ? std::numeric_limits<std::size_t>::max() : request.limit;
    std::string after;
    while (left > 0) {
      const std::size_t size = std::min(left, kPage);
      TOCSIN_TRY(const element root,
                 ask("_search", request.verdicts, page(request.verdicts, query, size, after)));
      simdjson::dom::array hits;
      if (root.at_pointer("/hits/hits").get(hits) != simdjson::SUCCESS)
        return fail(ErrorCode::kUnavailable,
                    fmt::format("{}: this is no answer of _search", client_->describe()));
      for (const element hit : hits) {
        element source, sort;
        if (hit["_source"].get(source) != simdjson::SUCCESS) continue;
        request.verdicts ? take(verdict_of(source)) : take(alert_of(source));
        if (hit["sort"].get(sort) == simdjson::SUCCESS) after = simdjson::minify(sort);
      }
      if (hits.size() < size || after.empty()) return {};
      left -= hits.size();
    }
    return {};
  }

 private:
  // Latest first; of one moment by id, so that no page leaves out or repeats any.
  static std::string page(bool verdicts, const std::string& query, std::size_t size,
                          const std::string& after) {
    std::string out;
    JsonWriter json(out);
    json.object([&] {
      json.key("query");
      json.raw(query);
      json.member("size", size);
      json.member("track_total_hits", false);
      json.key("sort");
      json.array([&] {
        for (const std::string_view field :
             {std::string_view("@timestamp"),
              verdicts ? std::string_view("event.id") : std::string_view("tocsin.alert_id")})
          json.object([&] {
            json.key(field);
            json.object([&] {
              json.member("order", "desc");
              json.member("unmapped_type", field == "@timestamp" ? "date" : "keyword");
            });
          });
      });
      if (after.empty()) return;
      json.key("search_after");
      json.raw(after);
    });
    return out;
  }

  // Valid until the next request.
  Result<element> ask(std::string_view what, bool verdicts, const std::string& body) {
    TOCSIN_TRY(answer_,
               client_->request({.method = "POST",
                                 .path = fmt::format("/{}-{}-*/{}", prefix_,
                                                     verdicts ? "verdicts" : "alerts", what),
                                 .body = body}));
    if (answer_.status != 200)
      return fail(ErrorCode::kUnavailable, store::opensearch::describe_failure(answer_));
    element root;
    if (parser_.parse(answer_.body).get(root) != simdjson::SUCCESS)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}: this is no answer of OpenSearch", client_->describe()));
    return root;
  }

  const std::unique_ptr<HttpClient> client_;
  const std::string prefix_;
  Response answer_;
  simdjson::dom::parser parser_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_server(const store::opensearch::Options& options) {
  TOCSIN_TRY(auto client, HttpClient::open(options));
  return std::make_unique<Server>(std::move(client), options.prefix);
}

}  // namespace tocsin::cli::search
