// SPDX-License-Identifier: Apache-2.0
//
// /rules: what is loaded and what it did; changes through the overrides file; checking, testing and
// adding a rule.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "app/console/http/json_body.h"
#include "app/console/routes/routes.h"
#include "app/insight/explain/trial.h"
#include "core/sigma/attack.h"
#include "core/sigma/parse.h"
#include "core/sigma/rule_files.h"
#include "stages/store/rule_stats.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kYamlMax = 512u << 10;
constexpr std::size_t kEventMax = 512u << 10;
constexpr const char* kPosted = "(posted)";  // the path of a rule that has no file

using Stats = std::unordered_map<std::string, store::RuleStat>;

Stats stats_of(const Context& context) {
  Stats out;
  if (auto read = store::read_rule_stats(context.options.database))
    for (store::RuleStat& stat : *read) out.emplace(stat.rule_id, stat);
  return out;
}

void write_item_members(JsonWriter& json, const sigma::Rule& rule, bool enabled,
                        const Stats& stats) {
  const auto found = stats.find(rule.id);
  const store::RuleStat stat = found == stats.end() ? store::RuleStat{} : found->second;
  json.member("id", rule.id);
  json.member("title", rule.title);
  json.member("level", to_string(rule.level));
  json.member("status", rule.status);
  list_member(json, "tactics", rule.tactics);
  list_member(json, "techniques", rule.techniques);
  json.member("product", rule.logsource.product);
  json.member("category", rule.logsource.category);
  json.member("service", rule.logsource.service);
  json.member("file", rule.path);
  json.member("enabled", enabled);
  json.member("overrides", rule.tuning);
  json.member("alerts", stat.matched - std::min(stat.matched, stat.suppressed));
  time_member(json, "last_seen", stat.last_seen);
  json.member("evaluated", stat.evaluated);
  json.key("ns_per_event");
  if (stat.evaluated > 0 && stat.nanoseconds > 0)
    json.value(static_cast<double>(stat.nanoseconds) / static_cast<double>(stat.evaluated));
  else
    json.null();
}

void write_diagnostics(JsonWriter& json, const std::vector<sigma::Diagnostic>& diagnostics) {
  json.key("diagnostics");
  json.array([&] {
    for (const sigma::Diagnostic& d : diagnostics)
      json.object([&] {
        json.member("code", d.code);
        json.member("severity", d.severity == sigma::Severity::kError ? "error" : "warning");
        json.member("line", static_cast<std::uint64_t>(d.mark.line));
        json.member("column", static_cast<std::uint64_t>(d.mark.column));
        json.member("message", d.message);
        json.member("hint", d.hint);
      });
  });
}

// The parameters of the list.
struct RuleFilter {
  std::string q, product;
  std::set<std::string> levels, tactics;
  std::optional<bool> enabled;
  std::string sort = "title";

  [[nodiscard]] bool passes(const sigma::Rule& rule, bool is_enabled) const {
    if (enabled && *enabled != is_enabled) return false;
    if (!levels.empty() && !levels.contains(std::string(to_string(rule.level)))) return false;
    if (!product.empty() && rule.logsource.product != product) return false;
    if (!tactics.empty() && std::none_of(rule.tactics.begin(), rule.tactics.end(),
                                         [&](const auto& t) { return tactics.contains(t); }))
      return false;
    if (q.empty()) return true;
    for (const std::string* text : {&rule.title, &rule.id, &rule.path, &rule.description})
      if (lower(*text).find(q) != std::string::npos) return true;
    return std::any_of(rule.tags.begin(), rule.tags.end(),
                       [&](const auto& tag) { return lower(tag).find(q) != std::string::npos; });
  }
};

Checked<RuleFilter> rule_filter(const Call& call) {
  RuleFilter out;
  TOCSIN_TRY(const std::string q, call.text("q"));
  out.q = lower(q);
  TOCSIN_TRY(out.product, call.text("product"));
  for (const std::string& level : call.all("level")) {
    if (!parse_level(level)) return refuse(ApiCode::kInvalid, "level: no such level", "level");
    out.levels.insert(level);
  }
  for (const std::string& tactic : call.all("tactic")) {
    const sigma::Tactic* known = sigma::Attack::built_in().tactic(tactic);
    if (known == nullptr) return refuse(ApiCode::kInvalid, "tactic: no such tactic", "tactic");
    out.tactics.insert(known->slug);
  }
  TOCSIN_TRY(out.enabled, call.yes_or_no("enabled"));
  TOCSIN_TRY(std::string sort, call.text("sort"));
  if (!sort.empty()) out.sort = std::move(sort);
  static const std::set<std::string> kSorts = {"title",     "level",     "id",          "alerts",
                                               "last_seen", "evaluated", "ns_per_event"};
  const std::string plain = out.sort.starts_with('-') ? out.sort.substr(1) : out.sort;
  if (!kSorts.contains(plain))
    return refuse(
        ApiCode::kInvalid,
        fmt::format("sort: one of {} is wanted, with - for descending", fmt::join(kSorts, ", ")),
        "sort");
  return out;
}

