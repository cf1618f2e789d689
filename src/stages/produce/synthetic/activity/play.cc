// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/activity/play.h"

#include <fmt/format.h>

#include <charconv>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "stages/produce/synthetic/log/security.h"
#include "stages/produce/synthetic/log/sysmon.h"
#include "stages/produce/synthetic/log/windows.h"

namespace tocsin::synthetic {
namespace {

enum class Verb : std::uint8_t {
  kDns,
  kNet,
  kWeb,
  kFile,
  kDelete,
  kStream,
  kSet,
  kKey,
  kDeleteKey,
  kLoad,
  kLoadUnsigned,
  kPipe,
  kPipeTo,
  kScript,
  kCmdlet,
  kAccess,
  kShare,
};

Verb verb_of(std::string_view name) {
  static const std::unordered_map<std::string_view, Verb> kVerbs = {{"dns", Verb::kDns},
                                                                    {"net", Verb::kNet},
                                                                    {"web", Verb::kWeb},
                                                                    {"file", Verb::kFile},
                                                                    {"del", Verb::kDelete},
                                                                    {"stream", Verb::kStream},
                                                                    {"set", Verb::kSet},
                                                                    {"key", Verb::kKey},
                                                                    {"delkey", Verb::kDeleteKey},
                                                                    {"load", Verb::kLoad},
                                                                    {"loadu", Verb::kLoadUnsigned},
                                                                    {"pipe", Verb::kPipe},
                                                                    {"pipeto", Verb::kPipeTo},
                                                                    {"script", Verb::kScript},
                                                                    {"cmdlet", Verb::kCmdlet},
                                                                    {"access", Verb::kAccess},
                                                                    {"share", Verb::kShare}};
  const auto found = kVerbs.find(name);
  if (found == kVerbs.end()) check_failed(std::string(name).c_str(), __FILE__, __LINE__);
  return found->second;
}

// Cuts `text` at the first blank.
std::pair<std::string_view, std::string_view> cut(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return {text, {}};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

void resolve(World& world, UnixNanos at, const Process& actor, std::string_view name) {
  const std::string ip = address_of(name, world.estate);
  sysmon::dns_query(world, at, actor, name, "::ffff:" + ip + ';');
}

void connect_to(World& world, UnixNanos at, const Process& actor, std::string_view target) {
  const std::size_t colon = target.rfind(':');
  TOCSIN_CHECK(colon != std::string_view::npos);
  std::uint32_t port = 0;
  std::from_chars(target.data() + colon + 1, target.data() + target.size(), port);
  connect(world, at, actor, target.substr(0, colon), port);
}

void set_value(World& world, UnixNanos at, const Process& actor, std::string_view text) {
  const std::size_t equals = text.find(" = ");
  TOCSIN_CHECK(equals != std::string_view::npos);
  sysmon::registry_value(world, at, actor, text.substr(0, equals), text.substr(equals + 3));
}

void access_process(World& world, UnixNanos at, const Process& actor, std::string_view text) {
  const auto [key, mask_text] = cut(text);
  const Process* target = actor.host->find(key);
  if (target == nullptr) return;
  std::uint64_t mask = 0;
  std::from_chars(mask_text.data() + 2, mask_text.data() + mask_text.size(), mask, 16);
  sysmon::process_access(world, at, actor, *target, mask, call_trace(world.rng, actor.image));
}

void open_share(World& world, UnixNanos at, const Process& actor, std::string_view text) {
  const auto [server, rest] = cut(text);
  const auto [share, path] = cut(rest);
  Host* host = nullptr;
  for (Host& candidate : world.estate.hosts)
    if (candidate.name == server) host = &candidate;
  if (host == nullptr || host == actor.host) return;
  const Account& who = actor.logon.id == 0x3e7 ? actor.host->machine : *actor.logon.account;
  const Logon logon = network_logon(world, at, who, *actor.host, *host);
  security::share_opened(world, at + 30 * kMillisecond, *host, logon, *actor.host, share);
  security::share_file(world, at + 45 * kMillisecond, *host, logon, *actor.host, share, path,
                       world.rng.percent(30) ? 0x17019f : 0x120089);
}

void play_one(World& world, UnixNanos at, const Process& actor, Verb verb, std::string_view text) {
  switch (verb) {
    case Verb::kDns:
      return resolve(world, at, actor, text);
    case Verb::kNet:
      return connect_to(world, at, actor, text);
    case Verb::kWeb:
      resolve(world, at, actor, text);
      return connect(world, at + 24 * kMillisecond, actor, text, 443);
    case Verb::kFile:
      return sysmon::file_created(world, at, actor, text);
    case Verb::kDelete:
      return sysmon::file_deleted(world, at, actor, text);
    case Verb::kStream:
      return sysmon::file_stream(
          world, at, actor, std::string(text) + ":Zone.Identifier",
          "[ZoneTransfer]  ZoneId=3  ReferrerUrl=https://outlook.office365.com/");
    case Verb::kSet:
      return set_value(world, at, actor, text);
    case Verb::kKey:
      return sysmon::registry_key(world, at, actor, "CreateKey", text);
    case Verb::kDeleteKey:
      return sysmon::registry_key(world, at, actor, "DeleteKey", text);
    case Verb::kLoad:
      return sysmon::image_loaded(world, at, actor, text, true);
    case Verb::kLoadUnsigned:
      return sysmon::image_loaded(world, at, actor, text, false);
    case Verb::kPipe:
      return sysmon::pipe(world, at, actor, text, true);
    case Verb::kPipeTo:
      return sysmon::pipe(world, at, actor, text, false);
    case Verb::kScript:
      return windows::script_block(world, at, actor, text, "");
    case Verb::kCmdlet:
      return windows::cmdlet(world, at, actor, text);
    case Verb::kAccess:
      return access_process(world, at, actor, text);
    case Verb::kShare:
      return open_share(world, at, actor, text);
  }
}

bool is_powershell(const Program& program) {
  return program.key == "powershell" || program.original_name == "PowerShell.EXE";
}

}  // namespace

Process launch(World& world, UnixNanos at, Scene& scene, Launch what) {
  TOCSIN_CHECK(what.parent != nullptr && what.program != nullptr && what.logon != nullptr);
  Process process;
  process.host = what.parent->host;
  process.program = what.program;
  process.logon = *what.logon;
  process.start = at;
  process.pid = process.host->take_pid(world.rng.next());
  process.sequence = process.host->next_sequence++;
  process.integrity = what.logon->id == 0x3e7 ? "System" : what.integrity;
  if (what.program->path.find('{') == std::string::npos)
    process.image = what.program->path;
  else
    expand(process.image, what.program->path, scene, world.rng);
  process.command = std::move(what.command);
  process.directory = !what.directory.empty() ? std::move(what.directory)
                      : what.logon->id == 0x3e7 || what.integrity == "High"
                          ? R"(C:\Windows\system32\)"
                          : what.logon->account->home + '\\';
  sysmon::process_created(world, at, process, *what.parent);
  if (process.host->audits_processes)
    security::process_created(world, at - 2 * kMillisecond, process, *what.parent);
  if (is_powershell(*what.program))
    windows::engine_started(world, at + 180 * kMillisecond, process);
  return process;
}

void finish(World& world, UnixNanos at, const Process& process) {
  process.host->free_pid(process.pid);
  sysmon::process_ended(world, at, process);
}

void play(World& world, Scene& scene, UnixNanos& at, const Process& actor,
          std::span<const std::string_view> effects) {
  std::string text;
  for (const std::string_view effect : effects) {
    if (effect.empty()) break;
    at += static_cast<UnixNanos>(world.rng.range(4000, 900000)) * kMicrosecond;
    const auto [verb, arguments] = cut(effect);
    text.clear();
    expand(text, arguments, scene, world.rng);
    play_one(world, at, actor, verb_of(verb), text);
  }
}

void connect(World& world, UnixNanos at, const Process& actor, std::string_view name,
             std::uint32_t port) {
  const std::string ip = address_of(name, world.estate);
  const std::uint32_t source_port = actor.host->take_port();
  const bool internal = ip.starts_with("10.");
  sysmon::network(world, at, actor,
                  {.source = {actor.host->ip, actor.host->fqdn, source_port},
                   .destination = {ip, internal ? name : "-", port},
                   .protocol = port == 53 || port == 123 ? "udp" : "tcp",
                   .initiated = true});
  if ((actor.host->audience & kAnyServer) != 0)
    security::connection_allowed(world, at, actor, actor.host->ip, source_port, ip, port, true);
}

Logon network_logon(World& world, UnixNanos at, const Account& account, const Host& from, Host& to,
                    std::string_view package) {
  if (package == "Kerberos")
    security::service_ticket(world, at, account, from, to.name + '$');
  else
    security::ntlm_checked(world, at, account.name, from.name, 0);
  const Logon logon{
      .account = &account, .id = to.take_logon(world.rng.next()), .start = at, .terminal = 0};
  security::logged_on(world, at + 12 * kMillisecond, to,
                      {.logon = logon, .type = 3, .package = package, .from = &from});
  if (account.privileged) security::privileges(world, at + 13 * kMillisecond, to, logon);
  security::logged_off(world, at + world.rng.range(8, 40) * kSecond, to, logon, 3);
  return logon;
}

std::string call_trace(Rng& rng, std::string_view last_module) {
  return fmt::format(
      R"(C:\Windows\SYSTEM32\ntdll.dll+9d{:03x}|C:\Windows\System32\KERNELBASE.dll+{:05x}|{}+{:05x})",
      rng.below(0xfff), 0x20000 + rng.below(0x1ffff), last_module, rng.below(0xfffff));
}

}  // namespace tocsin::synthetic
