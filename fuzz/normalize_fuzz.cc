// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an event: they are refused with a reason, or give values that are valid UTF-8.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "stages/normalize/normalizer.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

const tocsin::FieldTable& fields() {
  static const tocsin::FieldTable table = [] {
    tocsin::FieldTable t;
    for (const char* name : {"Image", "CommandLine", "EventID", "Channel", "User", "a.b"})
      t.intern(name);
    return t;
  }();
  return table;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static tocsin::normalize::Normalizer normalizer(tocsin::sigma::Taxonomy::built_in(), fields());
  tocsin::NormalizedEvent event;
  const auto status = normalizer.normalize({reinterpret_cast<const char*>(data), size}, event);
  if (!status) {
    check(!status.error().message.empty());
    return 0;
  }
  check(event.route < tocsin::sigma::Taxonomy::built_in().routes().size());
  for (const tocsin::FieldValue& value : event.values) check(tocsin::is_utf8(value.text));
  return 0;
}