// What the rule is sorted by: numbers first, then the title.
std::int64_t sort_number(const std::string& key, const sigma::Rule& rule, const Stats& stats) {
  if (key == "level") return static_cast<std::int64_t>(rule.level);
  const auto found = stats.find(rule.id);
  if (found == stats.end()) return 0;
  const store::RuleStat& stat = found->second;
  if (key == "alerts") return static_cast<std::int64_t>(stat.matched - stat.suppressed);
  if (key == "last_seen") return stat.last_seen;
  if (key == "evaluated") return static_cast<std::int64_t>(stat.evaluated);
  if (key == "ns_per_event" && stat.evaluated > 0)
    return static_cast<std::int64_t>(stat.nanoseconds / stat.evaluated);
  return 0;
}

void sort_rules(std::vector<const sigma::Rule*>& rules, const std::string& sort,
                const Stats& stats) {
  const bool down = sort.starts_with('-');
  const std::string key = down ? sort.substr(1) : sort;
  std::stable_sort(rules.begin(), rules.end(), [&](const auto* a, const auto* b) {
    const auto left = sort_number(key, *a, stats), right = sort_number(key, *b, stats);
    if (left != right) return down ? left > right : left < right;
    if (key == "id") return down ? b->id < a->id : a->id < b->id;
    return key == "title" && down ? b->title < a->title : a->title < b->title;
  });
}

Answer list(const Context& context, const Call& call) {
  TOCSIN_TRY(const RuleFilter filter, rule_filter(call));
  TOCSIN_TRY(const auto view, context.rules.current());
  const Stats stats = stats_of(context);
  std::vector<const sigma::Rule*> chosen;
  for (std::size_t i = 0; i < view->rules.size(); ++i)
    if (filter.passes(view->rules[i], view->enabled[i])) chosen.push_back(&view->rules[i]);
  sort_rules(chosen, filter.sort, stats);
  return json_object([&](JsonWriter& json) {
    json.member("total", static_cast<std::uint64_t>(chosen.size()));
    json.key("items");
    json.array([&] {
      for (const sigma::Rule* rule : chosen) {
        const bool enabled = view->enabled[static_cast<std::size_t>(rule - view->rules.data())];
        json.object([&] { write_item_members(json, *rule, enabled, stats); });
      }
    });
  });
}

Answer one(const Context& context, const std::string& id) {
  TOCSIN_TRY(const auto view, context.rules.current());
  const sigma::Rule* rule = view->find(id);
  if (rule == nullptr) return refuse(ApiCode::kNotFound, "there is no such rule", "id");
  std::vector<sigma::Diagnostic> diagnostics;
  for (const sigma::Diagnostic& d : view->diagnostics)
    if (d.rule == rule->id || (d.path == rule->path && d.rule.empty())) diagnostics.push_back(d);
  const bool enabled = view->enabled[view->by_id.at(id)];
  return json_object([&](JsonWriter& json) {
    write_item_members(json, *rule, enabled, stats_of(context));
    json.member("yaml", insight::rule_file_text(rule->path));
    json.member("description", rule->description);
    list_member(json, "references", rule->references);
    list_member(json, "false_positives", rule->false_positives);
    json.member("author", rule->author);
    list_member(json, "tags", rule->tags);
    write_diagnostics(json, diagnostics);
  });
}

