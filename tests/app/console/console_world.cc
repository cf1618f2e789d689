// SPDX-License-Identifier: Apache-2.0
#include "console_world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "app/console/auth/secrets.h"
#include "app/pipeline/classifier.h"
#include "app/pipeline/topics.h"
#include "app/pipeline/tuning/tuning_file.h"
#include "base/json_writer.h"
#include "stages/store/sink.h"

namespace tocsin::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRules = R"(title: Shadow copies deleted
id: {}
status: test
level: high
author: Console Tests
description: Somebody deletes the shadow copies.
tags: [attack.impact, attack.t1490, attack.credential-access]
logsource: {{product: windows, category: process_creation}}
detection:
  selection_img:
    Image|endswith: '\vssadmin.exe'
  selection_cmd:
    CommandLine|contains: 'delete'
  condition: all of selection_*
---
title: Never seen
id: {}
level: low
tags: [attack.execution, attack.t1059.001]
logsource: {{product: windows, category: process_creation}}
detection:
  selection:
    Image|endswith: '\nobody.exe'
  condition: selection
)";

const std::string& password_hash() {
  static const std::string kHash = console::hash_password(kPassword).value();
  return kHash;
}

std::int32_t partition_of(std::size_t number) { return static_cast<std::int32_t>(number % 4); }

}  // namespace

Json::Json(const std::string& text) {
  valid_ = parser_->parse(text).get(root_) == simdjson::SUCCESS;
}

simdjson::dom::element Json::at(const char* pointer) const {
  simdjson::dom::element out;
  INFO("JSON pointer ", pointer);
  REQUIRE(valid_);
  REQUIRE(root_.at_pointer(pointer).get(out) == simdjson::SUCCESS);
  return out;
}

bool Json::has(const char* pointer) const {
  simdjson::dom::element out;
  return valid_ && root_.at_pointer(pointer).get(out) == simdjson::SUCCESS;
}

std::string Json::text(const char* pointer) const {
  std::string_view out;
  INFO("JSON pointer ", pointer);
  REQUIRE(at(pointer).get(out) == simdjson::SUCCESS);
  return std::string(out);
}

std::int64_t Json::number(const char* pointer) const {
  std::int64_t out = 0;
  INFO("JSON pointer ", pointer);
  REQUIRE(at(pointer).get(out) == simdjson::SUCCESS);
  return out;
}

bool Json::yes(const char* pointer) const {
  bool out = false;
  INFO("JSON pointer ", pointer);
  REQUIRE(at(pointer).get(out) == simdjson::SUCCESS);
  return out;
}

bool Json::is_null(const char* pointer) const { return at(pointer).is_null(); }

std::size_t Json::size(const char* pointer) const {
  simdjson::dom::array out;
  INFO("JSON pointer ", pointer);
  REQUIRE(at(pointer).get(out) == simdjson::SUCCESS);
  return out.size();
}

simdjson::dom::array array_of(simdjson::dom::element element) {
  simdjson::dom::array out;
  REQUIRE(element.get(out) == simdjson::SUCCESS);
  return out;
}

simdjson::dom::object object_of(simdjson::dom::element element) {
  simdjson::dom::object out;
  REQUIRE(element.get(out) == simdjson::SUCCESS);
  return out;
}

std::string Got::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string attack_event(int number, std::string_view command_line) {
  std::string command;
  append_json_string(command, command_line);
  return fmt::format(
      R"({{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":"Microsoft-Windows-Sysmon"}}}},"EventID":1,)"
      R"("TimeCreated":{{"#attributes":{{"SystemTime":"2026-03-02T10:{:02}:{:02}.000000Z"}}}},"EventRecordID":{},)"
      R"("Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"host{}.example"}},)"
      R"("EventData":{{"Image":"C:\\Windows\\System32\\vssadmin.exe","CommandLine":{},)"
      R"("User":"EXAMPLE\\user","ProcessId":{}}}}}}})",
      number / 60 % 60, number % 60, 1000 + number, number % 3, command, number);
}

