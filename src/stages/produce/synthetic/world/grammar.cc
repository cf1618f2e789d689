// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/world/grammar.h"

#include <fmt/format.h>

#include <iterator>
#include <unordered_map>

namespace tocsin::synthetic {
namespace {

// Parts of the scene that a text may name.
enum class Part : std::uint8_t {
  kUser,
  kFirst,
  kLast,
  kDomain,
  kDns,
  kSid,
  kDomainSid,
  kHome,
  kHost,
  kFqdn,
  kIp,
  kPeer,
  kPeerFqdn,
  kPeerIp,
  kDc,
  kFile,
  kWeb,
  kSql,
  kJump,
  kApp,
  kAnyUser,
  kAnyAdmin,
  kAnyHost,
  kYear,
  kMonth,
  kDay,
  kHour,
  kGuid,
  kNewline,
  kTab,
  kQuote,
};

const std::unordered_map<std::string_view, Part>& parts() {
  static const std::unordered_map<std::string_view, Part> kParts = {{"user", Part::kUser},
                                                                    {"first", Part::kFirst},
                                                                    {"last", Part::kLast},
                                                                    {"domain", Part::kDomain},
                                                                    {"dns", Part::kDns},
                                                                    {"sid", Part::kSid},
                                                                    {"domainsid", Part::kDomainSid},
                                                                    {"home", Part::kHome},
                                                                    {"host", Part::kHost},
                                                                    {"fqdn", Part::kFqdn},
                                                                    {"ip", Part::kIp},
                                                                    {"peer", Part::kPeer},
                                                                    {"peerfqdn", Part::kPeerFqdn},
                                                                    {"peerip", Part::kPeerIp},
                                                                    {"dc", Part::kDc},
                                                                    {"fs", Part::kFile},
                                                                    {"web", Part::kWeb},
                                                                    {"sql", Part::kSql},
                                                                    {"jump", Part::kJump},
                                                                    {"app", Part::kApp},
                                                                    {"anyuser", Part::kAnyUser},
                                                                    {"anyadmin", Part::kAnyAdmin},
                                                                    {"anyhost", Part::kAnyHost},
                                                                    {"year", Part::kYear},
                                                                    {"month", Part::kMonth},
                                                                    {"day", Part::kDay},
                                                                    {"hour", Part::kHour},
                                                                    {"guid", Part::kGuid},
                                                                    {"nl", Part::kNewline},
                                                                    {"tab", Part::kTab},
                                                                    {"q", Part::kQuote}};
  return kParts;
}

void append_hex_digits(std::string& out, Rng& rng, std::size_t count) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 16 == 0) bits = rng.next();
    out.push_back(kHex[bits & 15U]);
    bits >>= 4U;
  }
}

void append_guid(std::string& out, Rng& rng) {
  constexpr std::size_t kGroups[] = {8, 4, 4, 4, 12};
  for (std::size_t i = 0; i < 5; ++i) {
    if (i > 0) out.push_back('-');
    append_hex_digits(out, rng, kGroups[i]);
  }
}

void append_calendar(std::string& out, Part part, UnixNanos now) {
  const std::string text = format_rfc3339(now, 0);
  if (part == Part::kYear) out.append(text, 0, 4);
  if (part == Part::kMonth) out.append(text, 5, 2);
  if (part == Part::kDay) out.append(text, 8, 2);
  if (part == Part::kHour) out.append(text, 11, 2);
}

void append_person(std::string& out, Part part, const Scene& scene, Rng& rng) {
  Estate& estate = *scene.estate;
  const Account& me = scene.account != nullptr ? *scene.account : estate.system;
  switch (part) {
    case Part::kUser:
      out += me.name;
      break;
    case Part::kFirst:
      out += me.first;
      break;
    case Part::kLast:
      out += me.last;
      break;
    case Part::kSid:
      out += me.sid;
      break;
    case Part::kHome:
      out += me.home;
      break;
    case Part::kAnyUser:
      out += estate.users[rng.below(estate.users.size())].name;
      break;
    case Part::kAnyAdmin:
      out += estate.admins[rng.below(estate.admins.size())].name;
      break;
    default:
      break;
  }
}

void append_machine(std::string& out, Part part, const Scene& scene, Rng& rng) {
  Estate& estate = *scene.estate;
  const Host& here = scene.host != nullptr ? *scene.host : estate.hosts.front();
  const Host& peer = scene.peer != nullptr ? *scene.peer : estate.server(kDomainController);
  switch (part) {
    case Part::kHost:
      out += here.name;
      break;
    case Part::kFqdn:
      out += here.fqdn;
      break;
    case Part::kIp:
      out += here.ip;
      break;
    case Part::kPeer:
      out += peer.name;
      break;
    case Part::kPeerFqdn:
      out += peer.fqdn;
      break;
    case Part::kPeerIp:
      out += peer.ip;
      break;
    case Part::kDc:
      out += estate.server(kDomainController).name;
      break;
    case Part::kFile:
      out += estate.server(kFileServer).name;
      break;
    case Part::kWeb:
      out += estate.server(kWebServer).name;
      break;
    case Part::kSql:
      out += estate.server(kSqlServer).name;
      break;
    case Part::kJump:
      out += estate.server(kJumpServer).name;
      break;
    case Part::kApp:
      out += estate.server(kAppServer).name;
      break;
    case Part::kAnyHost:
      out += estate.hosts[rng.below(estate.hosts.size())].name;
      break;
    default:
      break;
  }
}

