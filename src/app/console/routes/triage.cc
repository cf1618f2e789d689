// SPDX-License-Identifier: Apache-2.0
//
// Triage: status, assignee and notes of alerts; false positives and the filters drafted from them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/console/data/alert_view.h"
#include "app/console/data/filter_draft.h"
#include "app/console/http/json_body.h"
#include "app/console/routes/routes.h"
#include "stages/store/search/language/terms.h"

namespace tocsin::console {
namespace {

namespace search = store::search;

constexpr std::size_t kIdsMax = 1'000;
constexpr std::size_t kNoteMax = 4'000;
constexpr std::size_t kAssigneeMax = 100;

Checked<search::TriageChange> wanted_change(const JsonBody& body) {
  search::TriageChange change;
  TOCSIN_TRY(change.status, body.text("status", 40));
  TOCSIN_TRY(change.assignee, body.text("assignee", kAssigneeMax));
  if (body.is_null("assignee")) change.assignee = "";
  TOCSIN_TRY(const auto note, body.text("note", kNoteMax));
  change.note = note.value_or("");
  if (change.status && !search::is_status(*change.status))
    return refuse(ApiCode::kInvalid, "status: new, in_progress, closed or false_positive",
                  "status");
  if (!change.status && !change.assignee && change.note.empty())
    return refuse(ApiCode::kInvalid, "status, assignee or note is wanted", "status");
  return change;
}

std::string words_of(const search::TriageChange& change) {
  std::string out;
  if (change.status) out += "status " + *change.status + " ";
  if (change.assignee) out += "assignee '" + *change.assignee + "' ";
  return out + change.note;
}

Answer triage_one(const Context& context, const Call& call) {
  TOCSIN_TRY(const Uuid id, uuid_part(call, "alert_id"));
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"status", "assignee", "note"}));
  TOCSIN_TRY(const search::TriageChange change, wanted_change(body));
  TOCSIN_TRY_STATUS(context.audit(call, "alert.triage", id.to_string(), words_of(change)));
  TOCSIN_TRY(const std::int64_t changed,
             context.triage.change({&id, 1}, change, call.identity.user, now_ns()));
  return json_object([&](JsonWriter& json) { json.member("changed", changed); });
}

Answer triage_many(const Context& context, const Call& call) {
  TOCSIN_TRY(const JsonBody body,
             JsonBody::read(call.body, {"alert_ids", "status", "assignee", "note"}));
  TOCSIN_TRY(const auto texts, body.texts("alert_ids"));
  if (!texts || texts->empty() || texts->size() > kIdsMax)
    return refuse(ApiCode::kInvalid, fmt::format("alert_ids: 1 to {} ids are wanted", kIdsMax),
                  "alert_ids");
  std::vector<Uuid> ids;
  for (const std::string& text : *texts) {
    const auto id = Uuid::parse(text);
    if (!id) return refuse(ApiCode::kInvalid, "alert_ids: one is no UUID", "alert_ids");
    ids.push_back(*id);
  }
  TOCSIN_TRY(const search::TriageChange change, wanted_change(body));
  TOCSIN_TRY_STATUS(context.audit(
      call, "alert.triage", fmt::format("{} alerts, {} first", ids.size(), ids.front().to_string()),
      words_of(change)));
  TOCSIN_TRY(const std::int64_t changed,
             context.triage.change(ids, change, call.identity.user, now_ns()));
  return json_object([&](JsonWriter& json) { json.member("changed", changed); });
}

// How many alerts of the rule have these values among their texts, word by word.
Result<std::int64_t> count_matches(const Context& context, const DraftRequest& draft) {
  search::AlertFilter filter;
  filter.rules = {draft.rule_id};
  search::Node all{.kind = search::Node::Kind::kAnd, .term = {}, .children = {}};
  for (const auto& [field, value] : draft.fields) {
    search::Term term;
    term.words = search::words(value);
    constexpr std::size_t kWordsMax = 60;
    if (term.words.empty()) continue;
    if (term.words.size() > kWordsMax) term.words.resize(kWordsMax);
    all.children.push_back({.kind = search::Node::Kind::kTerm, .term = term, .children = {}});
  }
  if (all.children.size() == 1) filter.query.root = all.children.front();
  if (all.children.size() > 1) filter.query.root = all;
  return context.archive.count_alerts(filter);
}

