// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/uuid.h"
#include "core/bus/kafka/admin.h"
#include "core/bus/kafka/client.h"
#include "core/bus/kafka/producer.h"

namespace tocsin::bus::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Configs = std::map<std::string, std::string>;

constexpr Milliseconds kPatience{10'000};
constexpr Milliseconds kTryFor{5'000};
constexpr std::int64_t kSkewMaxMs = 2'000;
constexpr int kScramMended = 0x020601ff;

struct BrokerInfo {
  std::int32_t id = 0;
  std::string address;
};

struct TopicLayout {
  int partitions = 0;
  int replicas_min = 0;
  int in_sync_min = 0;
  int leaderless = 0;
};

struct Cluster {
  std::vector<BrokerInfo> brokers;
  std::map<std::string, TopicLayout> topics;
};

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* what) const { Free(what); }
};
template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

class Checkup {
 public:
  Checkup(Settings settings, const HealthNeeds& needs)
      : settings_(std::move(settings)), needs_(needs) {
    // The checks rely on their own.
    for (const char* name : {"acks", "request.required.acks", "enable.idempotence",
                             "transactional.id", "debug", "group.id", "message.timeout.ms"})
      settings_.properties.erase(name);
  }

  std::vector<Finding> run() {
    check_library();
    if (!connect()) return std::move(findings_);
    check_brokers();
    for (const TopicNeed& topic : needs_.topics) check_topic(topic);
    if (!needs_.group.empty()) check_group();
    if (!needs_.transactional_id.empty()) check_transactions();
    if (needs_.probe) check_clock();
    return std::move(findings_);
  }

 private:
  void add(std::string what, Health health, std::string found, std::string advice = {}) {
    findings_.push_back({std::move(what), health, std::move(found), std::move(advice)});
  }
  [[nodiscard]] std::string property(const std::string& name) const {
    const auto found = settings_.properties.find(name);
    return found == settings_.properties.end() ? std::string() : found->second;
  }
  void check_library();
  bool connect();
  [[nodiscard]] Result<Cluster> read_cluster();
  void check_brokers();
  void check_topic(const TopicNeed& need);
  void check_layout(const TopicNeed& need, const TopicLayout& layout);
  void check_may_create(const std::string& topic);
  void check_write(const std::string& topic);
  void check_read(const std::string& topic);
  void check_group();
  void check_transactions();
  void check_group_state();
  void check_clock();
  void permission(const std::string& acl, rd_kafka_resp_err_t code, bool granted);
  [[nodiscard]] std::pair<rd_kafka_resp_err_t, Configs> configs_of(rd_kafka_ResourceType_t type,
                                                                   const std::string& name);

  Settings settings_;
  const HealthNeeds& needs_;
  std::vector<Finding> findings_;
  std::shared_ptr<Client> client_;
  Cluster cluster_;
  std::atomic<int> produce_version_{-1};
};

void Checkup::check_library() {
  const std::string mechanism = property("sasl.mechanisms") + property("sasl.mechanism");
  const std::string found = fmt::format("librdkafka {}", rd_kafka_version_str());
  if (mechanism.starts_with("SCRAM") && rd_kafka_version() < kScramMended)
    return add(
        "client library", Health::kNote, found + ", SCRAM",
        "brokers from Kafka 4.0 on refuse SCRAM of a librdkafka before 2.6.1: use PLAIN over "
        "TLS or mutual TLS with them, or build with a newer one (docs/kafka.md)");
  add("client library", Health::kGood, found);
}

bool Checkup::connect() {
  const std::string protocol = property("security.protocol");
  const std::string mechanism = property("sasl.mechanisms") + property("sasl.mechanism");
  std::string how = protocol.empty() ? "PLAINTEXT" : protocol;
  if (!mechanism.empty()) how += " " + mechanism;
  if (!property("ssl.certificate.location").empty()) how += ", with a client certificate";
  Hooks hooks;
  hooks.on_log = [this](std::string_view text) {
    constexpr std::string_view kKey = "ApiKey Produce (0) Versions ";
    const std::size_t at = text.find(kKey);
    const std::size_t dots = at == std::string_view::npos ? at : text.find("..", at);
    if (dots == std::string_view::npos) return;
    int version = -1;
    std::from_chars(text.data() + dots + 2, text.data() + text.size(), version);
    produce_version_ = version;
  };
  auto opened = Client::open(settings_, RD_KAFKA_CONSUMER,
                             {{"client.id", "tocsin-doctor"},
                              {"group.id", needs_.group.empty() ? "tocsin-doctor" : needs_.group},
                              {"enable.auto.commit", "false"},
                              {"debug", "feature,broker"}},
                             std::move(hooks));
  if (!opened) {
    add("connection", Health::kProblem, opened.error().message, "mend the bus properties");
    return false;
  }
  client_ = *std::move(opened);
  auto cluster = read_cluster();
  if (!cluster) {
    add("connection", Health::kProblem, cluster.error().message,
        "is the broker running, do --bus (TOCSIN_BUS), security.protocol and the port fit each "
        "other?");
    return false;
  }
  cluster_ = *std::move(cluster);
  add("connection", Health::kGood, how);
  return true;
}

