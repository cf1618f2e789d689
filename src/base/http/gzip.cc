// SPDX-License-Identifier: Apache-2.0
#include "base/http/gzip.h"

namespace tocsin::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 kB, with the head and tail of gzip (zlib's manual)
constexpr int kMemory = 8;

}  // namespace

Gzip::Gzip()
    : ready_(deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemory,
                          Z_DEFAULT_STRATEGY) == Z_OK) {}

Gzip::~Gzip() {
  if (ready_) deflateEnd(&stream_);
}

bool Gzip::compress(std::string_view in, std::string& out) {
  if (!ready_ || deflateReset(&stream_) != Z_OK) return false;
  out.resize(deflateBound(&stream_, in.size()));
  // zlib does not write through next_in.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream_.avail_in = static_cast<uInt>(in.size());
  stream_.next_out = reinterpret_cast<Bytef*>(out.data());
  stream_.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return false;
  out.resize(stream_.total_out);
  return true;
}

}  // namespace tocsin::http
