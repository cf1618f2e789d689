// SPDX-License-Identifier: Apache-2.0
#include "app/cli/store/opensearch_options.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::cli {
namespace {

std::string wrong_reference(const std::string& text) {
  for (const std::string_view start : {"env:", "file:"})
    if (text.starts_with(start) && text.size() > start.size()) return {};
  return "a secret is not written here, where others can read it: env:NAME or file:PATH is wanted";
}

std::vector<std::string> hosts_of(const std::string& target) {
  std::vector<std::string> hosts;
  for (std::size_t at = 0; at <= target.size();) {
    const std::size_t end = std::min(target.find(',', at), target.size());
    if (end > at) hosts.push_back(target.substr(at, end - at));
    at = end + 1;
  }
  return hosts;
}

bool in_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

store::opensearch::Credentials with_secrets_of_environment(
    store::opensearch::Credentials credentials) {
  if (credentials.password.empty() && !credentials.user.empty() &&
      in_environment("TOCSIN_OPENSEARCH_PASSWORD"))
    credentials.password = "env:TOCSIN_OPENSEARCH_PASSWORD";
  if (credentials.api_key.empty() && credentials.user.empty() &&
      in_environment("TOCSIN_OPENSEARCH_API_KEY"))
    credentials.api_key = "env:TOCSIN_OPENSEARCH_API_KEY";
  return credentials;
}

}  // namespace

void add_connection_options(CLI::App& command, store::opensearch::Options& options) {
  const auto text = [&](const char* name, std::string& value, const char* variable,
                        const char* help) {
    return command.add_option(name, value, help)->envname(variable)->group(kOpenSearchGroup);
  };
  text("--opensearch-user", options.credentials.user, "TOCSIN_OPENSEARCH_USER", "Whom to log in");
  // The variables of these two hold the secrets themselves: see with_secrets_of_environment().
  command
      .add_option("--opensearch-password", options.credentials.password,
                  "Where the password is: env:NAME or file:PATH (default: "
                  "env:TOCSIN_OPENSEARCH_PASSWORD)")
      ->check(wrong_reference)
      ->group(kOpenSearchGroup);
  command
      .add_option("--opensearch-api-key", options.credentials.api_key,
                  "Where an API key is, in place of user and password: env:NAME or file:PATH "
                  "(default: env:TOCSIN_OPENSEARCH_API_KEY)")
      ->check(wrong_reference)
      ->group(kOpenSearchGroup);
  text("--opensearch-ca", options.ca_file, "TOCSIN_OPENSEARCH_CA",
       "PEM of the authorities to trust (default: the system's)");
  text("--opensearch-certificate", options.certificate, "TOCSIN_OPENSEARCH_CERTIFICATE",
       "PEM of a client certificate");
  text("--opensearch-key", options.key, "TOCSIN_OPENSEARCH_KEY", "PEM of its key");
  text("--opensearch-prefix", options.prefix, "TOCSIN_OPENSEARCH_PREFIX",
       "What the names of indices, templates and the policy begin with")
      ->capture_default_str();
}

store::opensearch::Options connected_to(const std::string& target,
                                        store::opensearch::Options options) {
  options.hosts = hosts_of(target);
  options.credentials = with_secrets_of_environment(std::move(options.credentials));
  return options;
}

}  // namespace tocsin::cli
