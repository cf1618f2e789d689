// SPDX-License-Identifier: Apache-2.0
#include "core/sigma/taxonomy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/embedded_files.h"
#include "base/utf8.h"
#include "base/yaml.h"

namespace tocsin::sigma {
namespace {

using yaml::Node;

std::vector<std::string> strings(const Node* node) {
  std::vector<std::string> out;
  if (node == nullptr) return out;
  if (node->is_scalar()) out.push_back(node->scalar);
  for (const Node& item : node->items) out.push_back(item.scalar);
  return out;
}

std::string text(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  return node != nullptr && node->is_scalar() ? node->scalar : std::string();
}

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

std::vector<std::pair<std::string, std::string>> pairs(const Node* node) {
  std::vector<std::pair<std::string, std::string>> out;
  if (node == nullptr) return out;
  for (const auto& [from, to] : node->members) out.emplace_back(from.scalar, to.scalar);
  return out;
}

// `Image: NewProcessName`, `User: [SubjectDomainName, SubjectUserName]` (joined by a backslash), or
// `IntegrityLevel: {from: MandatoryLabel, values: {S-1-16-12288: High}}`.
Result<Derivation> read_derivation(const std::string& field, const Node& node,
                                   std::string_view path) {
  Derivation out;
  out.field = field;
  out.separator = "\\";
  out.parts = strings(node.is_map() ? node.find("from") : &node);
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}:{}: field '{}': {}", path, node.mark.line, field, what));
  };
  if (out.parts.empty()) return wrong("name the fields of the event it comes from");
  if (!node.is_map()) return out;
  if (const Node* separator = node.find("separator")) out.separator = separator->scalar;
  out.values = pairs(node.find("values"));
  out.prefixes = pairs(node.find("prefixes"));
  out.absent = strings(node.find("absent"));
  out.key = text(node, "key");
  out.only_listed = text(node, "only_listed") == "true";
  out.replaces = text(node, "replaces") == "true";
  const std::string form = text(node, "form");
  if (form == "decimal")
    out.form = Derivation::Form::kDecimal;
  else if (form == "registry_value")
    out.form = Derivation::Form::kRegistryValue;
  else if (form == "key")
    out.form = Derivation::Form::kKey;
  else if (!form.empty() && form != "text")
    return wrong("form is text, decimal, registry_value or key, not '" + form + "'");
  if (out.form == Derivation::Form::kRegistryValue && out.parts.size() != 2)
    return wrong("form registry_value needs two fields: [type, value]");
  if (out.form == Derivation::Form::kKey && (out.key.empty() || out.separator.empty()))
    return wrong("form key needs `key` and `separator`");
  return out;
}

bool same_letter(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return lower(a) == lower(b);
}

// How much of `text` the prefix covers; npos when it does not fit.
std::size_t covered(std::string_view text, std::string_view prefix) {
  std::size_t at = 0;
  for (const char c : prefix) {
    if (c == '#') {
      const std::size_t start = at;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
      if (at == start) return std::string_view::npos;
    } else if (at < text.size() && same_letter(text[at], c)) {
      ++at;
    } else {
      return std::string_view::npos;
    }
  }
  return at;
}

// "0x1f4" or "500"; false when it is no such number.
bool read_number(std::string_view text, std::uint64_t& number) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && stop == end;
}

// The value types of event 4657, which Windows writes as numbers of messages.
void append_registry_value(std::string& out, std::string_view type, std::string_view value) {
  std::uint64_t number = 0;
  if (type == "%%1875")
    out += "Binary Data";
  else if (type == "%%1876" && read_number(value, number))
    out += fmt::format("DWORD (0x{:08x})", number);
  else if (type == "%%1883" && read_number(value, number))
    out += fmt::format("QWORD (0x{:08x}-0x{:08x})", number >> 32, number & 0xFFFFFFFF);
  else
    out += value;
}

bool append_key(std::string& out, std::string_view list, std::string_view separator,
                std::string_view key) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    const std::string_view item = list.substr(0, end);
    if (item.size() > key.size() && item[key.size()] == '=' && covered(item, key) == key.size()) {
      out += item.substr(key.size() + 1);
      return true;
    }
    list.remove_prefix(std::min(end + separator.size(), list.size()));
  }
  return false;
}

}  // namespace

