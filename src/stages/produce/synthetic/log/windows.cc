// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/log/windows.h"

#include <fmt/format.h>

#include "stages/produce/synthetic/log/body.h"

namespace tocsin::synthetic::windows {
namespace {

constexpr std::string_view kProduct = "Microsoft Defender Antivirus";
constexpr std::string_view kProductVersion = "4.18.25110.6";

std::string guid_from(std::uint64_t seed) {
  const std::uint64_t a = mix(seed);
  const std::uint64_t b = mix(seed + 1);
  return fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32U, (a >> 16U) & 0xffffU,
                     a & 0xfffU, b >> 52U, b & 0xffffffffffffULL);
}

std::string& begin(World& world, UnixNanos at, Host& host, Kind kind, std::string_view owner,
                   const Account* security) {
  Pending& pending = world.timeline.add(at, host, kind);
  if (const Process* process = host.find(owner)) pending.pid = process->pid;
  pending.security = security;
  return pending.body;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

}  // namespace

void script_block(World& world, UnixNanos at, const Process& shell, std::string_view text,
                  std::string_view path) {
  const std::string id = guid_from(hash_text(text, world.rng.next()));
  Pending& pending = world.timeline.add(at, *shell.host, Kind::kPsScript);
  pending.pid = shell.pid;
  pending.security = shell.logon.account;
  Fields(pending.body)
      .number("MessageNumber", 1)
      .number("MessageTotal", 1)
      .text("ScriptBlockText", text)
      .text("ScriptBlockId", upper(id))
      .text("Path", path);
}

void cmdlet(World& world, UnixNanos at, const Process& shell, std::string_view payload) {
  const std::string context = fmt::format(
      "        Severity = Informational\r\n        Host Name = ConsoleHost\r\n        Host Version "
      "= "
      "5.1.19041.4522\r\n        Host ID = {}\r\n        Host Application = {}\r\n        Engine "
      "Version = "
      "5.1.19041.4522\r\n        Runspace ID = {}\r\n        Pipeline ID = {}\r\n        Command "
      "Name = "
      "{}\r\n        Command Type = Cmdlet\r\n        Script Name = \r\n        Command Path = "
      "\r\n        "
      "Sequence Number = {}\r\n        User = {}\r\n        Connected User = \r\n        Shell ID "
      "= "
      "Microsoft.PowerShell\r\n",
      guid_from(shell.sequence), shell.command, guid_from(shell.sequence + 7ULL),
      1 + world.rng.below(30), payload.substr(0, payload.find(' ')), 15 + 2 * world.rng.below(40),
      shell.logon.account->display);
  const std::string invocation = fmt::format("CommandInvocation({}): \"{}\"\r\n",
                                             payload.substr(0, payload.find(' ')), payload);
  Pending& pending = world.timeline.add(at, *shell.host, Kind::kPsModule);
  pending.pid = shell.pid;
  pending.security = shell.logon.account;
  Fields(pending.body)
      .text("ContextInfo", context)
      .text("UserData", "")
      .text("Payload", invocation);
}

void engine_started(World& world, UnixNanos at, const Process& shell) {
  const auto details = [&](std::string_view lead, int sequence) {
    return fmt::format(
        "{}\r\n\r\n\tSequenceNumber={}\r\n\r\n\tHostName=ConsoleHost\r\n\tHostVersion=5.1.19041."
        "4522\r\n\tHostId={}"
        "\r\n\tHostApplication={}\r\n\tEngineVersion=5.1.19041.4522\r\n\tRunspaceId={}"
        "\r\n\tPipelineId=\r\n\t"
        "CommandName=\r\n\tCommandType=\r\n\tScriptName=\r\n\tCommandPath=\r\n\tCommandLine=",
        lead, sequence, guid_from(shell.sequence), shell.command, guid_from(shell.sequence + 7ULL));
  };
  const auto write = [&](UnixNanos when, Kind kind, std::string_view a, std::string_view b,
                         const std::string& text) {
    std::string& body = world.timeline.add(when, *shell.host, kind).body;
    body += R"("EventData":{"Data":{"#text":[")";
    append_escaped(body, a);
    body += "\",\"";
    append_escaped(body, b);
    body += "\",\"";
    append_escaped(body, text);
    body += R"("]},"Binary":null})";
  };
  constexpr std::string_view kProviders[] = {"Registry", "FileSystem", "Function"};
  int sequence = 1;
  for (const std::string_view provider : kProviders) {
    write(at, Kind::kPsProvider, provider, "Started",
          details(fmt::format("\tProviderName={}\r\n\tNewProviderState=Started", provider),
                  sequence));
    sequence += 2;
    at += 3 * kMillisecond;
    if (world.rng.percent(60)) break;  // the channel drops repeats
  }
  write(at, Kind::kPsEngineStart, "Available", "None",
        details("\tNewEngineState=Available\r\n\tPreviousEngineState=None", 13));
}

