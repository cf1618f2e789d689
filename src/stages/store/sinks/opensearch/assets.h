// SPDX-License-Identifier: Apache-2.0
//
// Assets: the index templates, and the policy that deletes old indices.
//
//   flavour of the server, prefix, days -> Asset... -> PUT by set_up(), or by an administrator
//
// Field types are explicit and `dynamic` is false: a field that nobody foresaw is stored and not
// indexed, so no event can change the mapping or fill it up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/store/sinks/opensearch/http_client.h"

namespace tocsin::store::opensearch {

enum class Flavour : std::uint8_t { kOpenSearch, kElasticsearch };

struct ServerIdentity {
  Flavour flavour = Flavour::kOpenSearch;
  std::string version;  // "2.19.6"
};

// Asks who the server is. kUnsupported: the user may not ask; kUnavailable: it does not answer as
// one of the two.
[[nodiscard]] Result<ServerIdentity> identify(HttpClient& client);

struct Asset {
  enum class Kind : std::uint8_t { kTemplate, kPolicy };
  Kind kind = Kind::kTemplate;
  std::string path;  // of GET and PUT
  std::string body;
};

// Of templates: raised with each change; one that is there with this version, or a later one, is
// left as it is.
inline constexpr std::int64_t kTemplateVersion = 1;

// In the order in which they must be made. `retention_days` 0: no policy.
[[nodiscard]] std::vector<Asset> assets(Flavour flavour, std::string_view prefix,
                                        int retention_days);

// Asks who the server is and makes what is missing. What it is not allowed to look at or to make it
// takes for somebody else's affair, and says so; so it does of a server without policies.
// kUnavailable: the server does not answer as one; try again.
[[nodiscard]] Status set_up(HttpClient& client, const Options& options);

}  // namespace tocsin::store::opensearch
