// SPDX-License-Identifier: Apache-2.0
//
// Play: what processes do, written into the logs that would see it. Benign activity and attacks use
// the same words, so that nothing but what is done tells them apart.
//
//   launch() -> Sysmon 1 (+ Security 4688, PowerShell 400/600)
//   play({"web {site}", "file {home}\\x.docx"}) -> Sysmon 22, 3, 11
//
// An effect is a verb and its arguments, with places of the grammar:
//   dns NAME            net NAME:PORT       web NAME (both, port 443)
//   file PATH           del PATH            stream PATH
//   set KEY = DETAILS   key KEY             delkey KEY
//   load PATH           loadu PATH (not signed)
//   pipe NAME           pipeto NAME
//   script TEXT         cmdlet TEXT         (the actor is PowerShell)
//   access RESIDENT MASK                    share SERVER SHARE PATH
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "stages/produce/synthetic/log/timeline.h"
#include "stages/produce/synthetic/world/grammar.h"

namespace tocsin::synthetic {

struct Launch {
  const Process* parent = nullptr;
  const Program* program = nullptr;
  const Logon* logon = nullptr;
  std::string command;
  std::string_view integrity = "Medium";
  std::string directory;  // empty: the usual one of the account
};

// Starts a process on the parent's host.
[[nodiscard]] Process launch(World& world, UnixNanos at, Scene& scene, Launch what);
void finish(World& world, UnixNanos at, const Process& process);

// Does the effects one after the other; `at` moves to after the last.
void play(World& world, Scene& scene, UnixNanos& at, const Process& actor,
          std::span<const std::string_view> effects);

void connect(World& world, UnixNanos at, const Process& actor, std::string_view name,
             std::uint32_t port);

// A logon over the network: the ticket at the domain controller, the logon at `to`. The session
// ends after a while.
Logon network_logon(World& world, UnixNanos at, const Account& account, const Host& from, Host& to,
                    std::string_view package = "Kerberos");

// Where a call into lsass and the like came from, as Sysmon shows it.
[[nodiscard]] std::string call_trace(Rng& rng, std::string_view last_module);

}  // namespace tocsin::synthetic