ConsoleWorld::ConsoleWorld(WorldOptions options) {
  static int made = 0;
  folder_ = fs::temp_directory_path() / fmt::format("tocsin-console-{}-{}", getpid(), ++made);
  fs::remove_all(folder_);
  fs::create_directories(folder_ + "/data");
  write_rules();
  bus_ = bus::open("embedded:" + folder_ + "/bus").value();
  using pipeline::TopicRole;
  REQUIRE(bus_->create_topic("raw-events", pipeline::topic_options(TopicRole::kRawEvents)));
  REQUIRE(bus_->create_topic("alerts", pipeline::topic_options(TopicRole::kAlerts)));
  REQUIRE(bus_->create_topic("dead-letter", pipeline::topic_options(TopicRole::kDeadLetter)));
  std::vector<std::string> events = {attack_event(1, "vssadmin delete shadows"),
                                     attack_event(2, "vssadmin delete shadows /all"),
                                     attack_event(3, "vssadmin list shadows")};
  events.insert(events.end(), options.events.begin(), options.events.end());
  add_events(events);
  auto opened = console::Console::open(console_options(options), *bus_);
  if (!opened) FAIL(opened.error().message);
  console_ = *std::move(opened);
  headers.emplace("Host", "localhost");
  if (!options.users && options.token.empty()) {
    const Got session = get("/session");
    headers.emplace("X-CSRF-Token", session.json.text("/csrf"));
  }
}

