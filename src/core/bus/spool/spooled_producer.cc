// SPDX-License-Identifier: Apache-2.0
#include "core/bus/spool/spooled_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "core/bus/spool/spool_folder.h"

namespace tocsin::bus::spool {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kTick{50};
constexpr Milliseconds kSyncEvery{100};
constexpr Milliseconds kRetryFirst{250};
constexpr Milliseconds kRetryMax{10'000};

// What buffers of finished entries may hold, to be filled again.
constexpr std::size_t kSpareBytesMax = 8u << 20;

// A record under way, from the moment it is given to the bus's producer until it is acknowledged.
struct Entry {
  enum class State : std::uint8_t { kSent, kRefused, kDone };
  // As in a spool (record_bytes.h): one buffer, whatever the record is made of. Nearly none is ever
  // needed again, so keeping it must be cheap, and reading it may cost.
  std::string bytes;
  std::size_t size = 0;      // key and value, as the bounds count
  UnixNanos spooled_at = 0;  // 0: as the bytes say
  std::uint64_t token = 0;   // the caller's
  State state = State::kSent;
  SteadyClock::time_point sent_at;
  Spool* spool = nullptr;  // that holds it, if any
  Place behind;
  bool recovered = false;
};

class Impl final : public SpooledProducer {
 public:
  Impl(Bus& bus, ProducerOptions producer, SpooledProducerOptions options)
      : bus_(bus), producer_options_(std::move(producer)), options_(std::move(options)) {}
  ~Impl() override;
  [[nodiscard]] Status start();

  Status send(std::string_view topic, const Record& record, std::uint64_t token) override;
  Status flush(Milliseconds timeout) override;
  std::size_t pending() const override;
  SpooledProducerStats stats() const override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  void pump();
  void notice_absence();
  [[nodiscard]] bool prepare(Lock& lock);
  void resend(Lock& lock);
  void drain(Lock& lock);
  void spill();
  void keep_record_of_acknowledgements();
  [[nodiscard]] bool to_bus(Lock& lock, std::uint64_t number, const SpooledRecord& what);
  [[nodiscard]] Status send_direct(Lock& lock, std::string_view topic, const Record& record,
                                   std::uint64_t token);
  Entry& enter(std::string_view topic, const Record& record, UnixNanos spooled_at);
  [[nodiscard]] static SpooledRecord record_of(const Entry& entry);
  [[nodiscard]] Status append_to_spool(std::string_view topic, const Record& record,
                                       std::uint64_t token);
  void on_delivery(const Delivery& delivery);
  void finish(Entry& entry, const Delivery& delivery);
  void let_go();
  void refuse(const Error& error);
  void tell(const Error& error);

  [[nodiscard]] bool spooling() const { return !spools_.empty(); }
  [[nodiscard]] std::uint64_t unread() const {
    std::uint64_t sum = 0;
    for (const auto& spool : spools_) sum += spool->unread();
    return sum;
  }
  [[nodiscard]] bool takes_directly(std::size_t bytes) const {
    return !away_ && !suspended_ && unread() == 0 && has_room(bytes);
  }
  [[nodiscard]] bool has_room(std::size_t bytes) const {
    return window_.empty() || (window_.size() < producer_options_.queue_records_max &&
                               window_bytes_ + bytes <= producer_options_.queue_bytes_max);
  }
  // Enough that it is worth waking who waits: not for the place of one record.
  [[nodiscard]] bool has_much_room() const {
    return window_.size() <= producer_options_.queue_records_max / 4 * 3 &&
           window_bytes_ <= producer_options_.queue_bytes_max / 4 * 3;
  }
  [[nodiscard]] static std::size_t size_of(const Record& record) {
    return record.key.size() + record.value.size();
  }
  [[nodiscard]] Entry* find(std::uint64_t number) {
    if (number < first_number_ || number - first_number_ >= window_.size()) return nullptr;
    return &window_[number - first_number_];
  }
  [[nodiscard]] bool stopping() const { return options_.stop && options_.stop(); }

  Bus& bus_;
  const ProducerOptions producer_options_;
  const SpooledProducerOptions options_;

  // Held while a record gets its number and goes to the bus's producer, so that both happen in one
  // order. Taken before mutex_.
  std::mutex order_;
  mutable std::mutex mutex_;
  std::condition_variable room_;                // for those who send or flush
  std::condition_variable work_;                // for the pump
  std::vector<std::unique_ptr<Spool>> spools_;  // those left behind, then our own
  std::deque<Entry> window_;                    // by number, from first_number_ on
  std::uint64_t first_number_ = 1;
  std::size_t window_bytes_ = 0;
  std::vector<std::string> spares_;  // buffers of entries that are gone
  std::size_t spare_bytes_ = 0;
  std::size_t sent_ = 0;     // of the window, in state kSent
  std::size_t refused_ = 0;  // in state kRefused

  bool suspended_ = false;  // nothing is sent until what was refused has been sent again
  bool unprepared_ = false;
  bool away_ = false;
  bool full_ = false;
  bool closing_ = false;
  SteadyClock::time_point last_progress_;
  SteadyClock::time_point resend_at_;
  SteadyClock::time_point synced_at_;
  Milliseconds pause_ = kRetryFirst;
  bool refused_again_ = false;  // the first of them is tried alone before the others follow
  std::string told_;
  std::uint64_t spooled_ = 0, drained_ = 0, recovered_ = 0, retries_ = 0;

  std::unique_ptr<Producer> producer_;
  std::thread pump_;
};

Status Impl::start() {
  if (!options_.spool.folder.empty()) {
    TOCSIN_TRY(spools_, claim(options_.spool));
    std::uint64_t left = unread();
    if (left > 0)
      log_info("spool: {} records of earlier runs wait in {}; they go first", left,
               options_.spool.folder);
  }
  ProducerOptions inner = producer_options_;
  inner.keeps_unsent = true;
  // The bound is in our window: the producer below must not wait while it holds order_.
  inner.queue_records_max = 2 * producer_options_.queue_records_max;
  inner.queue_bytes_max = 2 * producer_options_.queue_bytes_max + (64U << 20);
  inner.on_delivery = [this](const Delivery& delivery) { on_delivery(delivery); };
  TOCSIN_TRY(producer_, bus_.open_producer(std::move(inner)));
  unprepared_ = suspended_ = static_cast<bool>(options_.prepare);
  last_progress_ = resend_at_ = synced_at_ = SteadyClock::now();
  pump_ = std::thread([this] { pump(); });
  return {};
}

Impl::~Impl() {
  if (!producer_) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    spill();
  }
  work_.notify_all();
  pump_.join();
  producer_.reset();  // its last deliveries are still taken
  const std::lock_guard lock(mutex_);
  keep_record_of_acknowledgements();
}

// -- what the caller's threads do --

Status Impl::send(std::string_view topic, const Record& record, std::uint64_t token) {
  const std::size_t bytes = size_of(record);
  Lock lock(mutex_);
  for (;;) {
    if (takes_directly(bytes)) {
      lock.unlock();
      const std::lock_guard order(order_);
      lock.lock();
      if (takes_directly(bytes)) return send_direct(lock, topic, record, token);
    }
    const bool stop = stopping();
    if (spooling() && (away_ || stop)) {
      const Status kept = append_to_spool(topic, record, token);
      if (kept) return {};
      if (!std::exchange(full_, true))
        log_error("{}; the bus is away, so reading stops until it is back; nothing is dropped",
                  kept.error().message);
    }
    if (stop)
      return fail(ErrorCode::kUnavailable, "stopped while neither the bus nor the spool took more");
    room_.wait_for(lock, kTick);
    notice_absence();
  }
}

// The entry of a record, at the end of the window.
Entry& Impl::enter(std::string_view topic, const Record& record, UnixNanos spooled_at) {
  Entry& entry = window_.emplace_back();
  if (!spares_.empty()) {
    entry.bytes = std::move(spares_.back());
    spares_.pop_back();
    spare_bytes_ -= entry.bytes.capacity();
  }
  append_bytes(entry.bytes, topic, record, spooled_at);
  entry.size = size_of(record);
  entry.sent_at = SteadyClock::now();
  window_bytes_ += entry.size;
  ++sent_;
  return entry;
}

// Our own bytes, from our own memory: they can be read.
SpooledRecord Impl::record_of(const Entry& entry) {
  auto record = parse_record(entry.bytes);
  TOCSIN_CHECK(record.has_value());
  if (entry.spooled_at != 0) record->spooled_at = entry.spooled_at;
  return *std::move(record);
}

Status Impl::send_direct(Lock& lock, std::string_view topic, const Record& record,
                         std::uint64_t token) {
  full_ = false;
  enter(topic, record, 0).token = token;
  const std::uint64_t number = first_number_ + window_.size() - 1;
  lock.unlock();
  Status status = producer_->send(topic, record, number);
  if (status) return {};
  lock.lock();
  Entry* const mine = find(number);
  if (mine == nullptr || mine->state != Entry::State::kSent) return {};
  --sent_;
  if (status.error().code == ErrorCode::kInvalid) {
    // Given back here: nobody is to hear of it a second time.
    mine->state = Entry::State::kDone;
    let_go();
    return status;
  }
  mine->state = Entry::State::kRefused;
  ++refused_;
  refuse(status.error());
  return {};
}

Status Impl::append_to_spool(std::string_view topic, const Record& record, std::uint64_t token) {
  const UnixNanos now = now_ns();
  const auto place = spools_.back()->append(topic, record, now);
  if (!place) return tl::unexpected(place.error());
  full_ = false;
  ++spooled_;
  Delivery delivery;
  delivery.token = token;
  delivery.where = {std::string(topic), -1};
  delivery.acknowledged_at = now;
  delivery.spooled = true;
  if (producer_options_.on_delivery) producer_options_.on_delivery(delivery);
  return {};
}

Status Impl::flush(Milliseconds timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  Lock lock(mutex_);
  const auto idle = [&] { return window_.empty() && unread() == 0; };
  while (!idle() && SteadyClock::now() < deadline && !(away_ && spooling())) {
    room_.wait_for(lock, std::min(kTick, timeout));
    notice_absence();
  }
  if (idle()) {
    keep_record_of_acknowledgements();
    return {};
  }
  spill();
  if (!spooling())
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: {} records are not yet acknowledged{}", bus_.describe(),
                            window_.size(), told_.empty() ? "" : " (" + told_ + ")"));
  for (const auto& spool : spools_)
    if (const Status synced = spool->sync(); !synced) log_error("{}", synced.error().message);
  std::uint64_t waiting = 0;
  for (const auto& spool : spools_) waiting += spool->state().records;
  return fail(
      ErrorCode::kUnavailable,
      fmt::format("{}: {} records are not yet acknowledged; they are safe in the spool {}{}",
                  bus_.describe(), waiting, options_.spool.folder,
                  told_.empty() ? "" : " (" + told_ + ")"));
}

