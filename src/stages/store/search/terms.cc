// SPDX-License-Identifier: Apache-2.0
#include "stages/store/search/terms.h"

#include <simdjson.h>

#include <algorithm>

#include "base/utf8.h"

namespace tocsin::store::search {
namespace {

// U+E000 ... U+E0FF. The first opens a tag or stands between two texts; the others stand for the
// bytes of a tag that would split a word.
constexpr std::string_view kMark = "\xEE\x80\x80";

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

// U+E000 to U+E0FF in UTF-8: EE 80..83 xx.
bool is_private(std::string_view text, std::size_t at) {
  return at + 1 < text.size() && static_cast<unsigned char>(text[at]) == 0xEE &&
         (static_cast<unsigned char>(text[at + 1]) & 0xFC) == 0x80;
}

void append_private(std::string& out, unsigned char byte) { append_utf8(out, 0xE000U + byte); }

// At most so many bytes, of whole characters where there are characters.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end == 0 ? limit : end);
}

// Calls visit(word) for each word of folded text.
template <class Visit>
void each_word(std::string_view text, Visit&& visit) {
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool apart = i == text.size() || !is_word_byte(text[i]) || is_private(text, i);
    if (!apart) continue;
    if (i > start) visit(cut(text.substr(start, i - start), kWordBytes));
    const bool skip = i < text.size() && is_private(text, i);
    i += skip ? 2 : 0;
    start = std::min(text.size(), i + 1);
  }
}

void append_word(std::string& out, std::string_view word) {
  if (!out.empty()) out.push_back(' ');
  out += word;
}

void append_tag(std::string& out, Tag kind, std::string_view value) {
  if (!value.empty()) append_word(out, tag(kind, value));
}

std::string_view member(simdjson::dom::element object, const char* name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

void read_fields(simdjson::dom::element tocsin, AlertDetail& out) {
  simdjson::dom::array fields;
  if (tocsin["matched_fields"].get(fields) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element field : fields)
    out.fields.push_back(
        {std::string(member(field, "field")), std::string(member(field, "value"))});
}

std::vector<std::string> texts_of(const StoredAlert& alert, const AlertDetail& detail) {
  std::vector<std::string> texts;
  for (const std::string_view text : {alert.rule_name, alert.host, alert.user})
    texts.emplace_back(text);
  for (const AlertDetail::Field& field : detail.fields)
    texts.emplace_back(cut(field.value, kValueBytes));
  return texts;
}

}  // namespace

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  each_word(folded(text), [&](std::string_view word) { out.emplace_back(word); });
  return out;
}

std::string tag(Tag kind, std::string_view value) {
  std::string out(kMark);
  out.push_back(static_cast<char>(kind));
  const std::string fold = folded_value(value);
  for (const char c : fold) {
    if (is_word_byte(c))
      out.push_back(c);
    else
      append_private(out, static_cast<unsigned char>(c));
  }
  return out;
}

std::string folded_value(std::string_view value) {
  return std::string(cut(folded(value), kFieldBytes));
}

std::string_view short_host(std::string_view host) {
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view first = host.substr(0, dot);
  const bool number =
      std::all_of(first.begin(), first.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? std::string_view() : first;
}

std::string_view short_user(std::string_view user) {
  const std::size_t slash = user.rfind('\\');
  return slash == std::string_view::npos ? std::string_view() : user.substr(slash + 1);
}

std::string slug(std::string_view name) {
  std::string out = folded_value(name);
  for (char& c : out)
    if (c == ' ' || c == '_') c = '-';
  return out;
}

std::vector<std::string_view> split_list(std::string_view joined) {
  std::vector<std::string_view> out;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find(';'), joined.size());
    if (end > 0) out.push_back(joined.substr(0, end));
    joined.remove_prefix(std::min(joined.size(), end + 1));
  }
  return out;
}

AlertDetail read_detail(std::string_view json) {
  AlertDetail out;
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return out;
  simdjson::dom::element part;
  if (root["event"].get(part) == simdjson::SUCCESS) {
    out.code = member(part, "code");
    out.provider = member(part, "provider");
  }
  if (root["winlog"].get(part) == simdjson::SUCCESS) out.channel = member(part, "channel");
  if (root["tocsin"].get(part) != simdjson::SUCCESS) return out;
  std::uint64_t suppressed = 0;
  if (part["suppressed"].get(suppressed) == simdjson::SUCCESS)
    out.suppressed = static_cast<std::int64_t>(suppressed);
  read_fields(part, out);
  return out;
}

std::vector<std::string> searched_texts(const StoredAlert& alert) {
  return texts_of(alert, read_detail(alert.json));
}

std::string index_text(const StoredAlert& alert) {
  const AlertDetail detail = read_detail(alert.json);
  std::string out;
  for (const std::string& text : texts_of(alert, detail)) {
    if (!out.empty()) append_word(out, kMark);  // no phrase reaches from one text into the next
    each_word(folded(text), [&](std::string_view word) { append_word(out, word); });
  }
  append_word(out, tag(Tag::kAny, ""));
  append_tag(out, Tag::kHost, alert.host);
  append_tag(out, Tag::kHostShort, short_host(alert.host));
  append_tag(out, Tag::kUser, alert.user);
  append_tag(out, Tag::kUserShort, short_user(alert.user));
  append_tag(out, Tag::kRuleId, alert.rule_id);
  append_tag(out, Tag::kRuleName, alert.rule_name);
  append_tag(out, Tag::kLevel, alert.level);
  for (const std::string_view tactic : split_list(alert.tactics))
    append_tag(out, Tag::kTactic, slug(tactic));
  std::vector<std::string> techniques;
  for (const std::string_view technique : split_list(alert.techniques)) {
    techniques.emplace_back(technique);
    techniques.emplace_back(technique.substr(0, technique.find('.')));
  }
  std::sort(techniques.begin(), techniques.end());
  techniques.erase(std::unique(techniques.begin(), techniques.end()), techniques.end());
  for (const std::string& technique : techniques) append_tag(out, Tag::kTechnique, technique);
  append_tag(out, Tag::kClass, alert.event_class.empty() ? "none" : slug(alert.event_class));
  append_tag(out, Tag::kChannel, detail.channel);
  append_tag(out, Tag::kProvider, detail.provider);
  append_tag(out, Tag::kCode, detail.code);
  return out;
}

}  // namespace tocsin::store::search
