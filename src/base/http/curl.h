// SPDX-License-Identifier: Apache-2.0
//
// Owners of libcurl's handles: what they hold is freed with them.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <new>
#include <string>

namespace tocsin::http {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One transfer after the other, over connections that are kept. Not for two threads at once.
using Easy = std::unique_ptr<CURL, FreeEasy>;
// Lines of a header, "Name: value".
using Headers = std::unique_ptr<curl_slist, FreeList>;

// Adds a line. Throws std::bad_alloc, as every container does.
inline void append(Headers& headers, const std::string& line) {
  curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(headers.release());
  headers.reset(longer);
}

}  // namespace tocsin::http
