// SPDX-License-Identifier: Apache-2.0
//
// The mappings: which event is which log source, and what its fields become.
#include "core/sigma/taxonomy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "core/sigma/parse.h"
#include "core/sigma/reach.h"

using namespace tocsin;
using sigma::Derivation;
using sigma::Taxonomy;

namespace {

using Fields = std::map<std::string, std::string>;

const Taxonomy& built_in() { return Taxonomy::built_in(); }

const sigma::Route& route(std::string_view channel, std::string_view id, const Fields& event = {}) {
  const std::uint32_t at = built_in().windows_route(channel, id);
  return built_in().routes()[built_in().refine(at, [&](std::string_view name) -> std::string_view {
    const auto found = event.find(std::string(name));
    return found == event.end() ? std::string_view() : std::string_view(found->second);
  })];
}

bool reads(const sigma::Logsource& logsource, const sigma::Route& r) {
  return Taxonomy::reads(logsource, r);
}

// What the route makes of the event's fields, as a normalizer does it.
std::string derived(const sigma::Route& r, const std::string& field, const Fields& event) {
  std::string out;
  for (const Derivation& d : r.derivations) {
    if (d.field != field) continue;
    std::vector<std::string_view> texts;
    for (const std::string& part : d.parts)
      if (const auto found = event.find(part); found != event.end()) texts.push_back(found->second);
    if (texts.size() == d.parts.size() && d.apply(texts, out)) return out;
  }
  return "-";
}

}  // namespace

TEST_CASE("taxonomy: events and their categories") {
  struct Row {
    const char *channel, *id, *category, *service;
  };
  const Row rows[] = {
      {"Microsoft-Windows-Sysmon/Operational", "1", "process_creation", "sysmon"},
      {"microsoft-windows-sysmon/operational", "13", "registry_set", "sysmon"},
      {"Microsoft-Windows-Sysmon/Operational", "18", "pipe_created", "sysmon"},
      {"Microsoft-Windows-Sysmon/Operational", "255", "sysmon_error", "sysmon"},
      {"Security", "4688", "process_creation", "security"},
      {"Security", "4689", "process_termination", "security"},
      {"Security", "4657", "registry_event", "security"},
      {"SECURITY", "5156", "network_connection", "security"},
      {"Security", "4624", "", "security"},
      {"Windows PowerShell", "400", "ps_classic_start", "powershell-classic"},
      {"Windows PowerShell", "600", "ps_classic_provider_start", "powershell-classic"},
      {"Windows PowerShell", "800", "ps_classic_script", "powershell-classic"},
      {"PowerShellCore/Operational", "4103", "ps_module", "powershell"},
      {"Microsoft-Windows-PowerShell/Operational", "4104", "ps_script", "powershell"},
      {"Microsoft-Windows-Kernel-File/Analytic", "12", "file_access", "file-kernel"},
      {"Microsoft-Windows-Windows Defender/Operational", "1116", "antivirus", "windefend"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.channel);
    CAPTURE(row.id);
    const sigma::Route& r = route(row.channel, row.id);
    CHECK(reads({row.category, "windows", row.service}, r));
    CHECK(reads({"", "windows", ""}, r));
    CHECK_FALSE(reads({"", "linux", ""}, r));
    CHECK_FALSE(reads({"", "windows", "no-such-service"}, r));
    CHECK(r.event_id == (row.category[0] == 0 ? "" : row.id));
  }
  CHECK(route("No Such Channel", "1").name == "windows/other");
}

TEST_CASE("taxonomy: a field of the event chooses among kinds") {
  const auto is = [](const sigma::Route& r, const char* category) {
    return reads({category, "windows", ""}, r);
  };
  const auto set = route("Security", "4657", {{"OperationType", "%%1905"}});
  CHECK(is(set, "registry_set"));
  CHECK(is(set, "registry_event"));
  CHECK_FALSE(is(set, "registry_delete"));
  const auto deleted = route("Security", "4657", {{"OperationType", "%%1906"}});
  CHECK(is(deleted, "registry_delete"));
  CHECK_FALSE(is(deleted, "registry_set"));
  const auto unknown = route("Security", "4657");
  CHECK(is(unknown, "registry_event"));
  CHECK_FALSE(is(unknown, "registry_set"));
  CHECK(is(route("Security", "4663", {{"ObjectType", "File"}}), "file_access"));
  CHECK_FALSE(is(route("Security", "4663", {{"ObjectType", "Key"}}), "file_access"));
  CHECK(reads({"", "windows", "security"}, route("Security", "4663", {{"ObjectType", "Key"}})));
}

