// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace tocsin::bus::kafka {
namespace {

constexpr std::string_view kEnv = "env:";
constexpr std::string_view kFile = "file:";
constexpr std::size_t kFileBytesMax = 1u << 20;

Result<std::string> read_file(std::string_view property, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad())
    return fail(ErrorCode::kInvalid, fmt::format("bus property {}: cannot read {}: {}", property,
                                                 path, std::strerror(errno)));
  if (text.size() > kFileBytesMax)
    return fail(ErrorCode::kInvalid, fmt::format("bus property {}: {} is no secret: {} bytes",
                                                 property, path, text.size()));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

bool is_secret(std::string_view property) {
  std::string name(property);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  constexpr std::array<std::string_view, 7> kMarks = {
      "password", "secret", "oauthbearer.config", "assertion", "token.value", "key.pem", "jaas"};
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [&](std::string_view mark) { return name.find(mark) != std::string::npos; });
}

bool is_reference(std::string_view value) {
  return value.starts_with(kEnv) || value.starts_with(kFile);
}

Result<std::string> resolve(std::string_view property, std::string_view value) {
  if (value.starts_with(kFile)) return read_file(property, std::string(value.substr(kFile.size())));
  if (!value.starts_with(kEnv)) return std::string(value);
  const std::string name(value.substr(kEnv.size()));
  const char* const found = std::getenv(name.c_str());
  if (found == nullptr)
    return fail(ErrorCode::kInvalid,
                fmt::format("bus property {}: the environment has no {}", property, name));
  return std::string(found);
}

}  // namespace tocsin::bus::kafka
