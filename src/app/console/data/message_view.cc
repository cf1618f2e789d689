// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/message_view.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>
#include <utility>

#include "app/console/http/call.h"
#include "base/clock.h"
#include "base/json_writer.h"

namespace tocsin::console {
namespace {

constexpr std::size_t kPollMessages = 1'000;
constexpr bus::Milliseconds kPollTimeout{200};
constexpr std::chrono::seconds kPatience{5};  // for a page; what was read until then is shown
constexpr int kDepthMax = 32;

bool holds(std::string_view text, const std::string& part) {
  if (part.size() > text.size()) return false;
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

bool is_field_name(std::string_view text) {
  constexpr std::string_view kLegal = "abcdefghijklmnopqrstuvwxyz0123456789_.-@#";
  return !text.empty() && text.find_first_not_of(kLegal) == std::string_view::npos;
}

// Whether a member `field` below the element has a scalar that holds `value`.
bool member_holds(simdjson::dom::element element, const std::string& path, const std::string& field,
                  const std::string& value, int depth) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (depth > kDepthMax) return false;
  if (element.get(object) == simdjson::SUCCESS) {
    for (const auto& [key, member] : object) {
      std::string full = path;
      if (!full.empty()) full += '.';
      full += lower(key);
      if (member_holds(member, full, field, value, depth + 1)) return true;
    }
    return false;
  }
  if (element.get(array) == simdjson::SUCCESS) {
    for (const simdjson::dom::element item : array)
      if (member_holds(item, path, field, value, depth + 1)) return true;
    return false;
  }
  if (path != field && !path.ends_with("." + field)) return false;
  std::string_view text;
  return element.get(text) == simdjson::SUCCESS ? holds(text, value)
                                                : holds(simdjson::to_string(element), value);
}

simdjson::dom::parser& parser() {
  thread_local simdjson::dom::parser instance;
  return instance;
}

bool parse(std::string_view text, simdjson::dom::element& out) {
  return parser().parse(text.data(), text.size()).get(out) == simdjson::SUCCESS;
}

template <class Number>
bool read_number(const std::string& text, std::size_t& at, Number& out) {
  const char* const begin = text.data() + at;
  const auto read = std::from_chars(begin, text.data() + text.size(), out);
  if (read.ec != std::errc() || out < 0) return false;
  at += static_cast<std::size_t>(read.ptr - begin);
  return true;
}

struct Part {
  std::int32_t partition = 0;
  std::int64_t first = 0, end = 0;  // what the topic holds
  std::int64_t bound = 0;
};

struct Kept {
  std::int64_t time = 0;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string json;
};

class PageReader {
 public:
  PageReader(bus::Bus& bus, const PageRequest& request) : bus_(bus), request_(request) {}

  Result<MessagePage> read() {
    TOCSIN_TRY_STATUS(find_parts());
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (kept_.size() < request_.limit && page_.scanned < request_.scan_max && more()) {
      TOCSIN_TRY_STATUS(round());
      if (std::chrono::steady_clock::now() > until) break;
    }
    return finish();
  }

 private:
  bool backward() const { return request_.direction == Direction::kBackward; }
  bool has_more(const Part& part) const {
    return backward() ? part.bound > part.first : part.bound < part.end;
  }
  bool more() const {
    return std::any_of(parts_.begin(), parts_.end(), [&](const Part& p) { return has_more(p); });
  }

  Status find_parts() {
    TOCSIN_TRY(const std::vector<bus::TopicInfo> topics, bus_.topics());
    const auto topic = std::find_if(topics.begin(), topics.end(),
                                    [&](const auto& t) { return t.name == request_.topic; });
    if (topic == topics.end())
      return fail(ErrorCode::kNotFound, fmt::format("there is no topic '{}'", request_.topic));
    for (const bus::PartitionInfo& p : topic->partitions) {
      if (request_.partition && *request_.partition != p.partition) continue;
      Part& part = parts_.emplace_back(Part{p.partition, p.first_offset, p.end_offset,
                                            backward() ? p.end_offset : p.first_offset});
      if (const auto bound = request_.bounds.find(p.partition); bound != request_.bounds.end())
        part.bound = std::clamp(bound->second, p.first_offset, p.end_offset);
    }
    if (parts_.empty())
      return fail(ErrorCode::kNotFound,
                  fmt::format("the topic '{}' has no such partition", request_.topic));
    return {};
  }

