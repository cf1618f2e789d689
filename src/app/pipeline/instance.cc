// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/uuid.h"

namespace tocsin::pipeline {
namespace {

constexpr int kInstancesMax = 1'000;
constexpr std::size_t kIdSize = 8;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

// The id in the file, which the first holder writes. Empty: it cannot be written.
std::string id_in(int fd) {
  std::array<char, kIdSize> bytes{};
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
  if (got == static_cast<ssize_t>(bytes.size())) return {bytes.data(), bytes.size()};
  const std::string id = Uuid::random().to_string().substr(0, kIdSize);
  if (::pwrite(fd, id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) return {};
  return id;
}

}  // namespace

Result<std::unique_ptr<Instance>> Instance::take(const std::string& folder) {
  std::error_code ignored;  // open() says it better
  std::filesystem::create_directories(folder, ignored);
  for (int number = 1; number <= kInstancesMax; ++number) {
    const std::string path = fmt::format("{}/{}.instance", folder, number);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return fail(ErrorCode::kInvalid, fmt::format("{}: {}", path, std::strerror(errno)));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      continue;
    }
    const std::string id = id_in(fd);
    if (!id.empty())
      return std::unique_ptr<Instance>(new Instance(fd, fmt::format("{}-{}", host_name(), id)));
    ::close(fd);
    return fail(ErrorCode::kExhausted, fmt::format("{}: cannot write", path));
  }
  return fail(ErrorCode::kExhausted,
              fmt::format("{}: {} instances are running", folder, kInstancesMax));
}

Instance::~Instance() { ::close(fd_); }

}  // namespace tocsin::pipeline
