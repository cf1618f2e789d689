// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/router.h"

#include <algorithm>

namespace tocsin::console {
namespace {

// One segment after the other; false at the end.
bool next_segment(std::string_view& rest, std::string_view& segment) {
  if (rest.empty()) return false;
  rest.remove_prefix(1);  // the slash
  const std::size_t end = std::min(rest.find('/'), rest.size());
  segment = rest.substr(0, end);
  rest.remove_prefix(end);
  return true;
}

bool fits(std::string_view pattern, std::string_view path,
          std::map<std::string, std::string>& parts) {
  std::string_view wanted, given;
  for (;;) {
    const bool more = next_segment(pattern, wanted);
    if (more != next_segment(path, given)) return false;
    if (!more) return true;
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      parts[std::string(wanted.substr(1, wanted.size() - 2))] = given;
    } else if (wanted != given) {
      return false;
    }
  }
}

std::size_t literal_length(const Route& route) { return route.pattern.find('{'); }

}  // namespace

void Router::add(std::string method, std::string pattern, Role role,
                 std::vector<std::string> params, Handler handler) {
  const bool changes = method != "GET";
  routes_.push_back({std::move(method), std::string(kBase) + pattern, role, std::move(params),
                     std::move(handler), changes});
}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  Found best;
  for (const Route& route : routes_) {
    std::map<std::string, std::string> parts;
    if (!path.starts_with('/') || !fits(route.pattern, path, parts)) continue;
    if (route.method != method) {
      best.allowed += (best.allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    if (best.route != nullptr && literal_length(*best.route) >= literal_length(route)) continue;
    best.route = &route;
    best.parts = std::move(parts);
  }
  return best;
}

}  // namespace tocsin::console
