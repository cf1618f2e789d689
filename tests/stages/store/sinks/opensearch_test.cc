// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <simdjson.h>

#include <cstdlib>
#include <fstream>
#include <future>

#include "stages/store/fixture.h"
#include "stages/store/sinks/opensearch/assets.h"
#include "stages/store/sinks/opensearch/documents.h"
#include "stages/store/sinks/opensearch/health.h"
#include "stages/store/sinks/opensearch/opensearch_sink.h"
#include "stub_server.h"

using namespace tocsin;
using test::StubServer;
using test::TempDir;

namespace {

store::opensearch::Options options_for(const StubServer& server) {
  store::opensearch::Options options;
  options.hosts = {server.url()};
  options.first_pause = std::chrono::milliseconds(1);
  return options;
}

std::unique_ptr<store::Sink> open_or_fail(const store::opensearch::Options& options) {
  auto sink = store::open_opensearch(options);
  REQUIRE_MESSAGE(sink.has_value(), (sink ? "" : sink.error().message));
  return std::move(*sink);
}

std::string read_text(simdjson::dom::element root, const char* pointer) {
  std::string_view text;
  if (root.at_pointer(pointer).get(text) != simdjson::SUCCESS) return "(none)";
  return std::string(text);
}

// One batch of `count` verdicts, every other one with an alert.
struct Records {
  explicit Records(unsigned count, unsigned first = 0) : verdicts(test::verdicts(first, count)) {
    for (const Verdict& v : verdicts)
      if (v.detected()) alerts.push_back(test::alert_of(v));
  }
  store::SinkBatch batch() {
    return {.verdicts = verdicts, .alerts = alerts, .rejected = &rejected};
  }
  std::vector<Verdict> verdicts;
  std::vector<Alert> alerts;
  std::vector<store::Rejection> rejected;
};

}  // namespace

TEST_CASE("opensearch: documents have the record's id, and the index of the event's day") {
  StubServer server;
  const auto sink = open_or_fail(options_for(server));
  CHECK(sink->name() == "opensearch");
  Records records(4);
  REQUIRE(sink->write(records.batch()).has_value());
  const auto documents = server.documents();
  CHECK(documents.size() == 6);
  for (const Verdict& v : records.verdicts)
    CHECK(documents.count({"tocsin-verdicts-2023.11.14", v.event_id.to_string()}) == 1);
  for (const Alert& a : records.alerts)
    CHECK(documents.count({"tocsin-alerts-2023.11.14", a.alert_id.to_string()}) == 1);

  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(
      documents.at({"tocsin-verdicts-2023.11.14", records.verdicts[0].event_id.to_string()}));
  CHECK(read_text(root, "/@timestamp") == "2023-11-14T22:13:20.000000Z");
  CHECK(read_text(root, "/event/id") == records.verdicts[0].event_id.to_string());
  CHECK(read_text(root, "/host/name") == "ws0.example.org");
  CHECK(read_text(root, "/tocsin/class") == "Credential Access");
  CHECK(read_text(root, "/threat/tactic/1") == "stealth");
  CHECK(read_text(root, "/rule/id/0") == records.verdicts[0].rules[0]);
  const simdjson::dom::element alert = parser.parse(
      documents.at({"tocsin-alerts-2023.11.14", records.alerts[0].alert_id.to_string()}));
  CHECK(read_text(alert, "/tocsin/alert_id") == records.alerts[0].alert_id.to_string());
  CHECK(read_text(alert, "/tocsin/class") == "credential-access");
}

