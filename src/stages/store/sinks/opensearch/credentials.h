// SPDX-License-Identifier: Apache-2.0
//
// Credentials as the value of the header Authorization.
//
//   Credentials (references) -> authorization_of() -> "Basic ...", "ApiKey ...", or nothing
#pragma once

#include <string>

#include "base/result.h"
#include "stages/store/sinks/opensearch/options.h"

namespace tocsin::store::opensearch {

// Empty without credentials. kInvalid: a reference that is none, a variable or file that is not
// there. The message names where the secret should be, never the secret.
[[nodiscard]] Result<std::string> authorization_of(const Credentials& credentials);

}  // namespace tocsin::store::opensearch
