// SPDX-License-Identifier: Apache-2.0
//
// gzip (RFC 1952) in one call, for answers on their way out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::console {

// Empty when it fails.
[[nodiscard]] std::optional<std::string> gzip(std::string_view bytes);
[[nodiscard]] std::optional<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);

}  // namespace tocsin::console
