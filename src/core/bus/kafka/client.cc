// SPDX-License-Identifier: Apache-2.0
#include "core/bus/kafka/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "core/bus/kafka/advice.h"
#include "core/bus/kafka/properties.h"

namespace tocsin::bus::kafka {
namespace {

struct ConfFree {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfFree>;

// One configuration file serves both buses: these are the embedded one's.
constexpr std::array<std::string_view, 4> kEmbeddedProperties = {
    "value.bytes.max", "page.count.max", "synchronous", "retention.check.ms"};

constexpr int kSyslogCritical = 2;

Status set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value,
           bool secret = false) {
  char reason[512];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) ==
      RD_KAFKA_CONF_OK)
    return {};
  if (secret)
    return fail(ErrorCode::kInvalid, fmt::format("bus property {}: its value was refused", name));
  if (name == "sasl.oauthbearer.method" && value == "oidc")
    return fail(ErrorCode::kUnsupported,
                fmt::format("bus property {}: {}: the librdkafka {} of this program is built "
                            "without OIDC (docs/kafka.md)",
                            name, value, rd_kafka_version_str()));
  // The reason quotes the value, in which a password may stand.
  if (value.find('=') != std::string::npos)
    return fail(ErrorCode::kInvalid,
                fmt::format("bus property {}: its value was refused; several properties stand on a "
                            "line each",
                            name));
  return fail(ErrorCode::kInvalid, fmt::format("bus property {}: {}", name, reason));
}

Result<Conf> make_conf(const Settings& settings, const std::map<std::string, std::string>& ours) {
  Conf conf(rd_kafka_conf_new());
  TOCSIN_TRY_STATUS(set(conf.get(), "bootstrap.servers", settings.brokers));
  // A broker that comes back is noticed within two seconds, not ten.
  TOCSIN_TRY_STATUS(set(conf.get(), "reconnect.backoff.max.ms", "2000"));
  for (const auto& [name, value] : ours) TOCSIN_TRY_STATUS(set(conf.get(), name, value));
  for (const auto& [name, value] : settings.properties) {
    if (std::find(kEmbeddedProperties.begin(), kEmbeddedProperties.end(), name) !=
        kEmbeddedProperties.end())
      continue;
    TOCSIN_TRY(const std::string resolved, resolve(name, value));
    // librdkafka's reason quotes a value that it refuses: one from a file or a variable is a
    // secret.
    TOCSIN_TRY_STATUS(set(conf.get(), name, resolved, is_secret(name) || is_reference(value)));
  }
  return conf;
}

// Where the caller has not said what it tried.
std::string permission_for(rd_kafka_resp_err_t code, const rd_kafka_t* handle) {
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) return "Read on the topic";
  if (code != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) return "more (docs/kafka.md)";
  char group[256] = "";
  std::size_t size = sizeof group;
  rd_kafka_conf_get(rd_kafka_conf(const_cast<rd_kafka_t*>(handle)), "group.id", group, &size);
  return fmt::format("Read on group {}", group);
}

}  // namespace

Status check_properties(const Settings& settings) {
  TOCSIN_TRY(const Conf conf, make_conf(settings, {}));
  return {};
}

ErrorCode code_of(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return ErrorCode::kNotFound;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return ErrorCode::kInvalid;
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return ErrorCode::kUnsupported;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
      return ErrorCode::kStale;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kUnavailable;
  }
}

