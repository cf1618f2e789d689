// SPDX-License-Identifier: Apache-2.0
#include "stages/store/sinks/opensearch/opensearch_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <utility>

#include "stages/store/sinks/opensearch/assets.h"
#include "stages/store/sinks/opensearch/bulk.h"
#include "stages/store/sinks/opensearch/http_client.h"

namespace tocsin::store {
namespace opensearch {
namespace {

using std::chrono::milliseconds;

constexpr int kRounds = 5;  // of what the server puts off, before the caller hears of it
constexpr milliseconds kRetryAfterMax{60'000};

// What of a batch is not settled yet.
struct Work {
  const SinkBatch& batch;
  BulkItems all;
  std::vector<std::size_t> left;   // numbers of items
  std::vector<std::size_t> later;  // put off in this round
  std::string why;                 // the first of them
  std::vector<Rejection> refused;
};

class OpenSearchSink final : public Sink {
 public:
  OpenSearchSink(Options options, std::unique_ptr<HttpClient> client)
      : options_(std::move(options)),
        client_(std::move(client)),
        body_max_(options_.body_bytes_max) {}

  Status write(const SinkBatch& batch) override {
    if (!is_set_up_) {
      TOCSIN_TRY_STATUS(set_up(*client_, options_));
      is_set_up_ = true;
    }
    Work work{batch, bulk_items(batch, options_.prefix, options_.detections_only), {}, {}, {}, {}};
    work.left.resize(work.all.items.size());
    std::iota(work.left.begin(), work.left.end(), std::size_t{0});
    milliseconds wait = options_.first_pause;
    for (int round = 0; !work.left.empty(); ++round) {
      if (round == kRounds)
        return fail(ErrorCode::kUnavailable,
                    fmt::format("{} of {} documents are put off: {}", work.left.size(),
                                work.all.items.size(), work.why));
      if (round > 0) pause(wait);
      if (round > 0) wait *= 2;
      TOCSIN_TRY_STATUS(send_round(work));
    }
    return settle(work);
  }

  Status claim(const SinkBatch& /*batch*/) override { return {}; }
  std::string_view name() const override { return "opensearch"; }
  void cancel() override { client_->cancel(); }

 private:
  // Sends all that is left; what was put off is left then.
  Status send_round(Work& work) {
    work.later.clear();
    work.why.clear();
    std::span<const std::size_t> left = work.left;
    while (!left.empty()) {
      const std::size_t count = next_body(work.all, left, body_max_, body_);
      TOCSIN_TRY(const bool sent, send(work, left.first(count)));
      if (sent) left = left.subspan(count);
    }
    work.left = work.later;
    return {};
  }

  // False: the server takes no body of that size, and smaller ones must be tried.
  Result<bool> send(Work& work, std::span<const std::size_t> items) {
    TOCSIN_TRY(const Response answer, client_->request({.method = "POST",
                                                        .path = std::string(bulk_path()),
                                                        .body = body_,
                                                        .content_type = "application/x-ndjson"}));
    if (answer.status == 413) {
      if (items.size() > 1) {
        body_max_ = body_.size() / 2;
        return false;
      }
      refuse(work, items.front(), describe_failure(answer));
      return true;
    }
    if (answer.status != 200) {
      // What the server asks for is granted before the caller's own pause.
      if (answer.retry_after.count() > 0)
        pause(std::min(kRetryAfterMax, milliseconds(answer.retry_after)));
      return fail(ErrorCode::kUnavailable, describe_failure(answer));
    }
    TOCSIN_TRY(const std::vector<ItemResult> results, parse_bulk_answer(answer.body, items.size()));
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (results[i].fate == Fate::kRefused) refuse(work, items[i], results[i].reason);
      if (results[i].fate != Fate::kLater) continue;
      if (work.later.empty()) work.why = results[i].reason;
      work.later.push_back(items[i]);
    }
    return true;
  }

  static void refuse(Work& work, std::size_t number, std::string reason) {
    const BulkItem& item = work.all.items[number];
    work.refused.push_back({item.is_alert, item.index, std::move(reason)});
  }

  static Status settle(Work& work) {
    if (work.refused.empty()) return {};
    if (work.batch.rejected == nullptr)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} of {} documents are refused: {}", work.refused.size(),
                              work.all.items.size(), work.refused.front().reason));
    for (Rejection& one : work.refused) work.batch.rejected->push_back(std::move(one));
    return {};
  }

  void pause(milliseconds length) const {
    constexpr milliseconds kStep{20};
    for (; length.count() > 0 && !client_->cancelled(); length -= kStep)
      std::this_thread::sleep_for(std::min(length, kStep));
  }

  const Options options_;
  const std::unique_ptr<HttpClient> client_;
  std::size_t body_max_;
  bool is_set_up_ = false;
  std::string body_;  // kept for its memory
};

// Names of indices are lower case, and begin with none of "-", "_" and "+".
bool is_prefix(const std::string& text) {
  return !text.empty() && text.size() <= 100 && text.front() >= 'a' && text.front() <= 'z' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
}

}  // namespace
}  // namespace opensearch

Result<std::unique_ptr<Sink>> open_opensearch(const opensearch::Options& options) {
  if (!opensearch::is_prefix(options.prefix))
    return fail(ErrorCode::kInvalid,
                fmt::format("prefix of OpenSearch's indices: '{}': small letters, digits, - and _ "
                            "are wanted, a letter first",
                            options.prefix));
  TOCSIN_TRY(auto client, opensearch::HttpClient::open(options));
  return std::make_unique<opensearch::OpenSearchSink>(options, std::move(client));
}

}  // namespace tocsin::store