Checked<DraftRequest> draft_request(const Context& context, const Call& call,
                                    const search::AlertDetails& alert, const JsonBody& body) {
  DraftRequest draft;
  TOCSIN_TRY(const auto fields, body.texts("fields"));
  TOCSIN_TRY(const auto note, body.text("note", kNoteMax));
  draft.rule_id = alert.row.rule_id;
  draft.rule_title = alert.row.rule_name;
  draft.user = call.identity.user;
  draft.alert_id = alert.row.alert_id.to_string();
  draft.note = note.value_or("");
  draft.mode = context.options.filter_mode;
  std::set<std::string> wanted, unknown;
  if (fields) wanted.insert(fields->begin(), fields->end());
  unknown = wanted;
  for (const auto& [field, value] : alert.matched_fields) {
    // What a keyword found has no field that a filter could name.
    if (field.empty() || (fields && !wanted.contains(field))) continue;
    unknown.erase(field);
    draft.fields.emplace_back(field, value);
  }
  if (!unknown.empty())
    return refuse(ApiCode::kInvalid,
                  fmt::format("fields: '{}' is no matched field of the alert", *unknown.begin()),
                  "fields");
  if (draft.fields.empty())
    return refuse(ApiCode::kInvalid, "the alert has no matched field to tell it by", "fields");
  if (const auto rules = context.rules.current())
    if (const sigma::Rule* rule = (*rules)->find(draft.rule_id)) draft.logsource = rule->logsource;
  if (draft.logsource.product.empty() && draft.logsource.category.empty() &&
      draft.logsource.service.empty())
    return refuse(ApiCode::kConflict, "the rule is not loaded, so its log source is not known");
  return draft;
}

Answer false_positive(const Context& context, const Call& call) {
  TOCSIN_TRY(const Uuid id, uuid_part(call, "alert_id"));
  TOCSIN_TRY(const JsonBody body, JsonBody::read(call.body, {"fields", "note"}));
  TOCSIN_TRY(const auto alert, context.archive.alert(id));
  if (!alert) return refuse(ApiCode::kNotFound, "there is no such alert", "alert_id");
  TOCSIN_TRY(const DraftRequest draft, draft_request(context, call, *alert, body));
  TOCSIN_TRY(const std::string yaml, draft_filter(draft));
  const std::string path =
      fmt::format("{}/filters/drafts/{}-{}.yml", context.options.data_dir,
                  id.to_string().substr(0, 8), Uuid::random().to_string().substr(0, 8));
  TOCSIN_TRY_STATUS(context.audit(call, "alert.false_positive", id.to_string(), path));
  TOCSIN_TRY_STATUS(replace_file(path, yaml));
  TOCSIN_TRY(const std::int64_t changed,
             context.triage.change({&id, 1},
                                   {.status = "false_positive",
                                    .assignee = {},
                                    .note = draft.note.empty() ? "filter drafted" : draft.note},
                                   call.identity.user, now_ns()));
  (void)changed;  // it may have been one before
  TOCSIN_TRY(const std::int64_t matches, count_matches(context, draft));
  return json_object([&](JsonWriter& json) {
    json.member("filter_yaml", yaml);
    json.member("path", path);
    json.key("matches");
    json.object([&] { json.member("alerts", matches); });
  });
}

}  // namespace

void add_triage_routes(Router& router, const Context& context) {
  router.add("PATCH", "/alerts/{alert_id}/triage", Role::kAnalyst, {},
             [&context](const Call& call) { return triage_one(context, call); });
  router.add("POST", "/alerts/triage", Role::kAnalyst, {},
             [&context](const Call& call) { return triage_many(context, call); });
  router.add("POST", "/alerts/{alert_id}/false-positive", Role::kAnalyst, {},
             [&context](const Call& call) { return false_positive(context, call); });
}

}  // namespace tocsin::console
