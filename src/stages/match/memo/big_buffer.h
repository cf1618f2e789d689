// SPDX-License-Identifier: Apache-2.0
//
// BigBuffer: some megabytes of zeros that the system gives as they are touched, on huge pages where
// it has them: tables that are read here and there miss the processor's list of pages otherwise.
#pragma once

#include <cstddef>

namespace tocsin::match {

// Ownership: owns the memory. Threads: as any memory.
class BigBuffer {
 public:
  explicit BigBuffer(std::size_t size);
  ~BigBuffer();
  BigBuffer(BigBuffer&& other) noexcept;
  BigBuffer& operator=(BigBuffer&&) = delete;

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // Zeros again; what was touched goes back to the system.
  void clear();

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tocsin::match
