// SPDX-License-Identifier: Apache-2.0
//
// Numbers of rules: what a scalar means as a number, and how an event writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/yaml.h"

namespace tocsin::sigma {

// A decimal number as the text that the normalizer gives to an equal number of an event: 10.0 is
// "10", +5 is "5". Nothing for anything else: "inf", "nan", "0x10", blanks.
[[nodiscard]] std::optional<std::string> canonical_number(std::string_view text);

// What other readers of YAML take for a number or a bool, and this one for text: 0x1F, 1_000, yes.
[[nodiscard]] bool is_yaml_1_1(const yaml::Node& scalar);
// `yes`, `on`, `no`, `off` of YAML 1.1, besides true and false.
[[nodiscard]] std::optional<bool> to_bool(const yaml::Node& scalar);

// The range of the values of a `cidr`; nothing when it is no network. 10.0.0.0/8,
// 10.0.0.0/255.0.0.0, 2001:db8::/32, or an address.
struct Network {
  std::string text;  // "address/bits"
  bool host_bits = false;
};
[[nodiscard]] std::optional<Network> to_network(std::string_view text);

}  // namespace tocsin::sigma
