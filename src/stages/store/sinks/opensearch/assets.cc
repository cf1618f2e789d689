// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/assets.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"
#include "base/log.h"

namespace tocsin::store::opensearch {
namespace {

// A value that is longer than a term may be is stored and not indexed. What people search by words
// of it has a field of words beside.
constexpr std::string_view kKeyword = R"({"type":"keyword","ignore_above":8191})";
constexpr std::string_view kWords =
    R"({"type":"keyword","ignore_above":8191,"fields":{"text":{"type":"text"}}})";
constexpr std::string_view kDate = R"({"type":"date"})";
constexpr std::string_view kLong = R"({"type":"long"})";

void field(JsonWriter& json, std::string_view name, std::string_view type) {
  json.key(name);
  json.raw(type);
}

template <class Body>
void object(JsonWriter& json, std::string_view name, Body&& body) {
  json.key(name);
  json.object(body);
}

template <class Body>
void fields(JsonWriter& json, std::string_view name, Body&& body) {
  object(json, name, [&] { object(json, "properties", body); });
}

// One mapping for both: a search over verdicts and alerts finds the same names of the same types.
void properties(JsonWriter& json) {
  field(json, "@timestamp", kDate);
  fields(json, "event", [&] {
    for (const char* name : {"id", "kind", "code", "provider"}) field(json, name, kKeyword);
    field(json, "severity", R"({"type":"short"})");
    field(json, "created", kDate);
  });
  fields(json, "host", [&] { field(json, "name", kWords); });
  fields(json, "user", [&] { field(json, "name", kWords); });
  fields(json, "rule", [&] {
    for (const char* name : {"id", "level", "author", "ruleset"}) field(json, name, kKeyword);
    field(json, "name", kWords);
  });
  fields(json, "threat", [&] {
    for (const char* name : {"framework", "tactic", "technique"}) field(json, name, kKeyword);
  });
  fields(json, "trace", [&] { field(json, "id", kKeyword); });
  fields(json, "log", [&] {
    fields(json, "file", [&] { field(json, "path", kKeyword); });
    field(json, "offset", kLong);
  });
  fields(json, "winlog", [&] {
    field(json, "channel", kKeyword);
    field(json, "record_id", kLong);
  });
  fields(json, "tocsin", [&] {
    field(json, "alert_id", kKeyword);
    field(json, "class", kKeyword);
    field(json, "latency_us", kLong);
    field(json, "suppressed", kLong);
    fields(json, "matched_fields", [&] {
      field(json, "field", kKeyword);
      field(json, "value", kWords);
    });
  });
}

std::string template_body(std::string_view pattern, int priority, std::string_view lifecycle) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.key("index_patterns");
    json.array([&] { json.value(pattern); });
    json.member("priority", priority);
    json.member("version", kTemplateVersion);
    object(json, "_meta", [&] { json.member("managed_by", "tocsin"); });
    object(json, "template", [&] {
      object(json, "settings", [&] {
        json.member("index.number_of_shards", 1);
        json.member("index.refresh_interval", "5s");
        json.member("index.codec", "best_compression");
        if (!lifecycle.empty()) json.member("index.lifecycle.name", lifecycle);
      });
      object(json, "mappings", [&] {
        json.member("dynamic", false);
        object(json, "properties", [&] { properties(json); });
      });
    });
  });
  return out;
}

std::string ism_policy(std::string_view prefix, int days) {
  return fmt::format(
      R"({{"policy":{{"description":"Deletes what Tocsin stored {1} days ago","default_state":"kept","states":[{{"name":"kept","actions":[],"transitions":[{{"state_name":"old","conditions":{{"min_index_age":"{1}d"}}}}]}},{{"name":"old","actions":[{{"delete":{{}}}}],"transitions":[]}}],"ism_template":[{{"index_patterns":["{0}-alerts-*.*.*","{0}-verdicts-*.*.*"],"priority":100}}]}}}})",
      prefix, days);
}

std::string ilm_policy(int days) {
  return fmt::format(
      R"({{"policy":{{"phases":{{"hot":{{"actions":{{}}}},"delete":{{"min_age":"{}d","actions":{{"delete":{{}}}}}}}}}}}})",
      days);
}

// The version of a template that is there; -1: it has none.
std::int64_t version_in(const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::int64_t version = -1;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return -1;
  if (root.at_pointer("/index_templates/0/index_template/version").get(version) !=
      simdjson::SUCCESS)
    return -1;
  return version;
}