Answer change(const Context& context, const Call& call) {
  const std::string& id = call.part("id");
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"enabled", "level", "note"}));
  TOCSIN_TRY(const auto enabled, body.yes_or_no("enabled"));
  TOCSIN_TRY(const auto level, body.text("level", 20));
  TOCSIN_TRY(const auto note, body.text("note", 1'000));
  RuleChange change;
  change.enabled = enabled;
  if (level) {
    change.level = parse_level(*level);
    if (!change.level) return refuse(ApiCode::kInvalid, "level: no such level", "level");
  }
  if (!enabled && !level) return refuse(ApiCode::kInvalid, "enabled or level is wanted", "enabled");
  if (context.overrides == nullptr)
    return refuse(ApiCode::kConflict,
                  "rules cannot be changed here: start serve and detect with the same --overrides "
                  "FILE");
  TOCSIN_TRY(const auto view, context.rules.current());
  if (view->find(id) == nullptr) return refuse(ApiCode::kNotFound, "there is no such rule", "id");
  change.comment = fmt::format("{} {}{}{}", format_rfc3339(now_ns(), 0), call.identity.user,
                               note && !note->empty() ? ": " : "", note.value_or(""));
  TOCSIN_TRY_STATUS(
      context.audit(call, "rule.change", id,
                    fmt::format("{}{}{}", enabled ? (*enabled ? "enabled " : "disabled ") : "",
                                level ? "level " + *level + " " : "", note.value_or(""))));
  TOCSIN_TRY_STATUS(context.overrides->change(id, change));
  TOCSIN_TRY_STATUS(context.rules.reload());
  return one(context, id);
}

bool has_error(const sigma::ParsedFile& parsed) {
  return std::any_of(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                     [](const auto& d) { return d.severity == sigma::Severity::kError; });
}

Answer check(const Call& call) {
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"yaml"}));
  TOCSIN_TRY(const auto yaml, body.text("yaml", kYamlMax));
  if (!yaml) return refuse(ApiCode::kInvalid, "yaml is wanted", "yaml");
  const sigma::ParsedFile parsed = sigma::parse_rules(*yaml, kPosted);
  return json_object([&](JsonWriter& json) {
    json.member("ok", !has_error(parsed) && !(parsed.rules.empty() && parsed.filters.empty()));
    json.key("rules");
    json.array([&] {
      for (const sigma::Rule& rule : parsed.rules)
        json.object([&] {
          json.member("id", rule.id);
          json.member("title", rule.title);
        });
    });
    write_diagnostics(json, parsed.diagnostics);
  });
}

// "Shadow copies: deleted!" -> "shadow_copies_deleted"
std::string file_stem(std::string_view title) {
  std::string out;
  for (const char c : lower(title)) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (good)
      out.push_back(c);
    else if (!out.empty() && out.back() != '_')
      out.push_back('_');
  }
  while (out.ends_with('_')) out.pop_back();
  return out.empty() ? "rule" : out.substr(0, 80);
}

// A plain name of a rule file: no folder, nothing hidden.
bool is_file_name(std::string_view name) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  return name.size() <= 100 && !name.starts_with('.') && sigma::is_rule_file(name) &&
         name.find_first_not_of(kLegal) == std::string_view::npos;
}

Answer add(const Context& context, const Call& call) {
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"yaml", "file"}));
  TOCSIN_TRY(const auto yaml, body.text("yaml", kYamlMax));
  TOCSIN_TRY(const auto file, body.text("file", 200));
  if (!yaml) return refuse(ApiCode::kInvalid, "yaml is wanted", "yaml");
  const sigma::ParsedFile parsed = sigma::parse_rules(*yaml, kPosted);
  if (has_error(parsed) || parsed.rules.empty())
    return refuse(
        ApiCode::kInvalid,
        parsed.diagnostics.empty() ? "the text holds no rule" : parsed.diagnostics.front().message,
        "yaml");
  if (!parsed.filters.empty())
    return refuse(ApiCode::kInvalid,
                  fmt::format("'{}' is a filter: only rules can be added here; filters are files "
                              "for --filters",
                              parsed.filters.front().title),
                  "yaml");
  if (file && !is_file_name(*file))
    return refuse(ApiCode::kInvalid, "file: a name such as my_rule.yml is wanted, without a folder",
                  "file");
  if (context.options.rules_dir.empty())
    return refuse(ApiCode::kConflict,
                  "rules cannot be added here: start serve with --rules-dir DIR, and detect with "
                  "--rules DIR");
  TOCSIN_TRY(const auto view, context.rules.current());
  std::map<std::string_view, const sigma::Rule*> posted;
  for (const sigma::Rule& rule : parsed.rules) {
    const sigma::Rule* other = view->find(rule.id);
    if (other == nullptr) {
      const auto [at, fresh] = posted.emplace(rule.id, &rule);
      if (!fresh) other = at->second;
    }
    if (other != nullptr)
      return refuse(ApiCode::kConflict,
                    fmt::format("the id {} is that of '{}'", rule.id, other->title), "yaml");
  }
  const std::string name = file.value_or(file_stem(parsed.rules.front().title) + ".yml");
  const std::string path = context.options.rules_dir + "/" + name;
  std::error_code error;
  if (std::filesystem::exists(path, error))
    return refuse(ApiCode::kConflict, fmt::format("{} is there already", name), "file");
  TOCSIN_TRY_STATUS(context.audit(call, "rule.add", parsed.rules.front().id, path));
  TOCSIN_TRY_STATUS(replace_file(path, *yaml));
  TOCSIN_TRY_STATUS(context.rules.reload());
  Reply reply = json_object([&](JsonWriter& json) { json.member("path", path); });
  reply.status = 201;
  return reply;
}

