// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/walker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "stages/normalize/normalizer.h"

namespace tocsin::normalize {
namespace {

using simdjson::ondemand::json_type;

tl::unexpected<Error> bad(simdjson::error_code code) {
  return fail(ErrorCode::kInvalid,
              fmt::format("not a JSON object: {}", simdjson::error_message(code)));
}

tl::unexpected<Error> too_deep() {
  return fail(ErrorCode::kInvalid,
              fmt::format("nested deeper than {} levels", Normalizer::kDepthMax));
}

bool is_scalar_token(std::string_view token) {
  if (token.empty()) return false;
  const char c = token.front();
  if (c == '"') return token.size() >= 2 && token.back() == '"';
  if (c == 't') return token == "true";
  if (c == 'f') return token == "false";
  if (c == 'n') return token == "null";
  if (c != '-' && (c < '0' || c > '9')) return false;
  return token.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

}  // namespace

// Calls `body(key, value)` for each member; `body` returns a Status.
template <class Body>
Status for_members(simdjson::ondemand::object object, Body&& body) {
  for (auto member : object) {
    simdjson::ondemand::field field;
    if (const auto error = std::move(member).get(field); error) return bad(error);
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key); error) return bad(error);
    if (auto status = body(key, field.value()); !status) return status;
  }
  return {};
}

Status Walker::walk(simdjson::ondemand::document& document) {
  Object object;
  if (const auto error = document.get_object().get(object); error) return bad(error);
  TOCSIN_TRY_STATUS(walk_root(object));
  const char* rest = nullptr;
  if (!document.current_location().get(rest))
    return fail(ErrorCode::kInvalid, "text follows the JSON object");
  return {};
}

std::string_view Walker::join(std::string_view a, char separator, std::string_view b) {
  if (a.empty()) return b;
  char* const at = arena_.allocate(a.size() + 1 + b.size());
  std::memcpy(at, a.data(), a.size());
  at[a.size()] = separator;
  if (!b.empty()) std::memcpy(at + a.size() + 1, b.data(), b.size());
  return {at, a.size() + 1 + b.size()};
}

Status Walker::add(std::string_view name, Value value, bool frame) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' ||
                            token.back() == '\t'))
    token.remove_suffix(1);
  if (!is_scalar_token(token))
    return fail(ErrorCode::kInvalid,
                fmt::format("not JSON: '{}' is no value", token.substr(0, 40)));
  values_.push_back({names_.find(name), token, frame});
  if (name.find(' ') != std::string_view::npos) add_without_blanks(name, token);
  return {};
}

// Defender writes `Threat Name`; rules write ThreatName.
void Walker::add_without_blanks(std::string_view name, std::string_view token) {
  char* const at = arena_.allocate(name.size());
  char* const end = std::remove_copy(name.begin(), name.end(), at, ' ');
  const NameEntry* entry = names_.find({at, static_cast<std::size_t>(end - at)});
  if (entry != nullptr) values_.push_back({entry, token, false});
}

Status Walker::walk_any(std::string_view name, Value value, bool frame, int depth) {
  if (depth > Normalizer::kDepthMax) return too_deep();
  json_type type;
  if (const auto error = value.type().get(type); error) return bad(error);
  if (type == json_type::object) {
    Object object;
    if (const auto error = value.get_object().get(object); error) return bad(error);
    return for_members(object, [&](std::string_view key, Value member) {
      return walk_any(key == "#text" ? name : join(name, '.', key), member, frame, depth + 1);
    });
  }
  if (type == json_type::array) {
    simdjson::ondemand::array array;
    if (const auto error = value.get_array().get(array); error) return bad(error);
    for (auto element : array) {
      Value item;
      if (const auto error = std::move(element).get(item); error) return bad(error);
      TOCSIN_TRY_STATUS(walk_any(name, item, frame, depth + 1));
    }
    return {};
  }
  return add(name, value, frame);
}

Status Walker::walk_root(Object object) {
  return for_members(object, [&](std::string_view key, Value value) -> Status {
    if (key == "Event" || key == "winlog") {
      json_type type;
      if (const auto error = value.type().get(type); error) return bad(error);
      if (type == json_type::object) {
        Object inner;
        if (const auto error = value.get_object().get(inner); error) return bad(error);
        return key == "Event" ? walk_event(inner) : walk_winlog(inner);
      }
    }
    return walk_any(key, value, true, 1);
  });
}

