// SPDX-License-Identifier: Apache-2.0
//
// StoreWorker: the loop of one sink of the store stage.
//
//   poll -> read -> Sink::write() -> dead letters -> commit -> spans
//            `-> on a failure: pause, back to the committed offsets, poll again
//
// A failure goes back to the poll instead of holding the batch: so the member stays in its group,
// and partitions may move to another process whose sink works.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "app/pipeline/slices.h"
#include "app/pipeline/store/store_spans.h"
#include "app/pipeline/store/store_stage.h"
#include "core/event/record_json.h"

namespace tocsin::pipeline {

class DeadLetterBox;
class SinkMeter;

// Threads: one thread.
class StoreWorker {
 public:
  StoreWorker(const StoreParts& parts, const StoreOptions& options, StoreSink& sink,
              SinkMeter& meter, const std::atomic<bool>& stop, StoreStats& stats);
  ~StoreWorker();
  StoreWorker(const StoreWorker&) = delete;
  StoreWorker& operator=(const StoreWorker&) = delete;

  // Until it is told to stop, or has nothing left to do. kUnavailable: a batch was given up.
  [[nodiscard]] Status run();

 private:
  [[nodiscard]] Status open();
  [[nodiscard]] Status process(const bus::Batch& batch, UnixNanos received);
  void read(const bus::Message& message);
  void add_dead_letter(const bus::Message& message, const char* code, const std::string& why);
  [[nodiscard]] Status write();
  [[nodiscard]] Status go_back(const Error& error);
  [[nodiscard]] bool is_done() const;
  void wait(bus::Milliseconds length) const;

  const StoreParts& parts_;
  const StoreOptions& options_;
  StoreSink& sink_;
  SinkMeter& meter_;
  const std::atomic<bool>& stop_;
  StoreStats& stats_;
  const std::int64_t writer_ = random_writer();
  const std::string group_;
  std::vector<std::string> topics_;
  std::unique_ptr<bus::Consumer> consumer_;
  std::unique_ptr<DeadLetterBox> dead_letters_;
  bus::Milliseconds pause_;
  RecordReader reader_;
  StoreSpans spans_;

  // Of the batch in hand.
  Slices slices_;
  std::vector<Verdict> verdicts_;
  std::vector<Alert> alerts_;
  std::vector<store::Place> verdict_places_, alert_places_;
  std::vector<const bus::Message*> verdict_messages_, alert_messages_;
  std::vector<store::Origin> origins_;
  std::vector<store::Rejection> rejected_;
  std::vector<bus::Record> letters_;
  UnixNanos write_start_ = 0, write_end_ = 0;
};

}  // namespace tocsin::pipeline
