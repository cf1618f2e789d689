// SPDX-License-Identifier: Apache-2.0
//
// Activity: one benign thing that people or machines do, as a row of a table.
//
//   tables (office, developer, admin, machine) -> perform() -> a process, its effects, its end
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "stages/produce/synthetic/activity/play.h"

namespace tocsin::synthetic {

struct Activity {
  Audience who;
  int weight;
  int seconds;  // how long the process lives at most; 0: it stays, and others may start from it
  std::string_view parent;   // a resident of the session or the machine
  std::string_view program;  // empty: the parent itself does the effects
  std::string_view command;
  std::array<std::string_view, 5> effects = {};
  bool elevated = false;  // with the person's administrative account
};

[[nodiscard]] std::span<const Activity> office_activities();
[[nodiscard]] std::span<const Activity> developer_activities();
[[nodiscard]] std::span<const Activity> admin_activities();
[[nodiscard]] std::span<const Activity> machine_activities();

// Who does it: a session with its long-lived programs, or a machine by itself.
struct Doer {
  Host* host = nullptr;
  Logon logon;
  Logon elevated;                  // account is null without one
  std::deque<Resident> residents;  // of the session

  [[nodiscard]] const Process* find(std::string_view key) const;
};

// Finds the resident, or starts it (and what it starts from). `at` moves to when it is there.
const Process& resident(World& world, Scene& scene, UnixNanos& at, Doer& doer,
                        std::string_view key);

void perform(World& world, UnixNanos at, Doer& doer, const Activity& activity);

// A set of activities to choose from by weight.
class Choice {
 public:
  void add(std::span<const Activity> activities, Audience who);
  [[nodiscard]] const Activity& pick(Rng& rng) const;
  [[nodiscard]] bool empty() const { return total_ == 0; }

 private:
  std::vector<const Activity*> rows_;
  std::vector<std::uint32_t> upto_;
  std::uint32_t total_ = 0;
};

}  // namespace tocsin::synthetic
