// SPDX-License-Identifier: Apache-2.0
//
// Bodies of requests as gzip (RFC 1952), fast rather than small: what we send repeats itself.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace tocsin::http {

// Keeps its tables (some 260 kB) from body to body. Not for two threads at once.
class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // One member. False: there is no memory for it; the body is to be sent as it was.
  [[nodiscard]] bool compress(std::string_view in, std::string& out);

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace tocsin::http
