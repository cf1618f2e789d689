// SPDX-License-Identifier: Apache-2.0
#include "base/http/url.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "base/http/gzip.h"

namespace tocsin::http {
namespace {

TEST_CASE("url: taken apart, and shown without credentials") {
  const auto url = Url::parse("https://me:hunter2@Store.example:9200/a/b?key=1#there");
  REQUIRE(url);
  CHECK(url->scheme() == "https");
  CHECK(url->user() == "me");
  CHECK(url->password() == "hunter2");
  CHECK(url->path() == "/a/b");
  CHECK(url->query() == "key=1");
  CHECK(url->fragment() == "there");
  CHECK(url->is_http());
  CHECK(without_credentials("https://me:hunter2@store.example:9200/a?x=1") ==
        "https://store.example:9200/a?x=1");
  CHECK(without_credentials("/srv/traces.db") == "/srv/traces.db");
  CHECK_FALSE(Url::parse("not a url"));
  CHECK_FALSE(Url::parse(""));
  CHECK_FALSE(Url::parse("ftp://host/x")->is_http());
}

TEST_CASE("url: what is this machine") {
  struct Case {
    const char* url;
    bool loopback;
  };
  for (const Case& one : {Case{"http://localhost:1", true},
                          {"http://127.0.0.1", true},
                          {"http://127.9.9.9:4318/x", true},
                          {"http://[::1]:4318", true},
                          {"http://127.0.0.1.example", false},
                          {"http://localhost.example", false},
                          {"http://10.0.0.1", false},
                          {"http://[::2]", false}}) {
    CAPTURE(one.url);
    CHECK(Url::parse(one.url)->is_loopback() == one.loopback);
  }
}

std::string unpacked(const std::string& packed) {
  std::string out(1 << 20, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(&out.front());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST_CASE("gzip: one body after the other, each a member of its own") {
  Gzip gzip;
  std::string packed;
  for (const std::string& body :
       {std::string("{}"), std::string(100'000, 'a'), std::string(), std::string("\0\xff", 2)}) {
    REQUIRE(gzip.compress(body, packed));
    CHECK(unpacked(packed) == body);
  }
  CHECK(packed.size() < 100);
}

}  // namespace
}  // namespace tocsin::http
