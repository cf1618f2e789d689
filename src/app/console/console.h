// SPDX-License-Identifier: Apache-2.0
//
// Console: the HTTP server that people look at the pipeline through: alerts, topics, traces, rules.
//
//   bus, tocsin.db, traces.db, rule files -> Console -> JSON (openapi.json), events, web pages
//
// It reads what the pipeline writes and is no part of it: when it ends, nothing else notices.
#pragma once

#include <memory>
#include <string>

#include "app/console/options.h"
#include "base/result.h"
#include "core/bus/bus.h"

namespace tocsin::console {

// Ownership: borrows the bus. Threads: has its own; one thread opens and destroys it.
class Console {
 public:
  // Listens before it returns. kInvalid: address, certificate or an option is wrong; kUnavailable:
  // the port is taken.
  [[nodiscard]] static Result<std::unique_ptr<Console>> open(Options options, bus::Bus& bus);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // "http://127.0.0.1:8642"
  [[nodiscard]] const std::string& url() const;
  // What it answers: for whoever holds openapi.json against it.
  [[nodiscard]] const Router& router() const;

 private:
  struct Parts;
  explicit Console(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tocsin::console
