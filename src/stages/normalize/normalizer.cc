// SPDX-License-Identifier: Apache-2.0
#include "stages/normalize/normalizer.h"

#include <array>
#include <span>
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
  bool is_alias;
};

constexpr std::size_t kPartsMax = 8;

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
  std::string own_json;  // the event's bytes when they are ours: copied, or repaired
  RouteCache routes;
  Arena arena;
  std::string derived_text;

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
  std::uint32_t refined(std::uint32_t route, const NormalizedEvent& event);
};

NameTable Normalizer::State::learn_names(const sigma::Taxonomy& taxonomy,
                                         const FieldTable& fields) {
  NameTable names;
  for (FieldId id = 0; id < fields.size(); ++id) names.add(fields.name(id)).field = id;
  for (const sigma::Route& route : taxonomy.routes()) {
    for (const sigma::Derivation& d : route.derivations)
      for (const std::string& part : d.parts) names.add(part);
    for (const sigma::Branch& branch : route.branches) names.add(branch.field);
  }
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
      if (field == kNoField || d.parts.empty() || d.parts.size() > kPartsMax) continue;
      Derived& out =
          list.emplace_back(Derived{&d, field, names.find(d.field)->index, {}, d.is_alias()});
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

// Adds the field that the derivation gives, if it gives one.
void Normalizer::State::derive(NormalizedEvent& event, const Derived& d) {
  if (places.is_derived(d.own_name)) return;
  if (!d.how->replaces && places.first_of(d.own_name) >= 0) return;
  std::array<std::string_view, kPartsMax> texts;
  FieldValue value;
  for (std::size_t i = 0; i < d.parts.size(); ++i) {
    const std::int64_t at = places.first_of(d.parts[i]);
    if (at < 0) return;
    value = event.values[static_cast<std::size_t>(at)];
    if (!d.is_alias) texts[i] = decoded(value, arena);
  }
  if (!d.is_alias) {
    if (!d.how->apply(std::span(texts).first(d.parts.size()), derived_text)) return;
    value = {d.field, ValueKind::kString, arena.copy(derived_text), false};
  }
  if (d.how->replaces)
    for (FieldValue& own : event.values)
      if (own.field == d.field) own.field = kNoField;
  value.field = d.field;
  event.values.push_back(value);
  places.note_derived(d.own_name);
}

// What only the event's fields tell: the route of one kind of registry event, say.
std::uint32_t Normalizer::State::refined(std::uint32_t route, const NormalizedEvent& event) {
  if (taxonomy.routes()[route].branches.empty()) return route;
  return taxonomy.refine(route, [&](std::string_view name) -> std::string_view {
    const NameEntry* entry = names.find(name);
    const std::int64_t at = entry == nullptr ? -1 : places.first_of(entry->index);
    if (at < 0) return {};
    return decoded(event.values[static_cast<std::size_t>(at)], arena);
  });
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
  event.route =
      windows ? refined(routes.find(taxonomy, event.channel, event.event_code), event) : 0;
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
  if (state_->options.copy) json = state_->own_json.assign(json);
  Status status = state_->parse(json, event);
  if (!status) {
    std::string repaired = repair_json(json);
    if (repaired == json) return status;
    state_->own_json = std::move(repaired);
    TOCSIN_TRY_STATUS(state_->parse(state_->own_json, event));
    event.repaired = true;
  }
  state_->fill(event);
  return {};
}

}  // namespace tocsin::normalize
