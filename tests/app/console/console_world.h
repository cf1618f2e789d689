// SPDX-License-Identifier: Apache-2.0
//
// A console with a small pipeline behind it, in a folder of its own: an embedded bus, a database
// with alerts of real events, a folder of rules; and a client that talks to it through HTTP.
#pragma once

#include <httplib.h>
#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/console/console.h"
#include "core/bus/bus.h"

namespace tocsin::test {

inline constexpr const char* kShadowRule = "5b1e7f34-2a5e-4a77-9d4b-0c6c6a1f0001";
inline constexpr const char* kQuietRule = "5b1e7f34-2a5e-4a77-9d4b-0c6c6a1f0002";
inline constexpr const char* kPassword = "correct horse";

// An answer, parsed. `text("/row/host")` and the like fail the test when the path is missing.
class Json {
 public:
  Json() = default;
  explicit Json(const std::string& text);
  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] simdjson::dom::element at(const char* pointer) const;
  [[nodiscard]] bool has(const char* pointer) const;
  [[nodiscard]] std::string text(const char* pointer) const;
  [[nodiscard]] std::int64_t number(const char* pointer) const;
  [[nodiscard]] bool yes(const char* pointer) const;
  [[nodiscard]] bool is_null(const char* pointer) const;
  [[nodiscard]] std::size_t size(const char* pointer) const;

 private:
  std::shared_ptr<simdjson::dom::parser> parser_ = std::make_shared<simdjson::dom::parser>();
  simdjson::dom::element root_;
  bool valid_ = false;
};

// By value: a range-for over the temporary that simdjson's value() views would dangle.
[[nodiscard]] simdjson::dom::array array_of(simdjson::dom::element element);
[[nodiscard]] simdjson::dom::object object_of(simdjson::dom::element element);

struct Got {
  int status = 0;
  std::string body, type;
  httplib::Headers headers;
  Json json;

  [[nodiscard]] std::string header(const std::string& name) const;
};

struct WorldOptions {
  bool users = false;  // vera (viewer), anna (analyst), adam (admin)
  std::string token = {};
  bool loopback = true;  // what the guard is told
  bool overrides = true;
  std::size_t streams_max = 32;
  console::WatchLimits watch = {};
  std::vector<std::string> events = {};  // besides the usual ones
};

// An event that the first rule matches, as evtx_dump writes it. Its values are JSON texts.
[[nodiscard]] std::string attack_event(int number, std::string_view command_line);

class ConsoleWorld {
 public:
  explicit ConsoleWorld(WorldOptions options = {});
  ~ConsoleWorld();
  ConsoleWorld(const ConsoleWorld&) = delete;
  ConsoleWorld& operator=(const ConsoleWorld&) = delete;

  [[nodiscard]] httplib::Client client() const;
  // Below /api/v1, with the headers of `as()` and of login().
  [[nodiscard]] Got get(const std::string& path);
  [[nodiscard]] Got post(const std::string& path, const std::string& body);
  [[nodiscard]] Got patch(const std::string& path, const std::string& body);
  [[nodiscard]] Got remove(const std::string& path);
  [[nodiscard]] Got send(const std::string& method, const std::string& path,
                         const std::string& body, const httplib::Headers& more = {});
  // From now on requests are this user's; "": nobody's.
  void login(const std::string& user);
  httplib::Headers headers;  // of every request

  // Publishes events as `produce` does, and what `detect` makes of them.
  void add_events(const std::vector<std::string>& events);
  void publish(const std::string& topic, std::vector<bus::Record> records);
  // Waits until the watch of the console has seen the topic's end.
  void settle();

  [[nodiscard]] const std::vector<std::string>& alert_ids() const { return alert_ids_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] console::Console& console() { return *console_; }
  [[nodiscard]] bus::Bus& bus() { return *bus_; }
  void stop() { console_.reset(); }

 private:
  void write_rules() const;
  [[nodiscard]] console::Options console_options(const WorldOptions& options) const;

  std::string folder_;
  std::unique_ptr<bus::Bus> bus_;
  std::unique_ptr<console::Console> console_;
  std::vector<std::string> alert_ids_;
};

// The whole file; empty when it is not there.
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace tocsin::test
