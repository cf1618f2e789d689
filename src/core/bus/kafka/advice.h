// SPDX-License-Identifier: Apache-2.0
//
// What to do about what librdkafka says.
//
//   "... invalid credentials with SASL mechanism SCRAM-SHA-512 ..." -> "wrong user or password?
//   ..."
#pragma once

#include <string>
#include <string_view>

namespace tocsin::bus::kafka {

// librdkafka's words without what changes from one attempt to the next ("after 3ms in state ..."),
// so that the same trouble is told once.
[[nodiscard]] std::string steady_reason(std::string_view reason);

// One or two sentences, or nothing when the words speak for themselves.
[[nodiscard]] std::string advice_for(std::string_view reason);

}  // namespace tocsin::bus::kafka
