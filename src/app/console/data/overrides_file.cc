// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/overrides_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "app/pipeline/tuning/tuning_file.h"
#include "base/json_writer.h"
#include "base/uuid.h"
#include "base/yaml.h"

namespace tocsin::console {
namespace {

namespace fs = std::filesystem;

// A document of its own: what stands above it need not end in any way.
constexpr std::string_view kMark = "--- # tocsin console: what follows is rewritten by it\n";

struct Entry {
  std::optional<bool> disable;
  std::string level, comment;
};
using Entries = std::map<std::string, Entry>;

// What the console said before. A text that is not ours is an empty one.
Entries read_entries(std::string_view text) {
  Entries out;
  const auto documents = yaml::parse(text);
  if (!documents || documents->empty()) return out;
  const yaml::Node* list = documents->front().find("overrides");
  if (list == nullptr) return out;
  for (const yaml::Node& node : list->items) {
    const yaml::Node* rule = node.find("rule");
    if (rule == nullptr || !rule->is_scalar()) continue;
    Entry& entry = out[rule->scalar];
    if (const yaml::Node* disable = node.find("disable")) entry.disable = disable->scalar == "true";
    if (const yaml::Node* level = node.find("level")) entry.level = level->scalar;
    if (const yaml::Node* comment = node.find("comment")) entry.comment = comment->scalar;
  }
  return out;
}

// JSON is YAML: whatever stands in an id or a comment stays inside its quotes.
std::string text_of(const Entries& entries) {
  std::string out(kMark);
  out += entries.empty() ? "overrides: []\n" : "overrides:\n";
  for (const auto& [id, entry] : entries) {
    out += "  - ";
    JsonWriter json(out);
    json.object([&] {
      json.member("rule", id);
      if (entry.disable) json.member("disable", *entry.disable);
      if (!entry.level.empty()) json.member("level", entry.level);
      if (!entry.comment.empty()) json.member("comment", entry.comment);
    });
    out += "\n";
  }
  return out;
}

}  // namespace

Status replace_file(const std::string& path, const std::string& text) {
  std::error_code ignored;  // opening says it better
  if (fs::path(path).has_parent_path())
    fs::create_directories(fs::path(path).parent_path(), ignored);
  const std::string temporary = path + "." + Uuid::random().to_string().substr(0, 8) + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  bool good = fd >= 0;
  for (std::size_t done = 0; good && done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    good = n > 0;
    if (good) done += static_cast<std::size_t>(n);
  }
  good = good && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const std::string reason = std::strerror(errno);
  ::unlink(temporary.c_str());
  return fail(ErrorCode::kUnavailable, fmt::format("{}: cannot be written: {}", path, reason));
}

Status OverridesFile::change(const std::string& rule_id, const RuleChange& change) {
  const std::lock_guard lock(mutex_);
  std::string text;
  {
    std::ifstream file(path_, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::size_t mark = text.find(kMark);
  std::string persons = text.substr(0, std::min(mark, text.size()));
  if (!persons.empty() && !persons.ends_with('\n')) persons += '\n';
  Entries entries = mark == std::string::npos
                        ? Entries()
                        : read_entries(std::string_view(text).substr(mark + kMark.size()));
  Entry& entry = entries[rule_id];
  if (change.enabled) entry.disable = !*change.enabled;
  if (change.level) entry.level = to_string(*change.level);
  if (!change.comment.empty()) entry.comment = change.comment;
  const std::string next = persons + text_of(entries);
  // Nothing replaces the file that detect would refuse.
  const std::string trial = path_ + ".check";
  TOCSIN_TRY_STATUS(replace_file(trial, next));
  pipeline::Tuning tuning;
  Status read = pipeline::read_tuning(trial, pipeline::OtherKeys::kRefuse, tuning);
  ::unlink(trial.c_str());
  TOCSIN_TRY_STATUS(read);
  return replace_file(path_, next);
}

}  // namespace tocsin::console
