// SPDX-License-Identifier: Apache-2.0
//
// Kind: one (channel, event id), with all that its System part never varies in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::synthetic {

enum class Channel : std::uint8_t {
  kSysmon,
  kSecurity,
  kSystem,
  kPowerShell,
  kPowerShellClassic,
  kDefender,
  kTaskScheduler,
  kWmi,
};

enum class Kind : std::uint8_t {
  kProcessCreate,
  kNetwork,
  kProcessExit,
  kDriverLoad,
  kImageLoad,
  kRemoteThread,
  kRawRead,
  kProcessAccess,
  kFileCreate,
  kRegistryKey,
  kRegistryValue,
  kFileStream,
  kPipeCreate,
  kPipeConnect,
  kWmiFilter,
  kWmiConsumer,
  kWmiBinding,
  kDns,
  kFileDelete,
  kTampering,
  k1102,
  k4624,
  k4625,
  k4634,
  k4648,
  k4656,
  k4662,
  k4663,
  k4672,
  k4688,
  k4697,
  k4698,
  k4699,
  k4719,
  k4720,
  k4724,
  k4726,
  k4728,
  k4732,
  k4738,
  k4768,
  k4769,
  k4771,
  k4776,
  k5140,
  k5145,
  k5156,
  k104,
  k7036,
  k7040,
  k7045,
  kPsModule,
  kPsScript,
  kPsEngineStart,
  kPsProvider,
  kMalwareFound,
  kMalwareAction,
  kScanStart,
  kRealtimeOff,
  kDefenderConfig,
  kTaskRegistered,
  kTaskRun,
  kWmiSubscription,
  kCount,
};

struct KindInfo {
  Kind kind;
  Channel channel;
  std::uint16_t id;
  std::uint8_t version;
  std::uint8_t level;
  std::uint16_t task;
  std::string_view keywords;
};

[[nodiscard]] const KindInfo& info(Kind kind);
[[nodiscard]] std::string_view channel_name(Channel channel);

// The event's text from the first brace to the opening quote of SystemTime.
[[nodiscard]] std::string head_of(Kind kind);

}  // namespace tocsin::synthetic
