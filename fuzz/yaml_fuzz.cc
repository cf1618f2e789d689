// SPDX-License-Identifier: Apache-2.0
//
// Any text as YAML of the usual form: where it is read without libyaml, libyaml must make the same
// tree of it. Behind a line `---` it is always libyaml that reads.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/yaml.h"
#include "base/yaml/block_reader.h"

namespace {

using namespace tocsin;

void check(bool holds) {
  if (!holds) std::abort();
}

// `lines`: that the right one is further down.
void check_same(const yaml::Node& left, const yaml::Node& right, std::size_t lines) {
  check(left.kind == right.kind && left.plain == right.plain && left.scalar == right.scalar);
  check(left.mark.line + lines == right.mark.line && left.mark.column == right.mark.column);
  check(left.items.size() == right.items.size() && left.members.size() == right.members.size());
  for (std::size_t i = 0; i < left.items.size(); ++i)
    check_same(left.items[i], right.items[i], lines);
  for (std::size_t i = 0; i < left.members.size(); ++i) {
    check_same(left.members[i].first, right.members[i].first, lines);
    check_same(left.members[i].second, right.members[i].second, lines);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto quick = yaml::read_block_document(text, 0);
  if (!quick) return 0;
  std::size_t documents = 0;
  yaml::for_each_document("---\n" + std::string(text),
                          [&](tl::expected<yaml::Node, yaml::ParseError> document) {
                            check(document.has_value() && ++documents == 1);
                            check_same(quick->root, *document, 1);
                            return true;
                          });
  check(documents == 1);
  return 0;
}
