// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/json_body.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace tocsin::console {

struct JsonBody::Reader {
  static bool read_texts(simdjson::dom::array array, std::vector<std::string>& out) {
    for (const simdjson::dom::element item : array) {
      std::string_view text;
      if (item.get(text) != simdjson::SUCCESS) return false;
      out.emplace_back(text);
    }
    return true;
  }

  static bool read_numbers(simdjson::dom::array array, Numbers& out) {
    for (const simdjson::dom::element item : array) {
      simdjson::dom::object object;
      if (item.get(object) != simdjson::SUCCESS) return false;
      auto& row = out.emplace_back();
      for (const auto& [key, value] : object) {
        std::int64_t number = 0;
        if (value.get(number) != simdjson::SUCCESS) return false;
        row[std::string(key)] = number;
      }
    }
    return true;
  }

  static Value value_of(simdjson::dom::element element) {
    Value out{{}, simdjson::to_string(element)};
    std::string_view text;
    bool yes = false;
    simdjson::dom::array array;
    if (element.is_null()) return out;
    if (element.get(text) == simdjson::SUCCESS) {
      out.data = std::string(text);
    } else if (element.get(yes) == simdjson::SUCCESS) {
      out.data = yes;
    } else if (element.get(array) == simdjson::SUCCESS && array.size() <= kItemsMax) {
      std::vector<std::string> texts;
      Numbers numbers;
      if (read_texts(array, texts))
        out.data = std::move(texts);
      else if (read_numbers(array, numbers))
        out.data = std::move(numbers);
      else
        out.data = Other{};
    } else {
      out.data = Other{};
    }
    return out;
  }
};

Checked<JsonBody> JsonBody::read(std::string_view json,
                                 std::initializer_list<std::string_view> members) {
  JsonBody out;
  if (json.empty()) return out;
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(json);
  simdjson::dom::element root;
  simdjson::dom::object object;
  if (parser.parse(padded).get(root) != simdjson::SUCCESS)
    return refuse(ApiCode::kInvalid, "the body is not JSON");
  if (root.get(object) != simdjson::SUCCESS)
    return refuse(ApiCode::kInvalid, "the body: a JSON object is wanted");
  for (const auto& [key, value] : object) {
    std::string name(key.substr(0, 64));
    if (std::find(members.begin(), members.end(), key) == members.end())
      return refuse(ApiCode::kInvalid, fmt::format("'{}' is no member of this request", name),
                    name);
    if (!out.members_.emplace(name, Reader::value_of(value)).second)
      return refuse(ApiCode::kInvalid, fmt::format("'{}' is given more than once", name), name);
  }
  return out;
}

const JsonBody::Value* JsonBody::find(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() || std::holds_alternative<std::monostate>(found->second.data)
             ? nullptr
             : &found->second;
}

bool JsonBody::has(const std::string& name) const { return find(name) != nullptr; }

bool JsonBody::is_null(const std::string& name) const {
  return members_.contains(name) && find(name) == nullptr;
}

Checked<std::optional<std::string>> JsonBody::text(const std::string& name,
                                                   std::size_t bytes_max) const {
  const Value* value = find(name);
  if (value == nullptr) return std::optional<std::string>();
  const auto* given = std::get_if<std::string>(&value->data);
  if (given == nullptr) return refuse(ApiCode::kInvalid, name + ": a text is wanted", name);
  if (given->size() > bytes_max)
    return refuse(ApiCode::kTooLarge, fmt::format("{}: {} bytes at most", name, bytes_max), name);
  return std::optional<std::string>(*given);
}

Checked<std::optional<bool>> JsonBody::yes_or_no(const std::string& name) const {
  const Value* value = find(name);
  if (value == nullptr) return std::optional<bool>();
  const bool* yes = std::get_if<bool>(&value->data);
  if (yes == nullptr) return refuse(ApiCode::kInvalid, name + ": true or false is wanted", name);
  return std::optional<bool>(*yes);
}

Checked<std::optional<std::vector<std::string>>> JsonBody::texts(const std::string& name) const {
  const Value* value = find(name);
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  const auto* list = std::get_if<std::vector<std::string>>(&value->data);
  if (list == nullptr)
    return refuse(ApiCode::kInvalid,
                  fmt::format("{}: a list of at most {} texts is wanted", name, kItemsMax), name);
  return std::optional<std::vector<std::string>>(*list);
}

Checked<std::vector<std::map<std::string, std::int64_t>>> JsonBody::numbers(
    const std::string& name) const {
  const Value* value = find(name);
  if (value == nullptr) return Numbers();
  if (const auto* empty = std::get_if<std::vector<std::string>>(&value->data);
      empty != nullptr && empty->empty())
    return Numbers();
  const auto* rows = std::get_if<Numbers>(&value->data);
  if (rows == nullptr)
    return refuse(
        ApiCode::kInvalid,
        fmt::format("{}: a list of at most {} objects of whole numbers is wanted", name, kItemsMax),
        name);
  return *rows;
}

std::string JsonBody::raw(const std::string& name) const {
  const Value* value = find(name);
  return value == nullptr ? std::string() : value->json;
}

}  // namespace tocsin::console