void service_state(World& world, UnixNanos at, Host& host, std::string_view service, bool running) {
  Fields(begin(world, at, host, Kind::k7036, "services", nullptr))
      .text("param1", service)
      .text("param2", running ? "running" : "stopped")
      .text("Binary", "42004900540053002F0034000000");
}

void service_start_type(World& world, UnixNanos at, Host& host, std::string_view display,
                        std::string_view from, std::string_view to, std::string_view service) {
  Fields(begin(world, at, host, Kind::k7040, "services", &world.estate.system))
      .text("param1", display)
      .text("param2", from)
      .text("param3", to)
      .text("param4", service);
}

void service_installed(World& world, UnixNanos at, Host& host, const Account& by,
                       std::string_view name, std::string_view path, std::string_view start) {
  Fields(begin(world, at, host, Kind::k7045, "services", &by))
      .text("ServiceName", name)
      .text("ImagePath", path)
      .text("ServiceType", path.ends_with(".sys") ? "kernel mode driver" : "user mode service")
      .text("StartType", start)
      .text("AccountName", path.ends_with(".sys") ? "" : "LocalSystem");
}

void log_cleared(World& world, UnixNanos at, Host& host, const Account& by,
                 std::string_view channel) {
  Fields(
      begin(world, at, host, Kind::k104, "svchost.eventlog", &by),
      R"("UserData":{"LogFileCleared":{"#attributes":{"xmlns:auto-ns3":"http://schemas.microsoft.com/win/2004/08/events","xmlns":"http://manifests.microsoft.com/win/2004/08/windows/eventlog"},)",
      "}}")
      .text("SubjectUserName", by.name)
      .text("SubjectDomainName", by.domain)
      .text("Channel", channel)
      .text("BackupPath", "");
}

void malware(World& world, UnixNanos at, Host& host, const Malware& found, bool removed) {
  const std::string id = upper(guid_from(hash_text(found.path, world.rng.next())));
  const std::string time = format_rfc3339(at, 3);
  const std::string threat = fmt::format("{}", 2147000000 + hash_text(found.name) % 900000);
  Fields fields(begin(world, at, host, removed ? Kind::kMalwareAction : Kind::kMalwareFound,
                      "msmpeng", &world.estate.system));
  fields.text("Product Name", kProduct)
      .text("Product Version", kProductVersion)
      .text("Detection ID", id)
      .text("Detection Time", time)
      .text("Unused", "")
      .text("Unused2", "")
      .text("Threat ID", threat)
      .text("Threat Name", found.name)
      .text("Severity ID", "5")
      .text("Severity Name", "Severe")
      .text("Category ID", "8")
      .text("Category Name", found.category)
      .text("FWLink",
            "https://go.microsoft.com/fwlink/?linkid=37020&name=" + std::string(found.name))
      .text("Status Code", removed ? "4" : "1")
      .text("Status Description", "")
      .text("State", removed ? "2" : "1")
      .text("Source ID", "3")
      .text("Source Name", "Real-Time Protection")
      .text("Process Name", found.process)
      .text("Detection User", found.user)
      .text("Unused3", "")
      .text("Path", "file:_" + std::string(found.path))
      .text("Origin ID", "1")
      .text("Origin Name", "Local machine")
      .text("Execution ID", "1")
      .text("Execution Name", "Suspended")
      .text("Type ID", "0")
      .text("Type Name", "Concrete")
      .text("Pre Execution Status", "0")
      .text("Action ID", removed ? "2" : "9")
      .text("Action Name", removed ? "Quarantine" : "Not Applicable")
      .text("Error Code", "0x00000000")
      .text("Error Description", "The operation completed successfully. ")
      .text("Security intelligence Version",
            "AV: 1.421.1002.0, AS: 1.421.1002.0, NIS: 1.421.1002.0")
      .text("Engine Version", "AM: 1.1.25100.9002, NIS: 1.1.25100.9002");
}

