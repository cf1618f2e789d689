// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/bus/kafka/request.h"
#include "core/bus/kafka/topics/topic_settings.h"

namespace tocsin::bus::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kTimeout = kRequestTimeout;
constexpr Milliseconds kLookTimeout{2'000};  // what does not answer by then is asked to create

// The outcome for the one topic of the request.
rd_kafka_resp_err_t outcome(const rd_kafka_topic_result_t** results, std::size_t count,
                            std::string& detail) {
  if (count != 1) return RD_KAFKA_RESP_ERR_UNKNOWN;
  const char* const text = rd_kafka_topic_result_error_string(results[0]);
  if (text != nullptr) detail = text;
  return rd_kafka_topic_result_error(results[0]);
}

// The brokers learn of a new topic a moment after the request for it is answered.
void await_topic(Client& client, const std::string& name) {
  const auto deadline = SteadyClock::now() + kTimeout;
  while (!client.partition_count(name, kTimeout) && SteadyClock::now() < deadline)
    std::this_thread::sleep_for(Milliseconds(20));
}

bool is_internal(std::string_view topic) { return topic.starts_with("__"); }

}  // namespace

namespace {

struct NewTopicFree {
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
};
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, NewTopicFree>;

Result<NewTopic> new_topic(const std::string& name, std::int32_t partitions, int replication) {
  char reason[256];
  NewTopic topic(
      rd_kafka_NewTopic_new(name.c_str(), partitions, replication, reason, sizeof reason));
  if (!topic) return fail(ErrorCode::kInvalid, fmt::format("topic '{}': {}", name, reason));
  return topic;
}

Status request_topic(Client& client, const std::string& name, const NewTopic& topic,
                     bool only_validate) {
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  const std::string permission = "Create on topic " + name;
  TOCSIN_TRY(const Event event,
             ask(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, "create topic " + name, permission,
                 [&](rd_kafka_AdminOptions_t* request, rd_kafka_queue_t* queue) {
                   char reason[256];
                   if (only_validate)
                     rd_kafka_AdminOptions_set_validate_only(request, 1, reason, sizeof reason);
                   rd_kafka_CreateTopics(client.get(), topics, 1, request, queue);
                 }));
  std::size_t count = 0;
  const auto* const result = rd_kafka_event_CreateTopics_result(event.get());
  const auto** const results = rd_kafka_CreateTopics_result_topics(result, &count);
  std::string detail;
  const rd_kafka_resp_err_t code = outcome(results, count, detail);
  if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return {};
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client.failure(code, "create topic " + name, detail, permission);
  if (!only_validate) await_topic(client, name);
  return {};
}

}  // namespace

Status create_topic(Client& client, const Settings& settings, const std::string& name,
                    const TopicOptions& options) {
  if (options.partitions < 1)
    return fail(ErrorCode::kInvalid,
                fmt::format("topic {}: {} partitions; at least 1", name, options.partitions));
  // Whoever may not create topics may well use those that are there.
  const auto existing = client.partition_count(name, kLookTimeout);
  if (existing) return {};
  rd_kafka_poll(client.get(), 0);  // takes what has been heard of the connections
  if (client.is_cut_off(Milliseconds(1))) return tl::unexpected(existing.error());
  TOCSIN_TRY(const std::int32_t replication, replication_of(client, options));
  TOCSIN_TRY(const NewTopic topic, new_topic(name, options.partitions, replication));
  for (const auto& [setting, value] : topic_config(settings, options, replication))
    rd_kafka_NewTopic_set_config(topic.get(), setting.c_str(), value.c_str());
  Status created = request_topic(client, name, topic, false);
  // Who may not see it, nor create: using it is what was meant.
  const bool unseen = existing.error().code == ErrorCode::kUnavailable;
  if (!created && created.error().code == ErrorCode::kUnavailable && unseen)
    return tl::unexpected(existing.error());
  return created;
}

Status may_create_topic(Client& client, const std::string& name) {
  TOCSIN_TRY(const NewTopic topic, new_topic(name, 1, -1));
  return request_topic(client, name, topic, true);
}