bool Derivation::apply(std::span<const std::string_view> texts, std::string& out) const {
  out.clear();
  std::uint64_t number = 0;
  switch (form) {
    case Form::kRegistryValue:
      append_registry_value(out, texts[0], texts[1]);
      return true;
    case Form::kKey:
      return append_key(out, texts[0], separator, key);
    case Form::kDecimal:
      out = read_number(texts[0], number) ? fmt::format("{}", number) : std::string(texts[0]);
      return true;
    case Form::kText:
      break;
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += separator;
    out += texts[i];
  }
  if (std::find(absent.begin(), absent.end(), out) != absent.end()) return false;
  for (const auto& [from, to] : values) {
    if (out != from) continue;
    out = to;
    return true;
  }
  for (const auto& [prefix, replacement] : prefixes) {
    const std::size_t length = covered(out, prefix);
    if (length == std::string_view::npos) continue;
    out.replace(0, length, replacement);
    break;
  }
  return !only_listed;
}

// Builds a Taxonomy from the YAML tree, part by part.
class Taxonomy::Reader {
 public:
  explicit Reader(std::string_view path) : path_(path) {}

  Result<Taxonomy> read(const Node& root) {
    product_ = text(root, "product");
    add_named("unknown", "");
    out_.other_windows_ = 1;
    add_named(product_ + "/other", product_);
    out_.common_fields_ = strings(root.find("common_fields"));
    if (const Node* services = root.find("services")) read_services(*services);
    if (const Node* events = root.find("events"))
      for (const Node& event : events->items) TOCSIN_TRY_STATUS(read_event(event));
    if (const Node* carries = root.find("service_fields"))
      TOCSIN_TRY_STATUS(read_service_fields(*carries));
    if (const Node* agents = root.find("agents")) read_agents(*agents);
    return std::move(out_);
  }

 private:
  std::uint32_t add(Route route) {
    out_.routes_.push_back(std::move(route));
    return static_cast<std::uint32_t>(out_.routes_.size() - 1);
  }

  std::uint32_t add_named(std::string name, std::string product) {
    Route route;
    route.name = std::move(name);
    route.product = std::move(product);
    return add(std::move(route));
  }

  void read_services(const Node& services) {
    for (const auto& [service, channels] : services.members) {
      for (const std::string& channel : strings(&channels)) {
        Channel& entry = out_.channels_[folded(channel)];
        if (entry.route == 0) entry.route = add_named(product_ + "/" + service.scalar, product_);
        add_once(out_.routes_[entry.route].services, service.scalar);
      }
    }
  }

  // Several entries for one event add up.
  Status read_event(const Node& event) {
    for (const std::string& channel : strings(event.find("channel"))) {
      const auto found = out_.channels_.find(folded(channel));
      if (found == out_.channels_.end())
        return fail(ErrorCode::kInvalid, fmt::format("{}:{}: channel '{}' belongs to no service",
                                                     path_, event.mark.line, channel));
      for (const std::string& id : strings(event.find("ids"))) {
        auto [slot, is_new] = found->second.by_event_id.try_emplace(id, 0);
        if (is_new) {
          Route route = out_.routes_[found->second.route];
          route.name += "/" + id;
          route.event_id = id;
          slot->second = add(std::move(route));
        }
        std::uint32_t at = slot->second;
        if (const Node* when = event.find("when")) {
          TOCSIN_TRY(at, add_branch(at, *when));
        }
        TOCSIN_TRY_STATUS(fill(out_.routes_[at], event));
      }
    }
    return {};
  }

