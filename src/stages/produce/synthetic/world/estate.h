// SPDX-License-Identifier: Apache-2.0
//
// The estate: who works there, on which machines, with which names, addresses and SIDs.
//
//   seed, counts -> build_estate() -> Estate (accounts, hosts)
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "stages/produce/synthetic/world/program.h"

namespace tocsin::synthetic {

inline constexpr UnixNanos kMicrosecond = 1000;
inline constexpr UnixNanos kMillisecond = 1000 * kMicrosecond;
inline constexpr UnixNanos kSecond = 1000 * kMillisecond;
inline constexpr UnixNanos kMinute = 60 * kSecond;

// Whom an activity is for: kinds of people in the low byte, kinds of machines above.
using Audience = std::uint32_t;
inline constexpr Audience kFinance = 1, kPeopleTeam = 2, kSales = 4, kMarketing = 8,
                          kDeveloper = 16, kAnalyst = 32, kAdmin = 64, kLegal = 128,
                          kEveryone = 255,
                          kOffice = kFinance | kPeopleTeam | kSales | kMarketing | kLegal;
inline constexpr Audience kWorkstation = 1U << 8U, kDomainController = 1U << 9U,
                          kFileServer = 1U << 10U, kWebServer = 1U << 11U, kSqlServer = 1U << 12U,
                          kJumpServer = 1U << 13U, kAppServer = 1U << 14U, kAnyServer = 0x7e00U,
                          kAnyHost = 0x7f00U;

struct Account {
  std::string name;     // "j.alvarez"
  std::string domain;   // "MERIDIAN", "NT AUTHORITY"
  std::string display;  // "MERIDIAN\j.alvarez"
  std::string first;
  std::string last;
  std::string sid;
  std::string home;  // "C:\Users\j.alvarez"
  Audience audience = 0;
  bool privileged = false;
};

// A logon session. Its GUID is computed from these when it is written.
struct Logon {
  const Account* account = nullptr;
  std::uint64_t id = 0;
  UnixNanos start = 0;
  unsigned terminal = 0;  // Windows session number
};

struct Host;

// A process that ran or runs. Its GUID is computed from host, start and sequence number.
struct Process {
  Host* host = nullptr;
  const Program* program = nullptr;
  Logon logon;
  UnixNanos start = 0;
  std::uint32_t pid = 0;
  std::uint32_t sequence = 0;
  std::string_view integrity = "System";
  std::string image;
  std::string command;
  std::string directory;
};

struct Resident {
  std::string_view key;  // "explorer", "services"
  Process process;
};

inline constexpr std::size_t kChannels = 8;

struct Host {
  std::string name;  // "MER-WS014"
  std::string fqdn;  // "MER-WS014.meridian.example"
  std::string ip;
  Account machine;  // "MER-WS014$"
  Audience audience = kWorkstation;
  std::uint32_t machine_id = 0;   // the first part of Sysmon's GUIDs
  bool audits_processes = false;  // Security 4688 beside Sysmon 1

  std::deque<Resident> residents;  // of the machine: services.exe, svchost groups, agents
  std::array<std::uint64_t, kChannels> record_ids{};
  std::bitset<16384> pids;  // in use, by pid / 4
  std::uint32_t next_pid = 1200;
  std::uint32_t next_sequence = 0x120;
  std::uint64_t next_logon = 0x2f000;
  std::uint32_t next_port = 49700;

  [[nodiscard]] const Process* find(std::string_view key) const;
  std::uint32_t take_pid(std::uint64_t chance);
  void free_pid(std::uint32_t pid) { pids.reset(pid / 4 % pids.size()); }
  std::uint32_t take_port();
  std::uint64_t take_logon(std::uint64_t chance);
};

struct EstateOptions {
  std::uint64_t seed = 1;
  int workstations = 20;
  int servers = 5;
  int users = 25;
};

// Invariant: addresses of accounts and hosts do not change after build_estate().
struct Estate {
  std::string domain = "MERIDIAN";
  std::string dns_domain = "meridian.example";
  std::string domain_sid;
  Account system, local_service, network_service, anonymous;
  std::deque<Account> users;
  std::deque<Account> admins;    // the second, privileged account of each administrator
  std::deque<Account> services;  // "svc-sql", ...
  std::deque<Host> hosts;        // workstations first, then servers; the first server is a DC

  // The first host of that kind; a small estate lets its first server play every part.
  [[nodiscard]] Host& server(Audience kind);
  [[nodiscard]] const Account& service(std::string_view name) const;
};

// Fills `estate`. Boot processes are made too: they started before `start`.
void build_estate(Estate& estate, const EstateOptions& options, UnixNanos start);

// The logon of a built-in account (LogonId 0x3e7, 0x3e5, 0x3e4), begun at boot.
[[nodiscard]] Logon builtin_logon(const Account& account, std::uint64_t id, UnixNanos boot);

}  // namespace tocsin::synthetic