Status create_probe_topic(Client& client, const std::string& name) {
  TOCSIN_TRY(const NewTopic topic, new_topic(name, 1, -1));
  rd_kafka_NewTopic_set_config(topic.get(), "message.timestamp.type", "LogAppendTime");
  return request_topic(client, name, topic, false);
}

Status delete_topic(Client& client, const std::string& name) {
  struct TopicFree {
    void operator()(rd_kafka_DeleteTopic_t* topic) const { rd_kafka_DeleteTopic_destroy(topic); }
  };
  const std::unique_ptr<rd_kafka_DeleteTopic_t, TopicFree> topic(
      rd_kafka_DeleteTopic_new(name.c_str()));
  rd_kafka_DeleteTopic_t* topics[] = {topic.get()};
  TOCSIN_TRY(
      const Event event,
      ask(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, "delete topic " + name, "Delete on topic " + name,
          [&](const rd_kafka_AdminOptions_t* request, rd_kafka_queue_t* queue) {
            rd_kafka_DeleteTopics(client.get(), topics, 1, request, queue);
          }));
  std::size_t count = 0;
  const auto* const result = rd_kafka_event_DeleteTopics_result(event.get());
  const auto** const results = rd_kafka_DeleteTopics_result_topics(result, &count);
  std::string detail;
  const rd_kafka_resp_err_t code = outcome(results, count, detail);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client.failure(code, "delete topic " + name, detail, "Delete on topic " + name);
  return {};
}

namespace {

using PartitionsOfTopic = std::map<std::string, std::vector<std::int32_t>>;

Result<PartitionsOfTopic> all_partitions(Client& client) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t code =
      rd_kafka_metadata(client.get(), 1, nullptr, &metadata, static_cast<int>(kTimeout.count()));
  learn_of_trouble(client);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client.failure(code, "list topics");
  client.note_contact();
  PartitionsOfTopic found;
  for (int t = 0; t < metadata->topic_cnt; ++t) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[t];
    if (is_internal(topic.topic) || topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    for (int p = 0; p < topic.partition_cnt; ++p)
      found[topic.topic].push_back(topic.partitions[p].id);
  }
  rd_kafka_metadata_destroy(metadata);
  return found;
}

}  // namespace

Result<std::vector<TopicInfo>> list_topics(Client& client) {
  TOCSIN_TRY(PartitionsOfTopic found, all_partitions(client));
  std::vector<TopicInfo> topics;
  for (auto& [name, partitions] : found) {
    TopicInfo info{name, {}};
    std::sort(partitions.begin(), partitions.end());
    bool gone = false;
    for (const std::int32_t partition : partitions) {
      const auto marks = client.watermarks(name, partition, kTimeout);
      gone = gone || (!marks && marks.error().code == ErrorCode::kNotFound);
      if (gone) break;  // deleted while we looked
      if (!marks) return tl::unexpected(marks.error());
      info.partitions.push_back(*marks);
    }
    if (!gone) topics.push_back(std::move(info));
  }
  return topics;
}

namespace {

Result<std::vector<std::string>> group_names(Client& client) {
  TOCSIN_TRY(
      const Event event,
      ask(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, "list groups", "Describe on the groups",
          [&](const rd_kafka_AdminOptions_t* request, rd_kafka_queue_t* queue) {
            rd_kafka_ListConsumerGroups(client.get(), request, queue);
          }));
  const auto* const result = rd_kafka_event_ListConsumerGroups_result(event.get());
  std::size_t count = 0;
  const auto** const listed = rd_kafka_ListConsumerGroups_result_valid(result, &count);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    names.emplace_back(rd_kafka_ConsumerGroupListing_group_id(listed[i]));
  std::sort(names.begin(), names.end());
  return names;
}

// Who reads which partition, from the members' own descriptions.
Status describe_group(Client& client, const std::string& name, GroupInfo& info,
                      std::map<TopicPartition, GroupPartition>& partitions) {
  const char* names[] = {name.c_str()};
  TOCSIN_TRY(const Event event,
             ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, "describe group " + name,
                 "Describe on group " + name,
                 [&](const rd_kafka_AdminOptions_t* request, rd_kafka_queue_t* queue) {
                   rd_kafka_DescribeConsumerGroups(client.get(), names, 1, request, queue);
                 }));
  const auto* const result = rd_kafka_event_DescribeConsumerGroups_result(event.get());
  std::size_t count = 0;
  const auto** const groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
  if (count != 1) return {};
  info.members = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
  for (std::size_t m = 0; m < info.members; ++m) {
    const auto* const member = rd_kafka_ConsumerGroupDescription_member(groups[0], m);
    const auto* const assigned =
        rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
    for (int i = 0; assigned != nullptr && i < assigned->cnt; ++i) {
      const TopicPartition where{assigned->elems[i].topic, assigned->elems[i].partition};
      partitions[where].member = rd_kafka_MemberDescription_client_id(member);
    }
  }
  return {};
}

