// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/identity.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>
#include <utility>

#include "core/event/event_id.h"

namespace tocsin::produce {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r' ||
                            token.back() == '\n'))
    token.remove_suffix(1);
  return token;
}

// Whether a name may be "Event" or one of those of read_member(). Most are not, and are then not
// even copied to be unescaped.
bool may_tell(ondemand::field& member) {
  switch (*member.key().raw()) {
    case 'E':  // Event, EventRecordID, EventTime
    case 'H':  // Hostname
    case 'C':  // Computer, Channel
    case 'c':  // computer, channel
    case 'R':  // RecordNumber
    case 'T':  // TimeCreated
    case '@':  // @timestamp
    case 't':  // timestamp, traceparent
    case 'e':  // event, eventTime
    case 'w':  // winlog
    case 'h':  // host
    case '\\':
      return true;
    default:
      return false;
  }
}

// Strings as they read, numbers as they are written; nothing else, and only the first of a name.
void set(std::string& into, ondemand::value value) {
  if (!into.empty()) return;
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return;
  std::string_view text;
  if (type == ondemand::json_type::string) {
    if (value.get_string().get(text) == simdjson::SUCCESS) into.assign(text);
  } else if (type == ondemand::json_type::number) {
    into.assign(trimmed(value.raw_json_token()));
  }
}

// Calls `visit(key, value)` for each member; false when the text breaks inside.
template <class Visit>
bool each_member(ondemand::value value, Visit&& visit) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return false;
  for (auto member : object) {
    std::string_view key;
    ondemand::value inner;
    if (member.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (member.value().get(inner) != simdjson::SUCCESS) return false;
    visit(key, inner);
  }
  return true;
}

void read_system(Identity& id, ondemand::value system) {
  each_member(system, [&](std::string_view key, ondemand::value value) {
    if (key == "Computer") {
      set(id.computer, value);
    } else if (key == "Channel") {
      set(id.channel, value);
    } else if (key == "EventRecordID") {
      set(id.record_id, value);
    } else if (key == "TimeCreated") {
      each_member(value, [&](std::string_view name, ondemand::value inner) {
        if (name == "SystemTime") set(id.time, inner);
        if (name != "#attributes") return;
        each_member(inner, [&](std::string_view attribute, ondemand::value text) {
          if (attribute == "SystemTime") set(id.time, text);
        });
      });
    }
  });
}

void read_winlog(Identity& id, ondemand::value winlog) {
  each_member(winlog, [&](std::string_view key, ondemand::value value) {
    if (key == "computer_name") set(id.computer, value);
    if (key == "channel") set(id.channel, value);
    if (key == "record_id") set(id.record_id, value);
  });
}

// Later names of one thing fill in only where the earlier ones said nothing.
struct Fallback {
  std::string host;
  std::string time;
};

void read_member(Identity& id, Fallback& fallback, std::string_view key, ondemand::value value) {
  if (key == "Hostname" || key == "Computer" || key == "computer") {
    set(id.computer, value);
  } else if (key == "Channel" || key == "channel") {
    set(id.channel, value);
  } else if (key == "RecordNumber" || key == "EventRecordID") {
    set(id.record_id, value);
  } else if (key == "EventTime" || key == "TimeCreated") {
    set(id.time, value);
  } else if (key == "@timestamp" || key == "timestamp" || key == "eventTime") {
    set(fallback.time, value);
  } else if (key == "winlog") {
    read_winlog(id, value);
  } else if (key == "traceparent") {
    set(id.traceparent, value);
  } else if (key == "host") {
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return;
    if (type != ondemand::json_type::object) return set(fallback.host, value);
    each_member(value, [&](std::string_view name, ondemand::value inner) {
      if (name == "name" || name == "hostname") set(fallback.host, inner);
    });
  } else if (key == "event") {
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS || type != ondemand::json_type::object) return;
    each_member(value, [&](std::string_view name, ondemand::value inner) {
      if (name == "id") set(id.event_id, inner);
    });
  }
}

}  // namespace

void Identity::clear() {
  for (std::string* part : {&event_id, &computer, &channel, &record_id, &time, &traceparent})
    part->clear();
}

struct IdentityReader::Parser {
  ondemand::parser parser;
};

IdentityReader::IdentityReader() : parser_(std::make_unique<Parser>()) {}
IdentityReader::~IdentityReader() = default;

const Identity& IdentityReader::read(std::string& json) {
  identity_.clear();
  const std::size_t padded = json.size() + simdjson::SIMDJSON_PADDING;
  if (json.capacity() < padded) json.reserve(padded + padded / 4);
  ondemand::document document;
  ondemand::object object;
  if (parser_->parser.iterate(json.data(), json.size(), json.capacity()).get(document) !=
          simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS)
    return identity_;
  Fallback fallback;
  for (auto found : object) {
    ondemand::field member;
    if (std::move(found).get(member) != simdjson::SUCCESS) break;
    if (!may_tell(member)) continue;
    std::string_view key;
    if (member.unescaped_key().get(key) != simdjson::SUCCESS) break;
    ondemand::value value = member.value();
    if (key == "Event") {
      bool told = false;
      ondemand::object event;
      if (value.get_object().get(event) != simdjson::SUCCESS) continue;
      for (auto part : event) {
        std::string_view name;
        ondemand::value system;
        if (part.unescaped_key().get(name) != simdjson::SUCCESS) break;
        if (name != "System") continue;
        if (part.value().get(system) == simdjson::SUCCESS) read_system(identity_, system);
        told = true;
        break;
      }
      if (told) return identity_;  // nothing else in this shape says who it is
      continue;
    }
    read_member(identity_, fallback, key, value);
  }
  if (identity_.computer.empty()) identity_.computer = std::move(fallback.host);
  if (identity_.time.empty()) identity_.time = std::move(fallback.time);
  return identity_;
}

Uuid event_id_of(const Identity& identity, const RawEvent& event, std::string_view absolute_path) {
  const EventIdentity parts{identity.event_id, identity.computer, identity.channel,
                            identity.record_id, identity.time};
  if (const auto id = event_id_from("", parts)) return *id;
  // Its memory is kept: an event may be large.
  thread_local std::string name;
  name.clear();
  fmt::format_to(std::back_inserter(name), "tocsin:file\n{}\n{}\n{}\n", absolute_path,
                 event.origin.line, event.origin.record_id);
  name += event.json;
  return Uuid::hashed(name);
}

}  // namespace tocsin::produce
