// SPDX-License-Identifier: Apache-2.0
//
// trace_collector: an OTLP/HTTP collector that accepts every span and only counts: what tracing
// costs beside a collector that costs next to nothing.
//
//   trace_collector [--delay MS] [--status CODE]    prints "port N"; at the end of its input a line
//   of JSON: requests, spans, bytes as they came, bytes unpacked
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Counts {
  std::atomic<std::uint64_t> requests{0}, spans{0}, bytes{0}, unpacked{0};
};

struct Behaviour {
  int delay_ms = 0;
  int status = 200;
};

std::string unpack(std::string_view packed) {
  std::string out(packed.size() * 4 + 1024, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int code = Z_OK;
  while (code == Z_OK) {
    if (stream.total_out == out.size()) out.resize(out.size() * 2);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + stream.total_out);
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    code = inflate(&stream, Z_NO_FLUSH);
  }
  out.resize(code == Z_STREAM_END ? stream.total_out : 0);
  inflateEnd(&stream);
  return out;
}

// By opentelemetry-proto's numbers: ResourceSpans 1, its ScopeSpans 2, their spans 2.
std::uint64_t spans_in(std::string_view body) {
  std::uint64_t count = 0;
  try {
    protozero::pbf_reader request(body.data(), body.size());
    while (request.next(1)) {
      protozero::pbf_reader resource = request.get_message();
      while (resource.next(2)) {
        protozero::pbf_reader scope = resource.get_message();
        for (; scope.next(2); scope.skip()) ++count;
      }
    }
  } catch (const protozero::exception&) {
    std::fputs("trace_collector: a body that is no protobuf\n", stderr);
  }
  return count;
}

// The value of a header; empty when it is not there.
std::string_view header(std::string_view head, std::string_view name) {
  const std::size_t at = head.find(name);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + name.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

void serve(int connection, const Behaviour& behaviour, Counts& counts) {
  std::string data;
  std::vector<char> block(1u << 20);
  for (;;) {
    std::size_t head_end = 0;
    std::size_t whole = 0;
    while (whole == 0 || data.size() < whole) {
      const ssize_t got = recv(connection, block.data(), block.size(), 0);
      if (got <= 0) {
        close(connection);
        return;
      }
      data.append(block.data(), static_cast<std::size_t>(got));
      if (whole != 0 || (head_end = data.find("\r\n\r\n")) == std::string::npos) continue;
      const std::string length(header({data.data(), head_end + 2}, "Content-Length: "));
      whole = head_end + 4 + (length.empty() ? 0 : std::stoul(length));
      data.reserve(whole);
    }
    const std::string_view head(data.data(), head_end + 2);
    const std::string_view body(data.data() + head_end + 4, whole - head_end - 4);
    const bool packed = header(head, "Content-Encoding: ") == "gzip";
    if (behaviour.status == 200) {
      const std::string unpacked = packed ? unpack(body) : std::string();
      counts.spans += spans_in(packed ? unpacked : body);
      counts.unpacked += packed ? unpacked.size() : body.size();
    }
    counts.bytes += body.size();
    ++counts.requests;
    std::this_thread::sleep_for(std::chrono::milliseconds(behaviour.delay_ms));
    const std::string answer =
        fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", behaviour.status);
    if (send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    data.erase(0, whole);
  }
  close(connection);
}

int listen_on_loopback(std::uint16_t& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 64) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return -1;
  port = ntohs(address.sin_port);
  return listener;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Counts the spans of OTLP/HTTP requests on loopback");
  Behaviour behaviour;
  app.add_option("--delay", behaviour.delay_ms, "Milliseconds before each answer");
  app.add_option("--status", behaviour.status, "HTTP status of each answer");
  CLI11_PARSE(app, argc, argv);
  std::uint16_t port = 0;
  const int listener = listen_on_loopback(port);
  if (listener < 0) {
    std::perror("trace_collector");
    return 1;
  }
  std::printf("port %d\n", port);
  std::fflush(stdout);
  static Counts counts;
  std::thread([listener, behaviour] {
    for (;;) {
      const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection >= 0) std::thread(serve, connection, behaviour, std::ref(counts)).detach();
    }
  }).detach();
  while (std::getchar() != EOF) {
  }
  std::puts(fmt::format(R"({{"requests":{},"spans":{},"bytes":{},"unpacked":{}}})",
                        counts.requests.load(), counts.spans.load(), counts.bytes.load(),
                        counts.unpacked.load())
                .c_str());
  std::fflush(stdout);
  std::_Exit(0);  // connections may still be open
}
