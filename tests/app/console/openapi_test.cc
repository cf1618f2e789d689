// SPDX-License-Identifier: Apache-2.0
//
// openapi.json and the routes say the same: paths, methods, parameters, roles; and its references
// lead somewhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "console_world.h"

namespace tocsin::test {
namespace {

std::set<std::string> parameters(simdjson::dom::element operation) {
  std::set<std::string> out;
  simdjson::dom::array list;
  if (operation["parameters"].get(list) != simdjson::SUCCESS) return out;
  for (const simdjson::dom::element parameter : list)
    if (parameter["in"].get_string().value() == "query")
      out.emplace(parameter["name"].get_string().value());
  return out;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void check_references(simdjson::dom::element element, const Json& document) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (element.get(object) == simdjson::SUCCESS) {
    for (const auto& [key, value] : object) {
      std::string_view target;
      if (key == "$ref" && value.get(target) == simdjson::SUCCESS) {
        CAPTURE(target);
        CHECK(document.has(std::string(target.substr(1)).c_str()));
      } else {
        check_references(value, document);
      }
    }
  } else if (element.get(array) == simdjson::SUCCESS) {
    for (const simdjson::dom::element item : array) check_references(item, document);
  }
}

}  // namespace

TEST_CASE("every route is in openapi.json with its parameters and role, and the reverse") {
  ConsoleWorld world;
  const Got got = world.get("/openapi.json");
  REQUIRE(got.status == 200);
  std::set<std::string> described;
  for (const auto& [path, operations] : object_of(got.json.at("/paths")))
    for (const auto& [method, operation] : object_of(operations)) {
      const std::string name = upper(std::string(method)) + " /api/v1" + std::string(path);
      CAPTURE(name);
      described.insert(name);
      const auto& routes = world.console().router().routes();
      const auto route = std::find_if(routes.begin(), routes.end(), [&](const auto& r) {
        return r.method + " " + r.pattern == name;
      });
      REQUIRE(route != routes.end());
      CHECK(parameters(operation) ==
            std::set<std::string>(route->params.begin(), route->params.end()));
      const std::string role(operation["x-role"].get_string().value());
      CHECK(role ==
            (route->role == console::Role::kNone ? "anybody" : console::to_string(route->role)));
      CHECK(operation["responses"].error() == simdjson::SUCCESS);
    }
  for (const console::Route& route : world.console().router().routes()) {
    CAPTURE(route.pattern);
    CHECK(described.contains(route.method + " " + route.pattern));
  }
  check_references(got.json.at("/paths"), got.json);
  check_references(got.json.at("/components"), got.json);
}

}  // namespace tocsin::test
