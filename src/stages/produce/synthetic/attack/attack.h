// SPDX-License-Identifier: Apache-2.0
//
// Attack: the hand that plays a scenario. It stands at a time and in a step; everything it writes
// carries that step's truth. Process ends and other by-products stay benign.
//
//   Scenario::play(Attack&) -> events ahead on the timeline, labelled
#pragma once

#include <deque>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "stages/produce/synthetic/activity/people.h"

namespace tocsin::synthetic {

using Texts = std::initializer_list<std::string_view>;

class Attack {
 public:
  Attack(World& world, People& people, std::string id, UnixNanos start);
  ~Attack();
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;

  // What the next events are evidence of.
  void step(std::string_view tactic, std::string_view technique);
  void pause(int seconds_min, int seconds_max);
  [[nodiscard]] bool chance(std::uint32_t percent) { return world.rng.percent(percent); }
  [[nodiscard]] std::string text(std::string_view grammar) {
    return expand(grammar, scene, world.rng);
  }
  void let(std::string_view name, std::string_view grammar) { scene.let(name, text(grammar)); }

  // The victim: a person at work. `shell()` and the like are programs of that session.
  Person& victim(Audience who = kEveryone);
  [[nodiscard]] Process open(Person& person, std::string_view key);
  [[nodiscard]] Host& server(Audience kind);
  // Another machine than `host`.
  [[nodiscard]] Host& elsewhere(const Host& host);
  // A resident process of a machine.
  [[nodiscard]] const Process& at_host(Host& host, std::string_view key);

  // Starts a program of the catalogue with one of the command lines; a child of `parent` in its
  // session.
  Process run(const Process& parent, std::string_view program, Texts commands, Texts effects = {});
  Process run_as(const Process& parent, const Logon& logon, std::string_view integrity,
                 std::string_view program, Texts commands, Texts effects = {});
  // Starts something that is in no inventory.
  Process run_tool(const Process& parent, std::string_view path, std::string_view original_name,
                   Texts commands, Texts effects = {});
  void does(const Process& actor, Texts effects);
  [[nodiscard]] Logon system() const;

  World& world;
  People& people;
  Scene scene;
  UnixNanos at;
  const std::string id;
  std::set<std::string> tactics;
  std::set<std::string> techniques;

 private:
  Process start(const Process& parent, const Logon& logon, std::string_view integrity,
                const Program& program, Texts commands, Texts effects);

  std::deque<Program> tools_;
  std::deque<Process> processes_;
};

struct Scenario {
  std::string_view id;
  std::string_view title;
  void (*play)(Attack&);
};

[[nodiscard]] std::span<const Scenario> intrusion_scenarios();
[[nodiscard]] std::span<const Scenario> credential_scenarios();
[[nodiscard]] std::span<const Scenario> evasion_scenarios();
[[nodiscard]] std::span<const Scenario> objective_scenarios();
[[nodiscard]] const std::vector<Scenario>& all_scenarios();

}  // namespace tocsin::synthetic