Result<Cluster> Checkup::read_cluster() {
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t code =
      rd_kafka_metadata(client_->get(), 1, nullptr, &raw, static_cast<int>(kPatience.count()));
  rd_kafka_poll(client_->get(), 0);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->failure(code, "metadata");
  Cluster cluster;
  for (int b = 0; b < raw->broker_cnt; ++b)
    cluster.brokers.push_back(
        {raw->brokers[b].id, fmt::format("{}:{}", raw->brokers[b].host, raw->brokers[b].port)});
  for (int t = 0; t < raw->topic_cnt; ++t) {
    const rd_kafka_metadata_topic_t& topic = raw->topics[t];
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    TopicLayout layout{.partitions = topic.partition_cnt,
                       .replicas_min = 1'000'000,
                       .in_sync_min = 1'000'000,
                       .leaderless = 0};
    for (int p = 0; p < topic.partition_cnt; ++p) {
      layout.replicas_min = std::min(layout.replicas_min, topic.partitions[p].replica_cnt);
      layout.in_sync_min = std::min(layout.in_sync_min, topic.partitions[p].isr_cnt);
      if (topic.partitions[p].leader < 0) ++layout.leaderless;
    }
    cluster.topics[topic.topic] = layout;
  }
  rd_kafka_metadata_destroy(raw);
  return cluster;
}