Status add_committed(Client& client, const std::string& name,
                     std::map<TopicPartition, GroupPartition>& partitions) {
  struct RequestFree {
    void operator()(rd_kafka_ListConsumerGroupOffsets_t* request) const {
      rd_kafka_ListConsumerGroupOffsets_destroy(request);
    }
  };
  const std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, RequestFree> wanted(
      rd_kafka_ListConsumerGroupOffsets_new(name.c_str(), nullptr));
  rd_kafka_ListConsumerGroupOffsets_t* requests[] = {wanted.get()};
  TOCSIN_TRY(const Event event,
             ask(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, "offsets of group " + name,
                 "Describe on group " + name,
                 [&](const rd_kafka_AdminOptions_t* request, rd_kafka_queue_t* queue) {
                   rd_kafka_ListConsumerGroupOffsets(client.get(), requests, 1, request, queue);
                 }));
  const auto* const result = rd_kafka_event_ListConsumerGroupOffsets_result(event.get());
  std::size_t count = 0;
  const auto** const groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
  if (count != 1) return {};
  const auto* const list = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    if (list->elems[i].offset < 0) continue;
    partitions[{list->elems[i].topic, list->elems[i].partition}].committed = list->elems[i].offset;
  }
  return {};
}

// A partition that no member has yet and that has no commit lags too: all of the group's topics
// count in full.
void add_untouched(const PartitionsOfTopic& topics,
                   std::map<TopicPartition, GroupPartition>& partitions) {
  std::set<std::string> read;
  for (const auto& [where, partition] : partitions) read.insert(where.topic);
  for (const std::string& topic : read) {
    const auto found = topics.find(topic);
    if (found == topics.end()) continue;
    for (const std::int32_t number : found->second) partitions.try_emplace({topic, number});
  }
}

}  // namespace

Result<std::vector<GroupInfo>> list_groups(Client& client) {
  TOCSIN_TRY(const std::vector<std::string> names, group_names(client));
  std::vector<GroupInfo> groups;
  TOCSIN_TRY(const PartitionsOfTopic topics, all_partitions(client));
  std::map<TopicPartition, PartitionInfo> marks;
  for (const std::string& name : names) {
    GroupInfo info{name, 0, {}};
    std::map<TopicPartition, GroupPartition> partitions;
    TOCSIN_TRY_STATUS(describe_group(client, name, info, partitions));
    TOCSIN_TRY_STATUS(add_committed(client, name, partitions));
    add_untouched(topics, partitions);
    for (auto& [where, partition] : partitions) {
      if (!marks.contains(where)) {
        const auto found = client.watermarks(where.topic, where.partition, kTimeout);
        if (!found && found.error().code == ErrorCode::kNotFound) continue;  // topic deleted
        if (!found) return tl::unexpected(found.error());
        marks[where] = *found;
      }
      partition.where = where;
      partition.end_offset = marks[where].end_offset;
      partition.lag =
          partition.end_offset - std::max(partition.committed, marks[where].first_offset);
      info.partitions.push_back(partition);
    }
    groups.push_back(std::move(info));
  }
  return groups;
}

}  // namespace tocsin::bus::kafka
