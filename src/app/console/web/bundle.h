// SPDX-License-Identifier: Apache-2.0
//
// The web bundle that the program carries (web/dist at the time of the build), as answers.
//
//   GET path -> serve_bundle() -> the file, or index.html for the path of a view
#pragma once

#include <span>
#include <string_view>

#include "app/console/http/call.h"
#include "app/console/http/reply.h"

namespace tocsin::console {

struct WebFile {
  std::string_view path;  // from the bundle's root: "assets/index-4f2a9c1b.js"
  std::string_view gzip;
};

// Lives as long as the program; empty when it was built without a bundle.
[[nodiscard]] std::span<const WebFile> web_files();

// A path without a file is a view of the application, unless it looks like a file (404). Without a
// bundle a page says how to build one.
[[nodiscard]] Reply serve_bundle(const Call& call, std::span<const WebFile> files);

}  // namespace tocsin::console
