// SPDX-License-Identifier: Apache-2.0
//
// Bulk: the documents of a batch as bodies of _bulk requests, and what the server says of each.
//
//   SinkBatch -> BulkItems -> bodies of bounded size -> answer -> taken, later, refused
//
// A verdict replaces the one that is there (the later one counts, as in tocsin.db); an alert that
// is there stays as it is (409), with whatever people have added to it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stages/store/sink.h"

namespace tocsin::store::opensearch {

struct BulkItem {
  bool is_alert = false;
  std::size_t index = 0;  // in the batch's verdicts or alerts
  std::size_t first = 0;  // of its lines in the text
  std::size_t size = 0;
};

struct BulkItems {
  std::string text;  // two lines an item
  std::vector<BulkItem> items;
};

// Of two alerts of one id in a batch both are in it: the second is refused as there already.
[[nodiscard]] BulkItems bulk_items(const SinkBatch& batch, std::string_view prefix,
                                   bool detections_only);

// The first of `items` that fit into a body of `bytes_max`, one at least, and the body.
[[nodiscard]] std::size_t next_body(const BulkItems& all, std::span<const std::size_t> items,
                                    std::size_t bytes_max, std::string& body);

enum class Fate : std::uint8_t {
  kTaken,
  kThere,    // an alert that was there already
  kLater,    // the server is busy, or its state must be mended first: the same again
  kRefused,  // the document itself is wrong
};

struct ItemResult {
  Fate fate = Fate::kTaken;
  std::string reason;  // of kLater and kRefused
};

// The path of the request, with a filter that keeps its answer short.
[[nodiscard]] std::string_view bulk_path();
// One for each item of the request. kUnavailable: this is no answer of _bulk's.
[[nodiscard]] Result<std::vector<ItemResult>> parse_bulk_answer(const std::string& body,
                                                                std::size_t items);

}  // namespace tocsin::store::opensearch