Status Walker::walk_event(Object object) {
  shape_ = Shape::kEvtx;
  return for_members(object, [&](std::string_view key, Value value) -> Status {
    json_type type;
    if (const auto error = value.type().get(type); error) return bad(error);
    if (type == json_type::object) {
      Object inner;
      if (const auto error = value.get_object().get(inner); error) return bad(error);
      if (key == "System") return walk_system(inner);
      if (key == "EventData") return walk_data(key, inner, 1);
      if (key == "UserData") return walk_user_data(inner);
      if (key == "#attributes") return walk_attributes("Event", inner, false);
      return for_members(inner, [&](std::string_view name, Value member) {
        return walk_any(join(key, '.', name), member, false, 2);
      });
    }
    return walk_any(key, value, false, 1);
  });
}

Status Walker::walk_attributes(std::string_view prefix, Object object, bool frame) {
  return for_members(object, [&](std::string_view key, Value value) {
    return walk_any(join(prefix, '_', key), value, frame, 3);
  });
}

// <Provider Name="..."/> is Provider_Name; <EventID Qualifiers="0">1</EventID> is EventID.
Status Walker::walk_system(Object object) {
  return for_members(object, [&](std::string_view key, Value value) -> Status {
    json_type type;
    if (const auto error = value.type().get(type); error) return bad(error);
    if (type != json_type::object) return walk_any(key, value, true, 2);
    Object inner;
    if (const auto error = value.get_object().get(inner); error) return bad(error);
    return for_members(inner, [&](std::string_view part, Value member) -> Status {
      if (part == "#text") return walk_any(key, member, true, 3);
      json_type member_type;
      if (const auto error = member.type().get(member_type); error) return bad(error);
      if (part == "#attributes" && member_type == json_type::object) {
        Object attributes;
        if (const auto error = member.get_object().get(attributes); error) return bad(error);
        return walk_attributes(key, attributes, true);
      }
      return walk_any(join(key, '_', part), member, true, 3);
    });
  });
}

Status Walker::walk_data(std::string_view parent, Object object, int depth) {
  return for_members(object, [&](std::string_view key, Value value) -> Status {
    json_type type;
    if (const auto error = value.type().get(type); error) return bad(error);
    if (key == "#attributes" && type == json_type::object) {
      Object attributes;
      if (const auto error = value.get_object().get(attributes); error) return bad(error);
      return walk_attributes(parent, attributes, false);
    }
    return walk_any(key == "#text" ? parent : key, value, false, depth + 1);
  });
}

// <UserData><EventXML><Param>: the element in between only names the event's schema.
Status Walker::walk_user_data(Object object) {
  return for_members(object, [&](std::string_view key, Value value) -> Status {
    json_type type;
    if (const auto error = value.type().get(type); error) return bad(error);
    if (type != json_type::object || key == "#attributes") return walk_any(key, value, false, 2);
    Object inner;
    if (const auto error = value.get_object().get(inner); error) return bad(error);
    return walk_data(key, inner, 2);
  });
}

Status Walker::walk_winlog(Object object) {
  shape_ = Shape::kWinlogbeat;
  return for_members(object, [&](std::string_view key, Value value) -> Status {
    json_type type;
    if (const auto error = value.type().get(type); error) return bad(error);
    if (type == json_type::object && (key == "event_data" || key == "user_data")) {
      Object inner;
      if (const auto error = value.get_object().get(inner); error) return bad(error);
      return walk_data(key, inner, 2);
    }
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"channel", "Channel"},        {"provider_name", "Provider_Name"}, {"event_id", "EventID"},
        {"computer_name", "Computer"}, {"record_id", "EventRecordID"},     {"task", "Task"},
        {"opcode", "Opcode"},          {"keywords", "Keywords"},
    };
    for (const auto& [from, to] : kNames)
      if (key == from) return walk_any(to, value, true, 2);
    return walk_any(join("winlog", '.', key), value, false, 2);
  });
}

}  // namespace tocsin::normalize
