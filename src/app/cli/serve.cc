// SPDX-License-Identifier: Apache-2.0
//
// tocsin serve: the console, an HTTP server for people and programs that look at the pipeline.
//
//   options, users, token -> console::Options -> Console -> until SIGTERM
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include "app/cli/command.h"
#include "app/cli/rule_options.h"
#include "app/console/auth/users.h"
#include "app/console/console.h"
#include "app/console/data/overrides_file.h"
#include "base/http/url.h"
#include "base/log.h"
#include "core/metrics/endpoint.h"

namespace tocsin::cli {
namespace {

constexpr const char* kAddress = "127.0.0.1:8642";
constexpr std::size_t kTokenMin = 16;
constexpr int kPortsTried = 50;
constexpr std::size_t kThreadsMax = 256;  // idle ones end; slow clients hold one each

struct ServeCommand {
  RuleOptions rules;
  std::string listen = kAddress;
  bool next_port = false;
  std::string users, add_user;
  std::string token_file;
  std::string tls_cert, tls_key;
  std::string public_url;
  std::string database, spans, jaeger;
  std::string rules_dir;
  std::string url_file;
};

Result<std::string> read_token(const ServeCommand& command) {
  std::string token;
  if (const char* given = std::getenv("TOCSIN_CONSOLE_TOKEN")) token = given;
  if (!command.token_file.empty()) {
    std::ifstream file(command.token_file);
    if (!file || !std::getline(file, token))
      return fail(ErrorCode::kInvalid, command.token_file + ": holds no token");
  }
  if (!token.empty() && token.size() < kTokenMin)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the token is too short to be a secret: {} characters at least", kTokenMin));
  return token;
}

// Without an echo where somebody types it.
std::string read_password() {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  termios before{};
  if (terminal && tcgetattr(STDIN_FILENO, &before) == 0) {
    std::fputs("password: ", stderr);
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  std::string password;
  std::getline(std::cin, password);
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    std::fputc('\n', stderr);
  }
  return password;
}

int usage(const Error& error) {
  report(error);
  return kUsage;
}

int add_user(const ServeCommand& command) {
  const std::size_t colon = command.add_user.find(':');
  const std::string name = command.add_user.substr(0, colon);
  const auto role = console::parse_role(
      colon == std::string::npos ? "viewer" : command.add_user.substr(colon + 1));
  if (!role)
    return usage(
        {ErrorCode::kInvalid, "--add-user NAME:ROLE: the role is viewer, analyst or admin"});
  if (command.users.empty())
    return usage({ErrorCode::kInvalid, "--add-user: --users FILE says where to"});
  const Status added = console::add_user(command.users, name, *role, read_password());
  if (!added)
    return added.error().code == ErrorCode::kInvalid ? usage(added.error()) : report(added.error());
  log_info("{}: {} is {} from the next start of `tocsin serve` on", command.users, name,
           console::to_string(*role));
  return kDone;
}

// Who may come in, and from where.
Status set_access(const ServeCommand& command, const metrics::Address& address,
                  console::Options& options) {
  options.server.host = address.host;
  options.server.port = address.port;
  options.server.threads_max = kThreadsMax;
  options.server.tls_cert = command.tls_cert;
  options.server.tls_key = command.tls_key;
  if (command.tls_cert.empty() != command.tls_key.empty())
    return fail(ErrorCode::kInvalid, "--tls-cert and --tls-key belong together");
  console::GuardOptions& guard = options.guard;
  guard.loopback = http::is_loopback(address.host);
  guard.secure_cookie = !command.tls_cert.empty() || command.public_url.starts_with("https://");
  if (!command.users.empty()) {
    TOCSIN_TRY(guard.users, console::read_users(command.users));
    if (guard.users.empty())
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: names no user; `tocsin serve --users {} --add-user NAME:ROLE` "
                              "adds one",
                              command.users, command.users));
  }
  TOCSIN_TRY(guard.token, read_token(command));
  if (!command.public_url.empty()) {
    const std::string origin = console::origin_of(command.public_url);
    if (origin.empty())
      return fail(ErrorCode::kInvalid, "--public-url: http://NAME or https://NAME is wanted");
    guard.hosts.insert(console::host_name(origin.substr(origin.find("://") + 3)));
    guard.origins.insert(origin);
  }
  const bool open = guard.users.empty() && guard.token.empty();
  if (open && (!guard.loopback || !guard.hosts.empty()))
    return fail(ErrorCode::kInvalid,
                "whoever reaches this address could change rules: give --users FILE or "
                "TOCSIN_CONSOLE_TOKEN, or listen on 127.0.0.1 only");
  if (!guard.loopback && !guard.secure_cookie)
    log_warning(
        "passwords and tokens cross the network in clear: give --tls-cert and --tls-key, "
        "or --public-url https://NAME behind a proxy that has them");
  return {};
}

