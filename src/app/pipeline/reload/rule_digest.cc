// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/reload/rule_digest.h"

#include <fmt/format.h>

#include <iterator>

#include "base/uuid.h"

namespace tocsin::pipeline {
namespace {

class Writer {
 public:
  // With its length before it: no two lists of texts give one.
  void text(std::string_view part) {
    fmt::format_to(std::back_inserter(out_), "{}:{}", part.size(), part);
  }
  void number(std::int64_t value) { fmt::format_to(std::back_inserter(out_), "{};", value); }
  void texts(const std::vector<std::string>& parts) {
    number(static_cast<std::int64_t>(parts.size()));
    for (const std::string& part : parts) text(part);
  }
  void pattern(const sigma::Pattern& pattern) {
    number(static_cast<std::int64_t>(pattern.parts().size()));
    for (const sigma::Part& part : pattern.parts()) {
      number(static_cast<int>(part.kind));
      text(part.text);
    }
  }
  void patterns(const std::vector<sigma::Pattern>& list) {
    number(static_cast<std::int64_t>(list.size()));
    for (const sigma::Pattern& one : list) pattern(one);
  }
  void predicate(const sigma::Predicate& p);
  void expression(const sigma::Expr& e);

  [[nodiscard]] const std::string& out() const { return out_; }

 private:
  std::string out_;
};

void Writer::predicate(const sigma::Predicate& p) {
  text(p.field);
  number(static_cast<int>(p.op));
  number(p.cased << 3 | p.regex_ignore_case << 2 | p.regex_multi_line << 1 | p.regex_dot_all);
  text(p.text);
  pattern(p.pattern);
  number(static_cast<int>(p.time_part));
  text(p.other_field);
  number(static_cast<int>(p.ref_op));
}

void Writer::expression(const sigma::Expr& e) {
  number(static_cast<int>(e.kind));
  number(e.predicate);
  number(static_cast<std::int64_t>(e.children.size()));
  for (const sigma::Expr& child : e.children) expression(child);
}

}  // namespace

std::array<std::uint8_t, 16> digest_of(const sigma::Rule& rule) {
  Writer writer;
  for (const std::string* part :
       {&rule.id, &rule.title, &rule.author, &rule.status, &rule.description, &rule.ruleset,
        &rule.logsource.category, &rule.logsource.product, &rule.logsource.service, &rule.tuning})
    writer.text(*part);
  writer.number(static_cast<int>(rule.level));
  writer.texts(rule.tags);
  for (const sigma::Predicate& p : rule.predicates) writer.predicate(p);
  writer.expression(rule.condition);
  writer.patterns(rule.only_hosts);
  writer.patterns(rule.except_hosts);
  return sha256_128(writer.out());
}

}  // namespace tocsin::pipeline
