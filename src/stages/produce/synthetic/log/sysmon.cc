// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/log/sysmon.h"

#include "stages/produce/synthetic/log/body.h"

namespace tocsin::synthetic::sysmon {
namespace {

// Sysmon sees a thing a little before it is written.
constexpr UnixNanos kDelay = 7 * kMillisecond;

Pending& begin(World& world, UnixNanos at, Host& host, Kind kind) {
  Pending& pending = world.timeline.add(at, host, kind);
  if (const Process* service = host.find("sysmon")) pending.pid = service->pid;
  pending.security = &world.estate.system;
  return pending;
}

// The members that most of Sysmon's events open with.
class Opening {
 public:
  Opening(World& world, UnixNanos at, const Process& actor, Kind kind,
          std::string_view event_type = {})
      : fields_(begin(world, at, *actor.host, kind).body) {
    fields_.text("RuleName", "-");
    if (!event_type.empty()) fields_.text("EventType", event_type);
    fields_.time("UtcTime", at - kDelay);
    fields_.process_guid("ProcessGuid", actor).number("ProcessId", actor.pid);
  }
  Fields& fields() { return fields_; }

 private:
  Fields fields_;
};

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('\\') + 1); }

}  // namespace

void process_created(World& world, UnixNanos at, const Process& process, const Process& parent) {
  const Program& program = *process.program;
  Opening opening(world, at, process, Kind::kProcessCreate);
  opening.fields()
      .text("Image", process.image)
      .text("FileVersion", program.version)
      .text("Description", program.description)
      .text("Product", program.product)
      .text("Company", program.company)
      .text("OriginalFileName", program.original_name)
      .text("CommandLine", process.command)
      .text("CurrentDirectory", process.directory)
      .text("User", process.logon.account->display)
      .logon_guid("LogonGuid", *process.host, process.logon)
      .hex("LogonId", process.logon.id)
      .number("TerminalSessionId", process.logon.terminal)
      .text("IntegrityLevel", process.integrity)
      .text("Hashes", program.hashes)
      .process_guid("ParentProcessGuid", parent)
      .number("ParentProcessId", parent.pid)
      .text("ParentImage", parent.image)
      .text("ParentCommandLine", parent.command)
      .text("ParentUser", parent.logon.account->display);
}

void process_ended(World& world, UnixNanos at, const Process& process) {
  Opening opening(world, at, process, Kind::kProcessExit);
  opening.fields().text("Image", process.image).text("User", process.logon.account->display);
}

void network(World& world, UnixNanos at, const Process& actor, const Connection& connection) {
  Opening opening(world, at, actor, Kind::kNetwork);
  const auto port_name = [](std::uint32_t port) -> std::string_view {
    switch (port) {
      case 53:
        return "domain";
      case 80:
        return "http";
      case 88:
        return "kerberos";
      case 389:
        return "ldap";
      case 443:
        return "https";
      case 445:
        return "microsoft-ds";
      case 3389:
        return "ms-wbt-server";
      default:
        return "-";
    }
  };
  opening.fields()
      .text("Image", actor.image)
      .text("User", actor.logon.account->display)
      .text("Protocol", connection.protocol)
      .flag("Initiated", connection.initiated)
      .text("SourceIsIpv6", "false")
      .text("SourceIp", connection.source.ip)
      .text("SourceHostname", connection.source.name)
      .number("SourcePort", connection.source.port)
      .text("SourcePortName", port_name(connection.source.port))
      .text("DestinationIsIpv6", "false")
      .text("DestinationIp", connection.destination.ip)
      .text("DestinationHostname", connection.destination.name)
      .number("DestinationPort", connection.destination.port)
      .text("DestinationPortName", port_name(connection.destination.port));
}

void dns_query(World& world, UnixNanos at, const Process& actor, std::string_view name,
               std::string_view results, int status) {
  Opening opening(world, at, actor, Kind::kDns);
  std::string code;
  append_decimal(code, static_cast<std::uint64_t>(status));
  opening.fields()
      .text("QueryName", name)
      .text("QueryStatus", code)
      .text("QueryResults", results)
      .text("Image", actor.image)
      .text("User", actor.logon.account->display);
}

