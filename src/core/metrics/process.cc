// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace tocsin::metrics {
namespace {

constexpr Family kCpu{"process_cpu_seconds_total",
                      Kind::kCounter,
                      "Processor time used, user and system, in seconds.",
                      {}};
constexpr Family kResident{
    "process_resident_memory_bytes", Kind::kGauge, "Memory held in RAM, in bytes.", {}};
constexpr Family kVirtual{
    "process_virtual_memory_bytes", Kind::kGauge, "Address space in use, in bytes.", {}};
constexpr Family kStart{"process_start_time_seconds",
                        Kind::kGauge,
                        "When the process started, in seconds since the Unix epoch.",
                        {}};
constexpr Family kOpenFds{"process_open_fds", Kind::kGauge, "Open file descriptors.", {}};
constexpr Family kMaxFds{
    "process_max_fds", Kind::kGauge, "Most file descriptors that may be open.", {}};

constexpr std::array kFamilies = {&kCpu, &kResident, &kVirtual, &kStart, &kOpenFds, &kMaxFds};

// The fields of /proc/self/stat from the third on: the second is the name, in brackets, and may
// hold anything.
std::optional<std::array<double, 24>> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream words(text.substr(name_end + 1));
  std::array<double, 24> fields{};
  std::string word;
  words >> word;  // the state, a letter
  for (std::size_t i = 1; i < fields.size() && words >> word; ++i)
    std::from_chars(word.data(), word.data() + word.size(), fields[i]);
  return fields;
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Since the Unix epoch. /proc/stat tells it too, but a hardened unit does not see that file.
double boot_time() { return seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME); }

}  // namespace

std::span<const Family* const> process_families() { return kFamilies; }

void add_process(Answers& answers) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  // Indices are those of proc_pid_stat(5), less three.
  if (const auto stat = stat_fields()) {
    answers.add(kCpu, {}, ((*stat)[11] + (*stat)[12]) / ticks);
    answers.add(kVirtual, {}, (*stat)[20]);
    answers.add(kResident, {}, (*stat)[21] * static_cast<double>(sysconf(_SC_PAGESIZE)));
    answers.add(kStart, {}, boot_time() + (*stat)[19] / ticks);
  }
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  if (!error) {
    double open = 0;
    for (const std::filesystem::directory_iterator end; !error && entry != end;
         entry.increment(error))
      ++open;
    answers.add(kOpenFds, {}, open - 1);  // the folder itself is one
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    answers.add(kMaxFds, {}, static_cast<double>(limit.rlim_cur));
}

}  // namespace tocsin::metrics
