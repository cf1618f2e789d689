// SPDX-License-Identifier: Apache-2.0
//
// A folder for spools, records with numbers in them, and a bus that comes and goes as it is told.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/bus/bus.h"

namespace tocsin::bus::spool {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string path = (fs::temp_directory_path() / "tocsin-spool-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    root = path;
  }
  ~Folder() { fs::remove_all(root); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string root;
};

inline Record numbered(int number, std::size_t bytes = 0) {
  Record record;
  record.key = fmt::format("host{}", number % 3);
  record.value = fmt::format("{}:", number) + std::string(bytes, 'x');
  record.headers = {{"n", std::to_string(number)}, {"empty", ""}};
  record.timestamp_ms = 1000 + number;
  return record;
}

inline int number_of(const Record& record) { return std::stoi(record.value); }

inline bool until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Takes records and acknowledges them at once (kThere), when it is there again (kAway), or refuses
// them for now (kDenies).
struct FickleBus final : Bus {
  enum class Mood { kThere, kAway, kDenies };

  void turn(Mood mood) {
    std::unique_lock lock(mutex);
    // What waits goes first: records that are sent meanwhile line up behind it.
    while (mood == Mood::kThere && !late.empty()) {
      std::vector<std::function<void()>> due;
      due.swap(late);
      lock.unlock();
      for (const auto& acknowledge : due) acknowledge();
      lock.lock();
    }
    now = mood;
  }
  [[nodiscard]] std::vector<int> numbers() {
    const std::lock_guard lock(mutex);
    return taken;
  }

  class FickleProducer final : public Producer {
   public:
    FickleProducer(FickleBus& bus, ProducerOptions options)
        : bus_(bus), options_(std::move(options)) {}
    ~FickleProducer() override {
      const std::lock_guard lock(bus_.mutex);
      bus_.late.clear();
    }
    Status send(std::string_view topic, const Record& record, std::uint64_t token) override {
      if (record.value.size() > 1000) return fail(ErrorCode::kInvalid, "too large");
      Delivery delivery;
      delivery.token = token;
      delivery.where = {std::string(topic), 0};
      std::unique_lock lock(bus_.mutex);
      if (bus_.now == Mood::kDenies) {
        ++bus_.denied;
        delivery.error = Error{ErrorCode::kUnavailable, "not permitted"};
        lock.unlock();
        options_.on_delivery(delivery);
        return {};
      }
      const auto acknowledge = [this, delivery, record] {
        {
          const std::lock_guard inner(bus_.mutex);
          bus_.taken.push_back(number_of(record));
          bus_.records.push_back(record);
        }
        options_.on_delivery(delivery);
      };
      if (bus_.now == Mood::kAway) {
        bus_.late.push_back(acknowledge);
        return {};
      }
      lock.unlock();
      acknowledge();
      return {};
    }
    Status flush(Milliseconds) override { return {}; }
    std::size_t pending() const override { return 0; }

   private:
    FickleBus& bus_;
    ProducerOptions options_;
  };

  Result<std::unique_ptr<Producer>> open_producer(ProducerOptions options) override {
    return std::make_unique<FickleProducer>(*this, std::move(options));
  }
  Result<std::unique_ptr<Consumer>> open_consumer(ConsumerOptions) override {
    return fail(ErrorCode::kUnsupported, "");
  }
  Result<std::unique_ptr<Reader>> open_reader(std::string, ReadFrom) override {
    return fail(ErrorCode::kUnsupported, "");
  }
  Status create_topic(const std::string&, const TopicOptions&) override { return {}; }
  Result<std::vector<TopicDifference>> compare_topic(const std::string& /*name*/,
                                                     const TopicOptions& /*options*/) override {
    return std::vector<TopicDifference>{};
  }
  Result<Offsets> timestamps_at(const Offsets& /*offsets*/) override { return Offsets{}; }
  Status delete_topic(const std::string&) override { return {}; }
  Result<std::vector<TopicInfo>> topics() override { return std::vector<TopicInfo>{}; }
  Result<std::vector<GroupInfo>> groups() override { return std::vector<GroupInfo>{}; }
  std::size_t value_bytes_max() const override { return 1000; }
  std::string describe() const override { return "fickle"; }

  std::mutex mutex;
  Mood now = Mood::kThere;
  std::vector<std::function<void()>> late;
  std::vector<int> taken;
  std::vector<Record> records;  // the same, whole
  int denied = 0;
};

}  // namespace tocsin::bus::spool
