// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "core/bus/kafka/fetch.h"
#include "core/bus/kafka/leave.h"
#include "core/bus/kafka/positions.h"
#include "core/bus/kafka/transactions.h"

namespace tocsin::bus::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kSessionMin{6'000};  // group.min.session.timeout.ms of a broker
constexpr Milliseconds kRetryFor{5'000};
constexpr Milliseconds kProbe{300};
constexpr Milliseconds kAnswer{5'000};  // what one request may take
constexpr Milliseconds kSeek{2'000};
constexpr Milliseconds kStable{300};  // for offsets behind which a transaction may be open
constexpr Milliseconds kQuestionPause{500};
constexpr Milliseconds kRejoinPause{3'000};  // two programs with one instance id take turns slowly
constexpr Milliseconds kGoneCheck{1'000};
constexpr Milliseconds kCloseFor{3'000};
constexpr Milliseconds kUnheard{500};
constexpr int kClosePollMs = 20;
constexpr Milliseconds kAskFor{500};
// Before it, destroying a handle whose member led its group, but was never assigned anything as its
// leader, ends the process by an assertion (librdkafka#4312).
constexpr int kSafeToDestroy = 0x02030000;

class KafkaConsumer final : public Consumer, public Member {
 public:
  KafkaConsumer(const Settings& settings, ConsumerOptions options)
      : settings_(settings), options_(std::move(options)) {}
  ~KafkaConsumer() override { close(); }

  [[nodiscard]] Status start();
  Result<Batch> poll(std::size_t messages_max, Milliseconds timeout) override;
  Status commit(const Offsets& offsets) override;
  Status rewind() override;
  Result<std::unique_ptr<TransactionalProducer>> open_transactional_producer(
      TransactionOptions options) override {
    return kafka::open_transactional_producer(settings_, std::move(options), *this);
  }
  std::vector<TopicPartition> assignment() override { return positions_.owned(); }
  std::vector<PartitionPosition> positions() override;
  void close() override;

  rd_kafka_consumer_group_metadata_t* group_metadata() override {
    return rd_kafka_consumer_group_metadata(client_->get());
  }
  Status check_owned(const Offsets& offsets) const override;
  void note_committed(const Offsets& offsets) override { positions_.commit(offsets); }

 private:
  void on_rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions);
  void on_event(const rd_kafka_message_t& event);
  [[nodiscard]] Status rejoin();
  [[nodiscard]] std::optional<Offsets> offsets_of_group();
  [[nodiscard]] Status mend_offsets();
  [[nodiscard]] Result<std::int64_t> mended(const TopicPartition& where, std::int64_t offset);
  [[nodiscard]] Status look_for_gone_topics();
  [[nodiscard]] Result<Offsets> committed(const std::vector<TopicPartition>& partitions,
                                          Milliseconds timeout = kAnswer);
  [[nodiscard]] Status seek(const Offsets& offsets);
  [[nodiscard]] rd_kafka_resp_err_t commit_list(rd_kafka_topic_partition_list_t* list);
  void commit_ends();
  void ask_committed();

  const Settings settings_;
  const ConsumerOptions options_;
  std::shared_ptr<Client> client_;
  Positions positions_;
  // Where reading cannot go on by itself: no offset, or none that exists.
  struct Unreadable {
    std::int64_t offset = 0;
    std::optional<std::int64_t> target;  // where to go on, once that is known
  };
  std::map<TopicPartition, Unreadable> unreadable_;
  SteadyClock::time_point next_question_;  // to the group, for offsets that librdkafka did not find
  bool told_to_wait_ = false;              // that the group has no answer
  std::set<std::string> gone_;             // topics that were not there when last asked for
  SteadyClock::time_point next_gone_check_;
  std::optional<Error> trouble_;                     // seen during the poll that runs
  std::map<TopicPartition, std::int64_t> began_at_;  // what the group had committed then
  Waker waker_;
  bool closed_ = false;
};

PartitionList list_of(const std::vector<TopicPartition>& partitions) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& where : partitions)
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition);
  return list;
}

PartitionList list_of(const Offsets& offsets) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [where, offset] : offsets)
    rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset =
        offset;
  return list;
}

std::set<TopicPartition> partitions_of(const Batch& batch) {
  std::set<TopicPartition> partitions;
  for (const Message& message : batch.messages())
    partitions.insert({std::string(message.topic), message.partition});
  return partitions;
}

Status KafkaConsumer::start() {
  const Milliseconds session = std::max(options_.session_timeout, kSessionMin);
  std::map<std::string, std::string> ours = {
      {"client.id", options_.client_id},
      {"group.id", options_.group},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // An offset that is not there is told instead of mended in silence: mend_offsets().
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      // Also makes the group wait for offsets that stand in another member's open transaction.
      {"isolation.level", "read_committed"},
      {"partition.assignment.strategy", "cooperative-sticky"},
      {"session.timeout.ms", std::to_string(session.count())},
      {"heartbeat.interval.ms", std::to_string(std::min<std::int64_t>(3'000, session.count() / 4))},
      {"max.poll.interval.ms", std::to_string(std::max<std::int64_t>(300'000, session.count()))},
      {"queued.min.messages", std::to_string(Waker::kQueueMessages)},
      {"queued.max.messages.kbytes", std::to_string(Waker::kQueueBytes / 1'024)},
      {"fetch.error.backoff.ms", "100"},
      {"topic.metadata.refresh.interval.ms", "10000"},  // how soon a new topic is noticed
      {"socket.nagle.disable", "true"},
  };
  if (rd_kafka_version() >= Waker::kNotNeeded) ours["fetch.queue.backoff.ms"] = "20";
  if (!options_.instance_id.empty()) ours["group.instance.id"] = options_.instance_id;
  TOCSIN_TRY(client_, Client::open(settings_, RD_KAFKA_CONSUMER, ours,
                                   {.on_delivery = {},
                                    .on_rebalance = [this](rd_kafka_resp_err_t code,
                                                           rd_kafka_topic_partition_list_t* list) {
                                      on_rebalance(code, list);
                                    }}));
  rd_kafka_poll_set_consumer(client_->get());
  const PartitionList topics(
      rd_kafka_topic_partition_list_new(static_cast<int>(options_.topics.size())));
  for (const std::string& topic : options_.topics)
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto code = rd_kafka_subscribe(client_->get(), topics.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->failure(code, "group " + options_.group);
  return {};
}

void KafkaConsumer::on_rebalance(rd_kafka_resp_err_t code,
                                 rd_kafka_topic_partition_list_t* partitions) {
  rd_kafka_t* const handle = client_->get();
  const bool cooperative = std::string_view(rd_kafka_rebalance_protocol(handle)) == "COOPERATIVE";
  const bool assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  if (!assigned && options_.before_revoke && !closed_ && rd_kafka_assignment_lost(handle) == 0)
    options_.before_revoke();
  for (int i = 0; i < partitions->cnt; ++i) {
    const TopicPartition where{partitions->elems[i].topic, partitions->elems[i].partition};
    unreadable_.erase(where);
    if (assigned)
      positions_.assign(where);
    else
      positions_.revoke(where);
    began_at_.erase(where);
  }
  log_debug("bus: group {}: {} partitions {}", options_.group, partitions->cnt,
            assigned                                ? "came"
            : rd_kafka_assignment_lost(handle) != 0 ? "were lost"
                                                    : "went");
  if (!cooperative) {
    if (!assigned) positions_.clear();
    rd_kafka_assign(handle, assigned ? partitions : nullptr);
    return;
  }
  rd_kafka_error_t* const error = assigned ? rd_kafka_incremental_assign(handle, partitions)
                                           : rd_kafka_incremental_unassign(handle, partitions);
  if (error == nullptr) return;
  log_warning("bus: {}: rebalance: {}", settings_.url(), rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
}

void KafkaConsumer::on_event(const rd_kafka_message_t& event) {
  const TopicPartition where{event.rkt == nullptr ? "" : rd_kafka_topic_name(event.rkt),
                             event.partition};
  if (event.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    positions_.end_reached(where, event.offset);
  } else if (event.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
    log_debug("bus: {}", rd_kafka_message_errstr(&event));
    if (positions_.owns(where)) unreadable_[where] = {.offset = event.offset, .target = {}};
  } else if (code_of(event.err) == ErrorCode::kNotFound) {
    // A topic that is not there yet may come, or come again.
    log_debug("bus: {}", rd_kafka_message_errstr(&event));
    if (where.topic.empty() || !gone_.insert(where.topic).second) return;
    log_warning("bus: {}: topic {} is not there; waiting for it", settings_.url(), where.topic);
    next_gone_check_ = SteadyClock::now() + kGoneCheck;
  } else {  // the rest mends itself inside librdkafka
    trouble_ = client_->failure(event.err, "poll", rd_kafka_message_errstr(&event)).value();
  }
}

Result<Batch> KafkaConsumer::poll(std::size_t messages_max, Milliseconds timeout) {
  if (closed_) return fail(ErrorCode::kInvalid, "the consumer is closed");
  trouble_.reset();
  if (!client_ || rd_kafka_fatal_error(client_->get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
    TOCSIN_TRY_STATUS(rejoin());
  // First, so that a partition that stands still need not wait until the others have nothing more.
  if (!unreadable_.empty()) TOCSIN_TRY_STATUS(mend_offsets());
  if (!gone_.empty()) TOCSIN_TRY_STATUS(look_for_gone_topics());
  const auto deadline = SteadyClock::now() + timeout;
  Milliseconds left = timeout;
  do {  // the end of a partition is told as well, and is no reason to come back
    Batch batch = fetch(
        client_, messages_max, left, [this](const rd_kafka_message_t& event) { on_event(event); },
        [this](const rd_kafka_message_t& message) { return positions_.accept(message); });
    if (!batch.empty()) {
      if (!unreadable_.empty())  // a seek that seemed to fail came late
        for (const TopicPartition& where : partitions_of(batch)) unreadable_.erase(where);
      waker_.took(batch, *client_, positions_);
      return batch;
    }
    left = std::chrono::ceil<Milliseconds>(deadline - SteadyClock::now());
  } while (left > Milliseconds(0) && !trouble_ && unreadable_.empty() && gone_.empty());
  commit_ends();
  if (trouble_) return tl::unexpected(*trouble_);
  if (client_->is_cut_off(std::min(timeout, kProbe)))
    return client_->failure(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "no broker can be reached");
  return Batch{};
}

// A handle with a fatal error is of no more use: another program has taken the instance id.
Status KafkaConsumer::rejoin() {
  if (client_) {
    char text[512] = "";
    rd_kafka_fatal_error(client_->get(), text, sizeof text);
    log_error("bus: {}: group {}{}: {}; joining it anew", settings_.url(), options_.group,
              options_.instance_id.empty() ? "" : " as instance " + options_.instance_id, text);
    client_->drop_hooks();
    let_go(std::move(client_));
    positions_.clear();
    unreadable_.clear();
    std::this_thread::sleep_for(kRejoinPause);
  }
  return start();
}

// -- offsets that are not there --

// librdkafka says that the group has no offset also when it has one, behind which another member's
// transaction is open, and partitions move meanwhile (seen in 2.0). Who believed it would read from
// the beginning what is done. So the group is asked once more; its answer waits for the end of the
// transaction. Without a value: not yet, and the other partitions are read on.
std::optional<Offsets> KafkaConsumer::offsets_of_group() {
  std::vector<TopicPartition> missing;
  for (const auto& [where, state] : unreadable_)
    if (state.offset < 0 && !state.target) missing.push_back(where);
  if (missing.empty()) return Offsets{};
  if (SteadyClock::now() < next_question_) return std::nullopt;
  auto known = committed(missing, kStable);
  if (!known) {
    if (!std::exchange(told_to_wait_, true))
      log_info("bus: {}: waiting for it; another member's transaction may be open",
               known.error().message);
    next_question_ = SteadyClock::now() + kQuestionPause;
    return std::nullopt;
  }
  told_to_wait_ = false;
  return *std::move(known);
}

// What does not succeed now is tried again at the next poll.
Status KafkaConsumer::mend_offsets() {
  const std::optional<Offsets> known = offsets_of_group();
  Offsets targets;
  for (auto at = unreadable_.begin(); at != unreadable_.end();) {
    auto& [where, state] = *at;
    if (!state.target) {
      if (state.offset < 0 && !known) {
        ++at;
        continue;
      }
      const auto committed = known ? known->find(where) : Offsets::const_iterator{};
      const bool has_one = known && committed != known->end();
      const auto target =
          has_one ? Result<std::int64_t>(committed->second) : mended(where, state.offset);
      if (!target && target.error().code == ErrorCode::kNotFound) {
        at = unreadable_.erase(at);
        continue;
      }
      if (!target) return tl::unexpected(target.error());
      state.target = *target;
      positions_.jump(where, *target);
    }
    targets[where] = *state.target;
    ++at;
  }
  if (const Status done = seek(targets); !done)
    log_debug("bus: {}", done.error().message);
  else
    for (const auto& [where, offset] : targets) unreadable_.erase(where);
  return {};
}

// Where to go on when the partition has no record at `offset`. Negative: the group has none yet.
Result<std::int64_t> KafkaConsumer::mended(const TopicPartition& where, std::int64_t offset) {
  TOCSIN_TRY(const PartitionInfo log, client_->watermarks(where.topic, where.partition, kAnswer));
  if (offset < 0) return options_.start == StartAt::kEarliest ? log.first_offset : log.end_offset;
  if (offset > log.end_offset) {
    log_error(
        "bus: {}: topic {} partition {} ends at {}, before the offset {} of group {}: it was "
        "deleted and created anew, or cut off by the loss of a broker; reading it from its "
        "beginning, offset {}",
        settings_.url(), where.topic, where.partition, log.end_offset, offset, options_.group,
        log.first_offset);
    return log.first_offset;
  }
  if (offset >= log.first_offset) return offset;  // it was a moment without a leader, say
  const Loss loss{where, offset, log.first_offset};
  log_error(
      "bus: {}: topic {} partition {}: the records from offset {} to {} ({} of them) were deleted "
      "before group {} had read them; retention is too short for how far it is behind",
      settings_.url(), where.topic, where.partition, loss.first_missing, loss.first_available - 1,
      loss.records(), options_.group);
  if (options_.on_loss) options_.on_loss(loss);
  return log.first_offset;
}

// A topic of the same name with no offsets of the group, which the brokers delete with a topic, is
// another one: the position in the old one means nothing in it.
Status KafkaConsumer::look_for_gone_topics() {
  if (SteadyClock::now() < next_gone_check_) return {};
  next_gone_check_ = SteadyClock::now() + kGoneCheck;
  std::vector<TopicPartition> back;
  std::erase_if(gone_, [&](const std::string& topic) {
    if (!client_->partition_count(topic, kGoneCheck)) return false;
    log_info("bus: {}: topic {} is there", settings_.url(), topic);
    for (const TopicPartition& where : positions_.owned())
      if (where.topic == topic) back.push_back(where);
    return true;
  });
  if (back.empty()) return {};
  TOCSIN_TRY(const Offsets known, committed(back));
  Offsets targets;
  for (const TopicPartition& where : back) {
    if (known.contains(where)) continue;
    TOCSIN_TRY(const PartitionInfo log, client_->watermarks(where.topic, where.partition, kAnswer));
    positions_.jump(where, log.first_offset);
    targets[where] = log.first_offset;
  }
  if (targets.empty()) return {};
  log_warning("bus: {}: topic {} was created anew; reading it from its beginning", settings_.url(),
              targets.begin()->first.topic);
  return seek(targets);
}

// Without those partitions for which the group has no offset.
Result<Offsets> KafkaConsumer::committed(const std::vector<TopicPartition>& partitions,
                                         Milliseconds timeout) {
  const PartitionList list = list_of(partitions);
  rd_kafka_resp_err_t code =
      rd_kafka_committed(client_->get(), list.get(), static_cast<int>(timeout.count()));
  Offsets offsets;
  for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    code = one.err;
    if (one.offset >= 0) offsets[{one.topic, one.partition}] = one.offset;
  }
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_->failure(code, "offsets of group " + options_.group);
  return offsets;
}

// A partition that does not read at the moment cannot be moved; it is taken anew then.
Status KafkaConsumer::seek(const Offsets& offsets) {
  if (offsets.empty()) return {};
  const PartitionList list = list_of(offsets);
  rd_kafka_error_t* const error =
      rd_kafka_seek_partitions(client_->get(), list.get(), static_cast<int>(kSeek.count()));
  if (error != nullptr) {
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return client_->failure(code, "seek");
  }
  const PartitionList anew(rd_kafka_topic_partition_list_new(list->cnt));
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR && positions_.owns({one.topic, one.partition}))
      rd_kafka_topic_partition_list_add(anew.get(), one.topic, one.partition)->offset =
          offsets.at({one.topic, one.partition});
  }
  if (anew->cnt == 0) return {};
  for (const bool assign : {false, true}) {
    rd_kafka_error_t* const refused =
        assign ? rd_kafka_incremental_assign(client_->get(), anew.get())
               : rd_kafka_incremental_unassign(client_->get(), anew.get());
    if (refused == nullptr) continue;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(refused);
    rd_kafka_error_destroy(refused);
    return client_->failure(code, "assign");
  }
  return {};
}

// -- commits --

Status KafkaConsumer::rewind() {
  if (closed_ || !client_) return {};
  const std::vector<TopicPartition> owned = positions_.owned();
  if (owned.empty()) return {};
  TOCSIN_TRY(const Offsets known, committed(owned));
  Offsets targets;
  for (const TopicPartition& where : owned) {
    const auto found = known.find(where);
    const auto undone = positions_.first_undone(where);
    // With nothing committed, that is where this member began.
    if (found == known.end() && !undone) continue;
    targets[where] = found != known.end() ? found->second : *undone;
  }
  TOCSIN_TRY_STATUS(seek(targets));
  for (const auto& [where, offset] : targets) positions_.rewind(where, offset);
  return {};
}

// The group has given this member's partitions away when it was silent for too long. From then on
// its requests are those of nobody, and a coordinator that finds the group empty would take them.
Status KafkaConsumer::check_owned(const Offsets& offsets) const {
  const bool lost = !client_ || rd_kafka_assignment_lost(client_->get()) != 0;
  for (const auto& [where, offset] : offsets)
    if (lost || !positions_.owns(where))
      return fail(ErrorCode::kStale,
                  fmt::format("topic {} partition {}: lost to another member of group {}",
                              where.topic, where.partition, options_.group));
  return {};
}

Status KafkaConsumer::commit(const Offsets& offsets) {
  const Status all_ours = check_owned(offsets);
  Offsets ours;
  for (const auto& [where, offset] : offsets)
    if (check_owned({{where, offset}})) ours.emplace(where, offset);
  if (!ours.empty()) {
    const PartitionList list = list_of(ours);
    const rd_kafka_resp_err_t code = commit_list(list.get());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->failure(code, "commit");
    positions_.commit(ours);
  }
  return all_ours ? check_owned(ours) : all_ours;
}

// While the group settles a new generation the coordinator asks for patience, or has it before this
// member has heard of it.
rd_kafka_resp_err_t KafkaConsumer::commit_list(rd_kafka_topic_partition_list_t* list) {
  const auto deadline = SteadyClock::now() + kRetryFor;
  while (true) {
    rd_kafka_resp_err_t code = rd_kafka_commit(client_->get(), list, 0);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      code = list->elems[i].err;
    const bool moved = code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION &&
                       rd_kafka_assignment_lost(client_->get()) == 0;
    const bool settling = moved || code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
                          code == RD_KAFKA_RESP_ERR__WAIT_COORD ||
                          code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
                          code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (!settling || SteadyClock::now() >= deadline) return code;
    std::this_thread::sleep_for(Milliseconds(50));
  }
}

// -- where it stands --

// Where this member began: what the group had committed when the partition came.
void KafkaConsumer::ask_committed() {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  for (const TopicPartition& where : positions_.owned())
    if (!began_at_.contains(where))
      rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition);
  if (list->cnt == 0) return;
  if (rd_kafka_committed(client_->get(), list.get(), static_cast<int>(kAskFor.count())) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return;  // asked again the next time
  for (int i = 0; i < list->cnt; ++i)
    if (list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
      began_at_[{list->elems[i].topic, list->elems[i].partition}] = list->elems[i].offset;
}

std::vector<PartitionPosition> KafkaConsumer::positions() {
  if (closed_ || !client_) return {};
  ask_committed();
  std::vector<PartitionPosition> list;
  for (const TopicPartition& where : positions_.owned()) {
    PartitionPosition& one = list.emplace_back(PartitionPosition{where, -1, -1, -1});
    std::int64_t low = 0, high = 0;
    if (rd_kafka_get_watermark_offsets(client_->get(), where.topic.c_str(), where.partition, &low,
                                       &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0)
      one.end = high;
    if (const auto began = began_at_.find(where); began != began_at_.end())
      one.began = std::max<std::int64_t>(-1, began->second);
    one.next = positions_.next(where).value_or(one.began);
  }
  return list;
}

// Should it fail, the lag shows a record too many until the next commit. Not in the background: a
// consumer that closes with a commit under way may wait for ever (librdkafka 2.0).
void KafkaConsumer::commit_ends() {
  Offsets ends = positions_.ended();
  std::erase_if(ends, [&](const auto& end) {
    return !positions_.is_at(end.first, end.second) || !check_owned({end});
  });
  if (ends.empty()) return;
  const PartitionList list = list_of(ends);
  if (const auto code = commit_list(list.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    log_debug("bus: {}: the end of a partition: {}", settings_.url(), rd_kafka_err2str(code));
}

// librdkafka's own way to close (2.0) waits for ever when an assignment came a moment before and
// its callback is lost with the queue. So its questions are answered here, also one that was not
// heard.
void KafkaConsumer::close() {
  if (closed_ || !client_) return;
  closed_ = true;
  rd_kafka_t* const handle = client_->get();
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle);
  rd_kafka_error_t* const refused = rd_kafka_consumer_close_queue(handle, queue);
  if (refused != nullptr) rd_kafka_error_destroy(refused);
  const auto deadline = SteadyClock::now() + kCloseFor;
  auto unheard = SteadyClock::now() + kUnheard;
  while (refused == nullptr && rd_kafka_consumer_closed(handle) == 0 &&
         SteadyClock::now() < deadline) {
    if (rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, kClosePollMs)) {
      if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        on_rebalance(rd_kafka_event_error(event), rd_kafka_event_topic_partition_list(event));
      rd_kafka_event_destroy(event);
    } else if (SteadyClock::now() >= unheard) {
      answer_unheard(handle);
      unheard += kUnheard;
    }
  }
  const bool closed = rd_kafka_consumer_closed(handle) != 0;
  rd_kafka_queue_destroy(queue);
  client_->drop_hooks();
  positions_.clear();
  if (closed) {
    if (rd_kafka_version() < kSafeToDestroy) keep_until_the_end(std::move(client_));
    return;
  }
  log_debug("bus: group {}: left without a good-bye", options_.group);
  client_->abandon_group();
  let_go(std::move(client_));
}

}  // namespace

Result<std::unique_ptr<Consumer>> open_consumer(const Settings& settings,
                                                const ConsumerOptions& options) {
  if (options.group.empty() || options.topics.empty())
    return fail(ErrorCode::kInvalid, "a consumer needs a group and at least one topic");
  if (settings.properties.contains("group.instance.id"))
    return fail(ErrorCode::kInvalid,
                "bus property group.instance.id: every worker needs its own; give an instance id");
  auto consumer = std::make_unique<KafkaConsumer>(settings, options);
  TOCSIN_TRY_STATUS(consumer->start());
  return consumer;
}

}  // namespace tocsin::bus::kafka