bool is_denied(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

Client::Client(Settings settings, Hooks hooks)
    : settings_(std::move(settings)), hooks_(std::move(hooks)) {}

Result<std::shared_ptr<Client>> Client::open(const Settings& settings, rd_kafka_type_t type,
                                             const std::map<std::string, std::string>& ours,
                                             Hooks hooks) {
  TOCSIN_TRY(Conf conf, make_conf(settings, ours));
  std::shared_ptr<Client> client(new Client(settings, std::move(hooks)));
  rd_kafka_conf_set_opaque(conf.get(), client.get());
  rd_kafka_conf_set_log_cb(conf.get(), &Client::on_log);
  rd_kafka_conf_set_error_cb(conf.get(), &Client::on_error);
  if (client->hooks_.on_delivery) rd_kafka_conf_set_dr_msg_cb(conf.get(), &Client::on_delivery);
  if (client->hooks_.on_rebalance)
    rd_kafka_conf_set_rebalance_cb(conf.get(), &Client::on_rebalance);
  char reason[512];
  client->handle_ = rd_kafka_new(type, conf.get(), reason, sizeof reason);
  if (client->handle_ == nullptr)
    return fail(ErrorCode::kInvalid, fmt::format("{}: {}", settings.url(), reason));
  static_cast<void>(conf.release());  // the handle owns it now
  return client;
}

Client::~Client() {
  if (handle_ == nullptr) return;
  rd_kafka_destroy_flags(handle_, group_abandoned_ ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0);
}

tl::unexpected<Error> Client::failure(rd_kafka_resp_err_t code, std::string_view what,
                                      std::string_view detail, std::string_view permission) const {
  const std::lock_guard lock(mutex_);
  const ErrorCode kind = code_of(code);
  std::string message = fmt::format("{}: {}: {}", settings_.url(), what,
                                    detail.empty() ? rd_kafka_err2str(code) : detail);
  if (is_denied(code)) {
    const std::string lacking =
        permission.empty() ? permission_for(code, handle_) : std::string(permission);
    message += fmt::format("; the broker's ACLs must allow this user {}", lacking);
  } else if (kind == ErrorCode::kUnavailable && !last_trouble_.empty()) {
    message += " (" + last_trouble_ + ")";
  }
  return fail(kind, std::move(message));
}

bool Client::is_cut_off(Milliseconds patience) {
  {
    const std::lock_guard lock(mutex_);
    if (!cut_off_) return false;
  }
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(handle_, 0, nullptr, &metadata, static_cast<int>(patience.count())) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return true;
  rd_kafka_metadata_destroy(metadata);
  note_contact();
  return false;
}

void Client::note_contact() {
  const std::lock_guard lock(mutex_);
  if (cut_off_) log_info("bus: {} answers again", settings_.url());
  cut_off_ = false;
  last_trouble_.clear();
}

Result<std::int32_t> Client::partition_count(const std::string& topic, Milliseconds timeout) {
  rd_kafka_topic_t* const handle = rd_kafka_topic_new(handle_, topic.c_str(), nullptr);
  if (handle == nullptr) return failure(rd_kafka_last_error(), "topic " + topic);
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_resp_err_t code =
      rd_kafka_metadata(handle_, 0, handle, &metadata, static_cast<int>(timeout.count()));
  std::int32_t partitions = 0;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    note_contact();
    code = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                    : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_topic_destroy(handle);
  if (code_of(code) == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound, fmt::format("topic {} does not exist", topic));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failure(code, "topic " + topic, {},
                   fmt::format("Describe on topic {} (Write and Read include it)", topic));
  return partitions;
}

namespace {

constexpr Milliseconds kLeaderPause{100};

// A partition that is new or on the move has no leader, or another than we know, for a moment.
bool is_leader_change(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

}  // namespace

Result<PartitionInfo> Client::watermarks(const std::string& topic, std::int32_t partition,
                                         Milliseconds timeout) {
  PartitionInfo info{.partition = partition};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(handle_, topic.c_str(), partition, &info.first_offset,
                                         &info.end_offset, static_cast<int>(timeout.count()));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return info;
    if (!is_leader_change(code) || std::chrono::steady_clock::now() >= deadline)
      return failure(code, fmt::format("topic {} partition {}", topic, partition), {},
                     "Describe on topic " + topic);
    std::this_thread::sleep_for(kLeaderPause);
    refresh_leaders(timeout);
  }
}

// So that the next question goes to the partition's leader of now.
void Client::refresh_leaders(Milliseconds timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(handle_, 1, nullptr, &metadata, static_cast<int>(timeout.count())) ==
      RD_KAFKA_RESP_ERR_NO_ERROR)
    rd_kafka_metadata_destroy(metadata);
}

void Client::on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  const auto* const client = static_cast<const Client*>(rd_kafka_opaque(handle));
  if (client != nullptr && client->hooks_.on_log) return client->hooks_.on_log(text);
  log_line(level <= kSyslogCritical ? LogLevel::kWarning : LogLevel::kDebug,
           fmt::format("librdkafka {}: {}", facility, text));
}

void Client::on_error(rd_kafka_t* handle, int code, const char* reason, void* self) {
  auto& client = *static_cast<Client*>(self);
  char text[512];
  const bool fatal = code == RD_KAFKA_RESP_ERR__FATAL;
  if (fatal) {
    rd_kafka_fatal_error(handle, text, sizeof text);
    reason = text;
  }
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) client.renew_credentials();
  std::string trouble = steady_reason(reason);
  if (const std::string advice = advice_for(reason); !advice.empty()) trouble += "; " + advice;
  const std::lock_guard lock(client.mutex_);
  const bool all_down = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  const bool first = all_down ? !client.cut_off_ : client.last_trouble_ != trouble;
  if (all_down) {
    client.cut_off_ = true;
    if (first)
      log_warning("bus: {}: no broker can be reached, trying on: {}", client.settings_.url(),
                  client.last_trouble_.empty() ? trouble : client.last_trouble_);
    return;
  }
  client.last_trouble_ = trouble;
  if (!first) return;
  const bool worth_telling =
      fatal || code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
  log_line(worth_telling ? LogLevel::kWarning : LogLevel::kDebug,
           fmt::format("bus: {}: {}", client.settings_.url(), trouble));
}

// A password that was changed where it stands (a file) is good for the next attempt.
void Client::renew_credentials() {
  const auto user = settings_.properties.find("sasl.username");
  const auto password = settings_.properties.find("sasl.password");
  if (user == settings_.properties.end() || password == settings_.properties.end()) return;
  if (!is_reference(user->second) && !is_reference(password->second)) return;
  const auto name = resolve(user->first, user->second);
  const auto secret = resolve(password->first, password->second);
  if (!name || !secret) {
    log_warning("{}", (name ? secret : name).error().message);
    return;
  }
  if (rd_kafka_error_t* const error =
          rd_kafka_sasl_set_credentials(handle_, name->c_str(), secret->c_str());
      error != nullptr)
    rd_kafka_error_destroy(error);
}

void Client::on_delivery(rd_kafka_t* /*handle*/, const rd_kafka_message_t* message, void* self) {
  auto& client = *static_cast<Client*>(self);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) client.note_contact();
  if (client.hooks_.on_delivery) client.hooks_.on_delivery(*message);
}

void Client::on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto& client = *static_cast<Client*>(self);
  // Partitions are also taken away without a broker: when none was heard for a session.
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) client.note_contact();
  if (client.hooks_.on_rebalance)
    client.hooks_.on_rebalance(code, partitions);
  else
    rd_kafka_assign(handle, nullptr);
}

}  // namespace tocsin::bus::kafka
