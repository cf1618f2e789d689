// SPDX-License-Identifier: Apache-2.0
//
// Fields that the mappings derive, as rules get them from real shapes of events.
#include <doctest/doctest.h>

#include <string>

#include "stages/normalize/normalizer.h"

using namespace tocsin;

namespace {

const FieldTable& fields() {
  static const FieldTable table = [] {
    FieldTable t;
    for (const char* name : {"Image", "User", "EventType", "TargetObject", "Details", "Protocol",
                             "Initiated", "DestinationIp", "FileName", "sha256", "ProcessId"})
      t.intern(name);
    return t;
  }();
  return table;
}

struct Fixture {
  normalize::Normalizer normalizer{sigma::Taxonomy::built_in(), fields(), {}};
  NormalizedEvent event;

  void run(std::string_view json) { REQUIRE(normalizer.normalize(json, event)); }
  std::string get(std::string_view name) const {
    std::string out;
    for (const FieldValue& v : event.values)
      if (v.field == fields().find(name)) out += (out.empty() ? "" : "|") + std::string(v.text);
    return out.empty() ? "-" : out;
  }
  bool is(const char* category) const {
    return sigma::Taxonomy::reads({category, "windows", ""},
                                  sigma::Taxonomy::built_in().routes()[event.route]);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "derived fields: Security 4657 from NXLog, which has an EventType of its own") {
  const auto json = [](const char* operation) {
    return std::string(
               R"({"EventID":4657,"Channel":"security","Hostname":"h","EventType":"AUDIT_SUCCESS",)") +
           R"("SubjectUserSid":"S-1-5-18","SubjectUserName":"H$","SubjectDomainName":"D",)" +
           R"("ObjectName":"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\X","ObjectValueName":"Start",)" +
           R"("OperationType":")" + operation +
           R"(","NewValueType":"%%1876","NewValue":"4","ProcessName":"C:\\r.exe"})";
  };
  run(json("%%1905"));
  CHECK(is("registry_set"));
  CHECK_FALSE(is("registry_delete"));
  CHECK(get("EventType") == "SetValue");
  CHECK(get("TargetObject") == "HKLM\\System\\CurrentControlSet\\Services\\X\\Start");
  CHECK(get("Details") == "DWORD (0x00000004)");
  CHECK(get("User") == "NT AUTHORITY\\SYSTEM");
  run(json("%%1906"));
  CHECK(is("registry_delete"));
  CHECK_FALSE(is("registry_set"));
  CHECK(get("EventType") == "DeleteValue");
  CHECK(get("Details") == "-");
}

TEST_CASE_FIXTURE(Fixture, "derived fields: connections, files, ends of processes, hashes") {
  run(R"({"EventID":5156,"Channel":"Security","Application":"\\device\\harddiskvolume2\\a.exe",
          "Direction":"%%14592","DestAddress":"192.0.2.1","Protocol":"17"})");
  CHECK(is("network_connection"));
  CHECK(get("Image") == "C:\\a.exe");
  CHECK(get("Initiated") == "false");
  CHECK(get("DestinationIp") == "192.0.2.1");
  CHECK(get("Protocol") == "udp");
  run(R"({"Event":{"System":{"EventID":4663,"Channel":"Security"},"EventData":{"ObjectType":"File",
          "ObjectName":"\\Device\\HarddiskVolume3\\b.txt","ProcessName":"C:\\a.exe"}}})");
  CHECK(is("file_access"));
  CHECK(get("FileName") == "C:\\b.txt");
  run(R"({"Event":{"System":{"EventID":4663,"Channel":"Security"},"EventData":{"ObjectType":"Key","ObjectName":"k"}}})");
  CHECK_FALSE(is("file_access"));
  CHECK(get("FileName") == "-");
  run(R"({"EventID":4689,"Channel":"Security","ProcessId":"0x1f4","ProcessName":"C:\\a.exe"})");
  CHECK(get("ProcessId") == "500");
  CHECK(get("Image") == "C:\\a.exe");
  run(R"({"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Hashes":"MD5=A,SHA256=B"})");
  CHECK(get("sha256") == "B");
}
