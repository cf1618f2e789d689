// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "stages/produce/synthetic/activity/people.h"
#include "stages/produce/synthetic/attack/attack.h"

namespace tocsin::produce {
namespace {

using synthetic::Attack;
using synthetic::Machines;
using synthetic::People;
using synthetic::Scenario;
using synthetic::Timeline;
using synthetic::World;

std::unique_ptr<World> make_world(const SyntheticOptions& options) {
  auto world = std::make_unique<World>(World{
      .estate = {}, .timeline = Timeline(options.start), .rng = synthetic::Rng(options.seed)});
  synthetic::build_estate(world->estate,
                          {.seed = options.seed,
                           .workstations = options.workstations,
                           .servers = options.servers,
                           .users = options.users},
                          options.start);
  return world;
}

// Ownership: owns the world; people, machines and pending events refer to it.
class Simulation final : public Source {
 public:
  Simulation(const SyntheticOptions& options, std::vector<Scenario> scenarios)
      : world_(make_world(options)),
        people_(*world_, options.start),
        machines_(*world_),
        scenarios_(std::move(scenarios)),
        events_max_(options.events_max),
        attack_share_(options.attack_share) {
    runs_.resize(scenarios_.size());
    const std::size_t actors = people_.count() + machines_.count();
    for (std::size_t i = 0; i < actors; ++i)
      world_->timeline.wake(options.start + world_->rng.range(0, 20000) * synthetic::kMillisecond,
                            static_cast<std::uint32_t>(i));
  }

  Next next(RawEvent& event, Problem& /*problem*/) override {
    if (events_max_ != 0 && events_ >= events_max_) return Next::kEnd;
    for (;;) {
      start_attacks();
      std::uint32_t actor = 0;
      if (world_->timeline.pop(event, actor) == Timeline::What::kEvent) break;
      world_->timeline.set_truth(0);
      const UnixNanos now = world_->timeline.now();
      const UnixNanos again = actor < people_.count() ? people_.act(actor, now)
                                                      : machines_.act(actor - people_.count(), now);
      world_->timeline.wake(again, actor);
    }
    ++events_;
    bytes_ += event.json.size();
    return Next::kEvent;
  }

  [[nodiscard]] SourceProgress progress() const override {
    return {.bytes_done = bytes_, .bytes_total = 0};
  }

 private:
  // A new attack begins when those begun so far have fallen behind their share. Every scenario runs
  // before one runs again.
  void start_attacks() {
    constexpr double kHeadStart = 1500;  // an attack's events spread over the next half hour
    const double due = attack_share_ * (static_cast<double>(events_) + kHeadStart);
    if (scenarios_.empty() || static_cast<double>(world_->timeline.attack_events()) >= due) return;
    if (queue_.empty()) {
      for (std::size_t i = 0; i < scenarios_.size(); ++i) queue_.push_back(i);
      for (std::size_t i = queue_.size(); i > 1; --i)
        std::swap(queue_[i - 1], queue_[world_->rng.below(i)]);
    }
    const std::size_t chosen = queue_.back();
    queue_.pop_back();
    const UnixNanos at = world_->timeline.now() + world_->rng.range(1, 60) * synthetic::kSecond;
    Attack attack(*world_, people_, fmt::format("{}-{}", scenarios_[chosen].id, ++runs_[chosen]),
                  at);
    scenarios_[chosen].play(attack);
  }

  std::unique_ptr<World> world_;
  People people_;
  Machines machines_;
  std::vector<Scenario> scenarios_;
  std::vector<std::uint64_t> runs_;
  std::vector<std::size_t> queue_;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  const std::uint64_t events_max_;
  const double attack_share_;
};

Status check(const SyntheticOptions& options) {
  const auto in_range = [](std::string_view name, int value, int low, int high) -> Status {
    if (value >= low && value <= high) return {};
    return fail(ErrorCode::kInvalid, fmt::format("synthetic estate: {} must be {} to {}, not {}",
                                                 name, low, high, value));
  };
  TOCSIN_TRY_STATUS(in_range("workstations", options.workstations, 1, 20000));
  TOCSIN_TRY_STATUS(in_range("servers", options.servers, 1, 2000));
  TOCSIN_TRY_STATUS(in_range("users", options.users, 1, 20000));
  if (!(options.attack_share >= 0 && options.attack_share <= 0.5))
    return fail(ErrorCode::kInvalid,
                fmt::format("synthetic estate: the attack share must be 0 to 0.5, not {}",
                            options.attack_share));
  if (options.start < 0)
    return fail(ErrorCode::kInvalid, "synthetic estate: the start must not be before 1970");
  return {};
}

Result<std::vector<Scenario>> choose(const std::vector<std::string>& wanted) {
  const auto& all = synthetic::all_scenarios();
  if (wanted.empty()) return all;
  std::vector<Scenario> chosen;
  for (const std::string& id : wanted) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return s.id == id; });
    if (found == all.end())
      return fail(ErrorCode::kInvalid, fmt::format("no scenario is called '{}'", id));
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace

Result<std::unique_ptr<Source>> open_synthetic(SyntheticOptions options) {
  TOCSIN_TRY_STATUS(check(options));
  TOCSIN_TRY(std::vector<Scenario> chosen, choose(options.scenarios));
  return std::make_unique<Simulation>(options, std::move(chosen));
}

std::vector<ScenarioInfo> scenarios() {
  // What a scenario shows is known by playing it; a few rounds meet its variants.
  constexpr std::uint64_t kRounds = 6;
  std::vector<ScenarioInfo> all;
  for (const Scenario& scenario : synthetic::all_scenarios()) {
    std::set<std::string> tactics;
    std::set<std::string> techniques;
    for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
      SyntheticOptions small;
      small.seed = seed;
      small.workstations = 10;
      small.servers = 6;
      small.users = 12;
      const auto world = make_world(small);
      People people(*world, world->timeline.now());
      Attack attack(*world, people, std::string(scenario.id), world->timeline.now());
      scenario.play(attack);
      tactics.insert(attack.tactics.begin(), attack.tactics.end());
      techniques.insert(attack.techniques.begin(), attack.techniques.end());
    }
    all.push_back({.id = std::string(scenario.id),
                   .title = std::string(scenario.title),
                   .tactics = {tactics.begin(), tactics.end()},
                   .techniques = {techniques.begin(), techniques.end()}});
  }
  return all;
}

}  // namespace tocsin::produce
