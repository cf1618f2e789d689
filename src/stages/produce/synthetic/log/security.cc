// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/log/security.h"

#include <fmt/format.h>

#include "stages/produce/synthetic/log/body.h"

namespace tocsin::synthetic::security {
namespace {

constexpr std::string_view kNoGuid = "00000000-0000-0000-0000-000000000000";

std::string& begin(World& world, UnixNanos at, Host& host, Kind kind) {
  Pending& pending = world.timeline.add(at, host, kind);
  if (const Process* lsass = host.find("lsass")) pending.pid = lsass->pid;
  return pending.body;
}

void add_subject(Fields& fields, const Logon& subject) {
  fields.text("SubjectUserSid", subject.account->sid)
      .text("SubjectUserName", subject.account->name)
      .text("SubjectDomainName", subject.account->domain)
      .hex("SubjectLogonId", subject.id);
}

void add_machine(Fields& fields, const Host& host) {
  fields.text("SubjectUserSid", "S-1-5-18")
      .text("SubjectUserName", host.machine.name)
      .text("SubjectDomainName", host.machine.domain)
      .hex("SubjectLogonId", 0x3e7);
}

std::string mapped(std::string_view ip) { return "::ffff:" + std::string(ip); }

std::string_view label_of(std::string_view integrity) {
  if (integrity == "System") return "S-1-16-16384";
  if (integrity == "High") return "S-1-16-12288";
  if (integrity == "Low") return "S-1-16-4096";
  return "S-1-16-8192";
}

}  // namespace

void logged_on(World& world, UnixNanos at, Host& host, const LogonEvent& event) {
  const Account& who = *event.logon.account;
  const bool remote = event.from != nullptr || !event.from_ip.empty();
  const std::string_view ip = event.from != nullptr ? std::string_view(event.from->ip)
                              : remote              ? event.from_ip
                                                    : "127.0.0.1";
  const std::string_view name = event.from != nullptr ? std::string_view(event.from->name)
                                : remote              ? event.from_name
                                                      : std::string_view(host.name);
  const std::string port = fmt::format("{}", remote ? 49152 + world.rng.below(16000) : 0);
  const std::uint64_t pid = event.type == 3 ? 0 : 0x2a0 + 4 * world.rng.below(400);
  Fields fields(begin(world, at, host, Kind::k4624));
  if (event.type == 3)
    fields.text("SubjectUserSid", "S-1-0-0")
        .text("SubjectUserName", "-")
        .text("SubjectDomainName", "-")
        .hex("SubjectLogonId", 0);
  else
    add_machine(fields, host);
  fields.text("TargetUserSid", who.sid)
      .text("TargetUserName", who.name)
      .text("TargetDomainName", who.domain)
      .hex("TargetLogonId", event.logon.id)
      .number("LogonType", static_cast<std::uint64_t>(event.type))
      .text("LogonProcessName", event.package == "Kerberos" ? "Kerberos"
                                : event.package == "NTLM"   ? "NtLmSsp "
                                : event.type == 5           ? "Advapi  "
                                                            : "User32 ")
      .text("AuthenticationPackageName", event.package)
      .text("WorkstationName", event.package == "Kerberos" ? "-" : name)
      .logon_guid("LogonGuid", host, event.logon)
      .text("TransmittedServices", "-")
      .text("LmPackageName", event.package == "NTLM" ? "NTLM V2" : "-")
      .number("KeyLength", event.package == "NTLM" ? 128 : 0)
      .hex("ProcessId", pid)
      .text("ProcessName", event.type == 3   ? "-"
                           : event.type == 5 ? R"(C:\Windows\System32\services.exe)"
                                             : R"(C:\Windows\System32\svchost.exe)")
      .text("IpAddress", event.type == 5 ? "-" : ip)
      .text("IpPort", event.type == 5 ? "-" : std::string_view(port))
      .text("ImpersonationLevel", "%%1833")
      .text("RestrictedAdminMode", "-")
      .text("TargetOutboundUserName", "-")
      .text("TargetOutboundDomainName", "-")
      .text("VirtualAccount", "%%1843")
      .hex("TargetLinkedLogonId", 0)
      .text("ElevatedToken", who.privileged ? "%%1842" : "%%1843");
}

void privileges(World& world, UnixNanos at, Host& host, const Logon& logon) {
  Fields fields(begin(world, at, host, Kind::k4672));
  add_subject(fields, logon);
  fields.text("PrivilegeList",
              "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeRestorePrivilege\r\n\t\t\t"
              "SeTakeOwnershipPrivilege\r\n\t\t\tSeDebugPrivilege\r\n\t\t\tSeSystemEnvironmentPrivi"
              "lege\r\n\t\t\tSeLoadDriverPrivilege\r\n\t\t\tSeImpersonatePrivilege");
}

void logged_off(World& world, UnixNanos at, Host& host, const Logon& logon, int type) {
  Fields fields(begin(world, at, host, Kind::k4634));
  fields.text("TargetUserSid", logon.account->sid)
      .text("TargetUserName", logon.account->name)
      .text("TargetDomainName", logon.account->domain)
      .hex("TargetLogonId", logon.id)
      .number("LogonType", static_cast<std::uint64_t>(type));
}

void logon_failed(World& world, UnixNanos at, Host& host, std::string_view user, int type,
                  std::string_view from_ip, std::string_view from_name, bool unknown_user) {
  const std::string port = fmt::format("{}", 49152 + world.rng.below(16000));
  const bool network = type == 3;
  Fields fields(begin(world, at, host, Kind::k4625));
  if (network)
    fields.text("SubjectUserSid", "S-1-0-0")
        .text("SubjectUserName", "-")
        .text("SubjectDomainName", "-")
        .hex("SubjectLogonId", 0);
  else
    add_machine(fields, host);
  fields.text("TargetUserSid", "S-1-0-0")
      .text("TargetUserName", user)
      .text("TargetDomainName", world.estate.domain)
      .text("Status", "0xc000006d")
      .text("FailureReason", "%%2313")
      .text("SubStatus", unknown_user ? "0xc0000064" : "0xc000006a")
      .number("LogonType", static_cast<std::uint64_t>(type))
      .text("LogonProcessName", network ? "NtLmSsp " : "User32 ")
      .text("AuthenticationPackageName", network ? "NTLM" : "Negotiate")
      .text("WorkstationName", from_name)
      .text("TransmittedServices", "-")
      .text("LmPackageName", "-")
      .number("KeyLength", 0)
      .hex("ProcessId", network ? 0 : 0x2c4)
      .text("ProcessName", network ? "-" : R"(C:\Windows\System32\svchost.exe)")
      .text("IpAddress", from_ip)
      .text("IpPort", port);
}

void explicit_credentials(World& world, UnixNanos at, const Process& actor, const Account& target,
                          std::string_view server) {
  Fields fields(begin(world, at, *actor.host, Kind::k4648));
  add_subject(fields, actor.logon);
  fields.text("LogonGuid", kNoGuid)
      .text("TargetUserName", target.name)
      .text("TargetDomainName", target.domain)
      .text("TargetLogonGuid", kNoGuid)
      .text("TargetServerName", server)
      .text("TargetInfo", server)
      .hex("ProcessId", actor.pid)
      .text("ProcessName", actor.image)
      .text("IpAddress", "-")
      .text("IpPort", "-");
}

void process_created(World& world, UnixNanos at, const Process& process, const Process& parent) {
  Pending& pending = world.timeline.add(at, *process.host, Kind::k4688);
  pending.pid = 4;
  Fields fields(pending.body);
  if (process.logon.id == 0x3e7)
    add_machine(fields, *process.host);
  else
    add_subject(fields, process.logon);
  fields.hex("NewProcessId", process.pid)
      .text("NewProcessName", process.image)
      .text("TokenElevationType", process.integrity == "High"     ? "%%1937"
                                  : process.integrity == "Medium" ? "%%1938"
                                                                  : "%%1936")
      .hex("ProcessId", parent.pid)
      .text("CommandLine", process.command)
      .text("TargetUserSid", "S-1-0-0")
      .text("TargetUserName", "-")
      .text("TargetDomainName", "-")
      .hex("TargetLogonId", 0)
      .text("ParentProcessName", parent.image)
      .text("MandatoryLabel", label_of(process.integrity));
}

void service_installed(World& world, UnixNanos at, Host& host, const Logon& subject,
                       std::string_view name, std::string_view path) {
  Fields fields(begin(world, at, host, Kind::k4697));
  add_subject(fields, subject);
  fields.text("ServiceName", name)
      .text("ServiceFileName", path)
      .text("ServiceType", "0x10")
      .number("ServiceStartType", 3)
      .text("ServiceAccount", "LocalSystem")
      .number("ClientProcessStartKey", 2251799813685248ULL + subject.id)
      .number("ClientProcessId", 4 * (300 + subject.id % 2000))
      .number("ParentProcessId", 4 * (200 + subject.id % 900));
}

void task_created(World& world, UnixNanos at, Host& host, const Logon& subject,
                  std::string_view name, std::string_view command, std::string_view arguments) {
  const std::string content = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" "
      "xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n  "
      "<RegistrationInfo>\r\n    "
      "<Author>{}</Author>\r\n    <URI>{}</URI>\r\n  </RegistrationInfo>\r\n  <Actions "
      "Context=\"Author\">\r\n"
      "    <Exec>\r\n      <Command>{}</Command>\r\n      <Arguments>{}</Arguments>\r\n    "
      "</Exec>\r\n  "
      "</Actions>\r\n</Task>",
      subject.account->display, name, command, arguments);
  Fields fields(begin(world, at, host, Kind::k4698));
  add_subject(fields, subject);
  fields.text("TaskName", name)
      .text("TaskContent", content)
      .number("ClientProcessStartKey", 2251799813685248ULL + subject.id)
      .number("ClientProcessId", 4 * (300 + subject.id % 2000))
      .number("ParentProcessId", 4 * (200 + subject.id % 900))
      .number("RpcCallClientLocality", 0)
      .text("FQDN", host.fqdn);
}