void write_normalized(JsonWriter& json, const insight::EventView& view) {
  std::map<std::string, std::vector<std::string>> fields;
  for (const FieldValue& value : view.event.values)
    if (value.field != kNoField && value.kind != ValueKind::kContainer)
      fields[view.fields.name(value.field)].emplace_back(value.text);
  json.key("normalized");
  json.object([&] {
    for (const auto& [name, values] : fields) list_member(json, name, values);
  });
}

Answer try_rule(const sigma::Rule& rule, const insight::WrittenRule& written,
                const sigma::Taxonomy& taxonomy, const std::string& event,
                const std::vector<sigma::Diagnostic>& diagnostics) {
  insight::RuleTrial trial(rule, taxonomy);
  if (const Status taken = trial.take(event); !taken)
    return refuse(ApiCode::kInvalid, "event: " + taken.error().message, "event");
  const insight::Explanation why = insight::explain_trial(rule, trial, written);
  return json_object([&](JsonWriter& json) {
    json.member("matched", why.matches());
    json.key("why");
    std::string text = insight::explanation_json(why);
    text.pop_back();  // its newline
    json.raw(text);
    write_normalized(json, trial.view());
    write_diagnostics(json, diagnostics);
  });
}

// One trial at a time: a rule with many expressions and a long event are allowed to take long, on
// one core.
class TrialTurn {
 public:
  TrialTurn() {
    std::unique_lock lock(state().mutex);
    mine_ = state().free.wait_for(lock, kPatience, [] { return !state().taken; });
    if (mine_) state().taken = true;
  }
  ~TrialTurn() {
    if (!mine_) return;
    {
      const std::lock_guard lock(state().mutex);
      state().taken = false;
    }
    state().free.notify_one();
  }
  TrialTurn(const TrialTurn&) = delete;
  TrialTurn& operator=(const TrialTurn&) = delete;
  [[nodiscard]] bool mine() const { return mine_; }

 private:
  static constexpr std::chrono::seconds kPatience{3};
  struct State {
    std::mutex mutex;
    std::condition_variable free;
    bool taken = false;
  };
  static State& state() {
    static State one;
    return one;
  }
  bool mine_ = false;
};

Answer test(const Context& context, const Call& call) {
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"yaml", "id", "event"}));
  TOCSIN_TRY(const auto yaml, body.text("yaml", kYamlMax));
  TOCSIN_TRY(const auto id, body.text("id", 200));
  if (yaml.has_value() == id.has_value())
    return refuse(ApiCode::kInvalid, "either yaml or id is wanted", "yaml");
  if (!body.has("event")) return refuse(ApiCode::kInvalid, "event is wanted", "event");
  std::string event = body.raw("event");
  if (event.starts_with('"')) {
    TOCSIN_TRY(const auto text, body.text("event", kEventMax));
    event = text.value_or("");
  }
  TOCSIN_TRY(const auto view, context.rules.current());
  const TrialTurn turn;
  if (!turn.mine())
    return refuse(ApiCode::kRateLimited, "another rule is being tried; try again in a moment");
  if (id) {
    const sigma::Rule* rule = view->find(*id);
    if (rule == nullptr) return refuse(ApiCode::kNotFound, "there is no such rule", "id");
    return try_rule(*rule, insight::written_rule(*rule), *view->taxonomy, event, {});
  }
  const sigma::ParsedFile parsed = sigma::parse_rules(*yaml, kPosted);
  if (parsed.rules.empty())
    return json_object([&](JsonWriter& json) {
      json.member("matched", false);
      json.key("why");
      json.null();
      json.key("normalized");
      json.object([] {});
      write_diagnostics(json, parsed.diagnostics);
    });
  return try_rule(parsed.rules.front(), insight::WrittenRule::read(*yaml), *view->taxonomy, event,
                  parsed.diagnostics);
}

}  // namespace

void add_rule_routes(Router& router, const Context& context) {
  router.add("GET", "/rules", Role::kViewer, {"q", "level", "tactic", "product", "enabled", "sort"},
             [&context](const Call& call) { return list(context, call); });
  router.add("GET", "/rules/{id}", Role::kViewer, {},
             [&context](const Call& call) { return one(context, call.part("id")); });
  router.add("PATCH", "/rules/{id}", Role::kAdmin, {},
             [&context](const Call& call) { return change(context, call); });
  router.add("POST", "/rules", Role::kAdmin, {},
             [&context](const Call& call) { return add(context, call); });
  router.add("POST", "/rules/check", Role::kAnalyst, {},
             [](const Call& call) { return check(call); });
  router.add("POST", "/rules/test", Role::kAnalyst, {},
             [&context](const Call& call) { return test(context, call); });
}

}  // namespace tocsin::console
