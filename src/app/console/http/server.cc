// SPDX-License-Identifier: Apache-2.0
#include "app/console/http/server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "app/console/http/gzip.h"
#include "app/console/http/thread_queue.h"
#include "base/log.h"

namespace tocsin::console {
namespace {

using HandlerResponse = httplib::Server::HandlerResponse;

constexpr std::size_t kPathBytesMax = 2'048;
constexpr std::size_t kGzipFrom = 1'024;           // smaller answers gain nothing
constexpr std::size_t kSkippedBodyMax = 16 << 20;  // more is not even read
constexpr int kReadSeconds = 5;
constexpr int kWriteSeconds = 5;  // a client that takes nothing for so long is dropped
constexpr int kKeepAliveSeconds = 2;
constexpr std::size_t kKeepAliveRequests = 1'000;
constexpr std::chrono::seconds kHeartbeat{10};

const httplib::Headers& security_headers() {
  static const httplib::Headers kHeaders = {
      {"X-Content-Type-Options", "nosniff"},
      {"Content-Security-Policy",
       "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
       "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
       "frame-ancestors 'none'"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"}};
  return kHeaders;
}

bool has_body(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") &&
          request.get_header_value("Content-Length") != "0");
}

// What Content-Length says; the largest number when it is no number.
std::uint64_t body_length(const httplib::Request& request) {
  const std::string text = request.get_header_value("Content-Length");
  std::uint64_t length = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, length);
  if (text.empty()) return 0;
  return read.ec == std::errc() && read.ptr == end ? length : UINT64_MAX;
}

// httplib passes on what a client's Range asks for, also beyond the end.
bool write_within(std::string_view bytes, std::size_t offset, std::size_t length,
                  httplib::DataSink& sink) {
  if (offset > bytes.size()) return false;
  const std::string_view part = bytes.substr(offset, length);
  return sink.write(part.data(), part.size());
}

// httplib would take the rest of the request for the next one; so the connection ends after the
// answer.
void answer_and_close(const ApiError& error, httplib::Response& response) {
  const Reply reply = error_reply(error);
  response.status = reply.status;
  response.set_content_provider(
      reply.body.size(), "application/json",
      [body = reply.body](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        write_within(body, offset, length, sink);
        return false;
      });
}

bool wants_gzip(const httplib::Request& request) {
  return request.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
}

Call call_of(const httplib::Request& request) {
  Call call;
  call.method = request.method == "HEAD" ? "GET" : request.method;
  call.path = request.path;
  call.params = request.params;
  call.body = request.body;
  call.address = request.remote_addr;
  for (const auto& [name, value] : request.headers) call.headers.emplace(lower(name), value);
  return call;
}

void send_bytes(const Reply& reply, const httplib::Request& request, httplib::Response& response) {
  std::string_view bytes = reply.bytes();
  std::shared_ptr<std::string> owned;
  const bool gzip_wanted = wants_gzip(request);
  std::optional<std::string> changed;
  if (reply.compressed && !gzip_wanted)
    changed = gunzip(bytes, 256u << 20);
  else if (!reply.compressed && gzip_wanted && bytes.size() >= kGzipFrom)
    changed = gzip(bytes);
  if (reply.compressed != changed.has_value()) response.set_header("Content-Encoding", "gzip");
  if (changed)
    owned = std::make_shared<std::string>(*std::move(changed));
  else if (reply.embedded.empty())
    owned = std::make_shared<std::string>(reply.body);
  if (owned) bytes = *owned;
  if (reply.compressed || bytes.size() >= kGzipFrom) response.set_header("Vary", "Accept-Encoding");
  if (bytes.empty()) return;
  // A provider, not a body: httplib would compress that with whatever the client names first.
  response.set_content_provider(
      bytes.size(), reply.type,
      [owned, bytes](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        return write_within(bytes, offset, length, sink);
      });
}

// While it lives, the connection is left alone.
class Answering {
 public:
  Answering(ConnectionWatch& watch, const std::string& peer) : watch_(watch), peer_(peer) {
    watch_.begin(peer_);
  }
  ~Answering() { watch_.end(peer_); }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