  // `when: {ObjectType: File}`: a route of its own, which the event's field chooses. It has what
  // the entries above said of all such events.
  Result<std::uint32_t> add_branch(std::uint32_t base, const Node& when) {
    if (when.members.size() != 1)
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}:{}: `when` names one field", path_, when.mark.line));
    const auto& [field, values] = when.members.front();
    Route route = out_.routes_[base];
    route.branches.clear();
    Branch branch{field.scalar, strings(&values), 0};
    for (const std::string& value : branch.values) route.name += "/" + value;
    branch.route = add(std::move(route));
    out_.routes_[base].branches.push_back(branch);
    return branch.route;
  }

  Status fill(Route& route, const Node& event) {
    for (const std::string& category : strings(event.find("category")))
      add_once(route.categories, category);
    for (const std::string& field : strings(event.find("carries"))) add_once(route.carries, field);
    const Node* fields = event.find("fields");
    if (fields == nullptr) return {};
    for (const auto& [field, from] : fields->members) {
      const bool several =
          from.is_sequence() && !from.items.empty() && !from.items.front().is_scalar();
      for (const Node& one : several ? from.items : std::vector<Node>{from}) {
        TOCSIN_TRY(Derivation derivation, read_derivation(field.scalar, one, path_));
        route.derivations.push_back(std::move(derivation));
      }
    }
    return {};
  }

  Status read_service_fields(const Node& services) {
    for (const auto& [service, fields] : services.members) {
      bool known = false;
      for (Route& route : out_.routes_) {
        if (std::find(route.services.begin(), route.services.end(), service.scalar) ==
            route.services.end())
          continue;
        known = true;
        for (const std::string& field : strings(&fields)) add_once(route.carries, field);
      }
      if (!known)
        return fail(ErrorCode::kInvalid, fmt::format("{}:{}: there is no service '{}'", path_,
                                                     service.mark.line, service.scalar));
    }
    return {};
  }

  void read_agents(const Node& agents) {
    for (const auto& [agent, fields] : agents.members)
      for (const auto& [field, from] : fields.members)
        for (const std::string& source : strings(&from))
          out_.agents_[agent.scalar].emplace_back(source, field.scalar);
  }

  std::string_view path_;
  std::string product_;
  Taxonomy out_;
};

Result<Taxonomy> Taxonomy::parse(std::string_view yaml_text, std::string_view path) {
  const auto documents = yaml::parse(yaml_text);
  if (!documents)
    return fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", path, documents.error().mark.line,
                                                 documents.error().message));
  if (documents->empty() || !documents->front().is_map())
    return fail(ErrorCode::kInvalid, fmt::format("{}: expected a map", path));
  return Reader(path).read(documents->front());
}

const Taxonomy& Taxonomy::built_in() {
  static const Taxonomy instance = [] {
    for (const EmbeddedFile& file : embedded_files()) {
      if (file.path != "mappings/windows.yml") continue;
      auto parsed = parse(file.bytes, file.path);
      if (!parsed) fmt::print(stderr, "{}\n", parsed.error().message);
      TOCSIN_CHECK(parsed.has_value());
      return *std::move(parsed);
    }
    TOCSIN_CHECK(false && "mappings/windows.yml is part of the program");
    return Taxonomy();
  }();
  return instance;
}

std::uint32_t Taxonomy::windows_route(std::string_view channel, std::string_view event_id) const {
  const auto found = channels_.find(folded(channel));
  if (found == channels_.end()) return other_windows_;
  const auto by_id = found->second.by_event_id.find(std::string(event_id));
  return by_id == found->second.by_event_id.end() ? found->second.route : by_id->second;
}

bool Taxonomy::knows(const Logsource& rule) const {
  const std::string& product = routes_[other_windows_].product;
  if (rule.product != product) return true;
  return std::any_of(routes_.begin() + other_windows_, routes_.end(),
                     [&](const Route& route) { return reads(rule, route); });
}

void Taxonomy::set_default(const Logsource& logsource) {
  Route& route = routes_.front();
  route.product = logsource.product;
  route.services = {logsource.service};
  route.categories = {logsource.category};
}

const std::vector<std::pair<std::string, std::string>>& Taxonomy::agent_aliases(
    std::string_view agent) const {
  static const std::vector<std::pair<std::string, std::string>> kNone;
  const auto found = agents_.find(std::string(agent));
  return found == agents_.end() ? kNone : found->second;
}

bool Taxonomy::reads(const Logsource& rule, const Route& route) {
  const auto has = [](const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  return (rule.product.empty() || rule.product == route.product) &&
         (rule.category.empty() || has(route.categories, rule.category)) &&
         (rule.service.empty() || has(route.services, rule.service));
}

}  // namespace tocsin::sigma
