// SPDX-License-Identifier: Apache-2.0
//
// Dispatcher: what becomes of a request, in order: the host name, the route, who asks, whether they
// may, the parameters; then the route, or a file of the web bundle.
//
//   Call -> Dispatcher -> Reply
#pragma once

#include <functional>

#include "app/console/auth/guard.h"
#include "app/console/http/call.h"
#include "app/console/http/router.h"

namespace tocsin::console {

// Ownership: borrows router and guard. Threads: thread-safe.
class Dispatcher {
 public:
  using Files = std::function<Reply(const Call&)>;

  Dispatcher(const Router& router, Guard& guard, Files files)
      : router_(router), guard_(guard), files_(std::move(files)) {}

  [[nodiscard]] Reply serve(Call& call) const;

 private:
  [[nodiscard]] Answer answer(Call& call) const;

  const Router& router_;
  Guard& guard_;
  const Files files_;
};

}  // namespace tocsin::console