void ticket_granted(World& world, UnixNanos at, const Account& account, const Host& from,
                    std::uint32_t encryption, bool preauthenticated) {
  Host& dc = world.estate.server(kDomainController);
  const std::string port = fmt::format("{}", 49152 + world.rng.below(16000));
  Fields fields(begin(world, at, dc, Kind::k4768));
  fields.text("TargetUserName", account.name)
      .text("TargetDomainName", account.domain)
      .text("TargetSid", account.sid)
      .text("ServiceName", "krbtgt")
      .text("ServiceSid", world.estate.domain_sid + "-502")
      .text("TicketOptions", preauthenticated ? "0x40810010" : "0x40800010")
      .text("Status", "0x0")
      .hex("TicketEncryptionType", encryption)
      .text("PreAuthType", preauthenticated ? "2" : "0")
      .text("IpAddress", mapped(from.ip))
      .text("IpPort", port)
      .text("CertIssuerName", "")
      .text("CertSerialNumber", "")
      .text("CertThumbprint", "");
}

void service_ticket(World& world, UnixNanos at, const Account& account, const Host& from,
                    std::string_view service, std::uint32_t encryption) {
  Host& dc = world.estate.server(kDomainController);
  const std::string port = fmt::format("{}", 49152 + world.rng.below(16000));
  const std::string upn = account.name + "@MERIDIAN.EXAMPLE";
  const std::string sid =
      fmt::format("{}-{}", world.estate.domain_sid, 1000 + hash_text(service) % 4000);
  Logon ticket{.account = &account, .id = hash_text(upn) & 0xffffffU, .start = at, .terminal = 0};
  Fields fields(begin(world, at, dc, Kind::k4769));
  fields.text("TargetUserName", upn)
      .text("TargetDomainName", "MERIDIAN.EXAMPLE")
      .text("ServiceName", service)
      .text("ServiceSid", sid)
      .text("TicketOptions", "0x40810000")
      .hex("TicketEncryptionType", encryption)
      .text("IpAddress", mapped(from.ip))
      .text("IpPort", port)
      .text("Status", "0x0")
      .logon_guid("LogonGuid", dc, ticket)
      .text("TransmittedServices", "-");
}