std::size_t Impl::pending() const {
  const std::lock_guard lock(mutex_);
  return window_.size() + unread();
}

SpooledProducerStats Impl::stats() const {
  const std::lock_guard lock(mutex_);
  SpooledProducerStats stats{.spooled = spooled_,
                             .drained = drained_,
                             .recovered = recovered_,
                             .retries = retries_,
                             .away = away_,
                             .full = full_};
  if (!spooling()) return stats;
  stats.bytes_max = options_.spool.bytes_max;
  for (const auto& spool : spools_) {
    const SpoolState state = spool->state();
    stats.waiting += state.records;
    stats.waiting_bytes += state.bytes;
    if (stats.oldest == 0) stats.oldest = state.oldest;
  }
  return stats;
}

// -- what becomes of records --

void Impl::on_delivery(const Delivery& delivery) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(delivery.token);
  if (entry == nullptr || entry->state != Entry::State::kSent) return;
  --sent_;
  if (delivery.error && delivery.error->code != ErrorCode::kInvalid) {
    entry->state = Entry::State::kRefused;
    ++refused_;
    if (!closing_) refuse(*delivery.error);
    return;
  }
  last_progress_ = SteadyClock::now();
  if (std::exchange(away_, false)) log_info("{} takes records again", bus_.describe());
  if (!told_.empty()) told_.clear();
  pause_ = kRetryFirst;
  if (std::exchange(refused_again_, false)) resend_at_ = last_progress_;
  finish(*entry, delivery);
  if (window_.empty() || has_much_room()) room_.notify_all();
  if (suspended_ || unread() > 0) work_.notify_one();
}