  // The next piece of each partition. Of what passes, the nearest in time are kept, up to the
  // limit; each partition's bound moves behind what was kept of it, or behind the piece.
  Status round() {
    const auto wanted = static_cast<std::int64_t>(request_.limit - kept_.size());
    const std::int64_t window = !request_.test ? wanted : std::max<std::int64_t>(wanted, 2'000);
    std::vector<Kept> found;
    std::vector<std::int64_t> reached(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      const std::int64_t low = backward() ? std::max(part.first, part.bound - window) : part.bound;
      const std::int64_t high = backward() ? part.bound : std::min(part.end, part.bound + window);
      reached[i] = backward() ? low : high;
      if (low >= high) continue;
      const std::size_t begin = found.size();
      TOCSIN_TRY_STATUS(read_range(bus_, {request_.topic, part.partition}, low, high,
                                   [&](const bus::Message& message) {
                                     ++page_.scanned;
                                     take(message, found);
                                     return true;
                                   }));
      level_times(found, begin);
    }
    std::sort(found.begin(), found.end(), [this](const Kept& a, const Kept& b) {
      const auto key = [](const Kept& k) { return std::tie(k.time, k.partition, k.offset); };
      return backward() ? key(b) < key(a) : key(a) < key(b);
    });
    const std::size_t room = request_.limit - kept_.size();
    settle_bounds(found, room, reached);
    found.resize(std::min(found.size(), room));
    std::move(found.begin(), found.end(), std::back_inserter(kept_));
    return {};
  }

  void take(const bus::Message& message, std::vector<Kept>& found) const {
    if (request_.test && !request_.test(message)) return;
    Kept& kept = found.emplace_back();
    kept.time = message.timestamp_ms;
    kept.partition = message.partition;
    kept.offset = message.offset;
    request_.write(kept.json, message);
  }

  // Time stamps need not grow with offsets, but a page must not leave gaps in a partition: within
  // a partition no record counts as nearer in time than one before it in our direction.
  void level_times(std::vector<Kept>& found, std::size_t begin) const {
    if (backward()) {
      for (std::size_t i = found.size(); i-- > begin + 1;)
        found[i - 1].time = std::min(found[i - 1].time, found[i].time);
    } else {
      for (std::size_t i = begin + 1; i < found.size(); ++i)
        found[i].time = std::max(found[i].time, found[i - 1].time);
    }
  }

  void settle_bounds(const std::vector<Kept>& found, std::size_t room,
                     const std::vector<std::int64_t>& reached) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      std::int64_t bound = reached[i];
      for (std::size_t k = room; k < found.size(); ++k) {
        if (found[k].partition != parts_[i].partition) continue;
        bound =
            backward() ? std::max(bound, found[k].offset + 1) : std::min(bound, found[k].offset);
      }
      parts_[i].bound = bound;
    }
  }

  MessagePage finish() {
    for (Kept& kept : kept_) page_.items.push_back(std::move(kept.json));
    for (const Part& part : parts_) page_.bounds[part.partition] = part.bound;
    page_.reached_end = !more();
    return std::move(page_);
  }

  bus::Bus& bus_;
  const PageRequest& request_;
  std::vector<Part> parts_;
  std::vector<Kept> kept_;
  MessagePage page_;
};

}  // namespace

