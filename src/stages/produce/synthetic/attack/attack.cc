// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/attack/attack.h"

#include <utility>

#include "base/check.h"

namespace tocsin::synthetic {

Attack::Attack(World& the_world, People& the_people, std::string the_id, UnixNanos start)
    : world(the_world), people(the_people), at(start), id(std::move(the_id)) {
  scene.estate = &world.estate;
  scene.now = start;
}

Attack::~Attack() {
  world.timeline.set_truth(0);
  for (const Process& process : processes_)
    finish(world, at + world.rng.range(1, 600) * kSecond, process);
}

void Attack::step(std::string_view tactic, std::string_view technique) {
  tactics.emplace(tactic);
  techniques.emplace(technique);
  world.timeline.set_truth(world.timeline.add_truth(
      {.scenario = id, .tactic = std::string(tactic), .technique = std::string(technique)}));
}

void Attack::pause(int seconds_min, int seconds_max) {
  at += world.rng.range(seconds_min * 1000LL, seconds_max * 1000LL) * kMillisecond;
  scene.now = at;
}

Person& Attack::victim(Audience who) {
  Person& person = people.someone(world.timeline.now(), who);
  scene.host = person.doer.host;
  scene.account = person.account;
  // A session that has just begun needs a moment before anything can happen in it.
  at = std::max(at, person.doer.logon.start + 20 * kSecond);
  return person;
}

Process Attack::open(Person& person, std::string_view key) {
  const std::uint32_t truth = world.timeline.truth();
  world.timeline.set_truth(0);  // that it was open is nobody's fault
  const Process& process = resident(world, scene, at, person.doer, key);
  world.timeline.set_truth(truth);
  return process;
}

Host& Attack::server(Audience kind) {
  Host& host = world.estate.server(kind);
  scene.peer = &host;
  return host;
}

Host& Attack::elsewhere(const Host& host) {
  auto& hosts = world.estate.hosts;
  std::size_t index = world.rng.below(hosts.size());
  if (&hosts[index] == &host) index = (index + 1) % hosts.size();
  scene.peer = &hosts[index];
  return hosts[index];
}

const Process& Attack::at_host(Host& host, std::string_view key) {
  const Process* process = host.find(key);
  if (process == nullptr) process = host.find("services");
  TOCSIN_CHECK(process != nullptr);
  return *process;
}

Process Attack::run(const Process& parent, std::string_view program, Texts commands,
                    Texts effects) {
  return start(parent, parent.logon, parent.integrity, find_program(program), commands, effects);
}

Process Attack::run_as(const Process& parent, const Logon& logon, std::string_view integrity,
                       std::string_view program, Texts commands, Texts effects) {
  return start(parent, logon, integrity, find_program(program), commands, effects);
}

Process Attack::run_tool(const Process& parent, std::string_view path,
                         std::string_view original_name, Texts commands, Texts effects) {
  const std::string where = text(path);
  tools_.push_back(make_tool(where, original_name, original_name == "-" ? "-" : "Utility", "-"));
  return start(parent, parent.logon, parent.integrity, tools_.back(), commands, effects);
}

void Attack::does(const Process& actor, Texts effects) {
  scene.host = actor.host;
  play(world, scene, at, actor, {effects.begin(), effects.size()});
}

Logon Attack::system() const {
  return {.account = &world.estate.system,
          .id = 0x3e7,
          .start = world.estate.hosts.front().residents.front().process.start,
          .terminal = 0};
}

Process Attack::start(const Process& parent, const Logon& logon, std::string_view integrity,
                      const Program& program, Texts commands, Texts effects) {
  scene.host = parent.host;
  scene.now = at;
  at += world.rng.range(300, 2500) * kMillisecond;
  const std::string_view command = commands.begin()[world.rng.below(commands.size())];
  Process process = launch(world, at, scene,
                           {.parent = &parent,
                            .program = &program,
                            .logon = &logon,
                            .command = text(command),
                            .integrity = integrity,
                            .directory = {}});
  processes_.push_back(process);
  play(world, scene, at, process, {effects.begin(), effects.size()});
  return process;
}

const std::vector<Scenario>& all_scenarios() {
  static const auto kAll = [] {
    std::vector<Scenario> all;
    for (const auto group : {intrusion_scenarios(), credential_scenarios(), evasion_scenarios(),
                             objective_scenarios()})
      all.insert(all.end(), group.begin(), group.end());
    return all;
  }();
  return kAll;
}

}  // namespace tocsin::synthetic
