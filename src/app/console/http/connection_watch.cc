// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/connection_watch.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace tocsin::console {
namespace {

constexpr std::chrono::milliseconds kTick{500};

struct CloseDir {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// The inode of "socket:[12345]", the target of a link in /proc/self/fd.
std::optional<std::uint64_t> socket_inode(const std::string& link) {
  std::array<char, 64> text{};
  const ssize_t length = ::readlink(link.c_str(), &text.front(), text.size() - 1);
  std::string_view target(&text.front(), length > 0 ? static_cast<std::size_t>(length) : 0);
  constexpr std::string_view kBegin = "socket:[";
  if (!target.starts_with(kBegin)) return std::nullopt;
  target.remove_prefix(kBegin.size());
  if (target.empty()) return std::nullopt;
  std::uint64_t inode = 0;
  const char* const begin = &target.front();
  if (std::from_chars(begin, begin + target.size(), inode).ec != std::errc()) return std::nullopt;
  return inode;
}

std::string link_of(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

// As httplib tells the other side's address and port.
std::optional<std::pair<std::string, int>> name_of(const sockaddr_storage& address,
                                                   socklen_t length) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, &host.front(),
                    static_cast<socklen_t>(host.size()), &port.front(),
                    static_cast<socklen_t>(port.size()), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return std::nullopt;
  return std::pair(std::string(&host.front()), std::atoi(&port.front()));
}

}  // namespace

std::string ConnectionWatch::peer_of(const std::string& address, int port) {
  return fmt::format("{} {}", address, port);
}

ConnectionWatch::ConnectionWatch(std::uint16_t port, WatchLimits limits)
    : port_(port), limits_(limits), thread_([this] { run(); }) {}

ConnectionWatch::~ConnectionWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void ConnectionWatch::begin(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  ++served_[peer].answers;
}

void ConnectionWatch::end(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  Served& served = served_[peer];
  --served.answers;
  served.last = Clock::now();
}

void ConnectionWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, kTick, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void ConnectionWatch::look() {
  std::map<Inode, Connection> found;
  find_sockets(found);
  for (auto& [inode, connection] : found)
    if (const auto known = connections_.find(inode); known != connections_.end())
      connection.since = known->second.since;
  connections_ = std::move(found);
  std::size_t ended = 0;
  for (const Inode inode : overdue(Clock::now())) {
    const int descriptor = connections_.at(inode).descriptor;
    if (socket_inode(link_of(descriptor)) != inode) continue;  // somebody else's by now
    ::shutdown(descriptor, SHUT_RDWR);                         // its thread closes it
    ++ended;
  }
  if (ended > 0) log_info("console: {} connections were ended that sent no whole request", ended);
}

void ConnectionWatch::find_sockets(std::map<Inode, Connection>& found) const {
  const std::unique_ptr<DIR, CloseDir> folder(::opendir("/proc/self/fd"));
  if (!folder) return;
  const auto now = Clock::now();
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name(&entry->d_name[0]);
    int descriptor = -1;
    const char* const begin = &name.front();
    if (std::from_chars(begin, begin + name.size(), descriptor).ec != std::errc()) continue;
    sockaddr_storage ours{}, theirs{};
    socklen_t ours_length = sizeof ours, theirs_length = sizeof theirs;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&ours), &ours_length) != 0 ||
        ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&theirs), &theirs_length) != 0)
      continue;
    const auto here = name_of(ours, ours_length);
    const auto there = name_of(theirs, theirs_length);
    if (!here || !there || here->second != port_) continue;
    if (const auto inode = socket_inode(link_of(descriptor)))
      found.emplace(
          *inode, Connection{peer_of(there->first, there->second), there->first, now, descriptor});
  }
}

// Also forgets what was served over connections that are gone.
std::set<ConnectionWatch::Inode> ConnectionWatch::overdue(Clock::time_point now) {
  std::set<Inode> out;
  std::map<std::string, std::vector<Inode>> crowded;
  const std::lock_guard lock(mutex_);
  std::set<std::string> alive;
  for (const auto& [inode, connection] : connections_) {
    alive.insert(connection.peer);
    const auto served = served_.find(connection.peer);
    if (served == served_.end()) {
      const auto waited = now - connection.since;
      if (waited > limits_.first_answer) out.insert(inode);
      if (waited > limits_.crowded) crowded[connection.address].push_back(inode);
    } else if (served->second.answers == 0 && now - served->second.last > limits_.next_answer) {
      out.insert(inode);
    }
  }
  for (const auto& [address, inodes] : crowded)
    if (inodes.size() > limits_.waiting_of_address) out.insert(inodes.begin(), inodes.end());
  std::erase_if(served_, [&](const auto& entry) {
    return entry.second.answers == 0 && !alive.contains(entry.first) &&
           now - entry.second.last > kTick;
  });
  return out;
}

}  // namespace tocsin::console
