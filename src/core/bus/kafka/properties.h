// SPDX-License-Identifier: Apache-2.0
//
// Properties of librdkafka as people give them: values that stand elsewhere, and values that nobody
// may see.
//
//   sasl.password=env:KAFKA_PASSWORD, ssl.key.password=file:/run/secrets/key -> the values
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::bus::kafka {

// True for properties whose value must not be shown.
[[nodiscard]] bool is_secret(std::string_view property);

// True for `env:NAME` and `file:PATH`, which say where the value is and are no secret themselves.
[[nodiscard]] bool is_reference(std::string_view value);

// What the value stands for: `env:NAME` is that variable, `file:PATH` the file's text without its
// last line end; anything else is the value itself. kInvalid names the property, never the value.
[[nodiscard]] Result<std::string> resolve(std::string_view property, std::string_view value);

}  // namespace tocsin::bus::kafka