void append_part(std::string& out, Part part, const Scene& scene, Rng& rng) {
  switch (part) {
    case Part::kDomain:
      out += scene.estate->domain;
      break;
    case Part::kDns:
      out += scene.estate->dns_domain;
      break;
    case Part::kDomainSid:
      out += scene.estate->domain_sid;
      break;
    case Part::kGuid:
      append_guid(out, rng);
      break;
    case Part::kNewline:
      out.push_back('\n');
      break;
    case Part::kTab:
      out.push_back('\t');
      break;
    case Part::kQuote:
      out.push_back('"');
      break;
    case Part::kYear:
    case Part::kMonth:
    case Part::kDay:
    case Part::kHour:
      append_calendar(out, part, scene.now);
      break;
    default:
      append_person(out, part, scene, rng);
      append_machine(out, part, scene, rng);
  }
}

// {n4}: digits; {h8}: hex digits. False when the name is not such a place.
bool append_random(std::string& out, std::string_view name, Rng& rng) {
  if (name.empty() || name.size() > 3 || (name[0] != 'n' && name[0] != 'h')) return false;
  std::size_t count = name.size() == 1 ? 1 : 0;
  for (const char c : name.substr(1)) {
    if (c < '0' || c > '9') return false;
    count = count * 10 + static_cast<std::size_t>(c - '0');
  }
  if (name[0] == 'h') {
    append_hex_digits(out, rng, count);
    return true;
  }
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(
        static_cast<char>((i == 0 ? '1' : '0') + static_cast<char>(rng.below(i == 0 ? 9 : 10))));
  return true;
}

bool append_place(std::string& out, std::string_view name, Scene& scene, Rng& rng) {
  if (const std::string* local = scene.find(name)) {
    out += *local;
    return true;
  }
  if (append_random(out, name, rng)) return true;
  if (const auto part = parts().find(name); part != parts().end()) {
    append_part(out, part->second, scene, rng);
    return true;
  }
  if (!name.empty() && name[0] == '@') {
    std::string chosen;
    if (!append_place(chosen, name.substr(1), scene, rng)) return false;
    out += chosen;
    scene.let(name, std::move(chosen));
    return true;
  }
  if (name.starts_with("enc:")) {
    std::string plain;
    if (!append_place(plain, name.substr(4), scene, rng)) return false;
    out += encode_command(plain);
    return true;
  }
  const auto& alternatives = words(name);
  if (alternatives.empty()) return false;
  expand(out, alternatives[rng.below(alternatives.size())], scene, rng);
  return true;
}

}  // namespace

void Scene::let(std::string_view name, std::string value) {
  for (auto& [known, text] : names)
    if (known == name) {
      text = std::move(value);
      return;
    }
  names.emplace_back(name, std::move(value));
}

const std::string* Scene::find(std::string_view name) const {
  for (const auto& [known, text] : names)
    if (known == name) return &text;
  return nullptr;
}

void expand(std::string& out, std::string_view text, Scene& scene, Rng& rng) {
  for (;;) {
    const std::size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) return;
    text.remove_prefix(open + 1);
    const std::size_t end = text.find_first_of("{}");
    if (end != std::string_view::npos && text[end] == '}' && end <= 24 &&
        append_place(out, text.substr(0, end), scene, rng))
      text.remove_prefix(end + 1);
    else
      out.push_back('{');
  }
}

std::string expand(std::string_view text, Scene& scene, Rng& rng) {
  std::string out;
  expand(out, text, scene, rng);
  return out;
}

std::string encode_command(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string wide;
  for (const char c : text) {
    wide.push_back(c);
    wide.push_back('\0');
  }
  std::string out;
  for (std::size_t i = 0; i < wide.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8U) | (i + k < wide.size() ? static_cast<unsigned char>(wide[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out.push_back(i + k > wide.size() ? '=' : kAlphabet[(bits >> (18 - 6 * k)) & 63U]);
  }
  return out;
}

std::string address_of(std::string_view name, Estate& estate) {
  if (!name.empty() && name.find_first_not_of("0123456789.") == std::string_view::npos)
    return std::string(name);
  for (const Host& host : estate.hosts)
    if (name == host.name || name == host.fqdn) return host.ip;
  if (name == estate.dns_domain) return estate.server(kDomainController).ip;
  // Reserved names get documentation addresses; nobody real is accused by a simulated attack.
  const std::uint64_t h = hash_text(name);
  if (name.ends_with(".example") || name.ends_with(".test"))
    return fmt::format("{}.{}", (h & 1U) != 0 ? "203.0.113" : "198.51.100", 1 + (h >> 8U) % 254);
  constexpr std::string_view kMicrosoft[] = {"13.107", "20.190", "52.96", "52.113", "40.126"};
  for (const std::string_view part :
       {"microsoft", "office", "outlook", "windows", "sharepoint", "live"})
    if (name.find(part) != std::string_view::npos)
      return fmt::format("{}.{}.{}", kMicrosoft[h % std::size(kMicrosoft)], 128 + (h >> 8U) % 120,
                         1 + (h >> 20U) % 254);
  constexpr std::string_view kNetworks[] = {"104.18", "142.250", "151.101",
                                            "23.45",  "185.199", "108.138"};
  return fmt::format("{}.{}.{}", kNetworks[h % std::size(kNetworks)], (h >> 8U) % 255,
                     1 + (h >> 20U) % 254);
}

}  // namespace tocsin::synthetic