void preauth_failed(World& world, UnixNanos at, std::string_view user, std::string_view from_ip) {
  Host& dc = world.estate.server(kDomainController);
  const std::string port = fmt::format("{}", 49152 + world.rng.below(16000));
  const std::string sid =
      fmt::format("{}-{}", world.estate.domain_sid, 1100 + hash_text(user) % 900);
  Fields fields(begin(world, at, dc, Kind::k4771));
  fields.text("TargetUserName", user)
      .text("TargetSid", sid)
      .text("ServiceName", "krbtgt/MERIDIAN")
      .text("TicketOptions", "0x40810010")
      .text("Status", "0x18")
      .text("PreAuthType", "2")
      .text("IpAddress", mapped(from_ip))
      .text("IpPort", port)
      .text("CertIssuerName", "")
      .text("CertSerialNumber", "")
      .text("CertThumbprint", "");
}

void ntlm_checked(World& world, UnixNanos at, std::string_view user, std::string_view from,
                  std::uint32_t status) {
  Fields fields(begin(world, at, world.estate.server(kDomainController), Kind::k4776));
  fields.text("PackageName", "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0")
      .text("TargetUserName", user)
      .text("Workstation", from)
      .hex("Status", status);
}

void directory_access(World& world, UnixNanos at, const Logon& subject,
                      std::string_view object_type, std::string_view properties,
                      std::uint32_t mask) {
  Fields fields(begin(world, at, world.estate.server(kDomainController), Kind::k4662));
  add_subject(fields, subject);
  fields.text("ObjectServer", "DS")
      .text("ObjectType", object_type)
      .text("ObjectName", "%{3f2c1d84-6b5e-4f0a-9a31-0d6c2b8e7f15}")
      .text("OperationType", "Object Access")
      .hex("HandleId", 0)
      .text("AccessList", "%%7688\r\n\t\t\t\t")
      .hex("AccessMask", mask)
      .text("Properties", properties)
      .text("AdditionalInfo", "-")
      .text("AdditionalInfo2", "");
}

