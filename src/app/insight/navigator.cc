// SPDX-License-Identifier: Apache-2.0
#include "app/insight/navigator.h"

#include <algorithm>

#include "base/json_writer.h"

namespace tocsin::insight {
namespace {

// A technique whose sub-technique has a score is unfolded, or its score would stay unseen.
bool has_scored_children(const NavigatorLayer& layer, const std::string& id) {
  const auto next = layer.techniques.lower_bound(id + ".");
  return next != layer.techniques.end() && next->first.starts_with(id + ".");
}

void write_technique(JsonWriter& json, const std::string& id, const TechniqueScore& technique,
                     bool unfolded) {
  json.object([&] {
    json.member("techniqueID", id);
    json.member("score", technique.score);
    json.member("comment", technique.comment);
    json.member("enabled", true);
    json.member("showSubtechniques", unfolded);
    json.key("metadata");
    json.array([&] {
      for (const auto& [name, count] : technique.counts)
        json.object([&] {
          json.member("name", name);
          json.member("value", std::to_string(count));
        });
    });
  });
}

void write_unfolded_parents(JsonWriter& json, const NavigatorLayer& layer) {
  std::string done;
  for (const auto& entry : layer.techniques) {
    const std::string parent = entry.first.substr(0, entry.first.find('.'));
    if (parent == entry.first || parent == done || layer.techniques.contains(parent)) continue;
    done = parent;
    json.object([&] {
      json.member("techniqueID", parent);
      json.member("showSubtechniques", true);
    });
  }
}

}  // namespace

std::string navigator_json(const NavigatorLayer& layer) {
  double most = 1;
  for (const auto& entry : layer.techniques) most = std::max(most, entry.second.score);
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("name", layer.name);
    json.key("versions");
    json.object([&] {
      json.member("layer", "4.5");
      json.member("navigator", "5.1.0");
    });
    json.member("domain", "enterprise-attack");
    json.member("description", layer.description);
    json.member("sorting", 3);  // the highest scores first
    json.key("techniques");
    json.array([&] {
      for (const auto& [id, technique] : layer.techniques)
        write_technique(json, id, technique, has_scored_children(layer, id));
      write_unfolded_parents(json, layer);
    });
    json.key("gradient");
    json.object([&] {
      json.key("colors");
      json.array([&] {
        json.value("#ffffff");
        json.value(layer.colour);
      });
      json.member("minValue", 0);
      json.member("maxValue", most);
    });
  });
  out.push_back('\n');
  return out;
}

}  // namespace tocsin::insight
