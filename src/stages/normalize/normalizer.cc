// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/normalizer.h"

#include <array>
#include <string>
#include <vector>

#include "base/arena.h"
#include "core/event/json_text.h"
#include "stages/normalize/json_index.h"
#include "stages/normalize/key_tree.h"
#include "stages/normalize/name_table.h"
#include "stages/normalize/repair.h"
#include "stages/normalize/walker.h"

namespace tocsin::normalize {
namespace {

// A derivation with its names resolved.
struct Derived {
  const sigma::Derivation* how;
  FieldId field;
  std::uint32_t own_name;            // an event that has the field itself keeps it
  std::vector<std::uint32_t> parts;  // indices into the name table
};

// (channel, event id) to route, remembered: events of a kind come in droves.
class RouteCache {
 public:
  std::uint32_t find(const sigma::Taxonomy& taxonomy, std::string_view channel,
                     std::string_view code) {
    const std::size_t hash = std::hash<std::string_view>()(channel) * 31 +
                             std::hash<std::string_view>()(code) * 0x9E3779B9u;
    Slot& slot = slots_[hash % slots_.size()];
    if (slot.channel != channel || slot.code != code)
      slot = {std::string(channel), std::string(code), taxonomy.windows_route(channel, code)};
    return slot.route;
  }

 private:
  struct Slot {
    std::string channel, code;
    std::uint32_t route = 0;
  };
  std::array<Slot, 256> slots_;
};

}  // namespace

struct Normalizer::State {
  const sigma::Taxonomy& taxonomy;
  const FieldTable& fields;
  NormalizerOptions options;
  NameTable names;
  std::vector<std::vector<Derived>> derived;  // by route
  KeyTree tree;
  Places places;
  JsonIndex index;
  RouteCache routes;
  Arena arena;

  State(const sigma::Taxonomy& t, const FieldTable& f, NormalizerOptions o)
      : taxonomy(t),
        fields(f),
        options(o),
        names(learn_names(t, f)),
        tree(names),
        places(names.size()) {
    resolve_derivations();
  }

