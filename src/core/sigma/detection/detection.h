// SPDX-License-Identifier: Apache-2.0
//
// Detection: the map of named detections and their condition to one expression.
//
//   {selection: {Field|mod: values}, condition: selection} -> predicates, Expr
//
// A map is all of its items, a list any of its entries; both may stand in a list again.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/yaml.h"
#include "core/sigma/detection/lowering.h"

namespace tocsin::sigma {

struct DetectionOptions {
  std::initializer_list<std::string_view> reserved;  // members that are no detections
  bool one_condition = false;                        // a list of conditions is an error
};

// Nothing after an error, which was told.
[[nodiscard]] std::optional<Expr> lower_detections(Lowering& lowering, const yaml::Node& map,
                                                   const DetectionOptions& options);

}  // namespace tocsin::sigma
