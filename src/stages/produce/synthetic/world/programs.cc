// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unordered_map>

#include "base/check.h"
#include "stages/produce/synthetic/world/program.h"
#include "stages/produce/synthetic/world/rng.h"

namespace tocsin::synthetic {
namespace {

struct Vendor {
  char code;
  std::string_view company;
  std::string_view product;
  std::string_view version;
};
constexpr Vendor kVendors[] = {
    {'W', "Microsoft Corporation", "Microsoft\xC2\xAE Windows\xC2\xAE Operating System",
     "10.0.19041.4522 (WinBuild.160101.0800)"},
    {'O', "Microsoft Corporation", "Microsoft Office", "16.0.17928.20114"},
    {'E', "Microsoft Corporation", "Microsoft Edge", "131.0.2903.86"},
    {'T', "Microsoft Corporation", "Microsoft Teams", "24295.605.3225.8804"},
    {'D', "Microsoft Corporation", "Microsoft OneDrive", "24.216.1027.0003"},
    {'V', "Microsoft Corporation", "Visual Studio Code", "1.95.3"},
    {'N', "Microsoft Corporation", "Microsoft .NET Framework", "4.8.4084.0"},
    {'B', "Microsoft Corporation", "Microsoft Build Tools", "17.11.9.46202"},
    {'Q', "Microsoft Corporation", "Microsoft SQL Server", "2019.0150.4153.01"},
    {'C', "Microsoft Corporation", "System Center Configuration Manager", "5.00.9128.1007"},
    {'F', "Microsoft Corporation", "Microsoft Defender Antivirus", "4.18.25110.6"},
    {'S', "Sysinternals - www.sysinternals.com", "Sysinternals Utilities", "2.43"},
    {'G', "Google LLC", "Google Chrome", "131.0.6778.109"},
    {'A', "Adobe Inc.", "Adobe Acrobat Reader DC", "24.4.20272.0"},
    {'g', "The Git Development Community", "Git", "2.47.0.2"},
    {'n', "Node.js", "Node.js", "20.18.0"},
    {'p', "Python Software Foundation", "Python", "3.12.7"},
    {'7', "Igor Pavlov", "7-Zip", "24.08"},
    {'z', "Zoom Video Communications, Inc.", "Zoom Meetings", "6.2.6.49050"},
    {'s', "Slack Technologies Inc.", "Slack", "4.41.97"},
    {'j', "Eclipse Adoptium", "OpenJDK Platform 17", "17.0.13.0"},
    {'k', "Northgate Systems", "Northgate Backup", "8.2.1.140"},
    {'m', "VMware, Inc.", "VMware Tools", "12.4.5.23787635"},
    {'t', "Apache Software Foundation", "Apache Commons Daemon Service Runner", "1.4.0.0"},
    {'u', "Simon Tatham", "PuTTY suite", "Release 0.81"},
    {'x', "Don HO don.h@free.fr", "Notepad++", "8.7.1"},
    {'f', "Mozilla Corporation", "Firefox", "132.0.2"},
    {'d', "Docker Inc.", "Docker Desktop", "4.35.1"},
    {'w', "Martin Prikryl", "WinSCP", "6.3.5.14991"},
    {'R', "Meridian Software", "Meridian Ledger", "11.4.0.2281"},
};

struct Row {
  std::string_view key;
  char vendor;
  std::string_view path;
  std::string_view original;
  std::string_view description;
};

#define SYS R"(C:\Windows\System32\)"
#define PF R"(C:\Program Files\)"
#define PF86 R"(C:\Program Files (x86)\)"
#define LOCAL R"({home}\AppData\Local\)"
constexpr Row kRows[] = {
    {"system", 'W', "System", "-", "-"},
    {"smss", 'W', SYS "smss.exe", "smss.exe", "Windows Session Manager"},
    {"csrss", 'W', SYS "csrss.exe", "CSRSS.Exe", "Client Server Runtime Process"},
    {"wininit", 'W', SYS "wininit.exe", "WinInit.exe", "Windows Start-Up Application"},
    {"winlogon", 'W', SYS "winlogon.exe", "WINLOGON.EXE", "Windows Logon Application"},
    {"services", 'W', SYS "services.exe", "services.exe", "Services and Controller app"},
    {"lsass", 'W', SYS "lsass.exe", "lsass.exe", "Local Security Authority Process"},
    {"userinit", 'W', SYS "userinit.exe", "USERINIT.EXE", "Userinit Logon Application"},
    {"svchost", 'W', SYS "svchost.exe", "svchost.exe", "Host Process for Windows Services"},
    {"spoolsv", 'W', SYS "spoolsv.exe", "spoolsv.exe", "Spooler SubSystem App"},
    {"splwow64", 'W', R"(C:\Windows\splwow64.exe)", "splwow64.exe",
     "Print driver host for applications"},
    {"msmpeng", 'F',
     R"(C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.25110.6-0\MsMpEng.exe)",
     "MsMpEng.exe", "Antimalware Service Executable"},
    {"mpcmdrun", 'F',
     R"(C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.25110.6-0\MpCmdRun.exe)",
     "MpCmdRun.exe", "Microsoft Malware Protection Command Line Utility"},
    {"sysmon", 'S', R"(C:\Windows\Sysmon64.exe)", "-", "System activity monitor"},
    {"wmiprvse", 'W', SYS R"(wbem\WmiPrvSE.exe)", "Wmiprvse.exe", "WMI Provider Host"},
    {"scrcons", 'W', SYS R"(wbem\scrcons.exe)", "scrcons.exe",
     "WMI Standard Event Consumer - scripting"},
    {"wsmprovhost", 'W', SYS "wsmprovhost.exe", "wsmprovhost.exe",
     "Host process for WinRM plug-ins"},
    {"ccmexec", 'C', R"(C:\Windows\CCM\CcmExec.exe)", "CcmExec.exe",
     "Host Process for Microsoft Configuration Manager"},
    {"searchindexer", 'W', SYS "SearchIndexer.exe", "SearchIndexer.exe",
     "Microsoft Windows Search Indexer"},
    {"searchprotocol", 'W', SYS "SearchProtocolHost.exe", "SearchProtocolHost.exe",
     "Microsoft Windows Search Protocol Host"},
    {"searchfilter", 'W', SYS "SearchFilterHost.exe", "SearchFilterHost.exe",
     "Microsoft Windows Search Filter Host"},
    {"edgeupdate", 'E', PF86 R"(Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe)", "msedgeupdate.dll",
     "Microsoft Edge Update"},
    {"googleupdate", 'G', PF86 R"(Google\GoogleUpdater\131.0.6776.0\updater.exe)", "updater.exe",
     "GoogleUpdater"},
    {"clicktorun", 'O', PF R"(Common Files\Microsoft Shared\ClickToRun\OfficeClickToRun.exe)",
     "OfficeClickToRun.exe", "Microsoft Office Click-to-Run (SxS)"},
    {"taskhostw", 'W', SYS "taskhostw.exe", "taskhostw.exe", "Host Process for Windows Tasks"},
    {"vmtoolsd", 'm', PF R"(VMware\VMware Tools\vmtoolsd.exe)", "vmtoolsd.exe",
     "VMware Tools Core Service"},
    {"healthservice", 'C', PF R"(Microsoft Monitoring Agent\Agent\HealthService.exe)",
     "HealthService.exe", "Microsoft Monitoring Agent Service"},
    {"monitoringhost", 'C', PF R"(Microsoft Monitoring Agent\Agent\MonitoringHost.exe)",
     "MonitoringHost.exe", "Microsoft Monitoring Agent Service Host Process"},
    {"backupagent", 'k', PF R"(Northgate Backup\agent\ngbagent.exe)", "ngbagent.exe",
     "Northgate Backup Agent"},
    {"backupcli", 'k', PF R"(Northgate Backup\agent\ngbcmd.exe)", "ngbcmd.exe",
     "Northgate Backup command line"},
    {"dns", 'W', SYS "dns.exe", "dns.exe", "Domain Name System (DNS) Server"},
    {"dfsrs", 'W', SYS "dfsrs.exe", "dfsrs.exe", "Distributed File System Replication"},
    {"w3wp", 'W', SYS R"(inetsrv\w3wp.exe)", "w3wp.exe", "IIS Worker Process"},
    {"appcmd", 'W', SYS R"(inetsrv\appcmd.exe)", "appcmd.exe",
     "Application Server Command Line Admin Tool"},
    {"sqlservr", 'Q', PF R"(Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\sqlservr.exe)",
     "SQLSERVR.EXE", "SQL Server Windows NT - 64 Bit"},
    {"sqlagent", 'Q', PF R"(Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\SQLAGENT.EXE)",
     "SQLAGENT.EXE", "Microsoft SQL Server Agent"},
    {"sqlcmd", 'Q', PF R"(Microsoft SQL Server\Client SDK\ODBC\170\Tools\Binn\SQLCMD.EXE)",
     "SQLCMD.EXE", "SQL Server Command Line Tool"},
    {"bcp", 'Q', PF R"(Microsoft SQL Server\Client SDK\ODBC\170\Tools\Binn\bcp.exe)", "BCP.EXE",
     "BCP - Bulk Copy Program"},
    {"ssms", 'Q', PF86 R"(Microsoft SQL Server Management Studio 20\Common7\IDE\Ssms.exe)",
     "Ssms.exe", "SSMS 20"},
    {"tomcat", 't', PF R"(Apache Software Foundation\Tomcat 9.0\bin\Tomcat9.exe)", "prunsrv.exe",
     "Apache Commons Daemon Service Runner"},
    {"explorer", 'W', R"(C:\Windows\explorer.exe)", "EXPLORER.EXE", "Windows Explorer"},
    {"sihost", 'W', SYS "sihost.exe", "sihost.exe", "Shell Infrastructure Host"},
    {"runtimebroker", 'W', SYS "RuntimeBroker.exe", "RuntimeBroker.exe", "Runtime Broker"},
    {"backgroundtask", 'W', SYS "backgroundTaskHost.exe", "backgroundTaskHost.exe",
     "Background Task Host"},
    {"dllhost", 'W', SYS "dllhost.exe", "dllhost.exe", "COM Surrogate"},
    {"consent", 'W', SYS "consent.exe", "consent.exe",
     "Consent UI for administrative applications"},
    {"conhost", 'W', SYS "conhost.exe", "CONHOST.EXE", "Console Window Host"},
    {"ctfmon", 'W', SYS "ctfmon.exe", "CTFMON.EXE", "CTF Loader"},
    {"smartscreen", 'W', SYS "smartscreen.exe", "smartscreen.exe", "Windows Defender SmartScreen"},
    {"audiodg", 'W', SYS "audiodg.exe", "audiodg.exe", "Windows Audio Device Graph Isolation"},
    {"lockapp", 'W', R"(C:\Windows\SystemApps\Microsoft.LockApp_cw5n1h2txyewy\LockApp.exe)",
     "LockApp.exe", "LockApp.exe"},
    {"logonui", 'W', SYS "LogonUI.exe", "logonui.exe", "Windows Logon User Interface Host"},
    {"rdpclip", 'W', SYS "rdpclip.exe", "rdpclip.exe", "RDP Clipboard Monitor"},
    {"mstsc", 'W', SYS "mstsc.exe", "mstsc.exe", "Remote Desktop Connection"},
    {"tscon", 'W', SYS "tscon.exe", "tscon.exe", "Session Connection Utility"},
    {"query", 'W', SYS "quser.exe", "quser.exe", "MultiUser Query User Utility"},
    {"cmd", 'W', SYS "cmd.exe", "Cmd.Exe", "Windows Command Processor"},
    {"powershell", 'W', SYS R"(WindowsPowerShell\v1.0\powershell.exe)", "PowerShell.EXE",
     "Windows PowerShell"},
    {"powershell_ise", 'W', SYS R"(WindowsPowerShell\v1.0\powershell_ise.exe)",
     "powershell_ise.EXE", "Windows PowerShell ISE"},
    {"pwsh", 'W', PF R"(PowerShell\7\pwsh.exe)", "pwsh.dll", "pwsh"},
    {"mmc", 'W', SYS "mmc.exe", "mmc.exe", "Microsoft Management Console"},
    {"taskmgr", 'W', SYS "Taskmgr.exe", "Taskmgr.exe", "Task Manager"},
    {"regedit", 'W', R"(C:\Windows\regedit.exe)", "REGEDIT.EXE", "Registry Editor"},
    {"reg", 'W', SYS "reg.exe", "reg.exe", "Registry Console Tool"},
    {"net", 'W', SYS "net.exe", "net.exe", "Net Command"},
    {"net1", 'W', SYS "net1.exe", "net1.exe", "Net Command"},
    {"netsh", 'W', SYS "netsh.exe", "netsh.exe", "Network Command Shell"},
    {"nltest", 'W', SYS "nltest.exe", "nltestrk.exe",
     "Microsoft\xC2\xAE Logon Server Test Utility"},
    {"sc", 'W', SYS "sc.exe", "sc.exe", "Service Control Manager Configuration Tool"},
    {"schtasks", 'W', SYS "schtasks.exe", "schtasks.exe", "Task Scheduler Configuration Tool"},
    {"whoami", 'W', SYS "whoami.exe", "whoami.exe", "whoami - displays logged on user information"},
    {"hostname", 'W', SYS "HOSTNAME.EXE", "hostname.exe", "Hostname APP"},
    {"ipconfig", 'W', SYS "ipconfig.exe", "ipconfig.exe", "IP Configuration Utility"},
    {"systeminfo", 'W', SYS "systeminfo.exe", "sysinfo.exe", "Displays system information"},
    {"tasklist", 'W', SYS "tasklist.exe", "tasklist.exe", "Lists the current running tasks"},
    {"taskkill", 'W', SYS "taskkill.exe", "taskkill.exe", "Terminates Processes"},
    {"netstat", 'W', SYS "NETSTAT.EXE", "netstat.exe", "TCP/IP Netstat Command"},
    {"nslookup", 'W', SYS "nslookup.exe", "nslookup.exe", "nslookup"},
    {"ping", 'W', SYS "PING.EXE", "ping.exe", "TCP/IP Ping Command"},
    {"tracert", 'W', SYS "TRACERT.EXE", "tracert.exe", "TCP/IP Traceroute Command"},
    {"arp", 'W', SYS "ARP.EXE", "arp.exe", "TCP/IP Arp Command"},
    {"route", 'W', SYS "ROUTE.EXE", "route.exe", "TCP/IP Route Command"},
    {"gpupdate", 'W', SYS "gpupdate.exe", "GPUpdate.exe",
     "Microsoft\xC2\xAE Group Policy Update Utility"},
    {"gpresult", 'W', SYS "gpresult.exe", "gprslt.exe",
     "Microsoft\xC2\xAE Group Policy Result Tool"},
    {"wmic", 'W', SYS R"(wbem\WMIC.exe)", "wmic.exe", "WMI Commandline Utility"},
    {"wevtutil", 'W', SYS "wevtutil.exe", "wevtutil.exe", "Eventing Command Line Utility"},
    {"auditpol", 'W', SYS "auditpol.exe", "AUDITPOL.EXE", "Audit Policy Program"},
    {"vssadmin", 'W', SYS "vssadmin.exe", "VSSADMIN.EXE",
     "Command Line Interface for Microsoft\xC2\xAE Volume Shadow Copy Service"},
    {"bcdedit", 'W', SYS "bcdedit.exe", "bcdedit.exe", "Boot Configuration Data Editor"},
    {"wbadmin", 'W', SYS "wbadmin.exe", "WBADMIN.EXE",
     "Command Line Interface for Microsoft\xC2\xAE BLB Backup"},
    {"fsutil", 'W', SYS "fsutil.exe", "fsutil.exe", "fsutil.exe"},
    {"cipher", 'W', SYS "cipher.exe", "CIPHER.EXE", "File Encryption Utility"},
    {"icacls", 'W', SYS "icacls.exe", "iCACLS.EXE", "iCACLS utility"},
    {"takeown", 'W', SYS "takeown.exe", "takeown.exe", "Takes ownership of a file"},
    {"attrib", 'W', SYS "attrib.exe", "ATTRIB.EXE", "Attribute Utility"},
    {"robocopy", 'W', SYS "Robocopy.exe", "robocopy.exe", "Microsoft Robocopy"},
    {"xcopy", 'W', SYS "xcopy.exe", "XCOPY.EXE", "Extended Copy Utility"},
    {"findstr", 'W', SYS "findstr.exe", "FINDSTR.EXE", "Find String (QGREP) Utility"},
    {"where", 'W', SYS "where.exe", "where.exe", "Where - Lists location of files"},
    {"timeout", 'W', SYS "timeout.exe", "timeout.exe", "timeout - pauses command processing"},
    {"certutil", 'W', SYS "certutil.exe", "CertUtil.exe", "CertUtil.exe"},
    {"certreq", 'W', SYS "certreq.exe", "CertReq.exe", "CertReq.exe"},
    {"bitsadmin", 'W', SYS "bitsadmin.exe", "bitsadmin.exe", "BITS administration utility"},
    {"mshta", 'W', SYS "mshta.exe", "MSHTA.EXE", "Microsoft (R) HTML Application host"},
    {"rundll32", 'W', SYS "rundll32.exe", "RUNDLL32.EXE", "Windows host process (Rundll32)"},
    {"regsvr32", 'W', SYS "regsvr32.exe", "REGSVR32.EXE", "Microsoft(C) Register Server"},
    {"cmstp", 'W', SYS "cmstp.exe", "CMSTP.EXE", "Microsoft Connection Manager Profile Installer"},
    {"msiexec", 'W', SYS "msiexec.exe", "msiexec.exe", "Windows\xC2\xAE installer"},
    {"wscript", 'W', SYS "wscript.exe", "wscript.exe",
     "Microsoft \xC2\xAE Windows Based Script Host"},
    {"cscript", 'W', SYS "cscript.exe", "cscript.exe",
     "Microsoft \xC2\xAE Console Based Script Host"},
    {"forfiles", 'W', SYS "forfiles.exe", "forfiles.exe",
     "ForFiles - Executes a command on selected files"},
    {"pcalua", 'W', SYS "pcalua.exe", "pcalua.exe", "Program Compatibility Assistant"},
    {"fodhelper", 'W', SYS "fodhelper.exe", "FodHelper.EXE", "Features On Demand Helper"},
    {"computerdefaults", 'W', SYS "ComputerDefaults.exe", "ComputerDefaults.EXE",
     "Set Program Access and Computer Defaults Control Panel"},
    {"eventvwr", 'W', SYS "eventvwr.exe", "eventvwr.exe", "Event Viewer Snapin Launcher"},
    {"sdclt", 'W', SYS "sdclt.exe", "sdclt.exe", "Microsoft\xC2\xAE Windows Backup"},
    {"esentutl", 'W', SYS "esentutl.exe", "esentutl.exe",
     "Extensible Storage Engine Utilities for Microsoft(R) Windows(R)"},
    {"ntdsutil", 'W', SYS "ntdsutil.exe", "ntdsutil.exe", "NT5DS"},
    {"dsquery", 'W', SYS "dsquery.exe", "dsquery.exe",
     "Microsoft AD DS/LDS query command line utility"},
    {"setspn", 'W', SYS "setspn.exe", "setspn.exe", "Query or reset the computer's SPN attribute"},
    {"klist", 'W', SYS "klist.exe", "klist.exe", "Tool for managing Kerberos tickets"},
    {"cmdkey", 'W', SYS "cmdkey.exe", "cmdkey.exe", "Credential Manager Command Line Utility"},
    {"vaultcmd", 'W', SYS "VaultCmd.exe", "VAULTCMD.EXE", "Vault cmdline Program"},
    {"dfscmd", 'W', SYS "dfsdiag.exe", "dfsdiag.exe", "DFS diagnostics"},
    {"dcdiag", 'W', SYS "dcdiag.exe", "dcdiag.exe", "Domain Controller Diagnosis"},
    {"repadmin", 'W', SYS "repadmin.exe", "repadmin.exe",
     "Active Directory Replication administration"},
    {"defrag", 'W', SYS "Defrag.exe", "Defrag.EXE", "Disk Defragmenter Module"},
    {"cleanmgr", 'W', SYS "cleanmgr.exe", "CLEANMGR.DLL", "Disk Space Cleanup Manager for Windows"},
    {"dism", 'W', SYS "Dism.exe", "DISM.EXE", "Dism Image Servicing Utility"},
    {"tiworker", 'W',
     R"(C:\Windows\WinSxS\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.19041.4585_none_7e03b2e07c8d3f1b\TiWorker.exe)",
     "TiWorker.exe", "Windows Modules Installer Worker"},
    {"trustedinstaller", 'W', R"(C:\Windows\servicing\TrustedInstaller.exe)",
     "TrustedInstaller.exe", "Windows Modules Installer"},
    {"usoclient", 'W', SYS "UsoClient.exe", "UsoClient.exe", "UsoClient"},
    {"mousocore", 'W', SYS "MoUsoCoreWorker.exe", "MoUSOCoreWorker.exe",
     "MoUSO Core Worker Process"},
    {"compattel", 'W', SYS "CompatTelRunner.exe", "CompatTelRunner.exe",
     "Microsoft Compatibility Telemetry"},
    {"devicecensus", 'W', SYS "DeviceCensus.exe", "DeviceCensus.exe", "Device Census"},
    {"werfault", 'W', SYS "WerFault.exe", "WerFault.exe", "Windows Problem Reporting"},
    {"wermgr", 'W', SYS "wermgr.exe", "WerMgr", "Windows Problem Reporting"},
    {"w32tm", 'W', SYS "w32tm.exe", "w32tm.exe", "Windows Time Service Diagnostic Tool"},
    {"curl", 'W', SYS "curl.exe", "curl.exe", "The curl executable"},
    {"tar", 'W', SYS "tar.exe", "bsdtar", "bsdtar archive tool"},
    {"ssh", 'W', SYS R"(OpenSSH\ssh.exe)", "ssh.exe", "OpenSSH for Windows"},
    {"notepad", 'W', SYS "notepad.exe", "NOTEPAD.EXE", "Notepad"},
    {"mspaint", 'W', SYS "mspaint.exe", "MSPAINT.EXE", "Paint"},
    {"calc", 'W', SYS "calc.exe", "CALC.EXE", "Windows Calculator"},
    {"snip", 'W', SYS "SnippingTool.exe", "SnippingTool.exe", "Snipping Tool"},
    {"psr", 'W', SYS "psr.exe", "psr.exe", "Problem Steps Recorder"},
    {"shutdown", 'W', SYS "shutdown.exe", "SHUTDOWN.EXE", "Windows Shutdown and Annotation Tool"},
    {"manage-bde", 'W', SYS "manage-bde.exe", "Manage-BDE.exe",
     "BitLocker Drive Encryption: Configuration Tool"},
    {"csc", 'N', R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe)", "csc.exe",
     "Visual C# Command Line Compiler"},
    {"cvtres", 'N', R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\cvtres.exe)", "CVTRES.EXE",
     "Microsoft\xC2\xAE Resource File To COFF Object Conversion Utility"},
    {"ngen", 'N', R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\ngen.exe)", "ngen.exe",
     "Microsoft Common Language Runtime native compiler"},
    {"installutil", 'N', R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\InstallUtil.exe)",
     "InstallUtil.exe", ".NET Framework installation utility"},
    {"regasm", 'N', R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\RegAsm.exe)", "RegAsm.exe",
     "Microsoft .NET Assembly Registration Utility"},
    {"msbuild_fx", 'N', R"(C:\Windows\Microsoft.NET\Framework64\v4.0.30319\MSBuild.exe)",
     "MSBuild.exe", "MSBuild.exe"},
    {"msbuild", 'B',
     PF R"(Microsoft Visual Studio\2022\Professional\MSBuild\Current\Bin\MSBuild.exe)",
     "MSBuild.exe", "MSBuild.exe"},
    {"devenv", 'B', PF R"(Microsoft Visual Studio\2022\Professional\Common7\IDE\devenv.exe)",
     "devenv.exe", "Microsoft Visual Studio 2022"},
    {"dotnet", 'B', PF R"(dotnet\dotnet.exe)", ".NET Host", ".NET Host"},
    {"vctip", 'B',
     PF
     R"(Microsoft Visual Studio\2022\Professional\VC\Tools\MSVC\14.41.34120\bin\Hostx64\x64\cl.exe)",
     "CL.exe", "Microsoft\xC2\xAE C/C++ Compiler Driver"},
    {"winword", 'O', PF R"(Microsoft Office\root\Office16\WINWORD.EXE)", "WinWord.exe",
     "Microsoft Word"},
    {"excel", 'O', PF R"(Microsoft Office\root\Office16\EXCEL.EXE)", "Excel.exe",
     "Microsoft Excel"},
    {"powerpnt", 'O', PF R"(Microsoft Office\root\Office16\POWERPNT.EXE)", "POWERPNT.EXE",
     "Microsoft PowerPoint"},
    {"outlook", 'O', PF R"(Microsoft Office\root\Office16\OUTLOOK.EXE)", "Outlook.exe",
     "Microsoft Outlook"},
    {"onenote", 'O', PF R"(Microsoft Office\root\Office16\ONENOTE.EXE)", "OneNote.exe",
     "Microsoft OneNote"},
    {"msaccess", 'O', PF R"(Microsoft Office\root\Office16\MSACCESS.EXE)", "MSACCESS.EXE",
     "Microsoft Access"},
    {"aihost", 'O',
     PF R"(Microsoft Office\root\vfs\ProgramFilesCommonX64\Microsoft Shared\Office16\ai.exe)",
     "ai.exe", "Artificial Intelligence (AI) Host"},
    {"teams", 'T', PF R"(WindowsApps\MSTeams_24295.605.3225.8804_x64__8wekyb3d8bbwe\ms-teams.exe)",
     "ms-teams.exe", "Microsoft Teams"},
    {"webview", 'E', PF86 R"(Microsoft\EdgeWebView\Application\131.0.2903.86\msedgewebview2.exe)",
     "msedgewebview2.exe", "Microsoft Edge WebView2"},
    {"edge", 'E', PF86 R"(Microsoft\Edge\Application\msedge.exe)", "msedge.exe", "Microsoft Edge"},
    {"chrome", 'G', PF R"(Google\Chrome\Application\chrome.exe)", "chrome.exe", "Google Chrome"},
    {"firefox", 'f', PF R"(Mozilla Firefox\firefox.exe)", "firefox.exe", "Firefox"},
    {"onedrive", 'D', PF R"(Microsoft OneDrive\OneDrive.exe)", "OneDrive.exe",
     "Microsoft OneDrive"},
    {"onedriveup", 'D', PF R"(Microsoft OneDrive\OneDriveStandaloneUpdater.exe)",
     "OneDriveStandaloneUpdater.exe", "Standalone Updater"},
    {"acrobat", 'A', PF R"(Adobe\Acrobat DC\Acrobat\Acrobat.exe)", "Acrobat.exe", "Adobe Acrobat"},
    {"acrocef", 'A', PF R"(Adobe\Acrobat DC\Acrobat\acrocef_1\AcroCEF.exe)", "AcroCEF.exe",
     "Adobe AcroCEF"},
    {"adobearm", 'A', PF86 R"(Common Files\Adobe\ARM\1.0\AdobeARM.exe)", "AdobeARM.exe",
     "Adobe Reader and Acrobat Manager"},
    {"code", 'V', LOCAL R"(Programs\Microsoft VS Code\Code.exe)", "electron.exe",
     "Visual Studio Code"},
    {"git", 'g', PF R"(Git\cmd\git.exe)", "git.exe", "Git for Windows"},
    {"git_core", 'g', PF R"(Git\mingw64\bin\git.exe)", "git.exe", "Git for Windows"},
    {"bash", 'g', PF R"(Git\usr\bin\bash.exe)", "bash.exe", "-"},
    {"node", 'n', PF R"(nodejs\node.exe)", "node.exe", "Node.js JavaScript Runtime"},
    {"python", 'p', LOCAL R"(Programs\Python\Python312\python.exe)", "python.exe", "Python"},
    {"pip", 'p', LOCAL R"(Programs\Python\Python312\Scripts\pip.exe)", "-", "-"},
    {"java", 'j', PF R"(Eclipse Adoptium\jdk-17.0.13.11-hotspot\bin\java.exe)", "java.exe",
     "OpenJDK Platform binary"},
    {"docker", 'd', PF R"(Docker\Docker\resources\bin\docker.exe)", "docker.exe", "Docker CLI"},
    {"7z", '7', PF R"(7-Zip\7z.exe)", "7z.exe", "7-Zip Console"},
    {"7zfm", '7', PF R"(7-Zip\7zFM.exe)", "7zFM.exe", "7-Zip File Manager"},
    {"7zg", '7', PF R"(7-Zip\7zG.exe)", "7zg.exe", "7-Zip GUI"},
    {"zoom", 'z', R"({home}\AppData\Roaming\Zoom\bin\Zoom.exe)", "Zoom.exe", "Zoom Meetings"},
    {"slack", 's', LOCAL R"(slack\app-4.41.97\slack.exe)", "slack.exe", "Slack"},
    {"notepad++", 'x', PF R"(Notepad++\notepad++.exe)", "Notepad++.exe", "Notepad++"},
    {"gup", 'x', PF R"(Notepad++\updater\GUP.exe)", "gup.exe", "WinGup for Notepad++"},
    {"putty", 'u', PF R"(PuTTY\putty.exe)", "PuTTY", "SSH, Telnet, Rlogin, and SUPDUP client"},
    {"plink", 'u', PF R"(PuTTY\plink.exe)", "Plink", "Command-line SSH, Telnet, and Rlogin client"},
    {"winscp", 'w', PF86 R"(WinSCP\WinSCP.exe)", "winscp.exe",
     "WinSCP: SFTP, FTP, WebDAV, S3 and SCP client"},
    {"psexec", 'S', R"(C:\Tools\Sysinternals\PsExec64.exe)", "psexec.c",
     "Execute processes remotely"},
    {"psexesvc", 'S', R"(C:\Windows\PSEXESVC.exe)", "psexesvc.exe", "PsExec Service"},
    {"procexp", 'S', R"(C:\Tools\Sysinternals\procexp64.exe)", "Procexp.exe",
     "Sysinternals Process Explorer"},
    {"procmon", 'S', R"(C:\Tools\Sysinternals\Procmon64.exe)", "Process Monitor",
     "Process Monitor"},
    {"procdump", 'S', R"(C:\Tools\Sysinternals\procdump64.exe)", "procdump",
     "Sysinternals process dump utility"},
    {"ledger", 'R', PF R"(Meridian Ledger\Ledger.exe)", "Ledger.exe", "Meridian Ledger client"},
    {"ccmsetup", 'C', R"(C:\Windows\ccmsetup\ccmsetup.exe)", "ccmsetup.exe",
     "Configuration Manager Setup"},
    {"cmtrace", 'C', R"(C:\Windows\CCM\CMTrace.exe)", "CMTrace.exe", "Trace32 log viewer"},
    {"nessus", 'm', PF R"(Tenable\Nessus Agent\nessusd.exe)", "nessusd.exe", "Nessus Agent"},
};
#undef SYS
#undef PF
#undef PF86
#undef LOCAL

