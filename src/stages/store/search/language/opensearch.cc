// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/language/opensearch.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/json_writer.h"
#include "base/uuid.h"
#include "core/event/level.h"
#include "stages/store/search/language/levels.h"

namespace tocsin::store::search {
namespace {

// "*" and "?" of a value mean themselves.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '*' || c == '?' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

class Writer {
 public:
  Writer(std::string& out, const OpenSearchFields& fields) : json_(out), fields_(fields) {}

  Status write(const Node& node) {
    if (node.kind == Node::Kind::kTerm) return write(node.term);
    const char* const clause = node.kind == Node::Kind::kAnd  ? "filter"
                               : node.kind == Node::Kind::kOr ? "should"
                                                              : "must_not";
    Status status;
    boolean(clause, [&] {
      for (const Node& child : node.children)
        if (status) status = write(child);
    });
    return status;
  }

  void range(std::string_view operation, UnixNanos time) {
    json_.object([&] {
      json_.key("range");
      json_.object([&] {
        json_.key(fields_.time);
        json_.object([&] { json_.member(operation, format_rfc3339(time, 9)); });
      });
    });
  }

  template <class Body>
  void boolean(std::string_view clause, Body&& body) {
    json_.object([&] {
      json_.key("bool");
      json_.object([&] {
        json_.key(clause);
        json_.array(body);
        if (clause == "should") json_.member("minimum_should_match", 1);
      });
    });
  }

 private:
  void compare(std::string_view kind, std::string_view field, std::string_view value) {
    json_.object([&] {
      json_.key(kind);
      json_.object([&] {
        json_.key(field);
        json_.object([&] {
          json_.member("value", value);
          json_.member("case_insensitive", true);
        });
      });
    });
  }

  void name(const Term& term, std::string_view field) {
    compare(term.compare == Compare::kPrefix ? "prefix" : "term", field, term.value);
  }

  void host(const Term& term) {
    if (term.exact || term.compare == Compare::kPrefix) return name(term, fields_.host);
    boolean("should", [&] {
      name(term, fields_.host);
      compare("prefix", fields_.host, term.value + ".");
    });
  }

  void user(const Term& term) {
    if (term.exact) return name(term, fields_.user);
    boolean("should", [&] {
      name(term, fields_.user);
      compare("wildcard", fields_.user,
              "*\\\\" + escaped(term.value) + (term.compare == Compare::kPrefix ? "*" : ""));
    });
  }

  void rule(const Term& term) {
    if (term.exact) return name(term, fields_.rule_id);
    boolean("should", [&] {
      name(term, fields_.rule_id);
      name(term, fields_.rule_name);
    });
  }

  void technique(const Term& term) {
    if (term.compare == Compare::kPrefix) return name(term, fields_.technique);
    boolean("should", [&] {
      name(term, fields_.technique);
      compare("prefix", fields_.technique, term.value + ".");
    });
  }

  void level(const Term& term) {
    json_.object([&] {
      json_.key("terms");
      json_.object([&] {
        json_.key(fields_.level);
        json_.array([&] {
          for (const Level level : levels_of(term)) json_.value(to_string(level));
        });
      });
    });
  }

  void words(const Term& term) {
    std::string text;
    for (const std::string& word : term.words) {
      if (!text.empty()) text.push_back(' ');
      text += word;
    }
    json_.object([&] {
      json_.key("multi_match");
      json_.object([&] {
        json_.member("query", text);
        json_.member("type", term.compare == Compare::kPrefix ? "phrase_prefix" : "phrase");
        json_.key("fields");
        json_.array([&] {
          for (const std::string& field : fields_.words) json_.value(field);
        });
      });
    });
  }

  void id(const Term& term) {
    Uuid id;
    std::copy(term.value.begin(), term.value.end(), reinterpret_cast<char*>(id.bytes.data()));
    if (term.field == Field::kEventId) return compare("term", fields_.event_id, id.to_string());
    std::string hex;
    append_hex(hex, id.bytes.data(), id.bytes.size());
    compare("term", fields_.trace_id, hex);
  }

  void time(const Term& term) {
    range(term.compare == Compare::kLess        ? "lt"
          : term.compare == Compare::kLessEqual ? "lte"
          : term.compare == Compare::kGreater   ? "gt"
                                                : "gte",
          term.time);
  }

  Status write(const Term& term) {
    switch (term.field) {
      case Field::kText:
        words(term);
        break;
      case Field::kHost:
        host(term);
        break;
      case Field::kUser:
        user(term);
        break;
      case Field::kRule:
        rule(term);
        break;
      case Field::kLevel:
        level(term);
        break;
      case Field::kTactic:
        name(term, fields_.tactic);
        break;
      case Field::kTechnique:
        technique(term);
        break;
      case Field::kClass:
        event_class(term);
        break;
      case Field::kChannel:
        name(term, fields_.channel);
        break;
      case Field::kProvider:
        name(term, fields_.provider);
        break;
      case Field::kCode:
        name(term, fields_.code);
        break;
      case Field::kEventId:
      case Field::kTraceId:
        id(term);
        break;
      case Field::kTime:
        time(term);
        break;
      case Field::kStatus:
      case Field::kAssignee:
        return fail(ErrorCode::kUnsupported,
                    fmt::format("'{}:' cannot be searched in OpenSearch: what people say of alerts "
                                "is kept in tocsin.db",
                                field_name(term.field)));
    }
    return {};
  }

  // A verdict's class is a name with blanks, a search's is its slug; an alert's first tactic is one
  // already.
  void event_class(const Term& term) {
    std::string spaced = term.value;
    std::replace(spaced.begin(), spaced.end(), '-', ' ');
    boolean("should", [&] {
      name(term, fields_.event_class);
      if (spaced != term.value) {
        Term other = term;
        other.value = spaced;
        name(other, fields_.event_class);
      }
    });
  }

  JsonWriter json_;
  const OpenSearchFields& fields_;
};

}  // namespace

Result<std::string> opensearch_query(const Query& query, const TimeRange& range,
                                     const OpenSearchFields& fields) {
  if (query.empty() && !range.from && !range.to) return std::string(R"({"match_all":{}})");
  std::string out;
  Writer writer(out, fields);
  Status status;
  writer.boolean("filter", [&] {
    if (range.from) writer.range("gte", *range.from);
    if (range.to) writer.range("lt", *range.to);
    if (query.root) status = writer.write(*query.root);
  });
  if (!status) return tl::unexpected(std::move(status).error());
  return out;
}

}  // namespace tocsin::store::search
