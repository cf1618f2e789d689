// SPDX-License-Identifier: Apache-2.0
//
// tocsin demo: the whole pipeline on one machine, as separate processes: producers, the topic, a
// detector, the console.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/demo/child.h"
#include "app/cli/setup/trace_options.h"
#include "app/cli/tables.h"
#include "app/cli/views/report_text.h"
#include "app/cli/views/waterfall.h"
#include "app/pipeline/topics.h"
#include "base/embedded_files.h"
#include "core/trace/span_store.h"
#include "stages/store/lookup.h"

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kMarker = ".tocsin-demo";  // a folder with it may be emptied

struct DemoCommand {
  std::vector<std::string> paths;
  std::vector<std::string> rules;
  std::size_t events = 50'000;
  std::size_t rate = 10'000;
  std::uint16_t console_port = 8642;
  bool no_console = false;
  bool stay = false;
};

class Demo {
 public:
  Demo(const DemoCommand& command, const Shared& shared)
      : command_(command), shared_(shared), folder_(shared.data_dir + "/demo") {}

  int run();

 private:
  Status prepare();
  Status start();
  std::vector<std::string> with_common(std::vector<std::string> arguments) const;
  std::vector<std::string> with_rules(std::vector<std::string> arguments) const;
  std::string overrides() const { return folder_ + "/overrides.yml"; }
  bool producers_done();
  int wait();
  void summary();
  void tell_logs() const;
  Status start_console();
  void stay();

  const DemoCommand& command_;
  const Shared& shared_;
  const std::string folder_;
  std::string bus_url_;
  std::string raw_topic_, alerts_topic_, dead_letter_topic_;
  std::vector<std::string> rules_;               // the last is the console's own folder
  std::vector<std::string> trace_destinations_;  // beside its own store
  std::unique_ptr<bus::Bus> bus_;
  std::vector<Child> producers_;
  std::vector<Child> detectors_;
  std::vector<Child> consoles_;  // one or none
  Clock::time_point started_ = Clock::now();
};

