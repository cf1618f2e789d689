// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/health.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>
#include <utility>

#include "stages/store/sinks/opensearch/assets.h"

namespace tocsin::store::opensearch {
namespace {

namespace dom = simdjson::dom;
using State = HealthFinding::State;
using Findings = std::vector<HealthFinding>;

constexpr const char* kGrant =
    "grant the user's role what docs/stores.md lists, or let an administrator look";

// The status of an answer that is no success, as a finding.
HealthFinding refused(std::string what, const Response& answer, State state) {
  const char* advice =
      answer.status == 401
          ? "mend user, password or API key (--opensearch-user, --opensearch-password)"
      : answer.status == 403 ? kGrant
                             : "look into the server's log";
  return {std::move(what), state, describe_failure(answer), advice};
}

HealthFinding check_cluster(HttpClient& client) {
  const auto answer = client.request({.path = "/_cluster/health"});
  if (!answer) return {"health", State::kProblem, answer.error().message, "is it running?"};
  if (answer->status != 200) return refused("health", *answer, State::kNote);
  dom::parser parser;
  dom::element root;
  std::string_view status;
  if (parser.parse(answer->body).get(root) != simdjson::SUCCESS ||
      root["status"].get(status) != simdjson::SUCCESS)
    return {"health", State::kNote, "the server does not tell its health", ""};
  std::int64_t nodes = 0;
  std::string found(status);
  if (root["number_of_nodes"].get(nodes) == simdjson::SUCCESS)
    found += fmt::format(", {} {}", nodes, nodes == 1 ? "node" : "nodes");
  if (status == "green") return {"health", State::kGood, found};
  if (status == "yellow")
    return {"health", State::kNote, found,
            "copies of some indices have no node: usual with one node, else look at it"};
  return {"health", State::kProblem, found,
          "parts of some indices are nowhere: GET /_cluster/allocation/explain says why"};
}

HealthFinding check_assets(HttpClient& client, Flavour flavour, const Options& options) {
  std::string missing;
  std::optional<HealthFinding> unknown;  // what the server does not know of, or does not show
  for (const Asset& asset : assets(flavour, options.prefix, options.retention_days)) {
    const auto answer = client.request({.path = asset.path});
    if (!answer) return {"templates", State::kProblem, answer.error().message, "is it running?"};
    if (answer->status == 200) continue;
    if (answer->status != 404) {
      unknown = refused("templates", *answer, State::kNote);
      unknown->found = asset.path + ": " + unknown->found;
      continue;
    }
    missing += (missing.empty() ? "" : ", ") + asset.path;
  }
  if (missing.empty() && unknown) return *std::move(unknown);
  if (missing.empty()) return {"templates", State::kGood, "templates and policy are there"};
  if (options.set_up)
    return {"templates", State::kNote, "not yet there: " + missing,
            "`tocsin store` makes them when it starts, if it may"};
  return {"templates", State::kProblem, "not there: " + missing,
          "an administrator makes them from `tocsin store --print-setup`"};
}

// Indices that a full disk has made read-only stay so until somebody says otherwise.
HealthFinding check_blocks(HttpClient& client, const Options& options) {
  const auto answer = client.request(
      {.path = fmt::format("/{}-*/_settings/index.blocks.*?flat_settings=true", options.prefix)});
  if (!answer) return {"indices", State::kProblem, answer.error().message, "is it running?"};
  if (answer->status == 404) return {"indices", State::kGood, "none yet"};
  if (answer->status != 200) return refused("indices", *answer, State::kNote);
  dom::parser parser;
  dom::object indices;
  if (parser.parse(answer->body).get(indices) != simdjson::SUCCESS)
    return {"indices", State::kNote, "the server does not tell their settings", ""};
  std::string blocked;
  for (const auto [name, index] : indices) {
    dom::object settings;
    if (index["settings"].get(settings) != simdjson::SUCCESS) continue;
    for (const auto [key, value] : settings) {
      std::string_view text;
      if (key.starts_with("index.blocks.") && value.get(text) == simdjson::SUCCESS &&
          text == "true")
        blocked += fmt::format("{}{} ({})", blocked.empty() ? "" : ", ", name, key);
    }
  }
  if (blocked.empty()) return {"indices", State::kGood, "none is blocked"};
  return {"indices", State::kProblem, "blocked: " + blocked,
          "make room on the server's disk, then set that setting of the index to null"};
}

HealthFinding check_writing(HttpClient& client, const Options& options) {
  const std::string body = fmt::format(
      "{{\"index\":{{\"_index\":\"{}-doctor-no-such-alias\",\"_id\":\"doctor\"}}}}\n{{}}\n",
      options.prefix);
  const auto answer = client.request({.method = "POST",
                                      .path = "/_bulk?require_alias=true",
                                      .body = body,
                                      .content_type = "application/x-ndjson"});
  if (!answer) return {"writing", State::kProblem, answer.error().message, "is it running?"};
  if (answer->status != 200) return refused("writing", *answer, State::kProblem);
  dom::parser parser;
  dom::element root;
  std::int64_t status = 0;
  if (parser.parse(answer->body).get(root) == simdjson::SUCCESS &&
      root.at_pointer("/items/0/index/status").get(status) == simdjson::SUCCESS &&
      (status == 401 || status == 403))
    return {"writing", State::kProblem, "bulk requests are permitted, writing to indices is not",
            kGrant};
  return {"writing", State::kGood, "bulk requests are permitted"};
}

}  // namespace

Findings check_health(HttpClient& client, const Options& options) {
  const auto server = identify(client);
  if (!server && server.error().code != ErrorCode::kUnsupported)
    return {{"server", State::kProblem, server.error().message,
             "is it running, and are address, certificates and user right?"}};
  Findings findings;
  if (server)
    findings.push_back(
        {"server", State::kGood,
         fmt::format("{} {}, {}",
                     server->flavour == Flavour::kOpenSearch ? "OpenSearch" : "Elasticsearch",
                     server->version, client.describe())});
  else
    findings.push_back({"server", State::kNote, server.error().message,
                        "this user may not ask who the server is; templates are somebody else's"});
  findings.push_back(check_cluster(client));
  if (server) findings.push_back(check_assets(client, server->flavour, options));
  findings.push_back(check_blocks(client, options));
  findings.push_back(check_writing(client, options));
  return findings;
}

}  // namespace tocsin::store::opensearch