TEST_CASE("opensearch: which index an event belongs to follows from its own time") {
  const auto at = [](const char* text) { return *parse_time(text); };
  struct Case {
    const char* name;
    UnixNanos happened;
    const char* want;
  };
  const UnixNanos seen = at("2026-11-27T03:00:00Z");
  const Case cases[] = {
      {"just now", at("2026-11-27T02:59:59Z"), "2026.11.27"},
      {"before midnight", at("2026-11-26T23:59:59Z"), "2026.11.26"},
      {"a clock that is fast", at("2026-11-27T23:00:00Z"), "2026.11.27"},
      {"within 35 days", at("2026-10-24T00:00:00Z"), "2026.10.24"},
      {"older", at("2026-10-22T00:00:00Z"), "2026"},
      {"years ago", at("2019-03-01T00:00:00Z"), "2019"},
      {"before there were such logs", at("1999-12-31T23:59:59Z"), "undated"},
      {"in the future", at("2026-11-29T00:00:00Z"), "undated"},
      {"without a time", 0, "undated"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(store::opensearch::period_of(c.happened, seen) == c.want);
  }
  // Whoever sees the event a month later, after a replay, finds the same index.
  CHECK(store::opensearch::period_of(at("2026-11-26T23:59:59Z"), at("2026-12-27T03:00:00Z")) ==
        "2026.11.26");
}

TEST_CASE("opensearch: what comes again makes no duplicates; of verdicts the later one counts") {
  StubServer server;
  const auto sink = open_or_fail(options_for(server));
  Records records(10);
  REQUIRE(sink->write(records.batch()).has_value());
  const auto before = server.documents();
  for (Verdict& v : records.verdicts) v.event_class = "Impact";
  for (Alert& a : records.alerts) a.rule_name = "another";
  REQUIRE(sink->write(records.batch()).has_value());
  CHECK(records.rejected.empty());
  const auto after = server.documents();
  CHECK(after.size() == before.size());
  for (const auto& [key, document] : after) {
    const bool is_alert = key.first.starts_with("tocsin-alerts");
    CHECK((document == before.at(key)) == is_alert);
    CHECK((document.find("\"Impact\"") != std::string::npos) == !is_alert);
  }
}

TEST_CASE("opensearch: requests stay below the bound, and nothing is lost between them") {
  StubServer server;
  auto options = options_for(server);
  options.body_bytes_max = 4'000;
  const auto sink = open_or_fail(options);
  Records records(200);
  records.verdicts[7].channel = std::string(10'000, 'x');  // alone larger than the bound
  REQUIRE(sink->write(records.batch()).has_value());
  CHECK(server.documents().size() == 300);
  const auto sizes = server.body_sizes();
  CHECK(sizes.size() > 20);
  CHECK(std::count_if(sizes.begin(), sizes.end(), [](std::size_t s) { return s > 4'000; }) == 1);
}

TEST_CASE("opensearch: a server that takes no large body gets smaller ones") {
  StubServer server({{.status = 413}, {.status = 413}});
  const auto sink = open_or_fail(options_for(server));
  Records records(20);
  REQUIRE(sink->write(records.batch()).has_value());
  CHECK(server.documents().size() == 30);
  CHECK(server.bulks().size() >= 4);
}

TEST_CASE("opensearch: of a busy server only what it put off is sent again") {
  StubServer server({{.items = {{1, {429, "es_rejected_execution_exception"}},
                                {3, {503, "unavailable_shards_exception"}}}},
                     {.items = {{0, {403, "cluster_block_exception"}}}}});
  const auto sink = open_or_fail(options_for(server));
  Records records(4);
  REQUIRE(sink->write(records.batch()).has_value());
  const auto bulks = server.bulks();
  REQUIRE(bulks.size() == 3);
  CHECK(bulks[0].size() == 6);
  CHECK(bulks[1].size() == 2);
  CHECK(bulks[2].size() == 1);
  CHECK(server.documents().size() == 6);
  CHECK(records.rejected.empty());
}

TEST_CASE("opensearch: a server that stays busy is unavailable, and the reason is told") {
  std::deque<StubServer::Turn> script(100,
                                      {.items = {{0, {429, "es_rejected_execution_exception"}}}});
  StubServer server(script);
  const auto sink = open_or_fail(options_for(server));
  Records records(1);
  records.alerts.clear();
  const Status status = sink->write(records.batch());
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == ErrorCode::kUnavailable);
  CHECK(status.error().message.find("es_rejected_execution_exception") != std::string::npos);
  CHECK(server.bulks().size() < 20);
}

TEST_CASE("opensearch: documents that are wrong are told one by one; the others are kept") {
  StubServer server({{.items = {{2, {400, "mapper_parsing_exception"}},
                                {4, {400, "strict_dynamic_mapping_exception"}}}}});
  const auto sink = open_or_fail(options_for(server));
  Records records(4);
  REQUIRE(sink->write(records.batch()).has_value());
  CHECK(server.documents().size() == 4);
  REQUIRE(records.rejected.size() == 2);
  CHECK_FALSE(records.rejected[0].is_alert);
  CHECK(records.rejected[0].index == 2);
  CHECK(records.rejected[0].reason == "400 mapper_parsing_exception: because");
  CHECK(records.rejected[1].is_alert);
  CHECK(records.rejected[1].index == 0);

  StubServer strict({{.items = {{0, {400, "mapper_parsing_exception"}}}}});
  const Status status = open_or_fail(options_for(strict))->write(records.verdicts, {});
  REQUIRE_FALSE(status.has_value());  // nobody asked for the rejections
  CHECK(status.error().code == ErrorCode::kInvalid);
}

TEST_CASE("opensearch: requests that fail as a whole can be made again") {
  struct Case {
    const char* name;
    StubServer::Turn turn;
    const char* told;
  };
  const Case cases[] = {
      {"busy",
       {.status = 429, .body = R"({"error":{"type":"too_many","reason":"later"}})"},
       "later"},
      {"unavailable", {.status = 503}, "503"},
      {"no permission",
       {.status = 403, .body = R"({"error":"no permissions for bulk"})"},
       "no permissions for bulk"},
      {"redirect",
       {.status = 302, .headers = {{"Location", "http://127.0.0.1:1/stolen"}}},
       "redirects"},
      {"not JSON", {.body = "<html>hello</html>"}, "no answer of _bulk"},
      {"items that are missing", {.body = R"({"errors":false,"items":[]})"}, "number of items"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    StubServer server({c.turn});
    const auto sink = open_or_fail(options_for(server));
    Records records(3);
    const Status status = sink->write(records.batch());
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == ErrorCode::kUnavailable);
    CHECK(status.error().message.find(c.told) != std::string::npos);
    CHECK(server.documents().empty());
    REQUIRE(sink->write(records.batch()).has_value());
    CHECK(server.documents().size() == 5);
  }
}

TEST_CASE("opensearch: of several nodes one that is away does not matter") {
  StubServer a, b;
  auto options = options_for(a);
  options.hosts = {"http://127.0.0.1:1", a.url(), b.url() + "/"};
  const auto sink = open_or_fail(options);
  for (unsigned i = 0; i < 6; ++i) {
    Records records(2, 10 * i);
    REQUIRE(sink->write(records.batch()).has_value());
  }
  CHECK(a.bulks().size() + b.bulks().size() == 6);
  CHECK_FALSE(a.bulks().empty());
  CHECK_FALSE(b.bulks().empty());

  options.hosts = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
  Records records(1);
  const Status status = open_or_fail(options)->write(records.batch());
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("opensearch: credentials come from files and variables, and are in no message") {
  const TempDir dir;
  std::ofstream(dir / "password") << "s3cret\n";
  StubServer server;
  server.wanted_authorization = "Basic dG9jc2luOnMzY3JldA==";  // tocsin:s3cret
  auto options = options_for(server);
  options.credentials = {.user = "tocsin", .password = "file:" + (dir / "password"), .api_key = {}};
  Records records(2);
  REQUIRE(open_or_fail(options)->write(records.batch()).has_value());

  setenv("TOCSIN_TEST_API_KEY", "a2V5", 1);
  StubServer keyed;
  keyed.wanted_authorization = "ApiKey a2V5";
  options = options_for(keyed);
  options.credentials.api_key = "env:TOCSIN_TEST_API_KEY";
  REQUIRE(open_or_fail(options)->write(records.batch()).has_value());
  for (const std::string& sent : keyed.authorizations()) CHECK(sent == "ApiKey a2V5");

  // A password that is rotated while the sink runs is taken up.
  options = options_for(server);
  options.credentials = {.user = "tocsin", .password = "file:" + (dir / "password"), .api_key = {}};
  std::ofstream(dir / "password") << "wrong";
  const auto sink = open_or_fail(options);
  const Status refused = sink->write(records.batch());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("wrong") == std::string::npos);
  CHECK(refused.error().message.find("401") != std::string::npos);
  std::ofstream(dir / "password") << "s3cret";
  CHECK(sink->write(records.batch()).has_value());
}

TEST_CASE("opensearch: what cannot work is refused at the start, without telling a secret") {
  const TempDir dir;
  std::ofstream(dir / "lines") << "one\nHost: two";
  using store::opensearch::Credentials;
  struct Case {
    const char* name;
    std::string host;
    Credentials credentials;
    std::string prefix;
    const char* told;
  };
  const Case cases[] = {
      {"password in the URL", "https://tocsin:hunter2@search:9200", {}, "tocsin", "user name"},
      {"another scheme", "ftp://search", {}, "tocsin", "http://"},
      {"no URL", "http://", {}, "tocsin", "address"},
      {"a query", "http://search/?x=hunter2", {}, "tocsin", "query"},
      {"a password itself", "http://localhost", {"u", "hunter2", ""}, "tocsin", "env:NAME"},
      {"no such variable",
       "http://localhost",
       {"u", "env:TOCSIN_NO_SUCH", ""},
       "tocsin",
       "TOCSIN_NO_SUCH"},
      {"no such file", "http://localhost", {"u", "file:/no/such", ""}, "tocsin", "/no/such"},
      {"several lines",
       "http://localhost",
       {"u", "file:" + (dir / "lines"), ""},
       "tocsin",
       "lines"},
      {"nobody's password", "http://localhost", {"", "env:HOME", ""}, "tocsin", "no user"},
      {"a prefix that is none", "http://localhost", {}, "../Tocsin", "prefix"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    store::opensearch::Options options;
    options.hosts = {c.host};
    options.credentials = c.credentials;
    options.prefix = c.prefix;
    const auto sink = store::open_opensearch(options);
    REQUIRE_FALSE(sink.has_value());
    CHECK(sink.error().code == ErrorCode::kInvalid);
    CHECK(sink.error().message.find(c.told) != std::string::npos);
    CHECK(sink.error().message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("opensearch: a server with a certificate that nobody vouches for is not spoken to") {
  // A plain server cannot end a TLS handshake: what matters is that nothing is sent without one.
  StubServer server;
  auto options = options_for(server);
  options.hosts = {"https" + server.url().substr(4)};
  Records records(1);
  const Status status = open_or_fail(options)->write(records.batch());
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == ErrorCode::kUnavailable);
  CHECK(server.requests().empty());
}

TEST_CASE("opensearch: templates and policy are made once, and what is there is left alone") {
  StubServer server;
  Records records(2);
  REQUIRE(open_or_fail(options_for(server))->write(records.batch()).has_value());
  const auto made = server.assets();
  CHECK(made.size() == 3);
  CHECK(made.count("/_index_template/tocsin-alerts") == 1);
  CHECK(made.count("/_index_template/tocsin-verdicts") == 1);
  CHECK(made.at("/_plugins/_ism/policies/tocsin-retention").find("\"90d\"") != std::string::npos);
  REQUIRE(open_or_fail(options_for(server))->write(records.batch()).has_value());
  const auto requests = server.requests();
  CHECK(std::count_if(requests.begin(), requests.end(),
                      [](const std::string& r) { return r.starts_with("PUT"); }) == 3);

  // An administrator's own of the same version stays; an older one of ours is replaced.
  StubServer older;
  older.put_asset("/_index_template/tocsin-alerts", R"({"version":0})");
  older.put_asset("/_index_template/tocsin-verdicts", R"({"version":1,"mine":true})");
  REQUIRE(open_or_fail(options_for(older))->write(records.batch()).has_value());
  CHECK(older.assets().at("/_index_template/tocsin-verdicts") == R"({"version":1,"mine":true})");
  CHECK(older.assets().at("/_index_template/tocsin-alerts") != R"({"version":0})");

  // Who may only write writes.
  StubServer strict;
  strict.forbidden = {"/_index_template/tocsin-alerts", "/_index_template/tocsin-verdicts",
                      "/_plugins/_ism/policies/tocsin-retention"};
  REQUIRE(open_or_fail(options_for(strict))->write(records.batch()).has_value());
  CHECK(strict.assets().empty());

  StubServer silent;
  auto options = options_for(silent);
  options.set_up = false;
  REQUIRE(open_or_fail(options)->write(records.batch()).has_value());
  CHECK(silent.requests() == std::vector<std::string>{"POST /_bulk"});
}

TEST_CASE("opensearch: its health: what is wrong, what to do, and nothing is changed") {
  using State = store::opensearch::HealthFinding::State;
  struct Case {
    const char* name;
    std::function<void(StubServer&, store::opensearch::Options&)> prepare;
    const char* what;
    State state;
    const char* found;
  };
  const std::string blocked =
      R"({"tocsin-alerts-2026.11.27":{"settings":{"index.blocks.read_only_allow_delete":"true"}}})";
  const Case cases[] = {
      {"all is well", [](auto&, auto&) {}, "health", State::kGood, "green, 3 nodes"},
      {"who it is", [](auto&, auto&) {}, "server", State::kGood, "OpenSearch 2.19.6"},
      {"templates come later", [](auto&, auto&) {}, "templates", State::kNote, "not yet there"},
      {"templates are somebody else's", [](auto&, auto& o) { o.set_up = false; }, "templates",
       State::kProblem, "/_index_template/tocsin-alerts"},
      {"no policies, and no templates",
       [](auto& s, auto& o) {
         s.forbidden = {"/_plugins/_ism/policies/tocsin-retention"};
         o.set_up = false;
       },
       "templates", State::kProblem, "/_index_template/tocsin-verdicts"},
      {"one node", [](auto& s, auto&) { s.health = R"({"status":"yellow","number_of_nodes":1})"; },
       "health", State::kNote, "yellow, 1 node"},
      {"shards are missing", [](auto& s, auto&) { s.health = R"({"status":"red"})"; }, "health",
       State::kProblem, "red"},
      {"health is secret", [](auto& s, auto&) { s.health.clear(); }, "health", State::kNote,
       "HTTP status 403"},
      {"a disk was full", [&](auto& s, auto&) { s.blocks = blocked; }, "indices", State::kProblem,
       "tocsin-alerts-2026.11.27 (index.blocks.read_only_allow_delete)"},
      {"the user may not write", [](auto& s, auto&) { s.wanted_authorization = "Basic x"; },
       "writing", State::kProblem, "HTTP status 401"},
      {"nobody is there", [](auto&, auto& o) { o.hosts = {"http://127.0.0.1:9"}; }, "server",
       State::kProblem, "127.0.0.1:9"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    StubServer server;
    auto options = options_for(server);
    one.prepare(server, options);
    const auto client = store::opensearch::HttpClient::open(options);
    REQUIRE(client);
    const auto findings = store::opensearch::check_health(**client, options);
    const auto finding = std::find_if(findings.begin(), findings.end(),
                                      [&](const auto& f) { return f.what == one.what; });
    REQUIRE(finding != findings.end());
    CAPTURE(finding->found);
    CHECK(finding->state == one.state);
    CHECK(finding->found.find(one.found) != std::string::npos);
    CHECK(finding->advice.empty() == (one.state == State::kGood));
    CHECK(server.assets().empty());
    for (const auto& bulk : server.bulks())
      for (const auto& line : bulk) CHECK(line.index == "tocsin-doctor-no-such-alias");
  }
}

TEST_CASE("opensearch: Elasticsearch has another policy, named by a template for days") {
  StubServer server;
  server.about = R"({"version":{"number":"8.15.0"}})";
  auto options = options_for(server);
  options.prefix = "site";
  options.retention_days = 30;
  Records records(2);
  REQUIRE(open_or_fail(options)->write(records.batch()).has_value());
  const auto made = server.assets();
  CHECK(made.size() == 5);
  CHECK(made.at("/_ilm/policy/site-retention").find("\"30d\"") != std::string::npos);
  CHECK(made.at("/_index_template/site-alerts-daily").find("\"site-retention\"") !=
        std::string::npos);
  CHECK(made.at("/_index_template/site-alerts").find("lifecycle") == std::string::npos);
  for (const auto& [path, body] : made) {
    CAPTURE(path);
    simdjson::dom::parser parser;
    CHECK(parser.parse(body).error() == simdjson::SUCCESS);
  }
  CHECK(server.documents().begin()->first.first.starts_with("site-"));
}

TEST_CASE("opensearch: every field of a document has a type in the template") {
  using store::opensearch::Flavour;
  const auto all = store::opensearch::assets(Flavour::kOpenSearch, "t", 0);
  REQUIRE(all.size() == 2);
  simdjson::dom::parser template_parser, parser;
  const simdjson::dom::element root = template_parser.parse(all[0].body);
  CHECK(bool(root.at_pointer("/template/mappings/dynamic")) == false);
  Verdict v = test::verdict(0);
  Alert a = test::alert_of(v);
  a.user = "u";
  a.channel = "c";
  a.file_path = "f";
  a.line = 1;
  a.record_id = 1;
  a.suppressed = 1;
  a.matched_fields = {{"Image", "x"}};
  std::string texts[2];
  store::opensearch::append_document(texts[0], v);
  store::opensearch::append_document(texts[1], a);
  const std::function<void(simdjson::dom::element, std::string)> check =
      [&](simdjson::dom::element value, std::string pointer) {
        if (value.is_array()) {
          for (const auto item : simdjson::dom::array(value)) check(item, pointer);
        } else if (value.is_object()) {
          for (const auto [key, member] : simdjson::dom::object(value))
            check(member, pointer + "/properties/" + std::string(key));
        } else {
          CAPTURE(pointer);
          CHECK(root.at_pointer(pointer + "/type").error() == simdjson::SUCCESS);
        }
      };
  for (const std::string& text : texts) check(parser.parse(text), "/template/mappings");
}

TEST_CASE("opensearch: a sink that waits can be told to give up") {
  StubServer server({{.status = 200, .delay_ms = 1'500}});
  const auto sink = open_or_fail(options_for(server));
  Records records(1);
  auto written = std::async(std::launch::async, [&] { return sink->write(records.batch()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  sink->cancel();
  const Status status = written.get();
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("opensearch: compressed requests are what they were") {
  StubServer server;
  auto options = options_for(server);
  options.gzip = true;
  Records records(50);
  REQUIRE(open_or_fail(options)->write(records.batch()).has_value());
  CHECK(server.documents().size() == 75);
}