// An entry is on the bus, or refused for good.
void Impl::finish(Entry& entry, const Delivery& delivery) {
  entry.state = Entry::State::kDone;
  Delivery told = delivery;
  told.token = entry.token;
  if (entry.spool == nullptr) {
    if (producer_options_.on_delivery) producer_options_.on_delivery(told);
  } else {
    ++drained_;
    if (entry.recovered) ++recovered_;
    if (options_.on_drained) options_.on_drained(record_of(entry), told, entry.recovered);
  }
  let_go();
}

// Of the window's finished front.
void Impl::let_go() {
  while (!window_.empty() && window_.front().state == Entry::State::kDone) {
    Entry& front = window_.front();
    if (front.spool != nullptr) front.spool->acknowledge(front.behind, 1);
    window_bytes_ -= front.size;
    if (spare_bytes_ + front.bytes.capacity() <= kSpareBytesMax) {
      front.bytes.clear();
      spare_bytes_ += front.bytes.capacity();
      spares_.push_back(std::move(front.bytes));
    }
    window_.pop_front();
    ++first_number_;
  }
}

// For now the bus does not take it: nothing more is sent until this was sent again.
void Impl::refuse(const Error& error) {
  if (error.code == ErrorCode::kNotFound && options_.prepare) unprepared_ = true;
  suspended_ = true;
  resend_at_ = SteadyClock::now() + pause_;
  tell(error);
}