std::pair<rd_kafka_resp_err_t, Configs> Checkup::configs_of(rd_kafka_ResourceType_t type,
                                                            const std::string& name) {
  const Owned<rd_kafka_queue_t, rd_kafka_queue_destroy> queue(rd_kafka_queue_new(client_->get()));
  const Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy> options(
      rd_kafka_AdminOptions_new(client_->get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  char reason[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(kTryFor.count()),
                                            reason, sizeof reason);
  const Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy> resource(
      rd_kafka_ConfigResource_new(type, name.c_str()));
  rd_kafka_ConfigResource_t* resources[] = {resource.get()};
  rd_kafka_DescribeConfigs(client_->get(), resources, 1, options.get(), queue.get());
  const Owned<rd_kafka_event_t, rd_kafka_event_destroy> event(
      rd_kafka_queue_poll(queue.get(), static_cast<int>(kTryFor.count()) + 1'000));
  rd_kafka_poll(client_->get(), 0);
  if (!event) return {RD_KAFKA_RESP_ERR__TIMED_OUT, {}};
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return {code, {}};
  std::size_t count = 0;
  const auto* const* const results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count != 1) return {RD_KAFKA_RESP_ERR_UNKNOWN, {}};
  if (const auto code = rd_kafka_ConfigResource_error(results[0]);
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return {code, {}};
  const auto* const* const entries = rd_kafka_ConfigResource_configs(results[0], &count);
  Configs configs;
  for (std::size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    configs[rd_kafka_ConfigEntry_name(entries[i])] = value == nullptr ? "" : value;
  }
  return {RD_KAFKA_RESP_ERR_NO_ERROR, std::move(configs)};
}

// A refusal is an answer, too: whoever gives it can be reached.
void Checkup::check_brokers() {
  std::string silent;
  std::size_t answered = 0;
  for (const BrokerInfo& broker : cluster_.brokers) {
    const auto code = configs_of(RD_KAFKA_RESOURCE_BROKER, std::to_string(broker.id)).first;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || is_denied(code))
      ++answered;
    else
      silent += fmt::format("{}{} ({})", silent.empty() ? "" : ", ", broker.address,
                            rd_kafka_err2str(code));
  }
  const std::string release = release_of(produce_version_);
  std::string found = fmt::format("{} of {} answer", answered, cluster_.brokers.size());
  if (!release.empty()) found += ", Kafka " + release;
  if (!silent.empty())
    return add("brokers", Health::kProblem, found + "; silent: " + silent,
               "every broker must be reachable under the address it advertises "
               "(advertised.listeners), not only those named by --bus");
  add("brokers", Health::kGood, found);
}

void Checkup::check_topic(const TopicNeed& need) {
  const auto found = cluster_.topics.find(need.name);
  if (found != cluster_.topics.end()) {
    check_layout(need, found->second);
    if (need.write) check_write(need.name);
    if (need.read) check_read(need.name);
    return;
  }
  // Not listed: it is missing, or this user may not see it.
  const auto count = client_->partition_count(need.name, kTryFor);
  if (count || count.error().code == ErrorCode::kUnavailable)
    return add("topic " + need.name, Health::kProblem, count ? "not listed" : count.error().message,
               fmt::format("grant this user {} on topic {} (docs/kafka.md has the whole list)",
                           need.write ? "Write" : "Read", need.name));
  check_may_create(need.name);
}

void Checkup::check_may_create(const std::string& topic) {
  const Status created = may_create_topic(*client_, topic);
  if (created)
    return add("topic " + topic, Health::kNote, "is not there yet",
               "it is made with default settings when it is first needed; or make it yourself: "
               "tocsin topics create");
  add("topic " + topic, Health::kProblem,
      "is not there, and cannot be made: " + created.error().message,
      "make it, or grant this user Create on it");
}

void Checkup::check_layout(const TopicNeed& need, const TopicLayout& layout) {
  const auto [code, configs] = configs_of(RD_KAFKA_RESOURCE_TOPIC, need.name);
  const auto number = [&](const char* name) {
    const auto entry = configs.find(name);
    return entry == configs.end() ? -1LL : std::atoll(entry->second.c_str());
  };
  std::string found =
      fmt::format("{} partitions, replication {}", layout.partitions, layout.replicas_min);
  const long long isr = number("min.insync.replicas");
  const long long largest = number("max.message.bytes");
  if (isr > 0) found += fmt::format(", min.insync.replicas {}", isr);
  if (largest > 0) found += fmt::format(", max.message.bytes {}", largest);
  if (configs.empty()) found += "; settings unknown: DescribeConfigs is not granted";
  const std::string what = "topic " + need.name;
  if (layout.leaderless > 0)
    return add(what, Health::kProblem,
               fmt::format("{}; {} partitions have no leader", found, layout.leaderless),
               "bring the brokers back that hold them");
  if (isr > layout.in_sync_min)
    return add(what, Health::kProblem,
               fmt::format("{}; only {} replicas are in sync", found, layout.in_sync_min),
               "writes are refused until min.insync.replicas are: bring brokers back");
  if (largest > 0 && static_cast<unsigned long long>(largest) < settings_.message_bytes_max)
    return add(what, Health::kNote, found,
               fmt::format("set --bus-property message.max.bytes={} here, or raise the topic's "
                           "max.message.bytes to {}: larger batches are refused",
                           largest, settings_.message_bytes_max));
  if (layout.in_sync_min < layout.replicas_min)
    return add(what, Health::kNote, fmt::format("{}; {} in sync", found, layout.in_sync_min),
               "a replica lags or its broker is away");
  if (layout.replicas_min < 2 && cluster_.brokers.size() > 1)
    return add(what, Health::kNote, found,
               "one copy only: the loss of a broker loses events; 3 are usual");
  if (isr > 1 && isr == layout.replicas_min)
    return add(what, Health::kNote, found,
               "writing stops when one broker is away; min.insync.replicas is usually replication "
               "minus 1");
  add(what, Health::kGood, found);
}

void Checkup::permission(const std::string& acl, rd_kafka_resp_err_t code, bool granted) {
  if (granted) return add("ACL " + acl, Health::kGood, "granted");
  if (is_denied(code))
    return add("ACL " + acl, Health::kProblem, "missing",
               fmt::format("grant it: kafka-acls --add --allow-principal User:... ({})", acl));
  add("ACL " + acl, Health::kNote, fmt::format("not known: {}", rd_kafka_err2str(code)),
      "try again when the brokers are well");
}

void Checkup::check_write(const std::string& topic) {
  std::optional<rd_kafka_resp_err_t> outcome;
  Hooks hooks;
  hooks.on_delivery = [&outcome](const rd_kafka_message_t& message) { outcome = message.err; };
  const auto client = Client::open(
      settings_, RD_KAFKA_PRODUCER,
      {{"client.id", "tocsin-doctor"},
       {"acks", "2"},  // refused with INVALID_REQUIRED_ACKS, after the ACLs were looked at
       {"retries", "0"},
       {"message.timeout.ms", std::to_string(kTryFor.count())}},
      std::move(hooks));
  if (!client) return add("ACL Write on topic " + topic, Health::kNote, client.error().message);
  Record record;
  record.value = "{}";
  rd_kafka_resp_err_t code = produce(**client, topic, record, 0);
  const auto deadline = SteadyClock::now() + kTryFor + Milliseconds(1'000);
  while (code == RD_KAFKA_RESP_ERR_NO_ERROR && !outcome && SteadyClock::now() < deadline)
    rd_kafka_poll((*client)->get(), 50);
  (*client)->drop_hooks();
  code = outcome.value_or(RD_KAFKA_RESP_ERR__TIMED_OUT);
  permission("Write on topic " + topic, code, code == RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS);
}

void Checkup::check_read(const std::string& topic) {
  // A group id is wanted even without a group; the group's ACL is another check's matter.
  const auto client = Client::open(settings_, RD_KAFKA_CONSUMER,
                                   {{"client.id", "tocsin-doctor"},
                                    {"group.id", "tocsin-doctor-" + Uuid::random().to_string()},
                                    {"enable.auto.commit", "false"},
                                    {"enable.partition.eof", "true"}},
                                   {});
  if (!client) return add("ACL Read on topic " + topic, Health::kNote, client.error().message);
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0)->offset = RD_KAFKA_OFFSET_END;
  rd_kafka_poll_set_consumer((*client)->get());
  rd_kafka_assign((*client)->get(), list.get());
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  const auto deadline = SteadyClock::now() + kTryFor;
  while (SteadyClock::now() < deadline) {
    rd_kafka_message_t* const message = rd_kafka_consumer_poll((*client)->get(), 100);
    if (message == nullptr) continue;
    code = message->err;
    rd_kafka_message_destroy(message);
    // What the group may do is asked elsewhere.
    if (code != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) break;
  }
  rd_kafka_consumer_close((*client)->get());
  permission("Read on topic " + topic, code,
             code == RD_KAFKA_RESP_ERR__PARTITION_EOF || code == RD_KAFKA_RESP_ERR_NO_ERROR);
}

// Committing for a topic that does not exist changes nothing, and is refused for the group first.
void Checkup::check_group() {
  const PartitionList list(rd_kafka_topic_partition_list_new(1));
  const std::string nowhere = "tocsin-doctor-" + Uuid::random().to_string();
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__WAIT_COORD;
  const auto deadline = SteadyClock::now() + kTryFor;
  rd_kafka_poll_set_consumer(client_->get());
  while (SteadyClock::now() < deadline &&
         (code == RD_KAFKA_RESP_ERR__WAIT_COORD || code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
          code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS)) {
    if (rd_kafka_message_t* const event = rd_kafka_consumer_poll(client_->get(), 100);
        event != nullptr) {
      const rd_kafka_resp_err_t told = event->err;
      rd_kafka_message_destroy(event);
      if (told == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        code = told;
        break;
      }
    }
    if (list->cnt == 0) rd_kafka_topic_partition_list_add(list.get(), nowhere.c_str(), 0);
    list->elems[0].offset = 0;
    code = rd_kafka_commit(client_->get(), list.get(), 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = list->elems[0].err;
  }
  const bool granted = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                       code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                       code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
                       code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
                       code == RD_KAFKA_RESP_ERR_NO_ERROR;
  permission("Read on group " + needs_.group, code, granted);
  if (granted) check_group_state();
}

void Checkup::check_transactions() {
  const std::string acl = "Write and Describe on transactional id " + needs_.transactional_id;
  const auto client = Client::open(
      settings_, RD_KAFKA_PRODUCER,
      {{"client.id", "tocsin-doctor"}, {"transactional.id", needs_.transactional_id}}, {});
  if (!client) return add("ACL " + acl, Health::kNote, client.error().message);
  rd_kafka_error_t* const error =
      rd_kafka_init_transactions((*client)->get(), static_cast<int>(kTryFor.count()));
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  if (error != nullptr) rd_kafka_error_destroy(error);
  permission(acl, code, code == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void Checkup::check_group_state() {
  const std::string what = "group " + needs_.group;
  const auto groups = list_groups(*client_);
  if (!groups) return add(what, Health::kNote, groups.error().message);
  const auto found = std::find_if(groups->begin(), groups->end(), [&](const GroupInfo& group) {
    return group.name == needs_.group;
  });
  if (found == groups->end())
    return add(what, Health::kNote, "never read anything yet", "start tocsin detect");
  std::int64_t lag = 0, unowned = 0;
  for (const GroupPartition& partition : found->partitions) {
    lag += partition.lag;
    unowned += partition.member.empty() ? 1 : 0;
  }
  const std::string text = fmt::format("{} members, lag {}", found->members, lag);
  if (found->members == 0 && lag > 0)
    return add(what, Health::kNote, text, "nobody reads: start tocsin detect");
  if (found->members > 0 && unowned > 0)
    return add(what, Health::kNote, fmt::format("{}; {} partitions have no reader", text, unowned),
               "the group is rebalancing, or a member hangs: look again in a minute");
  add(what, Health::kGood, text);
}

void Checkup::check_clock() {
  const std::string topic = "tocsin-doctor-" + Uuid::random().to_string();
  if (const Status made = create_probe_topic(*client_, topic); !made)
    return add("clock", Health::kNote, "not measured: " + made.error().message,
               "--probe makes a topic of its own: grant Create and Delete on topics that begin "
               "with tocsin-doctor-");
  std::optional<std::int64_t> theirs;
  std::int64_t before = 0, after = 0;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  Hooks hooks;
  hooks.on_delivery = [&](const rd_kafka_message_t& message) {
    rd_kafka_timestamp_type_t kind{};
    code = message.err;
    theirs = rd_kafka_message_timestamp(&message, &kind);
    after = now_ns() / 1'000'000;
  };
  const auto client = Client::open(settings_, RD_KAFKA_PRODUCER,
                                   {{"client.id", "tocsin-doctor"},
                                    {"acks", "1"},
                                    {"linger.ms", "0"},
                                    {"message.timeout.ms", std::to_string(kTryFor.count())}},
                                   std::move(hooks));
  for (int round = 0; client && round < 2; ++round) {  // the first pays for the connection
    theirs.reset();
    before = now_ns() / 1'000'000;
    static_cast<void>(produce(**client, topic, Record{"", "x", {}, 0}, 0));
    const auto deadline = SteadyClock::now() + kTryFor + Milliseconds(1'000);
    while (!theirs && SteadyClock::now() < deadline) rd_kafka_poll((*client)->get(), 20);
  }
  if (client) (*client)->drop_hooks();
  static_cast<void>(delete_topic(*client_, topic));
  if (!theirs || code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return add("clock", Health::kNote, fmt::format("not measured: {}", rd_kafka_err2str(code)));
  const std::int64_t skew = before > *theirs  ? *theirs - before
                            : after < *theirs ? *theirs - after
                                              : 0;
  const std::string found =
      fmt::format("the broker's is {} ms {} ours (within {} ms)", std::abs(skew),
                  skew < 0 ? "behind" : "ahead of", after - before);
  if (std::abs(skew) > kSkewMaxMs)
    return add("clock", Health::kProblem, found,
               "synchronise both (NTP): retention, lag in time and traces rely on it");
  add("clock", Health::kGood, found);
}

}  // namespace

std::string release_of(int produce_version_max) {
  if (produce_version_max < 0) return {};
  if (produce_version_max <= 9) return "3.6 or older";
  if (produce_version_max == 10) return "3.7";
  if (produce_version_max == 11) return "3.8 or 3.9";
  if (produce_version_max == 12) return "4.0";
  return "4.1 or newer";
}

std::vector<Finding> check_health(const std::string& brokers,
                                  const std::map<std::string, std::string>& properties,
                                  const HealthNeeds& needs) {
  Settings settings{.brokers = brokers, .properties = properties};
  if (const auto found = properties.find("message.max.bytes"); found != properties.end())
    settings.message_bytes_max = std::strtoull(found->second.c_str(), nullptr, 10);
  return Checkup(std::move(settings), needs).run();
}

}  // namespace tocsin::bus::kafka
