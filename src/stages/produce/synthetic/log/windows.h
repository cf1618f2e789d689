// SPDX-License-Identifier: Apache-2.0
//
// The other channels: PowerShell (both), System, Defender, TaskScheduler, WMI-Activity.
#pragma once

#include <string_view>

#include "stages/produce/synthetic/log/timeline.h"

namespace tocsin::synthetic::windows {

void script_block(World& world, UnixNanos at, const Process& shell, std::string_view text,
                  std::string_view path);
void cmdlet(World& world, UnixNanos at, const Process& shell, std::string_view payload);
void engine_started(World& world, UnixNanos at, const Process& shell);

void service_state(World& world, UnixNanos at, Host& host, std::string_view service, bool running);
void service_start_type(World& world, UnixNanos at, Host& host, std::string_view display,
                        std::string_view from, std::string_view to, std::string_view service);
void service_installed(World& world, UnixNanos at, Host& host, const Account& by,
                       std::string_view name, std::string_view path,
                       std::string_view start = "demand start");
void log_cleared(World& world, UnixNanos at, Host& host, const Account& by,
                 std::string_view channel);

struct Malware {
  std::string_view name;      // "Trojan:Win32/Meterpreter.A"
  std::string_view category;  // "Trojan"
  std::string_view path;
  std::string_view process;
  std::string_view user;
};
void malware(World& world, UnixNanos at, Host& host, const Malware& malware, bool removed);
void scan_started(World& world, UnixNanos at, Host& host);
void realtime_off(World& world, UnixNanos at, Host& host);
void defender_config(World& world, UnixNanos at, Host& host, std::string_view old_value,
                     std::string_view new_value);

void task_registered(World& world, UnixNanos at, Host& host, std::string_view task,
                     std::string_view user);
void task_run(World& world, UnixNanos at, Host& host, std::string_view task,
              std::string_view action);
void wmi_subscription(World& world, UnixNanos at, Host& host, std::string_view filter,
                      std::string_view consumer, std::string_view command);

}  // namespace tocsin::synthetic::windows
