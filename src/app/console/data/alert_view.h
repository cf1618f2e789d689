// SPDX-License-Identifier: Apache-2.0
//
// Alerts between the API and the archive: parameters to a filter, a record to its JSON.
//
//   Call -> alert_filter() -> Archive -> write_row()
#pragma once

#include <string_view>
#include <vector>

#include "app/console/http/call.h"
#include "base/json_writer.h"
#include "stages/store/search/archive.h"

namespace tocsin::console {

// The parameters that say which alerts are meant.
[[nodiscard]] std::vector<std::string> alert_params(std::vector<std::string> others);
[[nodiscard]] Checked<store::search::TimeRange> time_range(const Call& call);
// from, to and q.
[[nodiscard]] Checked<store::search::AlertFilter> range_and_query(const Call& call);
// All of them.
[[nodiscard]] Checked<store::search::AlertFilter> alert_filter(const Call& call);
[[nodiscard]] Checked<Uuid> uuid_part(const Call& call, const std::string& name);

void write_row(JsonWriter& json, const store::search::AlertRecord& record);

// [{name, count}]
void write_counts(JsonWriter& json, std::string_view name, std::string_view label,
                  const std::vector<store::search::NamedCount>& counts);
// The name that people know a tactic by; the slug of one that the table lacks.
[[nodiscard]] std::string_view tactic_name(std::string_view slug);

}  // namespace tocsin::console