void say(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

// An empty folder of the demo's own. A folder that it did not make is never emptied.
Status Demo::prepare() {
  std::error_code error;
  if (fs::exists(folder_, error) && !fs::exists(fs::path(folder_) / kMarker, error))
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{} exists and was not made by the demo; name another by --data", folder_));
  fs::remove_all(folder_, error);
  fs::create_directories(fs::path(folder_) / "examples", error);
  if (error) return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", folder_, error.message()));
  std::ofstream(fs::path(folder_) / kMarker) << "made by tocsin demo\n";
  // Rules as files: the console shows and changes them. Examples: what is produced.
  for (const EmbeddedFile& file : embedded_files()) {
    const bool rule = file.path.starts_with("rules/") && command_.rules.empty();
    if (!rule && !file.path.starts_with("examples/")) continue;
    const fs::path path = fs::path(folder_) / file.path;
    fs::create_directories(path.parent_path(), error);
    std::ofstream(path, std::ios::binary) << file.bytes;
  }
  rules_ = command_.rules;
  if (rules_.empty()) rules_.push_back(folder_ + "/rules");
  rules_.push_back(folder_ + "/console-rules");
  fs::create_directories(rules_.back(), error);
  std::ofstream(overrides()) << "overrides: []\n";
  // On a shared broker each demo has topics of its own.
  const bool own_bus = shared_.bus.empty();
  const std::string suffix = own_bus ? "" : "-demo-" + Uuid::random().to_string().substr(0, 8);
  bus_url_ = own_bus ? "embedded:" + folder_ + "/bus" : shared_.bus;
  raw_topic_ = shared_.raw_topic + suffix;
  alerts_topic_ = shared_.alerts_topic + suffix;
  dead_letter_topic_ = shared_.dead_letter_topic + suffix;
  TOCSIN_TRY(const auto traces, trace_options(shared_, "tocsin-demo"));
  trace_destinations_ = traces.destinations;
  Shared connection = shared_;
  connection.bus = bus_url_;
  TOCSIN_TRY(bus_, connection.open_bus());
  using pipeline::TopicRole;
  for (const auto& [topic, role] :
       {std::pair(raw_topic_, TopicRole::kRawEvents), std::pair(alerts_topic_, TopicRole::kAlerts),
        std::pair(dead_letter_topic_, TopicRole::kDeadLetter)})
    TOCSIN_TRY_STATUS(bus_->create_topic(topic, pipeline::topic_options(role)));
  return {};
}

std::vector<std::string> Demo::with_common(std::vector<std::string> arguments) const {
  const auto add = [&](std::string flag, std::string value) {
    arguments.push_back(std::move(flag));
    arguments.push_back(std::move(value));
  };
  add("--data", folder_);
  add("--bus", bus_url_);
  if (!shared_.bus_properties_file.empty())
    add("--bus-properties-file", shared_.bus_properties_file);
  add("--raw-topic", raw_topic_);
  add("--alerts-topic", alerts_topic_);
  add("--dead-letter-topic", dead_letter_topic_);
  add("--traces", folder_ + "/traces.db");
  for (const std::string& destination : trace_destinations_) add("--traces", destination);
  for (std::string& argument : trace_arguments()) arguments.push_back(std::move(argument));
  return arguments;
}

Status Demo::start() {
  // Not as arguments, which every user of the machine can read.
  std::string properties;
  for (const std::string& property : shared_.bus_properties) properties += property + "\n";
  if (!properties.empty()) ::setenv("TOCSIN_BUS_PROPERTY", properties.c_str(), 1);
  const auto produce = [&](std::vector<std::string> tail) -> Status {
    std::vector<std::string> arguments = with_common({"produce"});
    arguments.insert(arguments.end(), tail.begin(), tail.end());
    TOCSIN_TRY(Child child, Child::start(arguments, folder_ + "/produce.log"));
    producers_.push_back(std::move(child));
    return {};
  };
  if (command_.paths.empty()) {
    TOCSIN_TRY_STATUS(produce({"synthetic", "--rate", std::to_string(command_.rate), "--events",
                               std::to_string(command_.events)}));
    TOCSIN_TRY_STATUS(produce({"jsonl", folder_ + "/examples"}));
  } else {
    TOCSIN_TRY_STATUS(produce(command_.paths));
  }
  std::vector<std::string> detect = with_common(
      {"detect", "--group", "tocsin-detect" + raw_topic_.substr(shared_.raw_topic.size())});
  TOCSIN_TRY(Child detector, Child::start(with_rules(detect), folder_ + "/detect.log"));
  detectors_.push_back(std::move(detector));
  return {};
}

std::vector<std::string> Demo::with_rules(std::vector<std::string> arguments) const {
  for (const std::string& rules : rules_) {
    arguments.emplace_back("--rules");
    arguments.push_back(rules);
  }
  arguments.emplace_back("--overrides");
  arguments.push_back(overrides());
  return arguments;
}

// Says where it listens. A demo without a console is a demo all the same.
Status Demo::start_console() {
  const std::string url_file = folder_ + "/console.url";
  std::vector<std::string> arguments =
      with_common({"serve", "--listen", fmt::format("127.0.0.1:{}", command_.console_port),
                   "--next-port", "--url-file", url_file, "--rules-dir", rules_.back()});
  TOCSIN_TRY(Child child, Child::start(with_rules(arguments), folder_ + "/serve.log"));
  consoles_.push_back(std::move(child));
  const auto patience = Clock::now() + std::chrono::seconds(10);
  while (!fs::exists(url_file) && !consoles_.front().poll() && Clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::string url;
  std::ifstream(url_file) >> url;
  if (url.empty()) {
    consoles_.clear();
    return fail(ErrorCode::kUnavailable,
                fmt::format("the console did not start; {}/serve.log says why", folder_));
  }
  say("  console: " + url);
  return {};
}

// So that one can look at what the demo made.
void Demo::stay() {
  say("\nThe console stays up; Ctrl-C ends it.");
  while (!stop_requested() && !consoles_.front().poll())
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

bool Demo::producers_done() {
  for (Child& producer : producers_)
    if (!producer.poll()) return false;
  return true;
}

struct TopicFigures {
  std::int64_t events = 0, lag = 0, alerts = 0, dead = 0;
};

std::int64_t total_of(const std::vector<bus::TopicInfo>& topics, const std::string& name) {
  std::int64_t total = 0;
  for (const bus::TopicInfo& topic : topics)
    if (topic.name == name)
      for (const bus::PartitionInfo& partition : topic.partitions) total += partition.end_offset;
  return total;
}

TopicFigures figures(bus::Bus& bus, const std::string& raw, const std::string& alerts,
                     const std::string& dead) {
  TopicFigures out;
  if (const auto topics = bus.topics()) {
    out.events = total_of(*topics, raw);
    out.alerts = total_of(*topics, alerts);
    out.dead = total_of(*topics, dead);
  }
  out.lag = out.events;
  if (const auto groups = bus.groups())
    for (const bus::GroupInfo& group : *groups)
      for (const bus::GroupPartition& partition : group.partitions)
        if (partition.where.topic == raw && partition.committed > 0) out.lag -= partition.committed;
  out.lag = std::max<std::int64_t>(0, out.lag);  // the two figures are not of one instant
  return out;
}

// Until the producers have ended and the detector has caught up.
int Demo::wait() {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  std::int64_t before = 0;
  auto last = Clock::now();
  auto told = last;
  int code = kDone;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    const TopicFigures now = figures(*bus_, raw_topic_, alerts_topic_, dead_letter_topic_);
    const double seconds = std::chrono::duration<double>(Clock::now() - last).count();
    const std::int64_t done = now.events - now.lag;
    const std::string line = fmt::format(
        "{:>6.1f} s   produced {:>9}   classified {:>9}   {:>7}/s   lag {:>8}   alerts {:>6}   "
        "dead letters {}",
        std::chrono::duration<double>(Clock::now() - started_).count(), grouped(now.events),
        grouped(done),
        grouped(static_cast<std::int64_t>(static_cast<double>(done - before) / seconds)),
        grouped(now.lag), grouped(now.alerts), now.dead);
    before = done;
    last = Clock::now();
    const bool finished = producers_done() && now.lag == 0;
    if (terminal) {
      std::fprintf(stderr, "\r\033[K%s", line.c_str());
    } else if (finished || Clock::now() - told > std::chrono::seconds(2)) {
      say(line);
      told = Clock::now();
    }
    if (detectors_.front().poll() || stop_requested()) {
      code = kFailed;
      break;
    }
    if (finished) break;
  }
  if (terminal) std::fputc('\n', stderr);
  for (Child& producer : producers_) producer.stop();
  for (Child& child : detectors_) child.stop();
  for (Child& child : detectors_)
    while (!child.poll()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (Child& child : producers_) {
    while (!child.poll()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (child.poll().value_or(0) != 0) code = kFailed;
  }
  return detectors_.front().poll().value_or(0) != 0 ? kFailed : code;
}

// How to call this program from here.
std::string program_path() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return "tocsin";
  const fs::path near = fs::proximate(self, error);
  return !error && near.native().size() < self.native().size() ? near.string() : self.string();
}

void Demo::summary() {
  const std::string program = program_path();
  const Style style = style_of(STDOUT_FILENO);
  const std::string database = folder_ + "/tocsin.db";
  std::string text;
  if (const auto statistics = read_statistics({.db = database, .spans = {}}))
    text += render_report(*statistics, style);
  if (const auto event = store::find_most_severe(database); event && *event) {
    const store::FoundEvent& found = **event;
    if (const auto spans = trace::read_trace(folder_ + "/traces.db", found.trace_id);
        spans && !spans->empty())
      text += "\nOne event from end to end\n" +
              render_waterfall(
                  *spans, {found.event_id.to_string(), found.host, found.event_class, found.rules},
                  style);
    text += fmt::format(
        "\nLook closer\n"
        "  {2} --data {0} trace {1}\n",
        folder_, found.event_id.to_string(), program);
  }
  text += fmt::format(
      "  {3} --data {0} report\n"
      "  {3} topics read {1} --bus {2} --limit 3\n\n"
      "Files\n"
      "  {0}/verdicts.csv   one row for each event\n"
      "  {0}/tocsin.db      verdicts and alerts (SQLite)\n"
      "  {0}/traces.db      spans (SQLite)\n",
      folder_, raw_topic_, bus_url_, program);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Demo::tell_logs() const {
  say(
      fmt::format("tocsin: a process of the demo failed; what they said is in {0}/produce.log, "
                  "{0}/detect.log and {0}/serve.log",
                  folder_));
}

int Demo::run() {
  if (const Status ready = prepare(); !ready) return report(ready.error());
  say(command_.paths.empty()
          ? fmt::format(
                "A simulated Windows estate ({} events, attacks among them) and example logs\n"
                "  produce -> {} on {} -> detect -> {}/verdicts.csv",
                grouped(static_cast<std::int64_t>(command_.events)), raw_topic_, bus_->describe(),
                folder_)
          : fmt::format("Your logs\n  produce -> {} on {} -> detect -> {}/verdicts.csv", raw_topic_,
                        bus_->describe(), folder_));
  // First, so that everything happens before one's eyes.
  if (!command_.no_console)
    if (const Status started = start_console(); !started) say(started.error().message);
  started_ = Clock::now();
  if (const Status started = start(); !started) return report(started.error());
  const int code = wait();
  summary();
  if (code != kDone) tell_logs();
  const bool watched = isatty(STDERR_FILENO) == 1;
  if (!consoles_.empty() && !stop_requested() && (watched || command_.stay)) stay();
  return code;
}

}  // namespace

void add_demo(Context& context) {
  auto command = std::make_shared<DemoCommand>();
  CLI::App* app = context.root.add_subcommand(
      "demo", "Watch the whole pipeline work: a simulated estate, or your own EVTX and JSON files");
  app->add_option("PATH", command->paths, "Your own logs instead of the simulated estate");
  app->add_option("--rules", command->rules,
                  "File or folder of Sigma rules; repeatable (default: the starter rules)")
      ->allow_extra_args(false);
  app->add_option("--events", command->events, "Events of the simulated estate")
      ->capture_default_str();
  app->add_option("--rate", command->rate, "Events a second of the simulated estate")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_option("--console-port", command->console_port,
                  "Port of the console on loopback; where it is taken, the next free one")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  app->add_flag("--no-console", command->no_console, "Without the console");
  app->add_flag("--stay", command->stay,
                "Keep the console up after the run, until Ctrl-C (as on a terminal)");
  add_bus_options(*app, context.shared);
  add_trace_options(*app, context.shared);
  app->footer(
      "Everything the demo writes is in the folder `demo` of the data directory, which it empties "
      "first.");
  app->callback([&context, command] { context.exit_code = Demo(*command, context.shared).run(); });
}

}  // namespace tocsin::cli
