// SPDX-License-Identifier: Apache-2.0
//
// Router: which handler answers which method and path, who may ask, and with which parameters.
//
//   add(route)... -> find(method, path) -> Route + the parts of the path
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/console/http/call.h"

namespace tocsin::console {

using Handler = std::function<Answer(const Call&)>;

struct Route {
  std::string method;               // GET, POST, PATCH, DELETE
  std::string pattern;              // "/api/v1/alerts/{alert_id}"
  Role role = Role::kViewer;        // kNone: anybody
  std::vector<std::string> params;  // that it knows; any other is refused
  Handler handler;
  bool changes = false;  // needs the CSRF token; set for everything but GET
};

// Threads: immutable once all routes are added.
class Router {
 public:
  static constexpr std::string_view kBase = "/api/v1";

  // `pattern` below kBase.
  void add(std::string method, std::string pattern, Role role, std::vector<std::string> params,
           Handler handler);

  struct Found {
    const Route* route = nullptr;
    std::map<std::string, std::string> parts;
    std::string allowed;  // the methods of this path, when another one was asked for
  };
  // Of two that fit, the one whose text is longer before the first part wins.
  [[nodiscard]] Found find(std::string_view method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace tocsin::console
