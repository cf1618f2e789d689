// SPDX-License-Identifier: Apache-2.0
//
// Instance: a name for this process that it has again after a restart, and that no other process
// has at the same time.
//
//   FOLDER/N.instance, locked by the living -> "HOST-1a2b3c4d"
//
// Why: transactions go by it. A process that takes the name over ends at once what its predecessor,
// which was killed, left open.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace tocsin::pipeline {

// Ownership: holds the lock; the system frees it when the process ends in any way.
class Instance {
 public:
  // The first name of the folder that nobody holds, or a new one.
  [[nodiscard]] static Result<std::unique_ptr<Instance>> take(const std::string& folder);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // The host's name is in it, so that a copied folder does not make two instances one.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  Instance(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  int fd_;
  std::string name_;
};

}  // namespace tocsin::pipeline