// A folder of rules must be there to be watched.
RuleOptions with_rules_dir(const ServeCommand& command) {
  RuleOptions rules = command.rules;
  if (command.rules_dir.empty()) return rules;
  std::error_code error;
  std::filesystem::create_directories(command.rules_dir, error);
  bool inside = false;
  const auto dir = std::filesystem::weakly_canonical(command.rules_dir, error);
  for (const std::string& path : rules.paths) {
    const auto root = std::filesystem::weakly_canonical(path, error);
    const auto relative = dir.lexically_relative(root);
    inside = inside || (!relative.empty() && *relative.begin() != "..");
  }
  if (!inside && !rules.paths.empty()) rules.paths.push_back(command.rules_dir);
  return rules;
}

Result<console::Options> options_of(const ServeCommand& command, const Shared& shared,
                                    const RuleOptions& rules) {
  console::Options options;
  options.version = TOCSIN_VERSION;
  TOCSIN_TRY(const metrics::Address address, metrics::parse_address(command.listen));
  TOCSIN_TRY_STATUS(set_access(command, address, options));
  options.data_dir = shared.data_dir;
  options.database = command.database.empty() ? shared.data_dir + "/tocsin.db" : command.database;
  options.spans = command.spans.empty() ? shared.data_dir + "/traces.db" : command.spans;
  options.jaeger = command.jaeger;
  while (options.jaeger.ends_with('/')) options.jaeger.pop_back();
  options.raw_topic = shared.raw_topic;
  options.alerts_topic = shared.alerts_topic;
  options.dead_letter_topic = shared.dead_letter_topic;
  options.csv = {shared.data_dir + "/verdicts.csv"};
  TOCSIN_TRY(sigma::Taxonomy taxonomy, load_taxonomy(rules));
  options.rules = {.rules = [rules] { return load_untuned_rules(rules); },
                   .tuning = [rules] { return load_tuning(rules); },
                   .taxonomy = std::make_shared<const sigma::Taxonomy>(std::move(taxonomy))};
  options.watched = watched_paths(rules);
  if (!rules.overrides.empty()) options.overrides = rules.overrides.back();
  options.rules_dir = command.rules_dir;
  if (rules.filter_mode == "exclude") options.filter_mode = sigma::FilterMode::kExclude;
  return options;
}

Result<std::unique_ptr<console::Console>> open_console(const ServeCommand& command,
                                                       const console::Options& options,
                                                       bus::Bus& bus) {
  console::Options next = options;
  for (int tried = 1;; ++tried) {
    auto opened = console::Console::open(next, bus);
    if (opened || !command.next_port || tried == kPortsTried ||
        opened.error().code != ErrorCode::kUnavailable || next.server.port == UINT16_MAX)
      return opened;
    ++next.server.port;
  }
}

