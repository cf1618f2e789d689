// SPDX-License-Identifier: Apache-2.0
//
// The Security channel: logons, tickets, accounts, shares, audit.
#pragma once

#include <cstdint>
#include <string_view>

#include "stages/produce/synthetic/log/timeline.h"

namespace tocsin::synthetic::security {

struct LogonEvent {
  Logon logon;
  int type = 3;
  std::string_view package = "Kerberos";  // Kerberos, NTLM, Negotiate
  std::string_view process = "-";
  const Host* from = nullptr;     // null: the machine itself
  std::string_view from_ip = {};  // when it is not one of the estate's machines
  std::string_view from_name = {};
};
void logged_on(World& world, UnixNanos at, Host& host, const LogonEvent& event);
void privileges(World& world, UnixNanos at, Host& host, const Logon& logon);
void logged_off(World& world, UnixNanos at, Host& host, const Logon& logon, int type);
void logon_failed(World& world, UnixNanos at, Host& host, std::string_view user, int type,
                  std::string_view from_ip, std::string_view from_name, bool unknown_user);
void explicit_credentials(World& world, UnixNanos at, const Process& actor, const Account& target,
                          std::string_view server);

void process_created(World& world, UnixNanos at, const Process& process, const Process& parent);
void service_installed(World& world, UnixNanos at, Host& host, const Logon& subject,
                       std::string_view name, std::string_view path);
void task_created(World& world, UnixNanos at, Host& host, const Logon& subject,
                  std::string_view name, std::string_view command, std::string_view arguments);

// On the domain controller.
void ticket_granted(World& world, UnixNanos at, const Account& account, const Host& from,
                    std::uint32_t encryption = 0x12, bool preauthenticated = true);
void service_ticket(World& world, UnixNanos at, const Account& account, const Host& from,
                    std::string_view service, std::uint32_t encryption = 0x12);
void preauth_failed(World& world, UnixNanos at, std::string_view user, std::string_view from_ip);
void ntlm_checked(World& world, UnixNanos at, std::string_view user, std::string_view from,
                  std::uint32_t status);
void directory_access(World& world, UnixNanos at, const Logon& subject,
                      std::string_view object_type, std::string_view properties,
                      std::uint32_t mask);

// What was done to an account; `kind` is one of 4720, 4724, 4726, 4738.
void account_changed(World& world, UnixNanos at, Host& host, Kind kind, const Logon& subject,
                     std::string_view target, std::string_view target_sid);
// 4728 (global) or 4732 (local).
void group_member_added(World& world, UnixNanos at, Host& host, Kind kind, const Logon& subject,
                        std::string_view member, std::string_view member_sid,
                        std::string_view group, std::string_view group_sid);

void share_opened(World& world, UnixNanos at, Host& host, const Logon& logon, const Host& from,
                  std::string_view share);
void share_file(World& world, UnixNanos at, Host& host, const Logon& logon, const Host& from,
                std::string_view share, std::string_view relative, std::uint32_t mask);
void object_access(World& world, UnixNanos at, const Process& actor, Kind kind,
                   std::string_view type, std::string_view name, std::uint32_t mask);
void connection_allowed(World& world, UnixNanos at, const Process& actor, std::string_view from_ip,
                        std::uint32_t from_port, std::string_view to_ip, std::uint32_t to_port,
                        bool outbound);
void audit_policy_changed(World& world, UnixNanos at, Host& host, const Logon& subject,
                          std::string_view subcategory);
void log_cleared(World& world, UnixNanos at, Host& host, const Logon& subject);

}  // namespace tocsin::synthetic::security