  static NameTable learn_names(const sigma::Taxonomy& taxonomy, const FieldTable& fields);
  void resolve_derivations();
  Status parse(std::string_view json, NormalizedEvent& event);
  void fill(NormalizedEvent& event);
  void read_frame(NormalizedEvent& event);
  std::string_view role(Role role);
  void emit_aliases(NormalizedEvent& event) const;
  void derive(NormalizedEvent& event, const Derived& derived);
};

NameTable Normalizer::State::learn_names(const sigma::Taxonomy& taxonomy,
                                         const FieldTable& fields) {
  NameTable names;
  for (FieldId id = 0; id < fields.size(); ++id) names.add(fields.name(id)).field = id;
  for (const sigma::Route& route : taxonomy.routes())
    for (const sigma::Derivation& d : route.derivations)
      for (const std::string& part : d.parts) names.add(part);
  for (const auto& [source, field] : taxonomy.agent_aliases("nxlog"))
    if (const FieldId id = fields.find(field); id != kNoField)
      names.add(source).aliases.push_back(id);
  return names;
}

void Normalizer::State::resolve_derivations() {
  for (const sigma::Route& route : taxonomy.routes()) {
    std::vector<Derived>& list = derived.emplace_back();
    for (const sigma::Derivation& d : route.derivations) {
      const FieldId field = fields.find(d.field);
      if (field == kNoField) continue;
      Derived& out = list.emplace_back(Derived{&d, field, names.find(d.field)->index, {}});
      for (const std::string& part : d.parts) out.parts.push_back(names.find(part)->index);
    }
  }
}

Status Normalizer::State::parse(std::string_view json, NormalizedEvent& event) {
  event.values.clear();
  arena.reset();
  TOCSIN_TRY_STATUS(index.read(json));
  return Walker(tree, places, event.values).walk(index);
}

std::string_view Normalizer::State::role(Role role) {
  return decoded(places.roles[static_cast<std::size_t>(role)], arena);
}

// Channel, host, time and the like. The first in its place wins; user data cannot overrule the
// frame.
void Normalizer::State::read_frame(NormalizedEvent& event) {
  event.channel = role(Role::kChannel);
  event.provider = role(Role::kProvider);
  event.event_code = role(Role::kEventId);
  event.host = role(Role::kComputer);
  event.record_id = role(Role::kRecordId);
  event.body_id = role(Role::kBodyId);
  event.time_text = role(Role::kTime);
  if (event.time_text.empty()) event.time_text = role(Role::kTimeOther);
  event.user = role(Role::kUser);
  if (event.user.empty()) event.user = role(Role::kUserOther);
  event.timestamp = parse_time(event.time_text).value_or(0);
}

// A field that the event itself has is never overwritten by a derived one.
void Normalizer::State::derive(NormalizedEvent& event, const Derived& d) {
  if (places.first_of(d.own_name) >= 0) return;
  std::array<FieldValue, 8> parts;
  if (d.parts.empty() || d.parts.size() > parts.size()) return;
  std::size_t size = d.parts.size() * d.how->separator.size();
  for (std::size_t i = 0; i < d.parts.size(); ++i) {
    const std::int64_t at = places.first_of(d.parts[i]);
    if (at < 0) return;
    parts[i] = event.values[static_cast<std::size_t>(at)];
    if (d.parts.size() == 1 && d.how->values.empty()) {
      parts[i].field = d.field;
      event.values.push_back(parts[i]);
      return;
    }
    parts[i].text = decoded(parts[i], arena);
    size += parts[i].text.size();
  }
  char* const begin = arena.allocate(size);
  char* end = begin;
  for (std::size_t i = 0; i < d.parts.size(); ++i) {
    if (i > 0) end += d.how->separator.copy(end, d.how->separator.size());
    end += parts[i].text.copy(end, parts[i].text.size());
  }
  std::string_view text(begin, static_cast<std::size_t>(end - begin));
  for (const auto& [from, to] : d.how->values) {
    if (text != from) continue;
    text = to;
    break;
  }
  event.values.push_back({d.field, ValueKind::kString, text, false});
}

// Agents that write flat events rename fields.
void Normalizer::State::emit_aliases(NormalizedEvent& event) const {
  for (const auto& [entry, at] : places.aliased) {
    for (const FieldId field : entry->aliases) {
      FieldValue value = event.values[at];
      value.field = field;
      event.values.push_back(value);
    }
  }
}

void Normalizer::State::fill(NormalizedEvent& event) {
  event.json = index.text();
  read_frame(event);
  const bool windows =
      !event.channel.empty() && (!event.event_code.empty() || places.shape != Shape::kFlat);
  event.route = windows ? routes.find(taxonomy, event.channel, event.event_code) : 0;
  if (places.shape == Shape::kFlat) emit_aliases(event);
  for (const Derived& d : derived[event.route]) derive(event, d);
  if (!options.decode) return;
  for (FieldValue& value : event.values) {
    value.text = decoded(value, arena);
    value.encoded = false;
  }
}

Normalizer::Normalizer(const sigma::Taxonomy& taxonomy, const FieldTable& fields,
                       NormalizerOptions options)
    : state_(std::make_unique<State>(taxonomy, fields, options)) {}
Normalizer::~Normalizer() = default;
Normalizer::Normalizer(Normalizer&&) noexcept = default;

Status Normalizer::normalize(std::string_view json, NormalizedEvent& event) {
  event.route = 0;
  event.repaired = false;
  Status status = state_->parse(json, event);
  if (!status) {
    const std::string repaired = repair_json(json);
    if (repaired == json) return status;
    TOCSIN_TRY_STATUS(state_->parse(repaired, event));
    event.repaired = true;
  }
  state_->fill(event);
  return {};
}

}  // namespace tocsin::normalize
