// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/json_index.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstring>

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

void JsonIndex::reserve(std::size_t size) {
  if (size <= capacity_) return;
  capacity_ = size < kFirstCapacity ? kFirstCapacity : size + size / 2;
  buffer_ = std::make_unique_for_overwrite<char[]>(capacity_ + simdjson::SIMDJSON_PADDING);
}

Status JsonIndex::read(std::string_view json) {
  reserve(json.size());
  auto& stages = parser_->stages;
  simdjson::error_code error = simdjson::SUCCESS;
  // The depth is the walker's affair: the first stage keeps no stack.
  constexpr std::size_t kDepth = 1;
  if (!stages)
    error = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity_,
                                                                                    kDepth, stages);
  else if (stages->capacity() < capacity_)
    error = stages->allocate(capacity_, kDepth);
  if (error) return bad(error);
  size_ = json.size();
  if (size_ == 0) return bad(simdjson::EMPTY);
  std::memcpy(buffer_.get(), json.data(), size_);
  std::memset(buffer_.get() + size_, 0, simdjson::SIMDJSON_PADDING);
  error = stages->stage1(reinterpret_cast<const std::uint8_t*>(buffer_.get()), size_,
                         simdjson::stage1_mode::regular);
  if (error) return bad(error);
  // What stands behind the last place: the end of the text, where the padding reads as 0.
  stages->structural_indexes[stages->n_structural_indexes] = static_cast<std::uint32_t>(size_);
  return {};
}

Cursor JsonIndex::begin() const {
  return {buffer_.get(), parser_->stages->structural_indexes.get()};
}

}  // namespace tocsin::normalize