ConsoleWorld::~ConsoleWorld() {
  console_.reset();
  bus_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void ConsoleWorld::write_rules() const {
  fs::create_directories(folder_ + "/rules");
  std::ofstream(folder_ + "/rules/shadow.yml")
      << fmt::format(fmt::runtime(kRules), kShadowRule, kQuietRule);
  std::ofstream(folder_ + "/overrides.yml") << "# mine\noverrides: []\n";
}

console::Options ConsoleWorld::console_options(const WorldOptions& options) const {
  console::Options out;
  out.version = "test";
  out.server.streams_max = options.streams_max;
  out.server.watch = options.watch;
  out.guard.loopback = options.loopback;
  out.guard.token = options.token;
  if (options.users)
    out.guard.users = {{"vera", {console::Role::kViewer, password_hash()}},
                       {"anna", {console::Role::kAnalyst, password_hash()}},
                       {"adam", {console::Role::kAdmin, password_hash()}}};
  out.data_dir = folder_ + "/data";
  out.database = folder_ + "/data/tocsin.db";
  out.spans = folder_ + "/data/traces.db";
  const std::string rules = folder_ + "/rules", overrides = folder_ + "/overrides.yml";
  out.rules = {
      .rules = [rules] { return sigma::load_rules({rules}); },
      .tuning = [overrides]() -> Result<pipeline::Tuning> {
        pipeline::Tuning tuning;
        TOCSIN_TRY_STATUS(pipeline::read_tuning(overrides, pipeline::OtherKeys::kRefuse, tuning));
        return tuning;
      },
      .taxonomy = std::make_shared<const sigma::Taxonomy>(sigma::Taxonomy::built_in())};
  out.watched = {rules, overrides};
  if (options.overrides) out.overrides = overrides;
  out.rules_dir = rules;
  out.sample_every = std::chrono::milliseconds(50);
  return out;
}

void ConsoleWorld::publish(const std::string& topic, std::vector<bus::Record> records) {
  bus::ProducerOptions options;
  options.linger = bus::Milliseconds(0);
  const auto producer = bus_->open_producer(std::move(options)).value();
  for (bus::Record& record : records) REQUIRE(producer->send(topic, std::move(record)));
  REQUIRE(producer->flush(bus::Milliseconds(10'000)));
}

void ConsoleWorld::add_events(const std::vector<std::string>& events) {
  const auto set = sigma::load_rules({folder_ + "/rules"}).value();
  pipeline::Classifier classifier(match::Engine::build(set.rules, sigma::Taxonomy::built_in()),
                                  sigma::Taxonomy::built_in());
  std::vector<bus::Record> raw, found;
  std::vector<Verdict> verdicts;
  std::vector<Alert> alerts;
  const auto reader =
      bus_->open_reader("raw-events",
                        {.kind = bus::ReadFrom::Kind::kLatest, .value = 0, .partition = {}})
          .value();
  for (const std::string& event : events)
    raw.push_back({.key = fmt::format("key{}", partition_of(raw.size())),
                   .value = event,
                   .headers = {{"source", "test"}}});
  publish("raw-events", std::move(raw));
  // As detect: what was read, in the order of reading, to the sink with its places.
  std::size_t seen = 0;
  const auto sink = store::open_sqlite(folder_ + "/data/tocsin.db", {.fsync = false}).value();
  while (seen < events.size()) {
    const auto batch = reader->poll(1'000, bus::Milliseconds(2'000)).value();
    REQUIRE(!batch.empty());
    for (const bus::Message& message : batch.messages()) {
      ++seen;
      pipeline::Classification out;
      REQUIRE(classifier.classify(message.value, {}, out));
      const store::Slice slice{std::string(message.topic), message.partition, message.offset,
                               message.offset + 1, 7};
      const store::Place place{0, message.offset};
      const std::vector<store::Place> alert_places(out.alerts.size(), place);
      const store::SinkBatch sink_batch{.verdicts = {&out.verdict, 1},
                                        .alerts = out.alerts,
                                        .verdict_places = {&place, 1},
                                        .alert_places = alert_places,
                                        .slices = {&slice, 1},
                                        .group = "tocsin-detect",
                                        .writer = 1};
      REQUIRE(sink->claim(sink_batch));
      REQUIRE(sink->write(sink_batch));
      for (const Alert& alert : out.alerts) {
        alert_ids_.push_back(alert.alert_id.to_string());
        std::string json;
        append_json(json, alert);
        found.push_back({.key = alert.host, .value = json, .headers = {}});
      }
    }
  }
  publish("alerts", std::move(found));
}

void ConsoleWorld::settle() {
  std::int64_t wanted = 0;
  const std::vector<bus::TopicInfo> topics = bus_->topics().value();
  for (const bus::TopicInfo& topic : topics)
    for (const bus::PartitionInfo& p : topic.partitions) wanted += p.end_offset;
  for (int tries = 0; tries < 200; ++tries) {
    const Got got = get("/topics");
    std::int64_t sum = 0;
    if (got.status == 200)
      for (const simdjson::dom::element item : array_of(got.json.at("/items")))
        sum += item["messages"].get_int64().value();
    if (sum >= wanted) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  FAIL("the console does not see what is on the bus");
}

httplib::Client ConsoleWorld::client() const {
  httplib::Client out(console_->url());
  out.set_read_timeout(20);
  out.set_keep_alive(false);
  return out;
}

Got ConsoleWorld::send(const std::string& method, const std::string& path, const std::string& body,
                       const httplib::Headers& more) {
  httplib::Request request;
  request.method = method;
  request.path = path.starts_with("/api") || path.starts_with("//") ? path : "/api/v1" + path;
  if (path.starts_with("//")) request.path = path.substr(1);
  request.headers = headers;
  for (const auto& [name, value] : more) {
    request.headers.erase(name);
    request.headers.emplace(name, value);
  }
  request.body = body;
  if (!body.empty() && !request.has_header("Content-Type"))
    request.set_header("Content-Type", "application/json");
  const auto result = client().send(request);
  Got out;
  if (!result) return out;
  out.status = result->status;
  out.body = result->body;
  out.type = result->get_header_value("Content-Type");
  out.headers = result->headers;
  if (out.type.starts_with("application/json")) out.json = Json(out.body);
  return out;
}

Got ConsoleWorld::get(const std::string& path) { return send("GET", path, ""); }
Got ConsoleWorld::post(const std::string& path, const std::string& body) {
  return send("POST", path, body);
}
Got ConsoleWorld::patch(const std::string& path, const std::string& body) {
  return send("PATCH", path, body);
}
Got ConsoleWorld::remove(const std::string& path) { return send("DELETE", path, ""); }

void ConsoleWorld::login(const std::string& user) {
  for (const char* name : {"Cookie", "X-CSRF-Token"}) headers.erase(name);
  if (user.empty()) return;
  const Got got =
      post("/session", fmt::format(R"({{"user":"{}","password":"{}"}})", user, kPassword));
  REQUIRE(got.status == 200);
  const std::string cookie = got.header("Set-Cookie");
  headers.emplace("Cookie", cookie.substr(0, cookie.find(';')));
  headers.emplace("X-CSRF-Token", got.json.text("/csrf"));
}

}  // namespace tocsin::test