 private:
  ConnectionWatch& watch_;
  const std::string& peer_;
};

// TLS 1.2 and up.
bool harden(SSL_CTX* context) {
  return context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

}  // namespace

struct Server::Http {
  std::unique_ptr<httplib::Server> server;
  std::thread thread;
};

Server::Server(ServerOptions options, Serve serve)
    : options_(std::move(options)), serve_(std::move(serve)), http_(std::make_unique<Http>()) {}

Server::~Server() {
  stop();
  if (http_->thread.joinable()) http_->thread.join();
}

void Server::stop() {
  stopping_ = true;
  if (http_->server) http_->server->stop();
}

void Server::send_stream(Reply reply, const std::string& peer, void* response_pointer) {
  auto& response = *static_cast<httplib::Response*>(response_pointer);
  if (streams_.fetch_add(1) >= options_.streams_max) {
    --streams_;
    const Reply full = error_reply({ApiCode::kRateLimited, "too many streams are open"});
    response.status = full.status;
    response.set_header("Retry-After", "10");
    response.set_content_provider(
        full.body.size(), full.type,
        [body = full.body](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
          return write_within(body, offset, length, sink);
        });
    return;
  }
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");
  struct Stream {
    StreamStep step;
    std::string buffer;
    std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  };
  auto stream = std::make_shared<Stream>();
  stream->step = reply.open();
  watch_->begin(peer);
  response.set_chunked_content_provider(
      "text/event-stream",
      [this, stream](std::size_t /*offset*/, httplib::DataSink& sink) {
        if (stopping_ || !sink.is_writable()) return false;
        stream->buffer.clear();
        const bool more = stream->step(stream->buffer);
        const auto now = std::chrono::steady_clock::now();
        if (stream->buffer.empty() && now - stream->last >= kHeartbeat) stream->buffer = ": \n\n";
        if (!stream->buffer.empty()) {
          stream->last = now;
          if (!sink.write(stream->buffer.data(), stream->buffer.size())) return false;
        }
        if (!more) sink.done();
        return true;
      },
      [this, peer](bool /*success*/) {
        --streams_;
        watch_->end(peer);
      });
}

void Server::answer(const void* request_pointer, void* response_pointer) {
  const auto& request = *static_cast<const httplib::Request*>(request_pointer);
  auto& response = *static_cast<httplib::Response*>(response_pointer);
  const std::string peer = ConnectionWatch::peer_of(request.remote_addr, request.remote_port);
  const Answering answering(*watch_, peer);
  Call call = call_of(request);
  Reply reply = serve_(call);
  response.status = reply.status;
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
  if (reply.open && request.method != "HEAD")
    send_stream(std::move(reply), peer, &response);
  else
    send_bytes(reply, request, response);
}

void Server::set_up() {
  httplib::Server& http = *http_->server;
  const std::size_t threads = std::max(options_.threads_max, options_.streams_max + 8);
  http.new_task_queue = [threads] { return new ThreadQueue(threads); };
  http.set_read_timeout(kReadSeconds);
  http.set_write_timeout(kWriteSeconds);
  http.set_keep_alive_timeout(kKeepAliveSeconds);
  http.set_keep_alive_max_count(kKeepAliveRequests);
  http.set_payload_max_length(options_.body_bytes_max);
  http.set_tcp_nodelay(true);
  // The library's own choice, SO_REUSEPORT, would let two consoles share a port.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  httplib::Headers headers = security_headers();
  if (!options_.tls_cert.empty()) headers.emplace("Strict-Transport-Security", "max-age=31536000");
  headers.emplace("Accept-Ranges", "none");
  http.set_default_headers(std::move(headers));
  http.set_pre_routing_handler([this](const httplib::Request& request,
                                      httplib::Response& response) {
    // A server may leave ranges alone (RFC 9110, section 14.2), and answers are small. The
    // object is httplib's own and not const.
    const_cast<httplib::Request&>(request).ranges.clear();
    const bool reads_body = request.method == "POST" || request.method == "PATCH" ||
                            request.method == "PUT" || request.method == "DELETE";
    if (request.path.size() > kPathBytesMax)
      answer_and_close({ApiCode::kInvalid, "the path is too long"}, response);
    else if (!reads_body && has_body(request))
      answer_and_close({ApiCode::kInvalid, "a body is not wanted here"}, response);
    else if (reads_body && body_length(request) > kSkippedBodyMax)
      answer_and_close({ApiCode::kTooLarge, "the body is too large"}, response);
    else if (reads_body &&
             (request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding")))
      // Its length would be known only when all of it is in memory.
      answer_and_close({ApiCode::kInvalid, "a body in one piece with Content-Length is wanted"},
                       response);
    else if (reads_body && request.method != "DELETE" && !request.has_header("Content-Length"))
      // httplib would wait for the connection's end.
      answer_and_close({ApiCode::kNoLength, "Content-Length is wanted"}, response);
    else if (reads_body)
      return HandlerResponse::Unhandled;
    else
      answer(&request, &response);
    return HandlerResponse::Handled;
  });
  const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
    answer(&request, &response);
  };
  constexpr const char* kAny = R"([\s\S]*)";
  http.Post(kAny, handler);
  http.Patch(kAny, handler);
  http.Put(kAny, handler);
  http.Delete(kAny, handler);
  http.set_exception_handler([](const httplib::Request& request, httplib::Response& response,
                                const std::exception_ptr& thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      log_error("console: {} {}: {}", request.method, request.path.substr(0, 80), error.what());
    } catch (...) {
      log_error("console: {} {}: unknown failure", request.method, request.path.substr(0, 80));
    }
    answer_and_close({ApiCode::kInternal, "the request failed; the console's log says why"},
                     response);
  });
  // What httplib refuses by itself.
  http.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.content_provider_ || !response.body.empty()) return;
    const ApiCode code = response.status == 413   ? ApiCode::kTooLarge
                         : response.status == 404 ? ApiCode::kNotFound
                                                  : ApiCode::kInvalid;
    const Reply reply = error_reply(
        {code, response.status == 413 ? "the body is too large" : "the request cannot be read"});
    response.set_content(reply.body, "application/json");
  });
}