void append_message(std::string& out, const bus::Message& message) {
  const std::string_view shown = message.value.substr(0, kValueBytesShown);
  const bool truncated = shown.size() < message.value.size();
  JsonWriter json(out);
  json.object([&] {
    json.member("partition", message.partition);
    json.member("offset", message.offset);
    json.member("time", format_rfc3339(message.timestamp_ms * 1'000'000, 3));
    json.member("key", message.key);
    json.key("headers");
    json.array([&] {
      for (const auto& header : message.headers)
        json.array([&] {
          json.value(header.first);
          json.value(header.second);
        });
    });
    json.member("size", static_cast<std::uint64_t>(message.value.size()));
    json.member("value", shown);
    json.key("json");
    simdjson::dom::element element;
    simdjson::dom::object object;
    if (!truncated && parse(message.value, element) && element.get(object) == simdjson::SUCCESS)
      json.raw(simdjson::minify(element));
    else
      json.null();
    json.member("truncated", truncated);
  });
}

MessageTest::MessageTest(std::string text) : text_(lower(text)) {
  const std::size_t colon = text_.find(':');
  if (colon == std::string::npos || !is_field_name(text_.substr(0, colon))) return;
  field_ = text_.substr(0, colon);
  value_ = text_.substr(colon + 1);
}

bool MessageTest::passes(const bus::Message& message) const {
  if (text_.empty() || holds(message.value, text_) || holds(message.key, text_)) return true;
  if (field_.empty()) return false;
  if (field_ == "key") return holds(message.key, value_);
  for (const auto& [name, value] : message.headers)
    if (lower(name) == field_ && holds(value, value_)) return true;
  if (!holds(message.value, value_)) return false;  // quicker than reading JSON
  simdjson::dom::element element;
  return parse(message.value, element) && member_holds(element, "", field_, value_, 0);
}

std::string page_cursor(Direction direction, const std::map<std::int32_t, std::int64_t>& bounds) {
  std::string out = direction == Direction::kForward ? "f" : "b";
  for (const auto& [partition, bound] : bounds) out += fmt::format(".{}-{}", partition, bound);
  return out;
}

bool read_page_cursor(const std::string& text, PageRequest& page) {
  if (text.empty()) return false;
  if (text[0] != 'f' && text[0] != 'b') return false;
  page.direction = text[0] == 'f' ? Direction::kForward : Direction::kBackward;
  for (std::size_t at = 1; at < text.size();) {
    std::int32_t partition = 0;
    std::int64_t bound = 0;
    if (text[at] != '.') return false;
    ++at;
    if (!read_number(text, at, partition) || at >= text.size() || text[at] != '-') return false;
    ++at;
    if (!read_number(text, at, bound)) return false;
    page.bounds[partition] = bound;
  }
  return true;
}

Result<MessagePage> read_page(bus::Bus& bus, const PageRequest& request) {
  return PageReader(bus, request).read();
}

Status read_range(bus::Bus& bus, const bus::TopicPartition& where, std::int64_t first,
                  std::int64_t end, const std::function<bool(const bus::Message&)>& take) {
  TOCSIN_TRY(const auto reader, bus.open_reader(where.topic, {.kind = bus::ReadFrom::Kind::kOffset,
                                                              .value = first,
                                                              .partition = where.partition}));
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const auto size = static_cast<std::size_t>(std::max<std::int64_t>(1, end - first));
  while (!reader->at_end() && std::chrono::steady_clock::now() < until) {
    TOCSIN_TRY(const auto batch, reader->poll(std::min(size, kPollMessages), kPollTimeout));
    for (const bus::Message& message : batch.messages()) {
      if (message.offset >= end) return {};
      if (!take(message) || message.offset + 1 == end) return {};
    }
  }
  return {};
}

Result<std::optional<std::string>> read_value(bus::Bus& bus, const std::string& topic,
                                              std::int32_t partition, std::int64_t offset) {
  std::optional<std::string> out;
  const Status read =
      read_range(bus, {topic, partition}, offset, offset + 1, [&](const bus::Message& message) {
        if (message.offset == offset) out = message.value;
        return false;
      });
  if (!read && read.error().code != ErrorCode::kNotFound) return tl::unexpected(read.error());
  return out;
}

}  // namespace tocsin::console
