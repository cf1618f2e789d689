// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/log/kind.h"

#include <fmt/format.h>

#include <iterator>

#include "base/check.h"

namespace tocsin::synthetic {
namespace {

constexpr std::string_view kPlain = "0x8000000000000000";
constexpr std::string_view kSuccess = "0x8020000000000000";
constexpr std::string_view kFailure = "0x8010000000000000";
constexpr std::string_view kClassic = "0x80000000000000";
constexpr std::string_view kControl = "0x8080000000000000";

// In the order of Kind.
constexpr KindInfo kKinds[] = {
    {Kind::kProcessCreate, Channel::kSysmon, 1, 5, 4, 1, kPlain},
    {Kind::kNetwork, Channel::kSysmon, 3, 5, 4, 3, kPlain},
    {Kind::kProcessExit, Channel::kSysmon, 5, 3, 4, 5, kPlain},
    {Kind::kDriverLoad, Channel::kSysmon, 6, 4, 4, 6, kPlain},
    {Kind::kImageLoad, Channel::kSysmon, 7, 3, 4, 7, kPlain},
    {Kind::kRemoteThread, Channel::kSysmon, 8, 2, 4, 8, kPlain},
    {Kind::kRawRead, Channel::kSysmon, 9, 2, 4, 9, kPlain},
    {Kind::kProcessAccess, Channel::kSysmon, 10, 3, 4, 10, kPlain},
    {Kind::kFileCreate, Channel::kSysmon, 11, 2, 4, 11, kPlain},
    {Kind::kRegistryKey, Channel::kSysmon, 12, 2, 4, 12, kPlain},
    {Kind::kRegistryValue, Channel::kSysmon, 13, 2, 4, 13, kPlain},
    {Kind::kFileStream, Channel::kSysmon, 15, 2, 4, 15, kPlain},
    {Kind::kPipeCreate, Channel::kSysmon, 17, 1, 4, 17, kPlain},
    {Kind::kPipeConnect, Channel::kSysmon, 18, 1, 4, 18, kPlain},
    {Kind::kWmiFilter, Channel::kSysmon, 19, 3, 4, 19, kPlain},
    {Kind::kWmiConsumer, Channel::kSysmon, 20, 3, 4, 20, kPlain},
    {Kind::kWmiBinding, Channel::kSysmon, 21, 3, 4, 21, kPlain},
    {Kind::kDns, Channel::kSysmon, 22, 5, 4, 22, kPlain},
    {Kind::kFileDelete, Channel::kSysmon, 23, 5, 4, 23, kPlain},
    {Kind::kTampering, Channel::kSysmon, 25, 5, 4, 25, kPlain},
    {Kind::k1102, Channel::kSecurity, 1102, 0, 4, 104, "0x4020000000000000"},
    {Kind::k4624, Channel::kSecurity, 4624, 2, 0, 12544, kSuccess},
    {Kind::k4625, Channel::kSecurity, 4625, 0, 0, 12544, kFailure},
    {Kind::k4634, Channel::kSecurity, 4634, 0, 0, 12545, kSuccess},
    {Kind::k4648, Channel::kSecurity, 4648, 0, 0, 12544, kSuccess},
    {Kind::k4656, Channel::kSecurity, 4656, 1, 0, 12802, kSuccess},
    {Kind::k4662, Channel::kSecurity, 4662, 0, 0, 14080, kSuccess},
    {Kind::k4663, Channel::kSecurity, 4663, 1, 0, 12800, kSuccess},
    {Kind::k4672, Channel::kSecurity, 4672, 0, 0, 12548, kSuccess},
    {Kind::k4688, Channel::kSecurity, 4688, 2, 0, 13312, kSuccess},
    {Kind::k4697, Channel::kSecurity, 4697, 1, 0, 12289, kSuccess},
    {Kind::k4698, Channel::kSecurity, 4698, 1, 0, 12804, kSuccess},
    {Kind::k4699, Channel::kSecurity, 4699, 1, 0, 12804, kSuccess},
    {Kind::k4719, Channel::kSecurity, 4719, 0, 0, 13568, kSuccess},
    {Kind::k4720, Channel::kSecurity, 4720, 0, 0, 13824, kSuccess},
    {Kind::k4724, Channel::kSecurity, 4724, 0, 0, 13824, kSuccess},
    {Kind::k4726, Channel::kSecurity, 4726, 0, 0, 13824, kSuccess},
    {Kind::k4728, Channel::kSecurity, 4728, 0, 0, 13826, kSuccess},
    {Kind::k4732, Channel::kSecurity, 4732, 0, 0, 13826, kSuccess},
    {Kind::k4738, Channel::kSecurity, 4738, 0, 0, 13824, kSuccess},
    {Kind::k4768, Channel::kSecurity, 4768, 0, 0, 14339, kSuccess},
    {Kind::k4769, Channel::kSecurity, 4769, 0, 0, 14337, kSuccess},
    {Kind::k4771, Channel::kSecurity, 4771, 0, 0, 14339, kFailure},
    {Kind::k4776, Channel::kSecurity, 4776, 0, 0, 14336, kSuccess},
    {Kind::k5140, Channel::kSecurity, 5140, 1, 0, 12808, kSuccess},
    {Kind::k5145, Channel::kSecurity, 5145, 0, 0, 12811, kSuccess},
    {Kind::k5156, Channel::kSecurity, 5156, 1, 0, 12810, kSuccess},
    {Kind::k104, Channel::kSystem, 104, 0, 4, 104, kPlain},
    {Kind::k7036, Channel::kSystem, 7036, 0, 4, 0, kControl},
    {Kind::k7040, Channel::kSystem, 7040, 0, 4, 0, kControl},
    {Kind::k7045, Channel::kSystem, 7045, 0, 4, 0, kControl},
    {Kind::kPsModule, Channel::kPowerShell, 4103, 1, 4, 106, "0x0"},
    {Kind::kPsScript, Channel::kPowerShell, 4104, 1, 5, 2, "0x0"},
    {Kind::kPsEngineStart, Channel::kPowerShellClassic, 400, 0, 4, 4, kClassic},
    {Kind::kPsProvider, Channel::kPowerShellClassic, 600, 0, 4, 6, kClassic},
    {Kind::kMalwareFound, Channel::kDefender, 1116, 0, 3, 0, kPlain},
    {Kind::kMalwareAction, Channel::kDefender, 1117, 0, 4, 0, kPlain},
    {Kind::kScanStart, Channel::kDefender, 1000, 0, 4, 0, kPlain},
    {Kind::kRealtimeOff, Channel::kDefender, 5001, 0, 4, 0, kPlain},
    {Kind::kDefenderConfig, Channel::kDefender, 5007, 0, 4, 0, kPlain},
    {Kind::kTaskRegistered, Channel::kTaskScheduler, 106, 0, 4, 106, kPlain},
    {Kind::kTaskRun, Channel::kTaskScheduler, 200, 1, 4, 200, kPlain},
    {Kind::kWmiSubscription, Channel::kWmi, 5861, 0, 0, 0, "0x4000000000000000"},
};
static_assert(std::size(kKinds) == static_cast<std::size_t>(Kind::kCount));

std::string_view provider_of(const KindInfo& kind) {
  if (kind.id == 1102 || kind.id == 104)
    return R"("Name":"Microsoft-Windows-Eventlog","Guid":"FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148")";
  switch (kind.channel) {
    case Channel::kSysmon:
      return R"("Name":"Microsoft-Windows-Sysmon","Guid":"5770385F-C22A-43E0-BF4C-06F5698FFBD9")";
    case Channel::kSecurity:
      return R"("Name":"Microsoft-Windows-Security-Auditing","Guid":"54849625-5478-4994-A5BA-3E3B0328C30D")";
    case Channel::kSystem:
      return R"("Name":"Service Control Manager","Guid":"555908D1-A6D7-4695-8E1E-26931D2012F4","EventSourceName":"Service Control Manager")";
    case Channel::kPowerShell:
      return R"("Name":"Microsoft-Windows-PowerShell","Guid":"A0C1853B-5C40-4B15-8766-3CF1C58F985A")";
    case Channel::kPowerShellClassic:
      return R"("Name":"PowerShell")";
    case Channel::kDefender:
      return R"("Name":"Microsoft-Windows-Windows Defender","Guid":"11CD958A-C507-4EF3-B3F2-5FD9DFBD2C78")";
    case Channel::kTaskScheduler:
      return R"("Name":"Microsoft-Windows-TaskScheduler","Guid":"DE7B24EA-73C8-4A09-985D-5BDADCFA9017")";
    case Channel::kWmi:
      return R"("Name":"Microsoft-Windows-WMI-Activity","Guid":"1418EF04-B0B4-4623-BF7E-D74AB47BBDAA")";
  }
  check_failed("channel has a provider", __FILE__, __LINE__);
}

}  // namespace

const KindInfo& info(Kind kind) {
  const KindInfo& found = kKinds[static_cast<std::size_t>(kind)];
  TOCSIN_CHECK(found.kind == kind);
  return found;
}

std::string_view channel_name(Channel channel) {
  switch (channel) {
    case Channel::kSysmon:
      return "Microsoft-Windows-Sysmon/Operational";
    case Channel::kSecurity:
      return "Security";
    case Channel::kSystem:
      return "System";
    case Channel::kPowerShell:
      return "Microsoft-Windows-PowerShell/Operational";
    case Channel::kPowerShellClassic:
      return "Windows PowerShell";
    case Channel::kDefender:
      return "Microsoft-Windows-Windows Defender/Operational";
    case Channel::kTaskScheduler:
      return "Microsoft-Windows-TaskScheduler/Operational";
    case Channel::kWmi:
      return "Microsoft-Windows-WMI-Activity/Operational";
  }
  check_failed("channel has a name", __FILE__, __LINE__);
}

std::string head_of(Kind kind) {
  const KindInfo& k = info(kind);
  std::string id = fmt::format("{}", k.id);
  if (k.channel == Channel::kPowerShellClassic)
    id = fmt::format(R"({{"#attributes":{{"Qualifiers":0}},"#text":{}}})", k.id);
  if (k.channel == Channel::kSystem && k.id != 104)
    id = fmt::format(R"({{"#attributes":{{"Qualifiers":16384}},"#text":{}}})", k.id);
  const int opcode = k.channel == Channel::kPowerShell ? (k.id == 4103 ? 20 : 15) : 0;
  return fmt::format(
      R"({{"Event":{{"#attributes":{{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"}},)"
      R"("System":{{"Provider":{{"#attributes":{{{}}}}},"EventID":{},"Version":{},"Level":{},"Task":{},)"
      R"("Opcode":{},"Keywords":"{}","TimeCreated":{{"#attributes":{{"SystemTime":")",
      provider_of(k), id, k.version, k.level, k.task, opcode, k.keywords);
}

}  // namespace tocsin::synthetic