void image_loaded(World& world, UnixNanos at, const Process& actor, std::string_view path,
                  bool is_signed) {
  Opening opening(world, at, actor, Kind::kImageLoad);
  const std::string_view version = "10.0.19041.4522 (WinBuild.160101.0800)";
  opening.fields()
      .text("Image", actor.image)
      .text("ImageLoaded", path)
      .text("FileVersion", is_signed ? version : "-")
      .text("Description", is_signed ? file_name(path) : "-")
      .text("Product", is_signed ? "Microsoft\xC2\xAE Windows\xC2\xAE Operating System" : "-")
      .text("Company", is_signed ? "Microsoft Corporation" : "-")
      .text("OriginalFileName", is_signed ? file_name(path) : "-")
      .text("Hashes", make_hashes(file_name(path), version))
      .flag("Signed", is_signed)
      .text("Signature", is_signed ? "Microsoft Windows" : "-")
      .text("SignatureStatus", is_signed ? "Valid" : "Unavailable")
      .text("User", actor.logon.account->display);
}

void driver_loaded(World& world, UnixNanos at, Host& host, std::string_view path,
                   std::string_view signature) {
  Fields fields(begin(world, at, host, Kind::kDriverLoad).body);
  fields.text("RuleName", "-")
      .time("UtcTime", at - kDelay)
      .text("ImageLoaded", path)
      .text("Hashes", make_hashes(file_name(path), "driver"))
      .text("Signed", "true")
      .text("Signature", signature)
      .text("SignatureStatus", "Valid");
}

void remote_thread(World& world, UnixNanos at, const Process& source, const Process& target,
                   std::string_view module, std::string_view function) {
  const std::uint64_t thread = 4 * (500 + world.rng.below(3000));
  const std::uint64_t address = 0x7ff800000000ULL + (world.rng.next() & 0xffffff0ULL);
  Fields fields(begin(world, at, *source.host, Kind::kRemoteThread).body);
  fields.text("RuleName", "-")
      .time("UtcTime", at - kDelay)
      .process_guid("SourceProcessGuid", source)
      .number("SourceProcessId", source.pid)
      .text("SourceImage", source.image)
      .process_guid("TargetProcessGuid", target)
      .number("TargetProcessId", target.pid)
      .text("TargetImage", target.image)
      .number("NewThreadId", thread);
  std::string start = "0x0000";
  for (int shift = 44; shift >= 0; shift -= 4)
    start.push_back("0123456789ABCDEF"[(address >> static_cast<unsigned>(shift)) & 15U]);
  fields.text("StartAddress", start)
      .text("StartModule", module)
      .text("StartFunction", function)
      .text("SourceUser", source.logon.account->display)
      .text("TargetUser", target.logon.account->display);
}

void raw_read(World& world, UnixNanos at, const Process& actor, std::string_view device) {
  Opening opening(world, at, actor, Kind::kRawRead);
  opening.fields()
      .text("Image", actor.image)
      .text("Device", device)
      .text("User", actor.logon.account->display);
}

void process_access(World& world, UnixNanos at, const Process& source, const Process& target,
                    std::uint64_t mask, std::string_view call_trace) {
  const std::uint64_t thread = 4 * (500 + world.rng.below(3000));
  Fields fields(begin(world, at, *source.host, Kind::kProcessAccess).body);
  fields.text("RuleName", "-")
      .time("UtcTime", at - kDelay)
      .process_guid("SourceProcessGUID", source)
      .number("SourceProcessId", source.pid)
      .number("SourceThreadId", thread)
      .text("SourceImage", source.image)
      .process_guid("TargetProcessGUID", target)
      .number("TargetProcessId", target.pid)
      .text("TargetImage", target.image)
      .hex("GrantedAccess", mask)
      .text("CallTrace", call_trace)
      .text("SourceUser", source.logon.account->display)
      .text("TargetUser", target.logon.account->display);
}

void tampering(World& world, UnixNanos at, const Process& actor, std::string_view type) {
  Opening opening(world, at, actor, Kind::kTampering);
  opening.fields()
      .text("Image", actor.image)
      .text("Type", type)
      .text("User", actor.logon.account->display);
}

