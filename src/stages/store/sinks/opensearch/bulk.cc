// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/bulk.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "stages/store/sinks/opensearch/documents.h"

namespace tocsin::store::opensearch {
namespace {

constexpr std::size_t kReasonMax = 1'000;

// Complaints that are not about the document: the same document is taken once somebody has mended
// the index, the disk, the limits or the permissions.
constexpr std::array<std::string_view, 8> kOfTheCluster = {
    "cluster_block_exception",  // full disk, read-only index
    "index_closed_exception",
    "index_not_found_exception",
    "validation_exception",  // no shards left
    "security_exception",
    "unavailable_shards_exception",
    "process_cluster_event_timeout_exception",
    "es_rejected_execution_exception",
};

Fate fate_of(std::int64_t status, std::string_view type) {
  if (status >= 200 && status < 300) return Fate::kTaken;
  if (status == 409) return Fate::kThere;
  const bool cluster =
      std::find(kOfTheCluster.begin(), kOfTheCluster.end(), type) != kOfTheCluster.end();
  if (cluster || status == 429 || status >= 500 || status == 401 || status == 403 || status == 404)
    return Fate::kLater;
  return Fate::kRefused;
}

ItemResult result_of(const simdjson::dom::object& item) {
  std::int64_t status = 0;
  if (item["status"].get(status) != simdjson::SUCCESS) return {Fate::kLater, "without a status"};
  const auto text = [&](const char* pointer) {
    std::string_view found;
    if (item.at_pointer(pointer).get(found) != simdjson::SUCCESS) return std::string_view();
    return found;
  };
  const std::string_view type = text("/error/type");
  ItemResult result{fate_of(status, type), {}};
  if (result.fate == Fate::kTaken || result.fate == Fate::kThere) return result;
  result.reason = fmt::format("{} {}: {}", status, type, text("/error/reason"));
  if (const std::string_view cause = text("/error/caused_by/reason"); !cause.empty())
    result.reason += fmt::format(" ({})", cause);
  if (result.reason.size() > kReasonMax) result.reason.resize(kReasonMax);
  return result;
}

class Builder {
 public:
  Builder(BulkItems& into, std::string_view prefix) : into_(into), prefix_(prefix) {}

  template <class Document>
  void add(const Document& document, bool is_alert, std::size_t index, const Uuid& id,
           UnixNanos happened, UnixNanos seen) {
    std::string& text = into_.text;
    const std::size_t first = text.size();
    fmt::format_to(std::back_inserter(text), R"({{"{}":{{"_index":"{}-{}-{}","_id":")",
                   is_alert ? "create" : "index", prefix_, is_alert ? "alerts" : "verdicts",
                   period_of(happened, seen));
    id.append_to(text);
    text += "\"}}\n";
    append_document(text, document);
    text.push_back('\n');
    into_.items.push_back({is_alert, index, first, text.size() - first});
  }

 private:
  BulkItems& into_;
  const std::string_view prefix_;
};

}  // namespace

BulkItems bulk_items(const SinkBatch& batch, std::string_view prefix, bool detections_only) {
  BulkItems all;
  Builder builder(all, prefix);
  for (std::size_t i = 0; i < batch.verdicts.size(); ++i) {
    const Verdict& v = batch.verdicts[i];
    if (detections_only && !v.detected()) continue;
    builder.add(v, false, i, v.event_id, v.timestamp, v.classified_at);
  }
  for (std::size_t i = 0; i < batch.alerts.size(); ++i) {
    const Alert& a = batch.alerts[i];
    builder.add(a, true, i, a.alert_id, a.timestamp, a.created);
  }
  return all;
}

std::size_t next_body(const BulkItems& all, std::span<const std::size_t> items,
                      std::size_t bytes_max, std::string& body) {
  body.clear();
  std::size_t count = 0;
  for (const std::size_t number : items) {
    const BulkItem& item = all.items[number];
    if (count > 0 && body.size() + item.size > bytes_max) break;
    body.append(all.text, item.first, item.size);
    ++count;
  }
  return count;
}

std::string_view bulk_path() {
  return "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,"
         "items.*.error.caused_by.reason";
}

Result<std::vector<ItemResult>> parse_bulk_answer(const std::string& body, std::size_t items) {
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::kUnavailable, fmt::format("this is no answer of _bulk: {}", why));
  };
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array list;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return refuse("not JSON");
  if (root["items"].get(list) != simdjson::SUCCESS) return refuse("no items");
  std::vector<ItemResult> results;
  for (const simdjson::dom::element element : list) {
    simdjson::dom::object action;
    simdjson::dom::object item;
    if (element.get(action) != simdjson::SUCCESS || action.size() != 1 ||
        (*action.begin()).value.get(item) != simdjson::SUCCESS)
      return refuse("an item that is none");
    results.push_back(result_of(item));
  }
  if (results.size() != items) return refuse("another number of items than were sent");
  return results;
}

}  // namespace tocsin::store::opensearch
