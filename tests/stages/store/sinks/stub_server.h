// SPDX-License-Identifier: Apache-2.0
//
// A server on loopback that speaks as much of OpenSearch's API as the sink uses, keeps what it was
// sent, and answers _bulk as its script says.
#pragma once

#include <httplib.h>
#include <simdjson.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::test {

struct BulkLine {
  std::string op, index, id, document;
};

class StubServer {
 public:
  // What becomes of one _bulk request: a status other than 200 ends it.
  struct Turn {
    int status = 200;
    std::string body = {};
    httplib::Headers headers = {};
    // Of items, by their place in the request: status and error type.
    std::map<std::size_t, std::pair<int, std::string>> items = {};
    int delay_ms = 0;
  };

  explicit StubServer(std::deque<Turn> script = {}) : script_(std::move(script)) {
    server_.Get("/", [this](const auto& request, auto& response) {
      note(request);
      response.set_content(about, "application/json");
    });
    const auto asset = [this](const auto& request, auto& response) {
      note(request);
      const std::lock_guard lock(mutex_);
      if (forbidden.count(request.path) > 0) {
        response.status = 403;
      } else if (request.method == "PUT") {
        assets_[request.path] = request.body;
        response.set_content("{\"acknowledged\":true}", "application/json");
      } else if (assets_.count(request.path) == 0) {
        response.status = 404;
      } else {
        response.set_content(
            "{\"index_templates\":[{\"index_template\":" + assets_[request.path] + "}]}",
            "application/json");
      }
    };
    for (const char* path :
         {"/_index_template/.*", "/_plugins/_ism/policies/.*", "/_ilm/policy/.*"}) {
      server_.Get(path, asset);
      server_.Put(path, asset);
    }
    const auto state = [this](const std::string& body, auto& response) {
      response.status = body.empty() ? 403 : 200;
      response.set_content(body, "application/json");
    };
    server_.Get("/_cluster/health", [this, state](const auto& request, auto& response) {
      note(request);
      state(health, response);
    });
    server_.Get(R"(/tocsin-\*/_settings/index\.blocks\.\*)",
                [this, state](const auto& request, auto& response) {
                  note(request);
                  state(blocks, response);
                });
    server_.Post("/_bulk",
                 [this](const auto& request, auto& response) { bulk(request, response); });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~StubServer() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // By index and id: what is there.
  std::map<std::pair<std::string, std::string>, std::string> documents() const {
    const std::lock_guard lock(mutex_);
    return documents_;
  }
  std::vector<std::vector<BulkLine>> bulks() const {
    const std::lock_guard lock(mutex_);
    return bulks_;
  }
  std::vector<std::size_t> body_sizes() const {
    const std::lock_guard lock(mutex_);
    return body_sizes_;
  }
  std::map<std::string, std::string> assets() const {
    const std::lock_guard lock(mutex_);
    return assets_;
  }
  void put_asset(const std::string& path, const std::string& body) {
    const std::lock_guard lock(mutex_);
    assets_[path] = body;
  }
  // "PUT /_index_template/x", and the values of one header.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<std::string> authorizations() const {
    const std::lock_guard lock(mutex_);
    return authorizations_;
  }

  std::string about =
      R"({"name":"stub","version":{"number":"2.19.6","distribution":"opensearch"}})";
  std::string health = R"({"status":"green","number_of_nodes":3})";  // empty: 403
  std::string blocks = "{}";                                         // of indices; empty: 403
  std::set<std::string> forbidden;                                   // before the first request
  std::string wanted_authorization;                                  // not empty: all else is 401

 private:
  void note(const httplib::Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request.method + " " + request.path);
    authorizations_.push_back(request.get_header_value("Authorization"));
  }

  static std::vector<BulkLine> read(const std::string& body) {
    std::vector<BulkLine> lines;
    simdjson::dom::parser parser;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t action_end = body.find('\n', at);
      const std::size_t end = body.find('\n', action_end + 1);
      simdjson::dom::object action = parser.parse(body.substr(at, action_end - at));
      BulkLine line;
      line.op = std::string((*action.begin()).key);
      line.index = std::string(std::string_view((*action.begin()).value["_index"]));
      line.id = std::string(std::string_view((*action.begin()).value["_id"]));
      line.document = body.substr(action_end + 1, end - action_end - 1);
      lines.push_back(std::move(line));
      at = end + 1;
    }
    return lines;
  }

  void bulk(const httplib::Request& request, httplib::Response& response) {
    note(request);
    if (!wanted_authorization.empty() &&
        request.get_header_value("Authorization") != wanted_authorization) {
      response.status = 401;
      return;
    }
    const std::lock_guard lock(mutex_);
    Turn turn;
    if (!script_.empty()) {
      turn = script_.front();
      script_.pop_front();
    }
    if (turn.delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(turn.delay_ms));
    body_sizes_.push_back(request.body.size());
    bulks_.push_back(read(request.body));
    response.status = turn.status;
    response.headers.insert(turn.headers.begin(), turn.headers.end());
    if (turn.status != 200 || !turn.body.empty()) {
      response.set_content(turn.body, "application/json");
      return;
    }
    std::string items;
    for (std::size_t i = 0; i < bulks_.back().size(); ++i)
      items += (i == 0 ? "" : ",") + answer(bulks_.back()[i], turn, i);
    response.set_content("{\"errors\":true,\"items\":[" + items + "]}", "application/json");
  }

  std::string answer(const BulkLine& line, const Turn& turn, std::size_t number) {
    const auto planned = turn.items.find(number);
    int status = 201;
    std::string error;
    if (planned != turn.items.end()) {
      status = planned->second.first;
      error = planned->second.second;
    } else if (line.op == "create" && documents_.count({line.index, line.id}) > 0) {
      status = 409;
      error = "version_conflict_engine_exception";
    } else {
      documents_[{line.index, line.id}] = line.document;
    }
    std::string item = "{\"" + line.op + "\":{\"status\":" + std::to_string(status);
    if (!error.empty()) item += ",\"error\":{\"type\":\"" + error + "\",\"reason\":\"because\"}";
    return item + "}}";
  }

  mutable std::mutex mutex_;
  std::deque<Turn> script_;
  std::map<std::pair<std::string, std::string>, std::string> documents_;
  std::vector<std::vector<BulkLine>> bulks_;
  std::vector<std::size_t> body_sizes_;
  std::map<std::string, std::string> assets_;
  std::vector<std::string> requests_, authorizations_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace tocsin::test