void Impl::tell(const Error& error) {
  if (error.message == told_) return;
  told_ = error.message;
  log_warning("{}; trying again", error.message);
}

// -- what the pump's thread does --

void Impl::pump() {
  Lock lock(mutex_);
  while (!closing_) {
    notice_absence();
    if (suspended_ && sent_ == 0 && SteadyClock::now() >= resend_at_ && prepare(lock)) {
      lock.unlock();
      const std::lock_guard order(order_);
      lock.lock();
      resend(lock);
    }
    if (!suspended_ && unread() > 0) drain(lock);
    if (SteadyClock::now() - synced_at_ >= kSyncEvery) keep_record_of_acknowledgements();
    if (!closing_) work_.wait_for(lock, kTick);
  }
}

void Impl::notice_absence() {
  const auto now = SteadyClock::now();
  if (window_.empty() && !suspended_) {
    last_progress_ = now;
    // Nothing is under way that could tell whether the bus is back: the next record will.
    if (away_ && unread() == 0) {
      away_ = false;
      room_.notify_all();
    }
    return;
  }
  if (away_) return;
  auto since = last_progress_;
  if (!window_.empty()) since = std::max(since, window_.front().sent_at);
  if (now - since < options_.patience) return;
  away_ = true;
  log_warning("{}: nothing was acknowledged for {:.1f} s; {}{}", bus_.describe(),
              std::chrono::duration<double>(options_.patience).count(),
              spooling() ? "events go to the spool " + options_.spool.folder
                         : std::string("there is no spool, so reading waits"),
              told_.empty() ? "" : " (" + told_ + ")");
  spill();
}

// True when all is ready for sending.
bool Impl::prepare(Lock& lock) {
  if (!unprepared_) return true;
  lock.unlock();
  const Status prepared = options_.prepare();
  lock.lock();
  if (!prepared) {
    pause_ = std::min(pause_ * 2, kRetryMax);
    resend_at_ = SteadyClock::now() + pause_;
    tell(prepared.error());
    return false;
  }
  unprepared_ = false;
  return true;
}