TEST_CASE("taxonomy: fields of the Security log in Sysmon's words") {
  const Fields created = {{"NewProcessName", R"(C:\Windows\System32\cmd.exe)"},
                          {"ParentProcessName", R"(C:\Windows\explorer.exe)"},
                          {"ProcessId", "0x1f4"},
                          {"SubjectUserSid", "S-1-5-21-1-2-3-1001"},
                          {"SubjectDomainName", "LAB"},
                          {"SubjectUserName", "ann"},
                          {"SubjectLogonId", "0x3e7"},
                          {"MandatoryLabel", "S-1-16-12288"}};
  const sigma::Route& process = route("Security", "4688");
  CHECK(derived(process, "Image", created) == R"(C:\Windows\System32\cmd.exe)");
  CHECK(derived(process, "ParentImage", created) == R"(C:\Windows\explorer.exe)");
  CHECK(derived(process, "ParentProcessId", created) == "500");
  CHECK(derived(process, "LogonId", created) == "0x3e7");
  CHECK(derived(process, "User", created) == R"(LAB\ann)");
  CHECK(derived(process, "IntegrityLevel", created) == "High");
  auto by_system = created;
  by_system["SubjectUserSid"] = "S-1-5-18";
  CHECK(derived(process, "User", by_system) == R"(NT AUTHORITY\SYSTEM)");
  CHECK(derived(process, "User", {}) == "-");
  auto as_other = created;
  as_other["TargetUserSid"] = "S-1-0-0";
  as_other["TargetDomainName"] = as_other["TargetUserName"] = "-";
  CHECK(derived(process, "User", as_other) == R"(LAB\ann)");
  as_other["TargetUserSid"] = "S-1-5-21-1-2-3-1002";
  as_other["TargetDomainName"] = "LAB";
  as_other["TargetUserName"] = "bob";
  CHECK(derived(process, "User", as_other) == R"(LAB\bob)");
  as_other["TargetUserSid"] = "S-1-5-19";
  CHECK(derived(process, "User", as_other) == R"(NT AUTHORITY\LOCAL SERVICE)");

  Fields written = {{"ObjectName", R"(\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\EventLog)"},
                    {"ObjectValueName", "Start"},
                    {"OperationType", "%%1905"},
                    {"NewValueType", "%%1876"},
                    {"NewValue", "4"}};
  const sigma::Route& registry = route("Security", "4657", written);
  CHECK(derived(registry, "TargetObject", written) ==
        R"(HKLM\System\CurrentControlSet\Services\EventLog\Start)");
  CHECK(derived(registry, "EventType", written) == "SetValue");
  CHECK(derived(registry, "Details", written) == "DWORD (0x00000004)");
  written["ObjectName"] = R"(\Registry\User\S-1-5-21-1\Software)";
  written["NewValueType"] = "%%1873";
  written["NewValue"] = "a\\b";
  CHECK(derived(registry, "TargetObject", written) == R"(HKU\S-1-5-21-1\Software\Start)");
  CHECK(derived(registry, "Details", written) == "a\\b");
  written["NewValueType"] = "%%1883";
  written["NewValue"] = "4294967298";
  CHECK(derived(registry, "Details", written) == "QWORD (0x00000001-0x00000002)");

  const Fields passed = {
      {"Application", R"(\device\harddiskvolume12\windows\system32\svchost.exe)"},
      {"Direction", "%%14593"},
      {"Protocol", "6"},
      {"DestAddress", "192.0.2.1"},
      {"DestPort", "53"},
      {"SourceAddress", "192.0.2.9"}};
  const sigma::Route& network = route("Security", "5156");
  CHECK(derived(network, "Image", passed) == R"(C:\windows\system32\svchost.exe)");
  CHECK(derived(network, "Initiated", passed) == "true");
  CHECK(derived(network, "Protocol", passed) == "tcp");
  CHECK(derived(network, "DestinationIp", passed) == "192.0.2.1");
  CHECK(derived(network, "DestinationPort", passed) == "53");
  CHECK(derived(network, "SourceIp", passed) == "192.0.2.9");
  CHECK(derived(network, "Image", {{"Application", "System"}}) == "System");
  CHECK(derived(network, "Image", {{"Application", R"(\device\harddiskvolume\x)"}}) ==
        R"(\device\harddiskvolume\x)");

  const Fields hashes = {{"Hashes", "SHA1=AA,MD5=BB,SHA256=CC,IMPHASH=DD"}};
  const sigma::Route& sysmon = route("Microsoft-Windows-Sysmon/Operational", "1");
  CHECK(derived(sysmon, "imphash", hashes) == "DD");
  CHECK(derived(sysmon, "sha1", hashes) == "AA");
  CHECK(derived(sysmon, "md5", hashes) == "BB");
  CHECK(derived(sysmon, "md5", {{"Hashes", "SHA1=AA"}}) == "-");
  CHECK(derived(sysmon, "md5", {{"Hashes", ""}}) == "-");
}

