// SPDX-License-Identifier: Apache-2.0
//
// Grants and revokes permissions on a test broker: what kafka-acls does, without waiting for a JVM.
//
//   BROKER add|remove PRINCIPAL TYPE:NAME:OPERATION... -> the broker's ACLs
//
// TYPE is topic, group or cluster; a NAME that ends with * is a prefix.
#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Words {
  std::string type, name, operation;
};

const std::map<std::string, rd_kafka_ResourceType_t> kTypes = {
    {"topic", RD_KAFKA_RESOURCE_TOPIC},
    {"group", RD_KAFKA_RESOURCE_GROUP},
    {"cluster", RD_KAFKA_RESOURCE_BROKER}};
const std::map<std::string, rd_kafka_AclOperation_t> kOperations = {
    {"Read", RD_KAFKA_ACL_OPERATION_READ},
    {"Write", RD_KAFKA_ACL_OPERATION_WRITE},
    {"Create", RD_KAFKA_ACL_OPERATION_CREATE},
    {"Delete", RD_KAFKA_ACL_OPERATION_DELETE},
    {"Describe", RD_KAFKA_ACL_OPERATION_DESCRIBE},
    {"DescribeConfigs", RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS},
    {"IdempotentWrite", RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE}};

[[noreturn]] void leave(const std::string& why) {
  std::fprintf(stderr, "e2e_kafka_acl: %s\n", why.c_str());
  std::exit(1);
}

Words words_of(const std::string& text) {
  const std::size_t first = text.find(':');
  const std::size_t last = text.rfind(':');
  if (first == std::string::npos || first == last) leave(text + ": TYPE:NAME:OPERATION is wanted");
  return {text.substr(0, first), text.substr(first + 1, last - first - 1), text.substr(last + 1)};
}

rd_kafka_AclBinding_t* binding(const std::string& principal, const std::string& text, bool add) {
  Words words = words_of(text);
  if (!kTypes.contains(words.type) || !kOperations.contains(words.operation)) leave(text);
  auto pattern = RD_KAFKA_RESOURCE_PATTERN_LITERAL;
  if (words.name.ends_with('*')) {
    pattern = RD_KAFKA_RESOURCE_PATTERN_PREFIXED;
    words.name.pop_back();
  }
  char reason[256] = "";
  const auto make = add ? rd_kafka_AclBinding_new : rd_kafka_AclBindingFilter_new;
  rd_kafka_AclBinding_t* const made = make(
      kTypes.at(words.type), words.name.c_str(), pattern, principal.c_str(), "*",
      kOperations.at(words.operation), RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, reason, sizeof reason);
  if (made == nullptr) leave(text + ": " + reason);
  return made;
}

std::string first_failure(const rd_kafka_event_t* event, bool add) {
  std::size_t count = 0;
  if (add) {
    const auto* const* results = rd_kafka_CreateAcls_result_acls(
        rd_kafka_event_CreateAcls_result(const_cast<rd_kafka_event_t*>(event)), &count);
    for (std::size_t i = 0; i < count; ++i)
      if (const rd_kafka_error_t* error = rd_kafka_acl_result_error(results[i]); error != nullptr)
        return rd_kafka_error_string(error);
    return {};
  }
  const auto* const* results = rd_kafka_DeleteAcls_result_responses(
      rd_kafka_event_DeleteAcls_result(const_cast<rd_kafka_event_t*>(event)), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_DeleteAcls_result_response_error(results[i]);
        error != nullptr)
      return rd_kafka_error_string(error);
    std::size_t matching = 0;
    rd_kafka_DeleteAcls_result_response_matching_acls(results[i], &matching);
    if (matching == 0) return "no such permission";
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4 || (words[1] != "add" && words[1] != "remove"))
    leave("usage: e2e_kafka_acl BROKER add|remove PRINCIPAL TYPE:NAME:OPERATION...");
  const bool add = words[1] == "add";
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  char reason[256] = "";
  rd_kafka_conf_set(conf, "bootstrap.servers", words[0].c_str(), reason, sizeof reason);
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (client == nullptr) leave(reason);
  std::vector<rd_kafka_AclBinding_t*> bindings;
  for (std::size_t i = 3; i < words.size(); ++i)
    bindings.push_back(binding(words[2], words[i], add));
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(client);
  (add ? rd_kafka_CreateAcls : rd_kafka_DeleteAcls)(client, bindings.data(), bindings.size(),
                                                    nullptr, queue);
  rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, 20'000);
  if (event == nullptr) leave("no answer within 20 s");
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
    leave(rd_kafka_event_error_string(event));
  const std::string failure = first_failure(event, add);
  if (!failure.empty()) leave(failure);
  rd_kafka_event_destroy(event);
  for (rd_kafka_AclBinding_t* one : bindings) rd_kafka_AclBinding_destroy(one);
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(client);
  return 0;
}