void scan_started(World& world, UnixNanos at, Host& host) {
  const std::string id = upper(guid_from(world.rng.next()));
  Fields(begin(world, at, host, Kind::kScanStart, "msmpeng", &world.estate.system))
      .text("Product Name", kProduct)
      .text("Product Version", kProductVersion)
      .text("Scan ID", id)
      .text("Scan Type Index", "1")
      .text("Scan Type", "Antimalware")
      .text("Scan Parameters Index", "1")
      .text("Scan Parameters", "Quick Scan")
      .text("Domain", "NT AUTHORITY")
      .text("User", "SYSTEM")
      .text("SID", "S-1-5-18")
      .text("Scan Resources", "");
}

void realtime_off(World& world, UnixNanos at, Host& host) {
  Fields(begin(world, at, host, Kind::kRealtimeOff, "msmpeng", &world.estate.system))
      .text("Product Name", kProduct)
      .text("Product Version", kProductVersion);
}

void defender_config(World& world, UnixNanos at, Host& host, std::string_view old_value,
                     std::string_view new_value) {
  Fields(begin(world, at, host, Kind::kDefenderConfig, "msmpeng", &world.estate.system))
      .text("Product Name", kProduct)
      .text("Product Version", kProductVersion)
      .text("Old Value", old_value)
      .text("New Value", new_value);
}

void task_registered(World& world, UnixNanos at, Host& host, std::string_view task,
                     std::string_view user) {
  Fields(begin(world, at, host, Kind::kTaskRegistered, "svchost.schedule", &world.estate.system),
         R"("EventData":{"#attributes":{"Name":"TaskRegisteredEvent"},)")
      .text("TaskName", task)
      .text("UserContext", user);
}

void task_run(World& world, UnixNanos at, Host& host, std::string_view task,
              std::string_view action) {
  const std::string id = upper(guid_from(world.rng.next()));
  Fields(begin(world, at, host, Kind::kTaskRun, "svchost.schedule", &world.estate.system),
         R"("EventData":{"#attributes":{"Name":"ActionStart"},)")
      .text("TaskName", task)
      .text("ActionName", action)
      .text("TaskInstanceId", id)
      .number("EnginePID", 4 * (300 + world.rng.below(2000)));
}

void wmi_subscription(World& world, UnixNanos at, Host& host, std::string_view filter,
                      std::string_view consumer, std::string_view command) {
  const std::string cause = fmt::format(
      "Binding EventFilter: \ninstance of __EventFilter\n{{\n\tName = \"{}\";\n\tQueryLanguage = "
      "\"WQL\";\n}};\nPerm. Consumer: \ninstance of "
      "CommandLineEventConsumer\n{{\n\tCommandLineTemplate = "
      "\"{}\";\n\tName = \"{}\";\n}};\n",
      filter, command, consumer);
  Fields(
      begin(world, at, host, Kind::kWmiSubscription, "svchost.wmi", &world.estate.system),
      R"("UserData":{"Operation_ESStoConsumerBinding":{"#attributes":{"xmlns":"http://manifests.microsoft.com/win/2006/windows/WMI"},)",
      "}}")
      .text("Namespace", R"(//./root/subscription)")
      .text("ESS", filter)
      .text("CONSUMER", "CommandLineEventConsumer=\"" + std::string(consumer) + '"')
      .text("PossibleCause", cause);
}

}  // namespace tocsin::synthetic::windows
