// SPDX-License-Identifier: Apache-2.0
#include "stages/match/memo/big_buffer.h"

#include <sys/mman.h>

#include <utility>

#include "base/check.h"

namespace tocsin::match {
namespace {

char* map(std::size_t size) {
  void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  TOCSIN_CHECK(at != MAP_FAILED);
#ifdef MADV_HUGEPAGE
  ::madvise(at, size, MADV_HUGEPAGE);  // a wish: small pages do, too
#endif
  return static_cast<char*>(at);
}

}  // namespace

BigBuffer::BigBuffer(std::size_t size) : data_(map(size)), size_(size) {}

BigBuffer::BigBuffer(BigBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

BigBuffer::~BigBuffer() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

void BigBuffer::clear() { ::madvise(data_, size_, MADV_DONTNEED); }

}  // namespace tocsin::match
