// SPDX-License-Identifier: Apache-2.0
//
// The least that a Kafka client costs: librdkafka alone, with the settings that Tocsin's producer
// and consumer use. The reference of bench/pipeline.py.
//
//   bare_kafka produce BROKERS TOPIC FILE     each line of the file is a message
//   bare_kafka label BROKERS TOPIC FILE       the same, with a key and as many headers as an event
//   bare_kafka consume BROKERS TOPIC COUNT    reads so many messages from the beginning
//   bare_kafka headers BROKERS TOPIC COUNT    the same, and asks for each message's headers
//
// Prints {"messages":N,"bytes":N,"seconds":S}: of the producer from opening the file to the last
// acknowledged message, of the consumer from the first message to the last.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPollMs = 100;
constexpr int kFlushMs = 60'000;
constexpr int kSilenceMs = 30'000;  // for so long nothing came: what is missing will not come
constexpr std::size_t kBatch = 2'000;

[[noreturn]] void leave(const std::string& why) {
  std::fprintf(stderr, "bare_kafka: %s\n", why.c_str());
  std::exit(1);
}

struct Figures {
  std::uint64_t messages = 0, bytes = 0;
};

void print(const Figures& figures, Clock::time_point begin) {
  const std::chrono::duration<double> seconds = Clock::now() - begin;
  std::printf("{\"messages\":%llu,\"bytes\":%llu,\"seconds\":%.6f}\n",
              static_cast<unsigned long long>(figures.messages),
              static_cast<unsigned long long>(figures.bytes), seconds.count());
}

rd_kafka_t* open(rd_kafka_type_t type,
                 const std::vector<std::pair<std::string, std::string>>& properties) {
  std::array<char, 512> reason{};
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  for (const auto& [name, value] : properties)
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(), reason.size()) !=
        RD_KAFKA_CONF_OK)
      leave(reason.data());
  if (type == RD_KAFKA_PRODUCER)
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) leave(rd_kafka_err2str(message->err));
    });
  rd_kafka_t* const handle = rd_kafka_new(type, conf, reason.data(), reason.size());
  if (handle == nullptr) leave(reason.data());
  return handle;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) leave(path + ": cannot be read");
  std::string text(static_cast<std::size_t>(file.tellg()), '\0');
  file.seekg(0);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())))
    leave(path + ": cannot be read");
  return text;
}

// Like those that `produce` gives an event of a file when spans are not recorded.
rd_kafka_headers_t* labels() {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLabels = {{
      {"event_id", "0b9f2c1e-5d7a-8f00-9c3b-7a1d5e2f4b6c"},
      {"traceparent", "00-0b9f2c1e5d7a8f009c3b7a1d5e2f4b6c-7a1d5e2f4b6c0b9f-01"},
      {"source", "/var/log/windows/events.jsonl:123456"},
      {"content-type", "application/json"},
      {"log.file.path", "/var/log/windows/events.jsonl"},
      {"log.offset", "123456"},
  }};
  rd_kafka_headers_t* const headers = rd_kafka_headers_new(kLabels.size());
  for (const auto& [name, value] : kLabels)
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  return headers;
}