int run(const ServeCommand& command, const Shared& shared) {
  if (!command.add_user.empty()) return add_user(command);
  // The file that the console writes need not be there yet.
  for (const std::string& path : command.rules.overrides)
    if (std::error_code error; !std::filesystem::exists(path, error))
      if (const Status made = console::replace_file(path, "overrides: []\n"); !made)
        return usage(made.error());
  const RuleOptions rules = with_rules_dir(command);
  auto options = options_of(command, shared, rules);
  if (!options) return usage(options.error());
  const auto bus = shared.open_bus();
  if (!bus) return report(bus.error());
  const auto opened = open_console(command, *options, **bus);
  if (!opened)
    return opened.error().code == ErrorCode::kInvalid ? usage(opened.error())
                                                      : report(opened.error());
  const std::string& url = (*opened)->url();
  if (!command.url_file.empty())
    if (const Status told = console::replace_file(command.url_file, url + "\n"); !told)
      return report(told.error());
  log_info("console: {}", url);
  while (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return kDone;
}

void add_server_options(CLI::App& app, ServeCommand& command) {
  app.add_option("--listen", command.listen,
                 "HOST:PORT; another host than loopback needs --users or a token")
      ->envname("TOCSIN_LISTEN")
      ->capture_default_str();
  app.add_flag("--next-port", command.next_port, "Where the port is taken, the next free one");
  app.add_option("--url-file", command.url_file, "Write the address to this FILE once it listens");
  app.add_option("--users", command.users, "FILE of users, name:role:hash a line; then one logs in")
      ->envname("TOCSIN_USERS");
  app.add_option("--add-user", command.add_user,
                 "NAME:ROLE: add the user to the file of --users, or change them, and end; the "
                 "password is asked for (or a line of standard input); roles: viewer reads, "
                 "analyst triages, admin changes rules");
  app.add_option("--token-file", command.token_file,
                 "FILE with the bearer token for programs (or TOCSIN_CONSOLE_TOKEN); has the role "
                 "admin")
      ->envname("TOCSIN_CONSOLE_TOKEN_FILE");
  app.add_option("--tls-cert", command.tls_cert, "Certificate chain (PEM): HTTPS")
      ->envname("TOCSIN_TLS_CERT");
  app.add_option("--tls-key", command.tls_key, "Its key (PEM)")->envname("TOCSIN_TLS_KEY");
  app.add_option("--public-url", command.public_url,
                 "How people reach it through a proxy: https://NAME; allows that host name")
      ->envname("TOCSIN_PUBLIC_URL");
}

}  // namespace

void add_serve(Context& context) {
  auto command = std::make_shared<ServeCommand>();
  CLI::App* app = context.root.add_subcommand(
      "serve", "The console: alerts, topics, traces and rules in a browser, and as a JSON API");
  add_server_options(*app, *command);
  app->add_option("--db", command->database,
                  "Verdicts and alerts (default: tocsin.db in the data directory)")
      ->envname("TOCSIN_DB");
  app->add_option("--store", command->spans,
                  "Spans: FILE.db, or Jaeger's query API (http://HOST:16686) (default: traces.db "
                  "in the data directory)")
      ->envname("TOCSIN_TRACE_STORE");
  app->add_option("--jaeger", command->jaeger,
                  "Jaeger's query API: linked from traces, and asked for those that --store lacks")
      ->envname("TOCSIN_JAEGER");
  add_rule_options(*app, command->rules);
  app->add_option("--rules-dir", command->rules_dir,
                  "Folder that the console writes new rules to; give it to detect with --rules")
      ->envname("TOCSIN_RULES_DIR");
  add_bus_options(*app, context.shared);
  app->footer(
      "Changes of rules go to the last --overrides FILE; give detect the same.\n"
      "\n"
      "Examples:\n"
      "  tocsin serve                                  http://127.0.0.1:8642, no login\n"
      "  tocsin serve --users users --add-user ann:analyst\n"
      "  tocsin serve --users users --listen 0.0.0.0:8642 --tls-cert cert.pem --tls-key key.pem\n"
      "\n"
      "docs/console.md tells of security, roles, the API and reverse proxies.");
  app->callback([&context, command] { context.exit_code = run(*command, context.shared); });
}

}  // namespace tocsin::cli
