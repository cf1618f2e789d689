// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/activity/people.h"

#include <algorithm>

#include "stages/produce/synthetic/log/security.h"
#include "stages/produce/synthetic/log/sysmon.h"
#include "stages/produce/synthetic/log/windows.h"

namespace tocsin::synthetic {
namespace {

constexpr UnixNanos kDay = 24 * 60 * kMinute;

struct Hours {
  UnixNanos arrival;
  UnixNanos leave;
  bool works;
};

// When a person is at work on the day of `now`: the same answer whenever it is asked.
Hours hours_of(const Account& account, UnixNanos now) {
  const UnixNanos day = now / kDay;
  const std::uint64_t h = hash_text(account.name, static_cast<std::uint64_t>(day));
  const bool weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6;
  return {.arrival = day * kDay + static_cast<UnixNanos>(415 + h % 130) * kMinute,
          .leave = day * kDay + static_cast<UnixNanos>(985 + (h >> 16U) % 110) * kMinute,
          .works = !weekend || (h >> 32U) % 25 == 0};
}

}  // namespace

People::People(World& world, UnixNanos start) : world_(world) {
  Estate& estate = world.estate;
  std::size_t workstations = 0;
  for (const Host& host : estate.hosts) workstations += (host.audience & kWorkstation) != 0 ? 1 : 0;
  for (std::size_t i = 0; i < estate.users.size(); ++i) {
    auto person = std::make_unique<Person>();
    person->account = &estate.users[i];
    for (const Account& admin : estate.admins)
      if (admin.first == person->account->first && admin.last == person->account->last)
        person->admin = &admin;
    person->remote = i >= workstations;
    person->doer.host = person->remote ? &estate.server(kJumpServer) : &estate.hosts[i];
    const Audience who = person->account->audience;
    person->choice.add(office_activities(), who);
    person->choice.add(developer_activities(), who);
    person->choice.add(admin_activities(), who);
    const Hours hours = hours_of(*person->account, start);
    if (hours.works && hours.arrival < start && start < hours.leave) come(*person, start, true);
    people_.push_back(std::move(person));
  }
}

void People::come(Person& person, UnixNanos now, bool silently) {
  Host& host = *person.doer.host;
  const unsigned terminal = person.remote ? 2 + world_.rng.below(20) : 1;
  const UnixNanos began = silently ? now - world_.rng.range(60, 3000) * kSecond : now;
  person.doer.logon = {.account = person.account,
                       .id = host.take_logon(world_.rng.next()),
                       .start = began,
                       .terminal = terminal};
  if (person.admin != nullptr)
    person.doer.elevated = {.account = person.admin,
                            .id = host.take_logon(world_.rng.next()),
                            .start = began,
                            .terminal = terminal};
  person.present = true;
  person.doer.residents.clear();
  if (silently) {
    // The shell has run since before the story begins.
    Process shell;
    shell.host = &host;
    shell.program = &find_program("explorer");
    shell.logon = person.doer.logon;
    shell.start = began;
    shell.pid = host.take_pid(world_.rng.next());
    shell.sequence = host.next_sequence++;
    shell.integrity = "Medium";
    shell.image = shell.program->path;
    shell.command = R"(C:\Windows\Explorer.EXE)";
    shell.directory = person.account->home + '\\';
    person.doer.residents.push_back({"explorer", std::move(shell)});
    return;
  }
  const Host& from =
      person.remote ? world_.estate.hosts[world_.rng.below(world_.estate.hosts.size())] : host;
  if (world_.rng.percent(8)) {  // mistyped
    security::preauth_failed(world_, now - 9 * kSecond, person.account->name, from.ip);
    security::logon_failed(
        world_, now - 9 * kSecond, host, person.account->name, person.remote ? 10 : 2,
        person.remote ? std::string_view(from.ip) : "127.0.0.1", from.name, false);
  }
  security::ticket_granted(world_, now, *person.account, from);
  security::service_ticket(world_, now + 8 * kMillisecond, *person.account, from, host.name + '$');
  security::logged_on(world_, now + 20 * kMillisecond, host,
                      {.logon = person.doer.logon,
                       .type = person.remote ? 10 : 2,
                       .package = "Negotiate",
                       .from = person.remote ? &from : nullptr});
  if (person.admin != nullptr) {
    security::ticket_granted(world_, now + 40 * kSecond, *person.admin, host);
    security::logged_on(world_, now + 40 * kSecond, host,
                        {.logon = person.doer.elevated, .type = 2, .package = "Negotiate"});
    security::privileges(world_, now + 40 * kSecond + kMillisecond, host, person.doer.elevated);
  }
  Scene scene{.estate = &world_.estate,
              .host = &host,
              .account = person.account,
              .peer = nullptr,
              .now = now,
              .names = {}};
  UnixNanos at = now + 2 * kSecond;
  for (const std::string_view key : {"explorer", "onedrive", "teams", "outlook"})
    resident(world_, scene, at, person.doer, key);
}

void People::go(Person& person, UnixNanos now) {
  for (const Resident& open : person.doer.residents)
    finish(world_, now + world_.rng.range(1, 3000) * kMillisecond, open.process);
  person.doer.residents.clear();
  security::logged_off(world_, now + 4 * kSecond, *person.doer.host, person.doer.logon,
                       person.remote ? 10 : 2);
  if (person.admin != nullptr)
    security::logged_off(world_, now + 4 * kSecond, *person.doer.host, person.doer.elevated, 2);
  person.present = false;
}

UnixNanos People::act(std::size_t index, UnixNanos now) {
  Person& person = *people_[index];
  const Hours hours = hours_of(*person.account, now);
  const bool office = hours.works && now >= hours.arrival && now < hours.leave;
  if (!office && now >= person.busy_until) {
    if (person.present) go(person, now);
    if (hours.works && now < hours.arrival) return hours.arrival;
    const UnixNanos tomorrow = (now / kDay + 1) * kDay + kMinute;
    return std::max(tomorrow, hours_of(*person.account, tomorrow).arrival);
  }
  if (!person.present) {
    come(person, now, false);
    return now + world_.rng.range(15, 60) * kSecond;
  }
  const UnixNanos minute = now % kDay / kMinute;
  const bool lunch = minute > 725 && minute < 785;
  if (!lunch || world_.rng.percent(25))
    perform(world_, now, person.doer, person.choice.pick(world_.rng));
  return now + world_.rng.range(3000, lunch ? 90000 : 34000) * kMillisecond;
}

Person& People::someone(UnixNanos now, Audience who) {
  std::vector<Person*> fit;
  for (const auto& person : people_)
    if (!person->remote && (person->account->audience & who) != 0) fit.push_back(person.get());
  if (fit.empty()) fit.push_back(people_.front().get());
  const std::size_t first = world_.rng.below(fit.size());
  Person* chosen = fit[first];
  for (std::size_t i = 0; i < fit.size() && !chosen->present; ++i)
    chosen = fit[(first + i) % fit.size()];
  if (!chosen->present) {
    world_.timeline.set_truth(0);
    come(*chosen, now, false);
  }
  chosen->busy_until = std::max(chosen->busy_until, now + 180 * kMinute);
  return *chosen;
}

Machines::Machines(World& world) : world_(world) {
  for (Host& host : world.estate.hosts) {
    Machine& machine = machines_.emplace_back();
    machine.doer.host = &host;
    machine.doer.logon = host.find("system")->logon;
    machine.choice.add(machine_activities(), host.audience);
  }
}

void Machines::background(Machine& machine, UnixNanos now) {
  Host& host = *machine.doer.host;
  Rng& rng = world_.rng;
  Scene scene{.estate = &world_.estate,
              .host = &host,
              .account = &world_.estate.system,
              .peer = nullptr,
              .now = now,
              .names = {}};
  switch (rng.below(10)) {
    case 0:
    case 1: {
      const std::string service = expand("{servicename}", scene, rng);
      windows::service_state(world_, now, host, service, true);
      windows::service_state(world_, now + rng.range(20, 400) * kSecond, host, service, false);
      break;
    }
    case 2:
      windows::service_start_type(world_, now, host, expand("{servicename}", scene, rng),
                                  "demand start", "auto start", expand("{service}", scene, rng));
      break;
    case 3:
      if (rng.percent(15))
        sysmon::driver_loaded(world_, now, host,
                              expand(R"(C:\Windows\System32\drivers\{driverfile}.sys)", scene, rng),
                              "Microsoft Windows Hardware Compatibility Publisher");
      windows::task_run(world_, now, host, expand("{updatetask}", scene, rng), "taskhostw.exe");
      break;
    case 4:
      if (rng.percent(20)) windows::scan_started(world_, now, host);
      break;
    case 5:
      windows::defender_config(
          world_, now, host, "",
          expand(R"(HKLM\SOFTWARE\Microsoft\Windows Defender\SpyNet\SpynetReporting{n} = 0x2)",
                 scene, rng));
      break;
    case 6: {
      const Logon service{
          .account = &world_.estate.system, .id = 0x3e7, .start = now, .terminal = 0};
      security::logged_on(world_, now, host, {.logon = service, .type = 5, .package = "Negotiate"});
      security::privileges(world_, now + kMillisecond, host, service);
      break;
    }
    case 7: {
      const Account& account = world_.estate.services[rng.below(world_.estate.services.size())];
      network_logon(world_, now, account, world_.estate.server(kAppServer), host,
                    rng.percent(20) ? "NTLM" : "Kerberos");
      break;
    }
    case 8:
      security::ticket_granted(world_, now, host.machine, host);
      break;
    default:
      network_logon(world_, now, host.machine, host, world_.estate.server(kDomainController));
  }
}

UnixNanos Machines::act(std::size_t index, UnixNanos now) {
  Machine& machine = machines_[index];
  if (world_.rng.percent(14))
    background(machine, now);
  else
    perform(world_, now, machine.doer, machine.choice.pick(world_.rng));
  const bool server = (machine.doer.host->audience & kAnyServer) != 0;
  return now + world_.rng.range(server ? 2500 : 9000, server ? 16000 : 60000) * kMillisecond;
}

}  // namespace tocsin::synthetic
