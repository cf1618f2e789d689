// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/json_index.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace tocsin::normalize {

// simdjson chooses the implementation for the processor at run time.
struct JsonIndex::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;
};

namespace {

constexpr std::size_t kFirstCapacity = 64 * 1024;

tl::unexpected<Error> bad(simdjson::error_code code) {
  return fail(ErrorCode::kInvalid,
              fmt::format("not a JSON object: {}", simdjson::error_message(code)));
}

}  // namespace

JsonIndex::JsonIndex() : parser_(std::make_unique<Parser>()) {}
JsonIndex::~JsonIndex() = default;
JsonIndex::JsonIndex(JsonIndex&&) noexcept = default;

Status JsonIndex::read(std::string_view json) {
  text_ = json;
  if (json.empty()) return bad(simdjson::EMPTY);
  auto& stages = parser_->stages;
  simdjson::error_code error = simdjson::SUCCESS;
  // The depth is the walker's affair: the first stage keeps no stack.
  constexpr std::size_t kDepth = 1;
  const std::size_t capacity = std::max(kFirstCapacity, json.size() + json.size() / 2);
  if (!stages)
    error = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity,
                                                                                    kDepth, stages);
  else if (stages->capacity() < json.size())
    error = stages->allocate(capacity, kDepth);
  if (error) return bad(error);
  // The first stage reads nothing behind the text: it copies the last block.
  error = stages->stage1(reinterpret_cast<const std::uint8_t*>(json.data()), json.size(),
                         simdjson::stage1_mode::regular);
  if (error) return bad(error);
  stages->structural_indexes[stages->n_structural_indexes] =
      static_cast<std::uint32_t>(json.size());
  return {};
}

Cursor JsonIndex::begin() const {
  const auto& stages = *parser_->stages;
  const std::uint32_t* const places = stages.structural_indexes.get();
  return {text_.data(), places, places + stages.n_structural_indexes};
}

}  // namespace tocsin::normalize