// What is under way and in no spool goes to ours, in order. All that was in it before is under way
// as well.
void Impl::spill() {
  if (!spooling() || unread() > 0) return;
  Spool& own = *spools_.back();
  for (Entry& entry : window_) {
    if (entry.spool != nullptr || entry.state == Entry::State::kDone) continue;
    const UnixNanos now = now_ns();
    const SpooledRecord what = record_of(entry);
    const auto place = own.append(what.topic, what.record, now);
    if (!place) {
      full_ = true;
      log_error("{}; records that are under way stay in memory", place.error().message);
      break;
    }
    entry.spooled_at = now;
    entry.spool = &own;
    entry.behind = *place;
    ++spooled_;
    Delivery delivery;
    delivery.token = entry.token;
    delivery.where = {what.topic, -1};
    delivery.acknowledged_at = now;
    delivery.spooled = true;
    if (producer_options_.on_delivery) producer_options_.on_delivery(delivery);
  }
  own.skip_unread();
}

// Sends what was refused once more, oldest first; after a second refusal the oldest alone, until
// the bus takes it. Holds order_.
void Impl::resend(Lock& lock) {
  const bool alone = std::exchange(refused_again_, refused_ > 0);
  if (refused_ > 0) {
    ++retries_;
    pause_ = std::min(pause_ * 2, kRetryMax);
  }
  suspended_ = alone && refused_ > 0;
  resend_at_ = SteadyClock::now() + pause_;
  // The window only loses its front meanwhile; numbers stay.
  const std::uint64_t end = first_number_ + window_.size();
  for (std::uint64_t number = first_number_; number < end && !closing_; ++number) {
    Entry* const entry = find(number);
    if (entry == nullptr || entry->state != Entry::State::kRefused) continue;
    --refused_;
    entry->state = Entry::State::kSent;
    ++sent_;
    if (!to_bus(lock, number, record_of(*entry)) || alone || suspended_) break;
  }
  if (!suspended_) room_.notify_all();
}

// Reads on in the spools while the window has room. Takes order_ for each record.
void Impl::drain(Lock& lock) {
  while (!closing_ && !suspended_ && unread() > 0 && has_room(0)) {
    lock.unlock();
    const std::lock_guard order(order_);
    lock.lock();
    if (suspended_ || unread() == 0) return;
    const auto spool = std::find_if(spools_.begin(), spools_.end(),
                                    [](const auto& one) { return one->unread() > 0; });
    SpooledRecord what;
    Place behind;
    const auto found = (*spool)->next(what, behind);
    if (!found) {
      log_error("{}; what follows it is left for the next start, which keeps a copy of the file",
                found.error().message);
      (*spool)->skip_unread();
      continue;
    }
    Entry& entry = enter(what.topic, what.record, what.spooled_at);
    entry.behind = behind;
    entry.spool = spool->get();
    entry.recovered = entry.spool != spools_.back().get();
    if (!to_bus(lock, first_number_ + window_.size() - 1, what)) return;
  }
}

// Gives an entry of the window to the bus's producer. False when it does not take it for now.
bool Impl::to_bus(Lock& lock, std::uint64_t number, const SpooledRecord& what) {
  lock.unlock();
  const Status status = producer_->send(what.topic, what.record, number);
  lock.lock();
  if (status) return true;
  Entry* const entry = find(number);
  if (entry == nullptr || entry->state != Entry::State::kSent) return true;
  --sent_;
  if (status.error().code == ErrorCode::kInvalid) {
    Delivery delivery;
    delivery.where = {what.topic, -1};
    delivery.error = status.error();
    last_progress_ = SteadyClock::now();
    finish(*entry, delivery);
    return true;
  }
  entry->state = Entry::State::kRefused;
  ++refused_;
  refuse(status.error());
  return false;
}

void Impl::keep_record_of_acknowledgements() {
  synced_at_ = SteadyClock::now();
  for (const auto& spool : spools_)
    if (const Status synced = spool->sync(); !synced) tell(synced.error());
  // Of those left behind, the ones that are empty now; our own stays.
  for (std::size_t i = 0; i + 1 < spools_.size();) {
    if (spools_[i]->unacknowledged() == 0)
      spools_.erase(spools_.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
  }
}

}  // namespace

Result<std::unique_ptr<SpooledProducer>> SpooledProducer::open(Bus& bus, ProducerOptions producer,
                                                               SpooledProducerOptions options) {
  auto made = std::make_unique<Impl>(bus, std::move(producer), std::move(options));
  TOCSIN_TRY_STATUS(made->start());
  return made;
}

}  // namespace tocsin::bus::spool
