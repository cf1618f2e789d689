// SPDX-License-Identifier: Apache-2.0
//
// A tiny OTLP/HTTP collector on loopback that answers as its script says and keeps what it was
// sent.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::test {

struct Request {
  std::string head;
  std::string body;
  std::chrono::steady_clock::time_point at;
};

struct Answer {
  int status = 200;
  std::string headers = {};  // each with CRLF
  std::string body = {};
  bool hang = false;  // reads the request and never answers
};

class Collector {
 public:
  // After the script's end every request is answered 200.
  explicit Collector(std::deque<Answer> script = {}) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ok_ = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
          ::listen(listener_, 16) == 0 &&
          ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Collector() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }

  bool ok() const { return ok_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  // Waits until `count` requests have come; false after 10 s.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(10),
                          [&] { return requests_.size() >= count; });
  }

 private:
  bool readable(int fd) const {
    while (!stop_) {
      pollfd wait{fd, POLLIN, 0};
      if (::poll(&wait, 1, 20) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (readable(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      while (answer_one(fd)) {
      }
      ::close(fd);
    }
  }

  bool answer_one(int fd) {
    std::string data;
    std::size_t head_end = std::string::npos;
    std::size_t length = 0;
    while (head_end == std::string::npos || data.size() < head_end + 4 + length) {
      char block[65536];
      if (!readable(fd)) return false;
      const ssize_t got = ::recv(fd, block, sizeof block, 0);
      if (got <= 0) return false;
      data.append(block, static_cast<std::size_t>(got));
      if (head_end != std::string::npos) continue;
      head_end = data.find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      const std::size_t at = data.find("Content-Length: ");
      if (at < head_end) length = std::stoul(data.substr(at + 16));
    }
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      if (!script_.empty()) {
        answer = script_.front();
        script_.pop_front();
      }
      requests_.push_back({data.substr(0, head_end), data.substr(head_end + 4, length),
                           std::chrono::steady_clock::now()});
      came_.notify_all();
    }
    if (answer.hang) {
      char byte = 0;
      while (readable(fd) && ::recv(fd, &byte, 1, 0) > 0) {
      }
      return false;
    }
    const std::string reply =
        "HTTP/1.1 " + std::to_string(answer.status) + " X\r\n" + answer.headers +
        "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
    return ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(reply.size());
  }

  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Answer> script_;
  std::vector<Request> requests_;
  std::atomic<bool> stop_{false};
  bool ok_ = false;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace tocsin::test
