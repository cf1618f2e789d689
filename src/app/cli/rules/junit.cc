// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/junit.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "base/utf8.h"

namespace tocsin::cli::rules {
namespace {

// XML 1.0 has no way to write most control characters: they become '?'.
std::string xml(std::string_view text) {
  std::string out;
  for (const char c : repair_utf8(text)) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20)
      out.push_back(c);
    else
      out.push_back('?');
  }
  return out;
}

struct Suite {
  std::vector<const CaseOutcome*> outcomes;
  std::vector<const CaseProblem*> problems;
  std::size_t failures = 0;
};

void append_suite(std::string& out, const std::string& name, const Suite& suite) {
  out += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
                     xml(name), suite.outcomes.size() + suite.problems.size(), suite.failures,
                     suite.problems.size());
  for (const CaseOutcome* outcome : suite.outcomes) {
    const RuleCase& c = *outcome->rule_case;
    out += fmt::format(R"(    <testcase classname="{}" name="{}" file="{}" line="{}")",
                       xml(c.rule_id), xml(c.name), xml(c.path), c.mark.line);
    out += outcome->failure.empty()
               ? "/>\n"
               : fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                             xml(outcome->failure), xml(outcome->details));
  }
  for (const CaseProblem* problem : suite.problems)
    out += fmt::format(
        "    <testcase classname=\"unreadable\" name=\"line {}\">\n      <error message=\"{}\"/>\n"
        "    </testcase>\n",
        problem->mark.line, xml(problem->message));
  out += "  </testsuite>\n";
}

}  // namespace

std::string junit_xml(std::span<const CaseOutcome> outcomes,
                      std::span<const CaseProblem> problems) {
  std::map<std::string, Suite> suites;
  std::size_t failures = 0;
  for (const CaseOutcome& outcome : outcomes) {
    Suite& suite = suites[outcome.rule_case->path];
    suite.outcomes.push_back(&outcome);
    suite.failures += !outcome.failure.empty();
    failures += !outcome.failure.empty();
  }
  for (const CaseProblem& problem : problems) suites[problem.path].problems.push_back(&problem);
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tocsin rules\" tests=\"{}\" "
      "failures=\"{}\" errors=\"{}\">\n",
      outcomes.size() + problems.size(), failures, problems.size());
  for (const auto& [name, suite] : suites) append_suite(out, name, suite);
  return out + "</testsuites>\n";
}

}  // namespace tocsin::cli::rules
