// SPDX-License-Identifier: Apache-2.0
//
// What the program tells the operator while it runs: one line on stderr. Data never goes here.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace tocsin {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Thread-safe. Default: kInfo.
void set_log_level(LogLevel level);
void log_line(LogLevel level, std::string_view text);
[[nodiscard]] bool log_enabled(LogLevel level);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kDebug))
    log_line(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kInfo))
    log_line(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kWarning))
    log_line(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kError))
    log_line(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tocsin
