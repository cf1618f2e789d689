// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/walker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "stages/normalize/normalizer.h"

namespace tocsin::normalize {
namespace {

bool is_number(std::string_view text) {
  static constexpr std::array<bool, 256> kOfNumber = [] {
    std::array<bool, 256> of{};
    for (const char c : std::string_view("0123456789+-.eE"))
      of[static_cast<unsigned char>(c)] = true;
    return of;
  }();
  return (text.front() == '-' || (text.front() >= '0' && text.front() <= '9')) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return kOfNumber[static_cast<unsigned char>(c)]; });
}

// The kind of a scalar that is no string. False: no JSON value.
bool classify(std::string_view& text, ValueKind& kind) {
  if (text.empty()) return false;
  switch (text.front()) {
    case 't':
      kind = ValueKind::kBool;
      return text == "true";
    case 'f':
      kind = ValueKind::kBool;
      return text == "false";
    case 'n': {
      kind = ValueKind::kNull;
      const bool is_null = text == "null";
      text = {};
      return is_null;
    }
    default:
      kind = ValueKind::kNumber;
      return is_number(text);
  }
}

}  // namespace

void Places::begin_event() {
  roles.fill({});
  aliased.clear();
  shape = Shape::kFlat;
  if (++epoch_ != 0) return;
  // Four billion events later: old stamps could be taken for new ones.
  std::fill(seen_.begin(), seen_.end(), Seen{});
  epoch_ = 1;
}

Status Walker::walk(const JsonIndex& index) {
  cursor_ = index.begin();
  KeyNode& root = tree_.begin_event();
  places_.begin_event();
  bool good = cursor_.peek() == '{';
  if (!good)
    wrong("it starts with something else");
  else
    good = object(root, 0);
  if (good && cursor_.peek() != '\0')
    return fail(ErrorCode::kInvalid, "text follows the JSON object");
  if (!good) return fail(ErrorCode::kInvalid, error_);
  return {};
}

bool Walker::wrong(std::string message) {
  if (error_.empty()) error_ = "not a JSON object: " + std::move(message);
  return false;
}

bool Walker::too_deep(int depth) {
  if (depth <= Normalizer::kDepthMax) return false;
  error_ = fmt::format("nested deeper than {} levels", Normalizer::kDepthMax);
  return true;
}

// The cursor stays in registers while members are strings, as most are.
bool Walker::object(KeyNode& node, int depth) {
  if (too_deep(depth)) return false;
  Cursor cursor = cursor_;
  cursor.step();
  if (cursor.take('}')) {
    cursor_ = cursor;
    return true;
  }
  KeyNode passing;
  Guess* guess = node.passing ? nullptr : &node.first;
  do {
    std::string_view key, text;
    if (!cursor.take_string(key)) return wrong("an object's key must be a string");
    if (!cursor.take(':')) return wrong(fmt::format("no colon behind the key '{}'", key));
    KeyNode& child = tree_.child(node, guess, key, passing);
    if (cursor.take_string(text)) {
      add(child, ValueKind::kString, text);
    } else {
      cursor_ = cursor;
      if (!value(child, depth)) return false;
      cursor = cursor_;
    }
    guess = child.passing ? nullptr : &child.next;
  } while (cursor.take(','));
  const bool closed = cursor.take('}');
  cursor_ = cursor;
  return closed || wrong("no comma between two members, or no end of an object");
}

bool Walker::array(KeyNode& node, int depth) {
  if (too_deep(depth)) return false;
  cursor_.step();
  if (cursor_.take(']')) {
    add_container(node);
    return true;
  }
  KeyNode passing;
  KeyNode& element = tree_.element(node, passing);
  do {
    if (!value(element, depth)) return false;
  } while (cursor_.take(','));
  return cursor_.take(']') || wrong("no comma between two elements, or no end of an array");
}

bool Walker::value(KeyNode& node, int depth) {
  std::string_view text;
  if (cursor_.take_string(text)) {
    add(node, ValueKind::kString, text);
    return true;
  }
  switch (cursor_.peek()) {
    case '{':
      if (node.kind == ObjectKind::kEvent) places_.shape = Shape::kEvtx;
      if (node.kind == ObjectKind::kWinlog) places_.shape = Shape::kWinlogbeat;
      add_container(node);
      return object(node, depth + 1);
    case '[':
      return array(node, depth + 1);
    case '\0':
      return wrong("'' is no value");
    default:
      break;
  }
  text = cursor_.take_scalar();
  ValueKind kind = ValueKind::kString;
  if (!classify(text, kind)) return wrong(fmt::format("'{}' is no value", text.substr(0, 40)));
  add(node, kind, text);
  return true;
}

// What is rare: other names for the value at `at`.
void Walker::add_names(const KeyNode& node, std::uint32_t at) {
  if (node.entry != nullptr && !node.entry->aliases.empty())
    places_.aliased.emplace_back(node.entry, at);
  if (node.without_blanks == nullptr) return;
  FieldValue value = values_[at];
  value.field = node.without_blanks->field;
  const auto twin = static_cast<std::uint32_t>(values_.size());
  values_.push_back(value);
  places_.note(node.without_blanks->index, twin);
  if (!node.without_blanks->aliases.empty())
    places_.aliased.emplace_back(node.without_blanks, twin);
}

}  // namespace tocsin::normalize
