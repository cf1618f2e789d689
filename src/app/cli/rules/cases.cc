// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>

#include "app/cli/rules/rules.h"
#include "app/insight/explain/written.h"
#include "base/embedded_files.h"
#include "base/json_writer.h"

namespace tocsin::cli::rules {
namespace {

namespace fs = std::filesystem;

void write(JsonWriter& json, const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Kind::kMap:
      json.object([&] {
        for (const auto& [key, value] : node.members) {
          json.key(key.scalar);
          write(json, value);
        }
      });
      return;
    case yaml::Kind::kSequence:
      json.array([&] {
        for (const yaml::Node& item : node.items) write(json, item);
      });
      return;
    case yaml::Kind::kScalar:
      break;
  }
  switch (node.scalar_type()) {
    case yaml::ScalarType::kNull:
      json.null();
      break;
    case yaml::ScalarType::kBool:
      json.value((node.scalar[0] | 0x20) == 't');
      break;
    case yaml::ScalarType::kInt:
      // JSON has no leading zeros and no plus sign.
      if (node.scalar == "0" || (node.scalar[0] >= '1' && node.scalar[0] <= '9'))
        json.raw(node.scalar);
      else
        json.value(node.scalar);
      break;
    default:
      json.value(node.scalar);
  }
}

// One case; false and a problem when it is not one.
class CaseReader {
 public:
  CaseReader(const std::string& path, const std::string& rule_id, RuleCases& out)
      : path_(path), rule_id_(rule_id), out_(out) {}

  void read(const yaml::Node& node) {
    static constexpr std::string_view kKnown[] = {"name",       "match", "event",
                                                  "event_file", "line",  "count"};
    for (const auto& [key, value] : node.members)
      if (std::find(std::begin(kKnown), std::end(kKnown), key.scalar) == std::end(kKnown))
        return problem(key.mark, fmt::format("a case has no key '{}': it has name, match, event "
                                             "or event_file, line, count",
                                             key.scalar));
    const yaml::Node* name = node.find("name");
    const yaml::Node* match = node.find("match");
    const yaml::Node* event = node.find("event");
    const yaml::Node* file = node.find("event_file");
    if (name == nullptr || match == nullptr || match->scalar_type() != yaml::ScalarType::kBool)
      return problem(node.mark, "a case needs 'name' and 'match' (true or false)");
    if ((event == nullptr) == (file == nullptr) || (event != nullptr && !event->is_map()) ||
        (file != nullptr && (!file->is_scalar() || file->scalar.empty())))
      return problem(node.mark, "a case needs either 'event' (a map) or 'event_file' (a path)");
    RuleCase added;
    added.path = path_;
    added.mark = node.mark;
    added.rule_id = rule_id_;
    added.name = name->scalar;
    added.match = (match->scalar[0] | 0x20) == 't';
    if (event != nullptr) append_json(added.event_json, *event);
    if (file != nullptr) added.event_file = beside(file->scalar);
    std::uint64_t count = 0;
    if (!read_number(node, "line", added.line)) return;
    if (!read_number(node, "count", count)) return;
    if (node.find("count") != nullptr) added.count = count;
    if (added.count && (count > 0) != added.match)
      return problem(node.find("count")->mark, "'count' and 'match' contradict each other");
    out_.cases.push_back(std::move(added));
  }

 private:
  void problem(yaml::Mark mark, std::string message) {
    out_.problems.push_back({path_, mark, std::move(message)});
  }

  std::string beside(const std::string& file) const {
    const fs::path path(file);
    return path.is_absolute() ? file : (fs::path(path_).parent_path() / path).string();
  }

  bool read_number(const yaml::Node& node, std::string_view key, std::uint64_t& number) {
    const yaml::Node* value = node.find(key);
    if (value == nullptr) return true;
    const char* end = value->scalar.data() + value->scalar.size();
    const auto result = std::from_chars(value->scalar.data(), end, number);
    if (result.ec == std::errc{} && result.ptr == end && node.find("event_file") != nullptr)
      return true;
    problem(value->mark, fmt::format("'{}' is a number and belongs to 'event_file'", key));
    return false;
  }

  const std::string& path_;
  const std::string& rule_id_;
  RuleCases& out_;
};

bool is_case_file(std::string_view name) {
  return name.ends_with(".test.yml") || name.ends_with(".test.yaml");
}

void add_file(RuleCases& out, std::string_view text, const std::string& path) {
  RuleCases parsed = parse_cases(text, path);
  std::move(parsed.cases.begin(), parsed.cases.end(), std::back_inserter(out.cases));
  std::move(parsed.problems.begin(), parsed.problems.end(), std::back_inserter(out.problems));
}

// The case files that a path means.
Result<std::vector<std::string>> case_files(const std::string& root) {
  std::error_code error;
  if (!fs::exists(root, error))
    return fail(ErrorCode::kNotFound, fmt::format("{}: no such file or folder", root));
  if (!fs::is_directory(root, error)) {
    if (is_case_file(root)) return std::vector<std::string>{root};
    const std::string own = root.substr(0, root.rfind('.')) + ".test.yml";
    return fs::exists(own, error) ? std::vector<std::string>{own} : std::vector<std::string>{};
  }
  std::vector<std::string> out;
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (name.starts_with('.') && it->is_directory(ignored)) it.disable_recursion_pending();
    if (is_case_file(name) && it->is_regular_file(ignored)) out.push_back(it->path().string());
  }
  if (error) return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", root, error.message()));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

void append_json(std::string& out, const yaml::Node& node) {
  JsonWriter json(out);
  write(json, node);
}

RuleCases parse_cases(std::string_view text, const std::string& path) {
  RuleCases out;
  const auto documents = yaml::parse(text);
  if (!documents) {
    out.problems.push_back({path, documents.error().mark, documents.error().message});
    return out;
  }
  for (const yaml::Node& document : *documents) {
    const yaml::Node* rule = document.find("rule");
    const yaml::Node* cases = document.find("cases");
    if (rule == nullptr || cases == nullptr || !cases->is_sequence()) {
      out.problems.push_back({path, document.mark, "expected the keys 'rule' and 'cases'"});
      continue;
    }
    CaseReader reader(path, rule->scalar, out);
    for (const yaml::Node& node : cases->items) reader.read(node);
  }
  return out;
}

Result<RuleCases> load_cases(const std::vector<std::string>& paths) {
  RuleCases out;
  if (paths.empty()) {
    for (const EmbeddedFile& file : embedded_files())
      if (file.path.starts_with("rules/") && is_case_file(file.path))
        add_file(out, file.bytes, std::string(file.path));
    return out;
  }
  for (const std::string& root : paths) {
    TOCSIN_TRY(const std::vector<std::string> files, case_files(root));
    for (const std::string& path : files) add_file(out, insight::rule_file_text(path), path);
  }
  return out;
}

}  // namespace tocsin::cli::rules