rd_kafka_resp_err_t send_labelled(rd_kafka_t* handle, const std::string& topic,
                                  std::string& value) {
  static std::string key = "workstation-17.corp.example";
  std::array<rd_kafka_vu_t, 5> args{};
  args[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  args[0].u.cstr = topic.c_str();
  args[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  args[1].u.i = RD_KAFKA_MSG_F_COPY;
  args[2].vtype = RD_KAFKA_VTYPE_VALUE;
  args[2].u.mem = {value.data(), value.size()};
  args[3].vtype = RD_KAFKA_VTYPE_KEY;
  args[3].u.mem = {key.data(), key.size()};
  args[4].vtype = RD_KAFKA_VTYPE_HEADERS;
  rd_kafka_headers_t* const headers = labels();
  args[4].u.headers = headers;
  rd_kafka_error_t* const error = rd_kafka_produceva(handle, args.data(), args.size());
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  rd_kafka_headers_destroy(headers);
  return code;
}

void produce(const std::string& brokers, const std::string& topic, const std::string& path,
             bool labelled) {
  const Clock::time_point begin = Clock::now();
  const std::string text = read(path);
  rd_kafka_t* const handle = open(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                      {"enable.idempotence", "true"},
                                                      {"acks", "all"},
                                                      {"compression.type", "lz4"},
                                                      {"linger.ms", "5"},
                                                      {"queue.buffering.max.messages", "100000"},
                                                      {"socket.nagle.disable", "true"}});
  rd_kafka_topic_t* const where = rd_kafka_topic_new(handle, topic.c_str(), nullptr);
  Figures figures;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string copy(line);
    const auto send = [&] {
      if (labelled) return send_labelled(handle, topic, copy);
      const int failed = rd_kafka_produce(where, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                                          copy.data(), copy.size(), nullptr, 0, nullptr);
      return failed == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
    };
    for (auto code = send(); code != RD_KAFKA_RESP_ERR_NO_ERROR; code = send()) {
      if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) leave(rd_kafka_err2str(code));
      rd_kafka_poll(handle, 1);
    }
    rd_kafka_poll(handle, 0);
    figures.messages += 1;
    figures.bytes += line.size();
  }
  if (rd_kafka_flush(handle, kFlushMs) != RD_KAFKA_RESP_ERR_NO_ERROR) leave("not all arrived");
  print(figures, begin);
  rd_kafka_topic_destroy(where);
  rd_kafka_destroy(handle);
}

// The bytes of a message's headers. librdkafka makes a list of them at the first question.
std::size_t header_bytes(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
  std::size_t sum = 0, size = 0;
  const char* name = nullptr;
  const void* value = nullptr;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    sum += size;
  return sum;
}

void consume(const std::string& brokers, const std::string& topic, std::uint64_t count,
             bool with_headers) {
  rd_kafka_t* const handle =
      open(RD_KAFKA_CONSUMER,
           {{"bootstrap.servers", brokers},
            {"group.id", "bare-" + std::to_string(Clock::now().time_since_epoch().count())},
            {"auto.offset.reset", "earliest"},
            {"enable.auto.commit", "false"},
            {"isolation.level", "read_committed"},
            {"socket.nagle.disable", "true"}});
  rd_kafka_poll_set_consumer(handle);
  rd_kafka_topic_partition_list_t* const topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(handle, topics);
  rd_kafka_topic_partition_list_destroy(topics);
  rd_kafka_queue_t* const queue = rd_kafka_queue_get_consumer(handle);
  std::vector<rd_kafka_message_t*> batch(kBatch);
  Figures figures;
  Clock::time_point begin{};
  for (int silence = 0; figures.messages < count;) {
    const ssize_t got = rd_kafka_consume_batch_queue(queue, kPollMs, batch.data(), batch.size());
    silence = got > 0 ? 0 : silence + kPollMs;
    if (silence > kSilenceMs) leave("only " + std::to_string(figures.messages) + " messages came");
    for (ssize_t i = 0; i < got; ++i) {
      rd_kafka_message_t* const message = batch[static_cast<std::size_t>(i)];
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (figures.messages == 0) begin = Clock::now();
        figures.messages += 1;
        figures.bytes += message->len;
        if (with_headers) figures.bytes += header_bytes(message);
      }
      rd_kafka_message_destroy(message);
    }
  }
  print(figures, begin);
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(handle);
  rd_kafka_destroy(handle);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && (words[0] == "produce" || words[0] == "label")) {
    produce(words[1], words[2], words[3], words[0] == "label");
  } else if (words.size() == 4 && (words[0] == "consume" || words[0] == "headers")) {
    consume(words[1], words[2], std::strtoull(words[3].c_str(), nullptr, 10),
            words[0] == "headers");
  } else {
    leave(
        "usage: bare_kafka produce|label BROKERS TOPIC FILE | bare_kafka consume|headers BROKERS "
        "TOPIC COUNT");
  }
  return 0;
}