Result<std::unique_ptr<Server>> Server::open(const ServerOptions& options, Serve serve) {
  std::unique_ptr<Server> out(new Server(options, std::move(serve)));
  const bool tls = !options.tls_cert.empty();
  if (tls) {
    auto server =
        std::make_unique<httplib::SSLServer>(options.tls_cert.c_str(), options.tls_key.c_str());
    if (!server->is_valid() || !harden(server->ssl_context()))
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} and {} are no certificate with its key (PEM)", options.tls_cert,
                              options.tls_key));
    out->http_->server = std::move(server);
  } else {
    out->http_->server = std::make_unique<httplib::Server>();
  }
  out->set_up();
  httplib::Server& http = *out->http_->server;
  errno = 0;
  int port = options.port;
  if (port == 0)
    port = http.bind_to_any_port(options.host);
  else if (!http.bind_to_port(options.host, port))
    port = -1;
  const bool ipv6 = options.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + options.host + "]" : options.host;
  if (port < 0)
    return fail(errno == EADDRINUSE ? ErrorCode::kUnavailable : ErrorCode::kInvalid,
                fmt::format("cannot listen on {}:{}: {}", host, options.port,
                            errno != 0 ? std::strerror(errno) : "no such address"));
  out->port_ = static_cast<std::uint16_t>(port);
  out->url_ = fmt::format("{}://{}:{}", tls ? "https" : "http", host, port);
  out->watch_ = std::make_unique<ConnectionWatch>(out->port_, options.watch);
  out->http_->thread = std::thread([&http] { http.listen_after_bind(); });
  // stop() does nothing before the loop runs.
  while (!http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return out;
}

}  // namespace tocsin::console