void account_changed(World& world, UnixNanos at, Host& host, Kind kind, const Logon& subject,
                     std::string_view target, std::string_view target_sid) {
  const bool on_dc = (host.audience & kDomainController) != 0;
  Fields fields(begin(world, at, host, kind));
  fields.text("TargetUserName", target)
      .text("TargetDomainName", on_dc ? world.estate.domain : host.name)
      .text("TargetSid", target_sid);
  add_subject(fields, subject);
  if (kind == Kind::k4724) return;
  fields.text("PrivilegeList", "-");
  if (kind == Kind::k4726) return;
  fields.text("SamAccountName", target)
      .text("DisplayName", "%%1793")
      .text("UserPrincipalName", "-")
      .text("HomeDirectory", "%%1793")
      .text("ScriptPath", "%%1793")
      .text("PasswordLastSet", "%%1794")
      .text("AccountExpires", "%%1794")
      .text("PrimaryGroupId", "513")
      .text("AllowedToDelegateTo", "-")
      .text("OldUacValue", kind == Kind::k4720 ? "0x0" : "0x15")
      .text("NewUacValue", kind == Kind::k4720 ? "0x15" : "0x10")
      .text("UserAccountControl", "\r\n\t\t%%2080\r\n\t\t%%2082\r\n\t\t%%2084")
      .text("SidHistory", "-")
      .text("LogonHours", "%%1797");
}

void group_member_added(World& world, UnixNanos at, Host& host, Kind kind, const Logon& subject,
                        std::string_view member, std::string_view member_sid,
                        std::string_view group, std::string_view group_sid) {
  const std::string dn =
      kind == Kind::k4728 ? fmt::format("CN={},OU=Staff,DC=meridian,DC=example", member) : "-";
  Fields fields(begin(world, at, host, kind));
  fields.text("MemberName", dn)
      .text("MemberSid", member_sid)
      .text("TargetUserName", group)
      .text("TargetDomainName",
            kind == Kind::k4732 ? "Builtin" : std::string_view(world.estate.domain))
      .text("TargetSid", group_sid);
  add_subject(fields, subject);
  fields.text("PrivilegeList", "-");
}

void share_opened(World& world, UnixNanos at, Host& host, const Logon& logon, const Host& from,
                  std::string_view share) {
  const std::string port = fmt::format("{}", 49152 + world.rng.below(16000));
  Fields fields(begin(world, at, host, Kind::k5140));
  add_subject(fields, logon);
  fields.text("ObjectType", "File")
      .text("IpAddress", from.ip)
      .text("IpPort", port)
      .text("ShareName", "\\\\*\\" + std::string(share))
      .text("ShareLocalPath",
            share == "IPC$" ? std::string() : "\\??\\D:\\Shares\\" + std::string(share))
      .text("AccessMask", "0x1")
      .text("AccessList", "%%4416\r\n\t\t\t\t");
}