TEST_CASE("taxonomy: which log sources are known") {
  CHECK(built_in().knows({"process_creation", "windows", ""}));
  CHECK(built_in().knows({"registry_delete", "windows", "security"}));
  CHECK(built_in().knows({"", "windows", "ldap"}));
  CHECK(built_in().knows({"", "windows", ""}));
  CHECK_FALSE(built_in().knows({"proces_creation", "windows", ""}));
  CHECK_FALSE(built_in().knows({"process_creation", "windows", "system"}));
  CHECK_FALSE(built_in().knows({"", "windows", "sysmn"}));
  CHECK(built_in().knows({"process_creation", "linux", ""}));
  CHECK(built_in().knows({"proxy", "", ""}));
}

TEST_CASE("taxonomy: mistakes in a mapping file are told with their line") {
  const struct {
    const char *yaml, *says;
  } rows[] = {
      {"- a", "m.yml: expected a map"},
      {"a: [", "m.yml:"},
      {"product: w\nevents:\n- {channel: X, ids: [1]}",
       "m.yml:3: channel 'X' belongs to no service"},
      {"product: w\nservices: {s: [X]}\nservice_fields:\n  t: [A]", "m.yml:4: there is no service"},
      {"product: w\nservices: {s: [X]}\nevents:\n- {channel: X, ids: [1], fields: {A: {from: []}}}",
       "m.yml:4: field 'A'"},
      {"product: w\nservices: {s: [X]}\nevents:\n"
       "- {channel: X, ids: [1], fields: {A: {from: B, form: hex}}}",
       "form is text"},
      {"product: w\nservices: {s: [X]}\nevents:\n"
       "- {channel: X, ids: [1], fields: {A: {from: B, form: registry_value}}}",
       "needs two fields"},
      {"product: w\nservices: {s: [X]}\nevents:\n- {channel: X, ids: [1], when: {A: 1, B: 2}}",
       "`when` names one field"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.yaml);
    const auto parsed = Taxonomy::parse(row.yaml, "m.yml");
    REQUIRE_FALSE(parsed.has_value());
    CAPTURE(parsed.error().message);
    CHECK(parsed.error().message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("taxonomy: which rules can never fire") {
  const auto why = [](const std::string& logsource, const std::string& detection) {
    const auto parsed = sigma::parse_rules(
        "title: t\nlogsource: {" + logsource + "}\ndetection:\n" + detection + "\n", "r.yml");
    REQUIRE(parsed.rules.size() == 1);
    return sigma::why_never_fires(built_in(), parsed.rules.front());
  };
  const std::string file = "product: windows, category: file_event";
  CHECK(why(file, "  s: {TargetFilename: a}\n  condition: s").empty());
  CHECK(why(file, "  s: {CommandLine: a}\n  condition: s") ==
        "no event of this log source carries CommandLine");
  CHECK(why(file, "  s: {TargetFilename: a}\n  f: {CommandLine: b}\n  condition: s and not f")
            .empty());
  CHECK(why(file, "  s: {TargetFilename: a}\n  t: {CommandLine: b}\n  condition: s or t").empty());
  CHECK(why(file, "  s: {CommandLine: null}\n  condition: s").empty());
  CHECK(why(file, "  s: {EventID: 12}\n  condition: s") ==
        "its condition holds for no event of this log source");
  CHECK(why(file, "  s: {EventID: 11}\n  condition: s").empty());
  CHECK(why(file, "  s: ['word']\n  condition: s").empty());
  CHECK(why("product: windows, service: sysmn", "  s: {A: a}\n  condition: s") ==
        "no event is of this log source");
  CHECK(why("product: windows, service: security", "  s: {Any: a}\n  condition: s").empty());
  CHECK(why("product: linux, service: sshd", "  s: {Any: a}\n  condition: s").empty());
  CHECK(why("category: proxy", "  s: {Any: a}\n  condition: s").empty());
}
