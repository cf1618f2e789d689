// SPDX-License-Identifier: Apache-2.0
//
// People and machines as actors: when they come, what they choose to do, when they go.
//
//   wake-up -> act() -> events on the timeline, the time of the next wake-up
#pragma once

#include <memory>

#include "stages/produce/synthetic/activity/activity.h"

namespace tocsin::synthetic {

// A user at a workstation, or on the jump server when there are more users than workstations.
// Invariant: `doer.logon` is valid while `present`.
struct Person {
  const Account* account = nullptr;
  const Account* admin = nullptr;
  Doer doer;
  Choice choice;
  bool remote = false;
  bool present = false;
  UnixNanos busy_until = 0;  // does not log off before
};

class People {
 public:
  People(World& world, UnixNanos start);

  [[nodiscard]] std::size_t count() const { return people_.size(); }
  // Does something, or comes or goes. Returns when to wake the person again.
  UnixNanos act(std::size_t person, UnixNanos now);

  // A person who is logged on at a workstation; logs one on when nobody is there. Keeps the
  // session.
  Person& someone(UnixNanos now, Audience who);

 private:
  void come(Person& person, UnixNanos now, bool silently);
  void go(Person& person, UnixNanos now);

  World& world_;
  std::vector<std::unique_ptr<Person>> people_;
};

class Machines {
 public:
  explicit Machines(World& world);

  [[nodiscard]] std::size_t count() const { return machines_.size(); }
  UnixNanos act(std::size_t machine, UnixNanos now);

 private:
  struct Machine {
    Doer doer;
    Choice choice;
  };
  void background(Machine& machine, UnixNanos now);

  World& world_;
  std::vector<Machine> machines_;
};

}  // namespace tocsin::synthetic
