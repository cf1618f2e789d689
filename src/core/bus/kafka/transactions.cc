// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/transactions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "core/bus/kafka/producer.h"

namespace tocsin::bus::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kPatience{10'000};  // for the coordinator, before the caller is told
constexpr Milliseconds kCall{2'000};       // of one call, so that what it says is heard soon
constexpr Milliseconds kPause{50};
constexpr Milliseconds kSettle{5'000};  // for a rebalance, before the batch is undone
constexpr Milliseconds kLookUp{1'000};  // of a topic's partitions
constexpr Milliseconds kLookUpPause{10'000};
constexpr Milliseconds kTimeoutMin{2'000};

struct ErrorFree {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using Failure = std::unique_ptr<rd_kafka_error_t, ErrorFree>;

struct MetadataFree {
  void operator()(rd_kafka_consumer_group_metadata_t* metadata) const {
    rd_kafka_consumer_group_metadata_destroy(metadata);
  }
};
using GroupMetadata = std::unique_ptr<rd_kafka_consumer_group_metadata_t, MetadataFree>;

bool is_fenced(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING;
}

// A rebalance: the coordinator has a generation of which this member has not heard yet.
bool is_rebalance(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

class KafkaTransactions final : public TransactionalProducer {
 public:
  KafkaTransactions(const Settings& settings, TransactionOptions options, Member& member)
      : settings_(settings), options_(std::move(options)), member_(member) {}
  ~KafkaTransactions() override {
    if (open_) abort();
    discard();
  }

  // Makes the producer and fences whoever had the id before.
  [[nodiscard]] Status ready();
  Status send(std::string_view topic, Record record) override;
  Status commit(const Offsets& offsets) override;
  void abort() override;

 private:
  [[nodiscard]] Status begin();
  void look_up(const std::string& topic);
  [[nodiscard]] Status queue(const std::string& topic, const Record& record);
  [[nodiscard]] Status end(const Offsets& offsets);
  [[nodiscard]] Status send_again();
  [[nodiscard]] Status send_offsets(const Offsets& offsets);
  template <class Call>
  [[nodiscard]] Status insist(std::string_view what, Call&& call);
  [[nodiscard]] Status give_up(rd_kafka_resp_err_t code, std::string_view what,
                               std::string_view detail, bool fatal);
  void discard();
  void on_delivery(const rd_kafka_message_t& message);

  const Settings settings_;
  const TransactionOptions options_;
  Member& member_;
  std::shared_ptr<Client> client_;  // null: to be made anew
  bool unsettled_ = false;          // the client before client_ may have left a transaction open
  std::set<std::string, std::less<>> known_topics_;  // to client_
  SteadyClock::time_point no_lookup_before_;
  bool open_ = false;                                 // a transaction is
  bool rebalanced_ = false;                           // why the last one was undone
  std::vector<std::pair<std::string, Record>> sent_;  // in the open transaction

  std::mutex mutex_;  // deliveries are told in librdkafka's calls, so by this thread; to be sure
  std::optional<Error> undelivered_;
};

Status KafkaTransactions::ready() {
  if (client_) return {};
  const Milliseconds timeout = std::max(options_.timeout, kTimeoutMin);
  const std::map<std::string, std::string> ours = {
      {"client.id", options_.client_id},
      {"transactional.id", options_.transactional_id},
      {"transaction.timeout.ms", std::to_string(timeout.count())},
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"compression.type", "lz4"},
      {"partitioner", "murmur2_random"},
      {"linger.ms", "5"},
      {"queue.buffering.max.messages", "1000000"},
      {"queue.buffering.max.kbytes", "2000000"},
      {"socket.nagle.disable", "true"},
      // A transaction that follows the last one at once is told to come again: the brokers are
      // still writing the marks of that one, which takes some milliseconds.
      {"retry.backoff.ms", "10"},
  };
  TOCSIN_TRY(client_,
             Client::open(settings_, RD_KAFKA_PRODUCER, ours,
                          {.on_delivery = [this](const rd_kafka_message_t& m) { on_delivery(m); },
                           .on_rebalance = {}}));
  TOCSIN_TRY_STATUS(insist("transactional id " + options_.transactional_id, [&] {
    return rd_kafka_init_transactions(client_->get(), static_cast<int>(kCall.count()));
  }));
  unsettled_ = false;
  return {};
}

// Repeats a call as long as librdkafka says that it may succeed. What ends the transaction is
// settled here: the producer is free for the next one, or gone.
template <class Call>
Status KafkaTransactions::insist(std::string_view what, Call&& call) {
  const auto deadline = SteadyClock::now() + kPatience;
  for (;;) {
    const Failure error(call());
    if (!error) return {};
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
    if (rd_kafka_error_is_retriable(error.get()) != 0 && SteadyClock::now() < deadline) {
      rd_kafka_poll(client_->get(), 0);  // hears of connections, for a message that tells the cause
      std::this_thread::sleep_for(kPause);
      continue;
    }
    return give_up(code, what, rd_kafka_error_string(error.get()),
                   rd_kafka_error_txn_requires_abort(error.get()) == 0);
  }
}

// After an error that asks for an abort the producer can be used again. After all others nobody
// knows how things stand: a new producer with our id finds out, for the coordinator settles first
// what the old one left.
Status KafkaTransactions::give_up(rd_kafka_resp_err_t code, std::string_view what,
                                  std::string_view detail, bool fatal) {
  const bool denied = code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  tl::unexpected<Error> failure = client_->failure(
      code, what, detail,
      denied ? "Write and Describe on transactional id " + options_.transactional_id : "");
  if (is_fenced(code)) failure.value().code = ErrorCode::kStale;
  if (code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
    failure.value().code = ErrorCode::kInvalid;
  rebalanced_ = !fatal && is_rebalance(code);
  {
    const std::lock_guard lock(mutex_);
    if (undelivered_ && failure.value().code == ErrorCode::kUnavailable)
      failure = tl::unexpected<Error>(*undelivered_);
  }
  if (fatal) {
    unsettled_ = unsettled_ || (open_ && !is_fenced(code));
    discard();
  } else {
    abort();
  }
  return failure;
}

void KafkaTransactions::discard() {
  open_ = false;
  if (!client_) return;
  rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  client_->drop_hooks();
  client_.reset();
  known_topics_.clear();
}

// A transaction that its producer could not end holds up who reads the topics behind it, until the
// brokers' time-out. So the next producer is made at once: it ends what is open. Should that fail,
// the next transaction tries again.
void KafkaTransactions::abort() {
  if (!client_ && unsettled_) {
    if (const Status settled = ready(); !settled) log_debug("bus: {}", settled.error().message);
    return;
  }
  if (!open_ || !client_) return;
  open_ = false;
  const auto deadline = SteadyClock::now() + kPatience;
  for (;;) {
    const Failure error(
        rd_kafka_abort_transaction(client_->get(), static_cast<int>(kCall.count())));
    if (!error) return;
    if (rd_kafka_error_is_retriable(error.get()) == 0 || SteadyClock::now() >= deadline) break;
    std::this_thread::sleep_for(kPause);
  }
  unsettled_ = true;
  discard();
}

Status KafkaTransactions::begin() {
  if (open_) return {};
  TOCSIN_TRY_STATUS(ready());
  {
    const std::lock_guard lock(mutex_);
    undelivered_.reset();
  }
  TOCSIN_TRY_STATUS(
      insist("begin a transaction", [&] { return rd_kafka_begin_transaction(client_->get()); }));
  open_ = true;
  return {};
}

Status KafkaTransactions::send(std::string_view topic, Record record) {
  TOCSIN_TRY_STATUS(check_size(settings_, topic, record));
  if (!open_) sent_.clear();
  TOCSIN_TRY_STATUS(begin());
  sent_.emplace_back(topic, std::move(record));
  look_up(sent_.back().first);
  return queue(sent_.back().first, sent_.back().second);
}

// librdkafka asks for the partitions of a topic that it does not know once a second; the records
// wait for as long, and with them the transaction. So they are asked for before. What fails here is
// told by the records.
void KafkaTransactions::look_up(const std::string& topic) {
  if (known_topics_.contains(topic) || SteadyClock::now() < no_lookup_before_) return;
  if (client_->partition_count(topic, kLookUp))
    known_topics_.insert(topic);
  else
    no_lookup_before_ = SteadyClock::now() + kLookUpPause;
}

Status KafkaTransactions::queue(const std::string& topic, const Record& record) {
  for (;;) {
    const rd_kafka_resp_err_t code = produce(*client_, topic, record, 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      const bool fatal = rd_kafka_fatal_error(client_->get(), nullptr, 0) != 0;
      return give_up(code, "topic " + topic, {}, fatal);
    }
    rd_kafka_poll(client_->get(), static_cast<int>(kPause.count()));
  }
}

// A rebalance takes from this member only what it gives up itself, in poll(). So a transaction that
// met one is still its own, and is done again under the new generation.
Status KafkaTransactions::commit(const Offsets& offsets) {
  if (!open_) sent_.clear();
  if (!open_ && offsets.empty()) return {};
  const auto deadline = SteadyClock::now() + kSettle;
  for (;;) {
    Status done = member_.check_owned(offsets);
    if (!done) {
      abort();
      return done;
    }
    done = end(offsets);
    if (done) {
      member_.note_committed(offsets);
      sent_.clear();
      return {};
    }
    if (!rebalanced_ || SteadyClock::now() >= deadline) return done;
    log_debug("bus: {}; once more", done.error().message);
    std::this_thread::sleep_for(kPause);
    TOCSIN_TRY_STATUS(send_again());
  }
}

Status KafkaTransactions::send_again() {
  TOCSIN_TRY_STATUS(begin());
  for (const auto& [topic, record] : sent_) TOCSIN_TRY_STATUS(queue(topic, record));
  return {};
}

// Offsets alone are a transaction, too: a plain commit of a member that was lost a moment ago would
// be taken by a group that is empty.
Status KafkaTransactions::end(const Offsets& offsets) {
  TOCSIN_TRY_STATUS(begin());
  if (!offsets.empty()) TOCSIN_TRY_STATUS(send_offsets(offsets));
  // In one call, not in several short ones: when the clock steps, a call that takes up an earlier
  // one may time out at once. librdkafka 2.0 then forgets that a commit is under way, and ends the
  // program when the brokers answer it.
  const auto deadline = SteadyClock::now() + kPatience;
  const Status done = insist("commit a transaction", [&] {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - SteadyClock::now());
    return rd_kafka_commit_transaction(
        client_->get(), static_cast<int>(std::clamp(left, Milliseconds(1), kPatience).count()));
  });
  if (done) open_ = false;
  return done;
}

Status KafkaTransactions::send_offsets(const Offsets& offsets) {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [where, offset] : offsets)
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset =
        offset;
  const GroupMetadata metadata(member_.group_metadata());
  // Of a member that was lost before this moment it names nobody, and nobody is not fenced.
  if (Status owned = member_.check_owned(offsets); !owned) {
    abort();
    return owned;
  }
  return insist("commit offsets in a transaction", [&] {
    return rd_kafka_send_offsets_to_transaction(client_->get(), list.get(), metadata.get(),
                                                static_cast<int>(kCall.count()));
  });
}

void KafkaTransactions::on_delivery(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR || message.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
      message.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
    return;
  const std::lock_guard lock(mutex_);
  if (!undelivered_)
    undelivered_ =
        client_->failure(message.err, fmt::format("topic {}", rd_kafka_topic_name(message.rkt)))
            .value();
}

Status check_properties_of_transactions(const Settings& settings) {
  for (const char* name : {"transactional.id", "enable.idempotence"})
    if (settings.properties.contains(name))
      return fail(ErrorCode::kInvalid,
                  fmt::format("bus property {}: set by the program for exactly-once", name));
  const auto isolation = settings.properties.find("isolation.level");
  if (isolation != settings.properties.end() && isolation->second != "read_committed")
    return fail(ErrorCode::kInvalid,
                "bus property isolation.level: exactly-once needs read_committed");
  return {};
}

}  // namespace

Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
    const Settings& settings, TransactionOptions options, Member& member) {
  if (options.transactional_id.empty())
    return fail(ErrorCode::kInvalid, "a transactional producer needs a transactional id");
  TOCSIN_TRY_STATUS(check_properties_of_transactions(settings));
  auto made = std::make_unique<KafkaTransactions>(settings, std::move(options), member);
  TOCSIN_TRY_STATUS(made->ready());
  return made;
}

}  // namespace tocsin::bus::kafka