void file_created(World& world, UnixNanos at, const Process& actor, std::string_view path) {
  Opening opening(world, at, actor, Kind::kFileCreate);
  opening.fields()
      .text("Image", actor.image)
      .text("TargetFilename", path)
      .time("CreationUtcTime", at - kDelay)
      .text("User", actor.logon.account->display);
}

void file_deleted(World& world, UnixNanos at, const Process& actor, std::string_view path) {
  Opening opening(world, at, actor, Kind::kFileDelete);
  const bool executable = path.ends_with(".exe") || path.ends_with(".dll");
  opening.fields()
      .text("User", actor.logon.account->display)
      .text("Image", actor.image)
      .text("TargetFilename", path)
      .text("Hashes", executable ? make_hashes(path, "file") : make_data_hashes(path))
      .flag("IsExecutable", executable)
      .flag("Archived", true);
}

void file_stream(World& world, UnixNanos at, const Process& actor, std::string_view path,
                 std::string_view contents) {
  Opening opening(world, at, actor, Kind::kFileStream);
  opening.fields()
      .text("Image", actor.image)
      .text("TargetFilename", path)
      .time("CreationUtcTime", at - kDelay)
      .text("Hash", make_data_hashes(path))
      .text("Contents", contents)
      .text("User", actor.logon.account->display);
}

void registry_key(World& world, UnixNanos at, const Process& actor, std::string_view type,
                  std::string_view key) {
  Opening opening(world, at, actor, Kind::kRegistryKey, type);
  opening.fields()
      .text("Image", actor.image)
      .text("TargetObject", key)
      .text("User", actor.logon.account->display);
}

void registry_value(World& world, UnixNanos at, const Process& actor, std::string_view key,
                    std::string_view details) {
  Opening opening(world, at, actor, Kind::kRegistryValue, "SetValue");
  opening.fields()
      .text("Image", actor.image)
      .text("TargetObject", key)
      .text("Details", details)
      .text("User", actor.logon.account->display);
}

void pipe(World& world, UnixNanos at, const Process& actor, std::string_view name, bool created) {
  Opening opening(world, at, actor, created ? Kind::kPipeCreate : Kind::kPipeConnect,
                  created ? "CreatePipe" : "ConnectPipe");
  opening.fields()
      .text("PipeName", name)
      .text("Image", actor.image)
      .text("User", actor.logon.account->display);
}

void wmi_filter(World& world, UnixNanos at, const Process& actor, std::string_view name,
                std::string_view query) {
  Fields fields(begin(world, at, *actor.host, Kind::kWmiFilter).body);
  fields.text("RuleName", "-")
      .text("EventType", "WmiFilterEvent")
      .time("UtcTime", at - kDelay)
      .text("Operation", "Created")
      .text("User", actor.logon.account->display)
      .text("EventNamespace", " \"root\\\\cimv2\"")
      .text("Name", " \"" + std::string(name) + '"')
      .text("Query", " \"" + std::string(query) + '"');
}

void wmi_consumer(World& world, UnixNanos at, const Process& actor, std::string_view name,
                  std::string_view type, std::string_view destination) {
  Fields fields(begin(world, at, *actor.host, Kind::kWmiConsumer).body);
  fields.text("RuleName", "-")
      .text("EventType", "WmiConsumerEvent")
      .time("UtcTime", at - kDelay)
      .text("Operation", "Created")
      .text("User", actor.logon.account->display)
      .text("Name", " \"" + std::string(name) + '"')
      .text("Type", type)
      .text("Destination", " \"" + std::string(destination) + '"');
}

void wmi_binding(World& world, UnixNanos at, const Process& actor, std::string_view consumer,
                 std::string_view filter) {
  Fields fields(begin(world, at, *actor.host, Kind::kWmiBinding).body);
  fields.text("RuleName", "-")
      .text("EventType", "WmiBindingEvent")
      .time("UtcTime", at - kDelay)
      .text("Operation", "Created")
      .text("User", actor.logon.account->display)
      .text("Consumer", " \"CommandLineEventConsumer.Name=\\\"" + std::string(consumer) + "\\\"\"")
      .text("Filter", " \"__EventFilter.Name=\\\"" + std::string(filter) + "\\\"\"");
}

}  // namespace tocsin::synthetic::sysmon