std::string digits(std::uint64_t seed, int count) {
  std::string out;
  for (int i = 0; i < count; i += 16)
    out += fmt::format("{:016X}", mix(seed + static_cast<std::uint64_t>(i)));
  out.resize(static_cast<std::size_t>(count));
  return out;
}

const Vendor& vendor_of(char code) {
  for (const Vendor& vendor : kVendors)
    if (vendor.code == code) return vendor;
  check_failed("vendor exists", __FILE__, __LINE__);
}

std::unordered_map<std::string_view, Program> make_catalogue() {
  std::unordered_map<std::string_view, Program> all;
  for (const Row& row : kRows) {
    const Vendor& vendor = vendor_of(row.vendor);
    all.emplace(row.key,
                Program{std::string(row.key), std::string(row.path), std::string(row.original),
                        std::string(row.description), std::string(vendor.product),
                        std::string(vendor.company), std::string(vendor.version),
                        make_hashes(row.path, vendor.version)});
  }
  return all;
}

}  // namespace

std::string make_hashes(std::string_view path, std::string_view version) {
  const std::uint64_t seed = hash_text(path, hash_text(version));
  return "MD5=" + digits(seed, 32) + ",SHA256=" + digits(seed + 1000, 64) +
         ",IMPHASH=" + digits(seed + 2000, 32);
}

std::string make_data_hashes(std::string_view path) {
  const std::uint64_t seed = hash_text(path);
  return "MD5=" + digits(seed, 32) + ",SHA256=" + digits(seed + 1000, 64) +
         ",IMPHASH=00000000000000000000000000000000";
}

const Program& find_program(std::string_view key) {
  static const auto kCatalogue = make_catalogue();
  const auto found = kCatalogue.find(key);
  if (found == kCatalogue.end()) check_failed(std::string(key).c_str(), __FILE__, __LINE__);
  return found->second;
}

Program make_tool(std::string_view path, std::string_view original_name,
                  std::string_view description, std::string_view company) {
  const bool anonymous = company == "-";
  return Program{"tool",
                 std::string(path),
                 std::string(original_name),
                 std::string(description),
                 anonymous ? "-" : std::string(description),
                 std::string(company),
                 anonymous ? "-" : "1.0.0.0",
                 make_hashes(original_name == "-" ? path : original_name, "tool")};
}

}  // namespace tocsin::synthetic
