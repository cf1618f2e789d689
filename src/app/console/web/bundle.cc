// SPDX-License-Identifier: Apache-2.0
#include "app/console/web/bundle.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

#include "base/uuid.h"

namespace tocsin::console {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes = {
    {{".html", "text/html; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},
     {".mjs", "text/javascript; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".json", "application/json"},
     {".svg", "image/svg+xml"},
     {".png", "image/png"},
     {".jpg", "image/jpeg"},
     {".ico", "image/x-icon"},
     {".woff2", "font/woff2"},
     {".woff", "font/woff"},
     {".txt", "text/plain; charset=utf-8"},
     {".webmanifest", "application/manifest+json"},
     {".wasm", "application/wasm"}}};

constexpr std::string_view kNotBuilt =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Tocsin</title>\n"
    "<h1>The web console was not built</h1>\n"
    "<p>This program was built without <code>web/dist</code>, so it has no pages. "
    "The API is there: <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p>\n"
    "<p>To have the pages, build both: <code>./dev build</code>, or by hand "
    "<code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code> and then "
    "<code>cmake --preset release &amp;&amp; ninja -C build/release tocsin</code>.</p>\n</html>\n";

std::string_view type_of(std::string_view path) {
  for (const auto& [suffix, type] : kTypes)
    if (path.ends_with(suffix)) return type;
  return "application/octet-stream";
}

// Of the compressed bytes: whoever has them has the file.
const std::string& etag_of(const WebFile& file) {
  static std::mutex mutex;
  static std::map<const void*, std::string> known;
  const std::lock_guard lock(mutex);
  std::string& tag = known[file.gzip.data()];
  if (tag.empty()) {
    const auto digest = sha256_128(file.gzip);
    tag = "\"";
    append_hex(tag, digest.data(), digest.size());
    tag += "\"";
  }
  return tag;
}

const WebFile* find(std::span<const WebFile> files, std::string_view path) {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const WebFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

// "/assets/x.js" is a file, "/alerts/4f2a" a view.
bool looks_like_file(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  return path.starts_with("assets/") ||
         (dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash) &&
          type_of(path) != "application/octet-stream");
}

}  // namespace

Reply serve_bundle(const Call& call, std::span<const WebFile> files) {
  if (files.empty()) {
    Reply reply;
    reply.type = "text/html; charset=utf-8";
    reply.embedded = kNotBuilt;
    return reply;
  }
  std::string_view path = call.path;
  path.remove_prefix(std::min<std::size_t>(1, path.size()));
  const WebFile* file = find(files, path.empty() ? "index.html" : path);
  if (file == nullptr && !looks_like_file(path)) file = find(files, "index.html");
  if (file == nullptr) return error_reply({ApiCode::kNotFound, "there is no such file"});
  Reply reply;
  reply.headers.emplace_back("ETag", etag_of(*file));
  const bool hashed = file->path.starts_with("assets/");  // a new build has new names there
  reply.headers.emplace_back("Cache-Control",
                             hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (call.header("if-none-match") == etag_of(*file)) {
    reply.status = 304;
    return reply;
  }
  reply.type = type_of(file->path);
  reply.embedded = file->gzip;
  reply.compressed = true;
  return reply;
}

}  // namespace tocsin::console
