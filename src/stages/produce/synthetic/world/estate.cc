// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/world/estate.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/check.h"
#include "stages/produce/synthetic/world/rng.h"

namespace tocsin::synthetic {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kFirst[] = {
    "James", "Maria",  "Priya",  "Chen",  "Amara",  "Lukas",  "Elena", "Omar",  "Sofia", "Tom",
    "Ines",  "Viktor", "Hannah", "Diego", "Fatima", "Noah",   "Aiko",  "Pavel", "Ruth",  "Samir",
    "Clara", "Mateo",  "Olga",   "Kwame", "Julia",  "Henrik", "Leila", "Marco", "Nadia", "Peter",
    "Anja",  "Ravi",   "Zoe",    "Bruno", "Greta",  "Hugo",   "Mina",  "Oscar", "Petra", "Yusuf"};
constexpr std::string_view kLast[] = {
    "Alvarez", "Becker", "Castle", "Dubois",  "Evans",  "Fischer", "Garcia", "Haddad", "Ivanova",
    "Jensen",  "Kaur",   "Larsen", "Moreau",  "Nakata", "Okafor",  "Petrov", "Quinn",  "Rossi",
    "Schmidt", "Tanaka", "Ueda",   "Varga",   "Walker", "Xu",      "Yilmaz", "Zhang",  "Abbott",
    "Brandt",  "Conti",  "Dahl",   "Eriksen", "Flores", "Greco",   "Holm",   "Ibarra", "Jovanovic"};

// The first user is always an administrator; the rest follow the mix of a mid-size company.
constexpr Audience kDepartments[] = {kAdmin,      kFinance,   kDeveloper, kSales,
                                     kPeopleTeam, kMarketing, kAnalyst,   kFinance,
                                     kSales,      kDeveloper, kLegal,     kMarketing};

constexpr std::string_view kServiceAccounts[] = {"svc-sql",     "svc-backup", "svc-web",
                                                 "svc-monitor", "svc-deploy", "svc-print"};

struct ServerKind {
  std::string_view prefix;
  Audience audience;
};
constexpr ServerKind kServers[] = {{"DC", kDomainController}, {"FS", kFileServer},
                                   {"WEB", kWebServer},       {"SQL", kSqlServer},
                                   {"JMP", kJumpServer},      {"APP", kAppServer}};

struct Boot {
  std::string_view key;
  std::string_view program;
  std::string_view parent;
  std::string_view command;
  char account;  // S system, L local service, N network service
  Audience where;
};

// In the order in which a machine starts them; a parent stands above its children.
constexpr Boot kBoot[] = {
    {"system", "system", "", "", 'S', kAnyHost},
    {"smss", "smss", "system", R"(\SystemRoot\System32\smss.exe)", 'S', kAnyHost},
    {"csrss", "csrss", "smss",
     R"(%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On SubSystemType=Windows ServerDll=basesrv,1)",
     'S', kAnyHost},
    {"wininit", "wininit", "smss", "wininit.exe", 'S', kAnyHost},
    {"winlogon", "winlogon", "smss", "winlogon.exe", 'S', kAnyHost},
    {"services", "services", "wininit", R"(C:\Windows\system32\services.exe)", 'S', kAnyHost},
    {"lsass", "lsass", "wininit", R"(C:\Windows\system32\lsass.exe)", 'S', kAnyHost},
    {"userinit", "userinit", "winlogon", R"(C:\Windows\system32\userinit.exe)", 'S', kAnyHost},
    {"svchost.dcom", "svchost", "services", R"(C:\Windows\system32\svchost.exe -k DcomLaunch -p)",
     'S', kAnyHost},
    {"svchost.rpc", "svchost", "services", R"(C:\Windows\system32\svchost.exe -k RPCSS -p)", 'N',
     kAnyHost},
    {"svchost.schedule", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule)", 'S', kAnyHost},
    {"svchost.profile", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k netsvcs -p -s ProfSvc)", 'S', kAnyHost},
    {"svchost.gpo", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k GPSvcGroup -s gpsvc)", 'S', kAnyHost},
    {"svchost.eventlog", "svchost", "services",
     R"(C:\Windows\System32\svchost.exe -k LocalServiceNetworkRestricted -p -s EventLog)", 'L',
     kAnyHost},
    {"svchost.dns", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k NetworkService -p -s Dnscache)", 'N', kAnyHost},
    {"svchost.bits", "svchost", "services",
     R"(C:\Windows\System32\svchost.exe -k netsvcs -p -s BITS)", 'S', kAnyHost},
    {"svchost.update", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k netsvcs -p -s wuauserv)", 'S', kAnyHost},
    {"svchost.wmi", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k netsvcs -p -s Winmgmt)", 'S', kAnyHost},
    {"svchost.appinfo", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k netsvcs -p -s Appinfo)", 'S', kAnyHost},
    {"svchost.term", "svchost", "services",
     R"(C:\Windows\System32\svchost.exe -k termsvcs -s TermService)", 'N', kAnyHost},
    {"svchost.winrm", "svchost", "services",
     R"(C:\Windows\System32\svchost.exe -k NetworkService -p -s WinRM)", 'N', kAnyHost},
    {"svchost.dhcp", "svchost", "services",
     R"(C:\Windows\system32\svchost.exe -k LocalServiceNetworkRestricted -p -s Dhcp)", 'L',
     kAnyHost},
    {"svchost.server", "svchost", "services",
     R"(C:\Windows\System32\svchost.exe -k netsvcs -p -s LanmanServer)", 'S', kAnyHost},
    {"svchost.diag", "svchost", "services", R"(C:\Windows\System32\svchost.exe -k utcsvc -p)", 'S',
     kAnyHost},
    {"spoolsv", "spoolsv", "services", R"(C:\Windows\System32\spoolsv.exe)", 'S', kAnyHost},
    {"msmpeng", "msmpeng", "services",
     R"("C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.25110.6-0\MsMpEng.exe")", 'S',
     kAnyHost},
    {"sysmon", "sysmon", "services", R"(C:\Windows\Sysmon64.exe)", 'S', kAnyHost},
    {"wmiprvse", "wmiprvse", "svchost.dcom",
     R"(C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding)", 'N', kAnyHost},
    {"ccmexec", "ccmexec", "services", R"(C:\Windows\CCM\CcmExec.exe)", 'S', kAnyHost},
    {"searchindexer", "searchindexer", "services",
     R"(C:\Windows\system32\SearchIndexer.exe /Embedding)", 'S', kWorkstation},
    {"edgeupdate", "edgeupdate", "services",
     R"("C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe" /svc)", 'S',
     kWorkstation},
    {"clicktorun", "clicktorun", "services",
     R"("C:\Program Files\Common Files\Microsoft Shared\ClickToRun\OfficeClickToRun.exe" /service)",
     'S', kWorkstation},
    {"taskhostw", "taskhostw", "svchost.schedule", "taskhostw.exe", 'S', kAnyHost},
    {"vmtoolsd", "vmtoolsd", "services", R"("C:\Program Files\VMware\VMware Tools\vmtoolsd.exe")",
     'S', kAnyServer},
    {"healthservice", "healthservice", "services",
     R"("C:\Program Files\Microsoft Monitoring Agent\Agent\HealthService.exe")", 'S', kAnyServer},
    {"backupagent", "backupagent", "services",
     R"("C:\Program Files\Northgate Backup\agent\ngbagent.exe" --service)", 'S', kAnyServer},
    {"dns", "dns", "services", R"(C:\Windows\system32\dns.exe)", 'S', kDomainController},
    {"dfsrs", "dfsrs", "services", R"(C:\Windows\system32\DFSRs.exe)", 'S', kDomainController},
    {"w3wp", "w3wp", "svchost.server",
     R"(c:\windows\system32\inetsrv\w3wp.exe -ap "PortalPool" -v "v4.0" -l "webengine4.dll" -a \\.\pipe\iisipm5d1c9a34 -h "C:\inetpub\temp\apppools\PortalPool\PortalPool.config" -w "" -m 0 -t 20 -ta 0)",
     'N', kWebServer},
    {"sqlservr", "sqlservr", "services",
     R"("C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\sqlservr.exe" -sMSSQLSERVER)",
     'N', kSqlServer},
    {"sqlagent", "sqlagent", "services",
     R"("C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\SQLAGENT.EXE" -i MSSQLSERVER)",
     'N', kSqlServer},
    {"tomcat", "tomcat", "services",
     R"("C:\Program Files\Apache Software Foundation\Tomcat 9.0\bin\Tomcat9.exe" //RS//Tomcat9)",
     'L', kAppServer},
};

Account make_account(const Estate& estate, std::string name, std::string sid) {
  Account account;
  account.domain = estate.domain;
  account.display = estate.domain + '\\' + name;
  account.home = "C:\\Users\\" + name;
  account.name = std::move(name);
  account.sid = std::move(sid);
  return account;
}

Account builtin(std::string name, std::string sid) {
  Account account;
  account.domain = "NT AUTHORITY";
  account.display = "NT AUTHORITY\\" + name;
  account.home = R"(C:\Windows\system32\config\systemprofile)";
  account.name = std::move(name);
  account.sid = std::move(sid);
  account.privileged = true;
  return account;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

void add_people(Estate& estate, const EstateOptions& options, Rng& rng) {
  const std::size_t offset = rng.below(std::size(kFirst));
  const std::size_t stride = 7 + 2 * rng.below(5);
  for (int i = 0; i < options.users; ++i) {
    const auto n = static_cast<std::size_t>(i);
    const std::string_view first = kFirst[(offset + n * 3) % std::size(kFirst)];
    const std::string_view last = kLast[(offset + n * stride) % std::size(kLast)];
    std::string name = lower(first.substr(0, 1)) + '.' + lower(last);
    const auto taken = [&](const Account& other) { return other.name == name; };
    if (std::any_of(estate.users.begin(), estate.users.end(), taken)) name += fmt::format("{}", i);
    Account account =
        make_account(estate, std::move(name), fmt::format("{}-{}", estate.domain_sid, 1104 + i));
    account.first = first;
    account.last = last;
    account.audience = kDepartments[n % std::size(kDepartments)];
    if (account.audience == kAdmin) {
      Account admin = make_account(estate, "adm-" + account.name.substr(2),
                                   fmt::format("{}-{}", estate.domain_sid, 9104 + i));
      admin.first = first;
      admin.last = last;
      admin.audience = kAdmin;
      admin.privileged = true;
      estate.admins.push_back(std::move(admin));
    }
    estate.users.push_back(std::move(account));
  }
  int rid = 1050;
  for (const std::string_view name : kServiceAccounts)
    estate.services.push_back(
        make_account(estate, std::string(name), fmt::format("{}-{}", estate.domain_sid, rid++)));
}

void start_machine(Estate& estate, Host& host, Rng& rng, UnixNanos boot) {
  UnixNanos at = boot;
  for (const Boot& row : kBoot) {
    if ((row.where & host.audience) == 0) continue;
    at += static_cast<UnixNanos>(rng.range(20, 900)) * kMillisecond;
    Process process;
    process.host = &host;
    process.program = &find_program(row.program);
    const Account& account = row.account == 'S'   ? estate.system
                             : row.account == 'L' ? estate.local_service
                                                  : estate.network_service;
    const std::uint64_t id = row.account == 'S' ? 0x3e7 : row.account == 'L' ? 0x3e5 : 0x3e4;
    process.logon = builtin_logon(account, id, boot);
    process.start = at;
    process.pid = row.key == "system" ? 4 : host.take_pid(rng.next());
    process.sequence = host.next_sequence++;
    process.image = process.program->path;
    process.command = row.command;
    process.directory = R"(C:\Windows\system32\)";
    host.residents.push_back({row.key, std::move(process)});
  }
}

void add_host(Estate& estate, std::string name, std::string ip, Audience audience, Rng& rng,
              UnixNanos start) {
  Host& host = estate.hosts.emplace_back();
  host.name = std::move(name);
  host.fqdn = host.name + '.' + estate.dns_domain;
  host.ip = std::move(ip);
  host.audience = audience;
  host.machine = make_account(estate, host.name + '$',
                              fmt::format("{}-{}", estate.domain_sid, 2000 + estate.hosts.size()));
  host.machine_id = static_cast<std::uint32_t>(hash_text(host.name, rng.next()));
  host.audits_processes = (audience & kAnyServer) != 0 || rng.percent(40);
  for (std::uint64_t& id : host.record_ids) id = 1000 + rng.below(900000);
  host.next_port += rng.below(8000);
  const UnixNanos boot = start - static_cast<UnixNanos>(rng.range(2, 12 * 24 * 60)) * kMinute;
  start_machine(estate, host, rng, boot);
}

}  // namespace

const Process* Host::find(std::string_view key) const {
  for (const Resident& resident : residents)
    if (resident.key == key) return &resident.process;
  return nullptr;
}

std::uint32_t Host::take_pid(std::uint64_t chance) {
  next_pid += 4 + 4 * static_cast<std::uint32_t>(chance % 13);
  for (;;) {
    if (next_pid >= 4 * 7900) next_pid = 1200;
    if (!pids.test(next_pid / 4)) break;
    next_pid += 4;
  }
  pids.set(next_pid / 4);
  return next_pid;
}

std::uint32_t Host::take_port() {
  if (++next_port > 65500) next_port = 49700;
  return next_port;
}

std::uint64_t Host::take_logon(std::uint64_t chance) {
  next_logon += 0x11 + chance % 0x2f00;
  return next_logon;
}

Host& Estate::server(Audience kind) {
  for (Host& host : hosts)
    if ((host.audience & kind) != 0) return host;
  for (Host& host : hosts)
    if ((host.audience & kAnyServer) != 0) return host;
  return hosts.front();
}

const Account& Estate::service(std::string_view name) const {
  for (const Account& account : services)
    if (account.name == name) return account;
  check_failed("service account exists", __FILE__, __LINE__);
}

Logon builtin_logon(const Account& account, std::uint64_t id, UnixNanos boot) {
  return {.account = &account, .id = id, .start = boot, .terminal = 0};
}

void build_estate(Estate& estate, const EstateOptions& options, UnixNanos start) {
  Rng rng(mix(options.seed) ^ 0xe57a7eULL);
  estate.domain_sid =
      fmt::format("S-1-5-21-{}-{}-{}", 1000000000 + rng.below(2000000000),
                  1000000000 + rng.below(2000000000), 1000000000 + rng.below(2000000000));
  estate.system = builtin("SYSTEM", "S-1-5-18");
  estate.local_service = builtin("LOCAL SERVICE", "S-1-5-19");
  estate.network_service = builtin("NETWORK SERVICE", "S-1-5-20");
  estate.anonymous = builtin("ANONYMOUS LOGON", "S-1-5-7");
  add_people(estate, options, rng);
  for (int i = 0; i < options.workstations; ++i)
    add_host(estate, fmt::format("MER-WS{:03}", i + 1),
             fmt::format("10.20.{}.{}", 10 + i / 200, 20 + i % 200), kWorkstation, rng, start);
  const int kinds = static_cast<int>(std::size(kServers));
  for (int i = 0; i < options.servers; ++i) {
    const ServerKind& kind = kServers[static_cast<std::size_t>(i % kinds)];
    add_host(estate, fmt::format("MER-{}{:02}", kind.prefix, i / kinds + 1),
             fmt::format("10.20.{}.{}", 2 + i / 200, 10 + i % 200), kind.audience, rng, start);
  }
}

}  // namespace tocsin::synthetic
