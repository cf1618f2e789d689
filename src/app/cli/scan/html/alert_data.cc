// SPDX-License-Identifier: Apache-2.0
#include "app/cli/scan/html/alert_data.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "base/json_writer.h"

namespace tocsin::cli::scan::html {
namespace {

// Texts by the order of their first use.
class Names {
 public:
  std::size_t index(std::string_view text) {
    const auto [found, fresh] = index_.emplace(text, order_.size());
    if (fresh) order_.push_back(text);
    return found->second;
  }
  [[nodiscard]] const std::vector<std::string_view>& in_order() const { return order_; }

 private:
  std::map<std::string_view, std::size_t> index_;
  std::vector<std::string_view> order_;
};

struct Tables {
  std::map<std::string_view, std::size_t> rule_index;
  std::vector<const Alert*> rules;
  Names hosts, channels, files;

  std::size_t rule(const Alert& alert) {
    const auto [found, fresh] = rule_index.emplace(alert.rule_id, rules.size());
    if (fresh) rules.push_back(&alert);
    return found->second;
  }
};

std::string cut(std::string_view value) {
  if (value.size() <= kReportValueMax) return std::string(value);
  return fmt::format("{}... [{} bytes more]", value.substr(0, kReportValueMax),
                     value.size() - kReportValueMax);
}

void append_row(JsonWriter& json, const Alert& a, Tables& tables) {
  json.array([&] {
    if (a.timestamp == 0)
      json.null();
    else
      json.value(a.timestamp / 1'000'000);
    json.value(static_cast<int>(a.level));
    json.value(tables.rule(a));
    json.value(tables.hosts.index(a.host));
    json.value(tables.channels.index(a.channel));
    json.value(a.event_code);
    json.value(tables.files.index(a.file_path));
    json.value(a.line);
    json.value(a.record_id);
    json.value(a.user);
    json.array([&] {
      std::size_t fields = 0;
      for (const MatchedField& field : a.matched_fields) {
        if (++fields > kReportFieldsMax) break;
        json.value(field.field);
        json.value(cut(field.value));
      }
    });
  });
}

void append_rules(JsonWriter& json, const Tables& tables) {
  const auto strings = [&](std::string_view name, const std::vector<std::string>& items) {
    json.key(name);
    json.array([&] {
      for (const std::string& item : items) json.value(item);
    });
  };
  json.array([&] {
    for (const Alert* alert : tables.rules)
      json.object([&] {
        json.member("id", alert->rule_id);
        json.member("title", alert->rule_name);
        strings("tactics", alert->tactics);
        strings("techniques", alert->techniques);
      });
  });
}

// Inside <script> only "</script" and "<!--" mean something: without "<" neither can be written.
void append_escaped(std::string& out, std::string_view json) {
  for (const char c : json) {
    if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else if (c == '&')
      out += "\\u0026";
    else
      out.push_back(c);
  }
}

}  // namespace

void append_alert_data(std::string& out, const std::vector<const Alert*>& alerts) {
  std::string text;
  JsonWriter json(text);
  Tables tables;
  const auto names = [&](std::string_view name, const Names& list) {
    json.key(name);
    json.array([&] {
      for (const std::string_view item : list.in_order()) json.value(item);
    });
  };
  json.object([&] {
    json.key("rows");
    json.array([&] {
      for (const Alert* alert : alerts) append_row(json, *alert, tables);
    });
    json.key("rules");
    append_rules(json, tables);
    names("hosts", tables.hosts);
    names("channels", tables.channels);
    names("files", tables.files);
  });
  append_escaped(out, text);
}

}  // namespace tocsin::cli::scan::html