Status make(HttpClient& client, const Asset& asset) {
  const bool is_policy = asset.kind == Asset::Kind::kPolicy;
  TOCSIN_TRY(const Response found, client.request({.path = asset.path}));
  if (found.status == 200 && (is_policy || version_in(found.body) >= kTemplateVersion)) return {};
  if (found.status == 401 || found.status == 429 || found.status >= 502)
    return fail(ErrorCode::kUnavailable, describe_failure(found));
  if (found.status == 403) {
    log_warning(
        "opensearch: {}: may not be looked at ({}); it must have been made by somebody else",
        asset.path, describe_failure(found));
    return {};
  }
  if (found.status != 200 && found.status != 404) {
    log_warning("opensearch: {}: {}: the server does not know of such; {}", asset.path,
                describe_failure(found),
                is_policy ? "old indices are not deleted by themselves" : "fields get no types");
    return {};
  }
  TOCSIN_TRY(const Response put,
             client.request({.method = "PUT", .path = asset.path, .body = asset.body}));
  if (put.status == 200 || put.status == 201) {
    log_info("opensearch: {} is made", asset.path);
    return {};
  }
  // Somebody else was quicker.
  if (put.status == 409) return {};
  const std::string why = fmt::format("{}: cannot be made: {}", asset.path, describe_failure(put));
  // Documents without the template's types would have to be written again: rather wait.
  if (!is_policy) return fail(ErrorCode::kUnavailable, why);
  log_warning("opensearch: {}; old indices are not deleted by themselves", why);
  return {};
}

}  // namespace

Result<ServerIdentity> identify(HttpClient& client) {
  TOCSIN_TRY(const Response answer, client.request({.path = "/"}));
  if (answer.status != 200) {
    // A user who may only write need not be allowed to ask this; then nothing can be set up either.
    if (answer.status == 403) return fail(ErrorCode::kUnsupported, describe_failure(answer));
    return fail(ErrorCode::kUnavailable, describe_failure(answer));
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view number;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS ||
      root.at_pointer("/version/number").get(number) != simdjson::SUCCESS)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: is neither OpenSearch nor Elasticsearch", answer.node));
  std::string_view distribution;
  const bool is_opensearch =
      root.at_pointer("/version/distribution").get(distribution) == simdjson::SUCCESS &&
      distribution == "opensearch";
  return ServerIdentity{is_opensearch ? Flavour::kOpenSearch : Flavour::kElasticsearch,
                        std::string(number)};
}

std::vector<Asset> assets(Flavour flavour, std::string_view prefix, int retention_days) {
  const bool elastic = flavour == Flavour::kElasticsearch;
  const std::string policy = fmt::format("{}-retention", prefix);
  std::vector<Asset> all;
  if (retention_days > 0) {
    if (elastic)
      all.push_back({Asset::Kind::kPolicy, "/_ilm/policy/" + policy, ilm_policy(retention_days)});
    else
      all.push_back({Asset::Kind::kPolicy, "/_plugins/_ism/policies/" + policy,
                     ism_policy(prefix, retention_days)});
  }
  for (const char* kind : {"alerts", "verdicts"}) {
    const std::string name = fmt::format("{}-{}", prefix, kind);
    all.push_back(
        {Asset::Kind::kTemplate, "/_index_template/" + name, template_body(name + "-*", 200, {})});
    // OpenSearch's policy names its indices itself; Elasticsearch's is named by their template.
    if (elastic && retention_days > 0)
      all.push_back({Asset::Kind::kTemplate, fmt::format("/_index_template/{}-daily", name),
                     template_body(name + "-*.*.*", 210, policy)});
  }
  return all;
}

Status set_up(HttpClient& client, const Options& options) {
  if (!options.set_up) return {};
  const auto server = identify(client);
  if (!server && server.error().code == ErrorCode::kUnsupported) {
    log_warning("opensearch: {}; templates must have been made by somebody else",
                server.error().message);
    return {};
  }
  if (!server) return tl::unexpected(server.error());
  log_info("opensearch: {} is {} {}", client.describe(),
           server->flavour == Flavour::kOpenSearch ? "OpenSearch" : "Elasticsearch",
           server->version);
  for (const Asset& asset : assets(server->flavour, options.prefix, options.retention_days))
    TOCSIN_TRY_STATUS(make(client, asset));
  return {};
}

}  // namespace tocsin::store::opensearch