void share_file(World& world, UnixNanos at, Host& host, const Logon& logon, const Host& from,
                std::string_view share, std::string_view relative, std::uint32_t mask) {
  const std::string port = fmt::format("{}", 49152 + world.rng.below(16000));
  Fields fields(begin(world, at, host, Kind::k5145));
  add_subject(fields, logon);
  fields.text("ObjectType", "File")
      .text("IpAddress", from.ip)
      .text("IpPort", port)
      .text("ShareName", "\\\\*\\" + std::string(share))
      .text("ShareLocalPath",
            share == "IPC$" ? std::string() : "\\??\\D:\\Shares\\" + std::string(share))
      .text("RelativeTargetName", relative)
      .hex("AccessMask", mask)
      .text("AccessList",
            "%%1538\r\n\t\t\t\t%%1541\r\n\t\t\t\t%%4416\r\n\t\t\t\t%%4417\r\n\t\t\t\t")
      .text("AccessReason", "-");
}

void object_access(World& world, UnixNanos at, const Process& actor, Kind kind,
                   std::string_view type, std::string_view name, std::uint32_t mask) {
  Fields fields(begin(world, at, *actor.host, kind));
  add_subject(fields, actor.logon);
  fields.text("ObjectServer", "Security")
      .text("ObjectType", type)
      .text("ObjectName", name)
      .hex("HandleId", 0xa10 + actor.pid % 0x400);
  if (kind == Kind::k4656) fields.text("TransactionId", kNoGuid);
  fields.text("AccessList", "%%4416\r\n\t\t\t\t").hex("AccessMask", mask);
  if (kind == Kind::k4656)
    fields.text("AccessReason", "-").text("PrivilegeList", "-").number("RestrictedSidCount", 0);
  fields.hex("ProcessId", actor.pid)
      .text("ProcessName", actor.image)
      .text("ResourceAttributes", "-");
}

void connection_allowed(World& world, UnixNanos at, const Process& actor, std::string_view from_ip,
                        std::uint32_t from_port, std::string_view to_ip, std::uint32_t to_port,
                        bool outbound) {
  std::string device = R"(\device\harddiskvolume3\)";
  if (actor.image.size() > 3)
    for (const char c : std::string_view(actor.image).substr(3))
      device.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  Pending& pending = world.timeline.add(at, *actor.host, Kind::k5156);
  pending.pid = 4;
  Fields fields(pending.body);
  fields.number("ProcessID", actor.pid)
      .text("Application", actor.pid == 4 ? "System" : std::string_view(device))
      .text("Direction", outbound ? "%%14593" : "%%14592")
      .text("SourceAddress", from_ip)
      .text("SourcePort", fmt::format("{}", from_port))
      .text("DestAddress", to_ip)
      .text("DestPort", fmt::format("{}", to_port))
      .number("Protocol", 6)
      .number("FilterRTID", 71000 + to_port % 900)
      .text("LayerName", outbound ? "%%14611" : "%%14610")
      .number("LayerRTID", outbound ? 48 : 44)
      .text("RemoteUserID", "S-1-0-0")
      .text("RemoteMachineID", "S-1-0-0");
}

void audit_policy_changed(World& world, UnixNanos at, Host& host, const Logon& subject,
                          std::string_view subcategory) {
  Fields fields(begin(world, at, host, Kind::k4719));
  add_subject(fields, subject);
  fields.text("CategoryId", "%%8274")
      .text("SubcategoryId", "%%13312")
      .text("SubcategoryGuid", subcategory)
      .text("AuditPolicyChanges", "%%8448, %%8450");
}

void log_cleared(World& world, UnixNanos at, Host& host, const Logon& subject) {
  Pending& pending = world.timeline.add(at, host, Kind::k1102);
  if (const Process* eventlog = host.find("svchost.eventlog")) pending.pid = eventlog->pid;
  Fields fields(
      pending.body,
      R"("UserData":{"LogFileCleared":{"#attributes":{"xmlns:auto-ns3":"http://schemas.microsoft.com/win/2004/08/events","xmlns":"http://manifests.microsoft.com/win/2004/08/windows/eventlog"},)",
      "}}");
  add_subject(fields, subject);
}

}  // namespace tocsin::synthetic::security
