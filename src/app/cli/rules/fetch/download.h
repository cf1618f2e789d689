// SPDX-License-Identifier: Apache-2.0
//
// A file from the network to the disk, with its SHA-256.
//
//   http://, https://, file:// -> download() -> file + digest
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace tocsin::cli::rules {

inline constexpr std::uint64_t kDownloadBytesMax = 256u << 20;
inline constexpr long kRedirectsMax = 10;

struct Downloaded {
  std::uint64_t bytes = 0;
  std::string sha256;  // 64 lower-case hex digits
};

// Called now and then with bytes received and expected (0: unknown); false stops the transfer.
using DownloadProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// Writes `path`, which must not exist. Follows redirects, but never from the network to a file.
[[nodiscard]] Result<Downloaded> download(const std::string& url, const std::string& path,
                                          const DownloadProgress& progress);

}  // namespace tocsin::cli::rules
