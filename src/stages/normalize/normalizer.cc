// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/normalizer.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "base/arena.h"
#include "stages/normalize/json_text.h"
#include "stages/normalize/name_table.h"
#include "stages/normalize/walker.h"

namespace tocsin::normalize {
namespace {

// The bytes that the parser may read behind the text.
constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;

}  // namespace

struct Normalizer::State {
  const sigma::Taxonomy& taxonomy;
  const FieldTable& fields;
  NormalizerOptions options;
  NameTable names;
  // Agents that write flat events rename fields: (agent's name, Sigma's field).
  std::vector<std::pair<std::string, FieldId>> flat_aliases;

  simdjson::ondemand::parser parser;
  std::string buffer;
  Arena arena;
  std::vector<RawValue> raw;
  Shape shape = Shape::kFlat;

  State(const sigma::Taxonomy& t, const FieldTable& f, NormalizerOptions o)
      : taxonomy(t), fields(f), options(std::move(o)) {}

  void learn_names();
  Status parse(std::string_view json);
  std::string_view text_of(std::string_view token);
  void fill(NormalizedEvent& event);
  void read_frame(NormalizedEvent& event);
  void emit(NormalizedEvent& event, FieldId field, std::string_view token);
  void emit_aliases(NormalizedEvent& event, const RawValue& value);
  void derive(NormalizedEvent& event, const sigma::Route& route);
  const RawValue* find_raw(std::string_view name) const;
};

void Normalizer::State::learn_names() {
  for (FieldId id = 0; id < fields.size(); ++id) names.add(fields.name(id)).field = id;
  for (const sigma::Route& route : taxonomy.routes())
    for (const sigma::Derivation& d : route.derivations)
      for (const std::string& part : d.parts) names.add(part).derives = true;
  for (const auto& [source, field] : taxonomy.agent_aliases("nxlog")) {
    const FieldId id = fields.find(field);
    if (id == kNoField) continue;
    names.add(source).derives = true;
    flat_aliases.emplace_back(source, id);
  }
}

Status Normalizer::State::parse(std::string_view json) {
  raw.clear();
  arena.reset();
  if (buffer.size() < json.size() + kPadding) buffer.resize(2 * json.size() + kPadding);
  std::memcpy(buffer.data(), json.data(), json.size());
  std::memset(buffer.data() + json.size(), 0, kPadding);
  simdjson::ondemand::document document;
  if (const auto error =
          parser.iterate(buffer.data(), json.size(), json.size() + kPadding).get(document);
      error)
    return fail(ErrorCode::kInvalid,
                std::string("not a JSON object: ") + simdjson::error_message(error));
  Walker walker(names, arena, raw);
  TOCSIN_TRY_STATUS(walker.walk(document));
  shape = walker.shape();
  return {};
}

std::string_view Normalizer::State::text_of(std::string_view token) {
  switch (token.front()) {
    case '"':
      return unescape(token.substr(1, token.size() - 2), arena);
    case 'n':
      return {};
    case 't':
    case 'f':
      return token;
    default:
      return canonical_number(token, arena);
  }
}

void Normalizer::State::emit(NormalizedEvent& event, FieldId field, std::string_view token) {
  ValueKind kind = ValueKind::kNumber;
  if (token.front() == '"') kind = ValueKind::kString;
  if (token.front() == 't' || token.front() == 'f') kind = ValueKind::kBool;
  if (token.front() == 'n') kind = ValueKind::kNull;
  event.values.push_back({field, kind, text_of(token)});
}

const RawValue* Normalizer::State::find_raw(std::string_view name) const {
  for (const RawValue& value : raw)
    if (value.entry != nullptr && value.entry->name == name) return &value;
  return nullptr;
}

// Channel, host, time and the like. The first in its place wins; user data cannot overrule the
// frame.
void Normalizer::State::read_frame(NormalizedEvent& event) {
  std::string_view time_other, user_other;
  for (const RawValue& value : raw) {
    if (value.entry == nullptr || value.entry->role == Role::kNone) continue;
    const auto set = [&](std::string_view& slot) {
      if (slot.empty()) slot = text_of(value.token);
    };
    if (value.frame) {
      switch (value.entry->role) {
        case Role::kChannel:
          set(event.channel);
          break;
        case Role::kProvider:
          set(event.provider);
          break;
        case Role::kEventId:
          set(event.event_code);
          break;
        case Role::kComputer:
          set(event.host);
          break;
        case Role::kRecordId:
          set(event.record_id);
          break;
        case Role::kTime:
          set(event.time_text);
          break;
        case Role::kTimeOther:
          set(time_other);
          break;
        case Role::kBodyId:
          set(event.body_id);
          break;
        default:
          break;
      }
    }
    if (value.entry->role == Role::kUser) set(event.user);
    if (value.entry->role == Role::kUserOther) set(user_other);
  }
  if (event.time_text.empty()) event.time_text = time_other;
  if (event.user.empty()) event.user = user_other;
  if (const auto time = parse_time(event.time_text)) event.timestamp = *time;
}

// A field that the event itself has is never overwritten by a derived one.
void Normalizer::State::derive(NormalizedEvent& event, const sigma::Route& route) {
  for (const sigma::Derivation& d : route.derivations) {
    const FieldId field = fields.find(d.field);
    if (field == kNoField || find_raw(d.field) != nullptr) continue;
    std::string joined;
    const RawValue* value = nullptr;
    bool complete = true;
    for (const std::string& part : d.parts) {
      value = find_raw(part);
      complete = complete && value != nullptr;
      if (value == nullptr) continue;
      if (&part != &d.parts.front()) joined += d.separator;
      joined += text_of(value->token);
    }
    if (!complete) continue;
    if (d.parts.size() == 1 && d.values.empty()) {
      emit(event, field, value->token);
      continue;
    }
    for (const auto& [from, to] : d.values)
      if (joined == from) joined = to;
    event.values.push_back({field, ValueKind::kString, arena.copy(joined)});
  }
}

void Normalizer::State::emit_aliases(NormalizedEvent& event, const RawValue& value) {
  for (const auto& [source, field] : flat_aliases)
    if (value.entry->name == source) emit(event, field, value.token);
}

void Normalizer::State::fill(NormalizedEvent& event) {
  read_frame(event);
  const bool windows =
      !event.channel.empty() && (!event.event_code.empty() || shape != Shape::kFlat);
  event.route = windows ? taxonomy.windows_route(event.channel, event.event_code) : 0;
  const bool all = options.wants_all_values && options.wants_all_values(event.route);
  for (const RawValue& value : raw) {
    const FieldId field = value.entry == nullptr ? kNoField : value.entry->field;
    if (field != kNoField || all) emit(event, field, value.token);
    if (value.entry != nullptr && value.entry->derives && shape == Shape::kFlat)
      emit_aliases(event, value);
  }
  derive(event, taxonomy.routes()[event.route]);
}

Normalizer::Normalizer(const sigma::Taxonomy& taxonomy, const FieldTable& fields,
                       NormalizerOptions options)
    : state_(std::make_unique<State>(taxonomy, fields, std::move(options))) {
  state_->learn_names();
}
Normalizer::~Normalizer() = default;
Normalizer::Normalizer(Normalizer&&) noexcept = default;

Status Normalizer::normalize(std::string_view json, NormalizedEvent& event) {
  event.values.clear();
  event.channel = event.provider = event.event_code = event.host = event.user = {};
  event.record_id = event.time_text = event.body_id = {};
  event.timestamp = 0;
  event.route = 0;
  event.repaired = false;
  Status status = state_->parse(json);
  if (!status) {
    const std::string repaired = repair_json(json);
    if (repaired == json) return status;
    TOCSIN_TRY_STATUS(state_->parse(repaired));
    event.repaired = true;
  }
  state_->fill(event);
  return {};
}

}  // namespace tocsin::normalize
