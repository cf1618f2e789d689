// SPDX-License-Identifier: Apache-2.0
#include "differential/oracle_text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tocsin::differential {

std::u32string to_code_points(std::string_view utf8) {
  std::u32string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto byte = [&](std::size_t at) {
      return static_cast<char32_t>(static_cast<unsigned char>(utf8[at]));
    };
    const char32_t lead = byte(i);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t c = size == 1 ? lead : lead & (0xFFu >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < utf8.size(); ++k) c = c << 6 | (byte(i + k) & 0x3F);
    out.push_back(c);
    i += size;
  }
  return out;
}

std::string to_utf8(const std::u32string& text) {
  std::string out;
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  for (const char32_t c : text) {
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0 | c >> 6);
      put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      put(0xE0 | c >> 12);
      put(0x80 | (c >> 6 & 0x3F));
      put(0x80 | (c & 0x3F));
    } else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
      put(0x80 | (c >> 6 & 0x3F));
      put(0x80 | (c & 0x3F));
    }
  }
  return out;
}

// Unicode's CaseFolding.txt, statuses C and S, for Latin-1, Greek, Cyrillic, full width, Deseret
// and the letters with more than two forms.
std::u32string fold(const std::u32string& text) {
  const auto within = [](char32_t c, char32_t first, char32_t last) {
    return c >= first && c <= last;
  };
  std::u32string out;
  for (const char32_t c : text) {
    char32_t f = c;
    if (within(c, 'A', 'Z') || (within(c, 0xC0, 0xDE) && c != 0xD7)) f = c + 32;
    if (within(c, 0x391, 0x3A9) && c != 0x3A2) f = c + 32;
    if (within(c, 0x410, 0x42F) || within(c, 0xFF21, 0xFF3A)) f = c + 32;
    if (within(c, 0x400, 0x40F)) f = c + 80;
    if (within(c, 0x10400, 0x10427)) f = c + 40;
    if (c == 0x130 || c == 0x131) f = 'i';
    if (c == 0x17F) f = 's';
    if (c == 0xB5) f = 0x3BC;
    if (c == 0x178) f = 0xFF;
    if (c == 0x3C2) f = 0x3C3;
    if (c == 0x212A) f = 'k';
    if (c == 0x212B) f = 0xE5;
    if (c == 0x1E9E) f = 0xDF;
    out.push_back(f);
  }
  return out;
}

Elements plain(const std::u32string& text) {
  Elements out;
  for (const char32_t c : text) out.push_back({Element::Kind::kCharacter, c});
  return out;
}

Elements parse_wildcards(const std::u32string& text) {
  Elements out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool another = i + 1 < text.size();
    if (text[i] == '\\' && another &&
        (text[i + 1] == '*' || text[i + 1] == '?' || text[i + 1] == '\\'))
      out.push_back({Element::Kind::kCharacter, text[++i]});
    else if (text[i] == '*')
      out.push_back({Element::Kind::kMany, 0});
    else if (text[i] == '?')
      out.push_back({Element::Kind::kOne, 0});
    else
      out.push_back({Element::Kind::kCharacter, text[i]});
  }
  return out;
}

Elements windash(Elements elements) {
  const auto word = [](const Element& e) {
    const char32_t c = e.character;
    return e.kind == Element::Kind::kCharacter &&
           ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '_' || c >= 0x80);
  };
  Elements out = elements;
  for (std::size_t i = 0; i + 1 < elements.size(); ++i) {
    const Element& e = elements[i];
    if (e.kind != Element::Kind::kCharacter || (e.character != '-' && e.character != '/')) continue;
    if ((i == 0 || !word(elements[i - 1])) && word(elements[i + 1]))
      out[i].kind = Element::Kind::kDash;
  }
  return out;
}

// Row by row: can the first i elements take the first j characters?
bool matches(const Elements& elements, const std::u32string& given, bool cased) {
  const std::u32string text = cased ? given : fold(given);
  std::vector<bool> now(text.size() + 1, false);
  now[0] = true;
  for (const Element& e : elements) {
    std::vector<bool> next(text.size() + 1, false);
    const char32_t wanted = cased ? e.character : fold(std::u32string(1, e.character))[0];
    if (e.kind == Element::Kind::kMany) next[0] = now[0];
    for (std::size_t j = 1; j <= text.size(); ++j) {
      const char32_t c = text[j - 1];
      const bool dash = c == '-' || c == '/' || (c >= 0x2013 && c <= 0x2015);
      if (e.kind == Element::Kind::kMany)
        next[j] = now[j] || next[j - 1];
      else if (e.kind == Element::Kind::kOne)
        next[j] = now[j - 1];
      else if (e.kind == Element::Kind::kDash)
        next[j] = now[j - 1] && dash;
      else
        next[j] = now[j - 1] && c == wanted;
    }
    now = std::move(next);
  }
  return now[text.size()];
}

std::string base64(std::string_view bytes) {
  static const char* const kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : bytes)
    for (int bit = 7; bit >= 0; --bit) bits += static_cast<unsigned char>(c) >> bit & 1 ? '1' : '0';
  while (bits.size() % 6 != 0) bits += '0';
  std::string out;
  for (std::size_t i = 0; i < bits.size(); i += 6)
    out += kDigits[std::strtoul(bits.substr(i, 6).c_str(), nullptr, 2)];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

// By definition: the characters that depend on no byte before or behind.
std::array<std::string, 3> base64_at_offsets(std::string_view bytes) {
  std::array<std::string, 3> out;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const std::string padded = base64(std::string(offset, '\0') + std::string(bytes));
    const std::size_t first = (offset * 8 + 5) / 6;
    const std::size_t end = (offset + bytes.size()) * 8 / 6;
    out[offset] = padded.substr(first, end > first ? end - first : 0);
  }
  return out;
}

std::string utf16(std::string_view utf8, bool big_endian) {
  std::string out;
  const auto put = [&](unsigned unit) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xFF);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  for (const char32_t c : to_code_points(utf8)) {
    const auto value = static_cast<unsigned>(c);
    if (value < 0x10000) {
      put(value);
    } else {
      put(0xD800 + ((value - 0x10000) >> 10));
      put(0xDC00 + ((value - 0x10000) & 0x3FF));
    }
  }
  return out;
}

namespace {

std::optional<std::vector<std::uint8_t>> parse_v4(std::string_view text) {
  std::vector<std::uint8_t> out;
  unsigned number = 0;
  std::size_t digits = 0;
  for (const char c : std::string(text) + ".") {
    if (c == '.') {
      if (digits == 0 || number > 255) return std::nullopt;
      out.push_back(static_cast<std::uint8_t>(number));
      number = 0;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3 || (digits > 1 && number == 0)) {
      return std::nullopt;
    } else {
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
  }
  if (out.size() != 4) return std::nullopt;
  return out;
}

// The bytes of "a:b:c" or of "a:1.2.3.4"; of "" none.
std::optional<std::vector<std::uint8_t>> parse_groups(std::string_view text) {
  std::vector<std::uint8_t> out;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string group(text.substr(0, colon));
    if (colon != std::string_view::npos && colon + 1 == text.size()) return std::nullopt;
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
    if (group.find('.') != std::string::npos) {
      const auto v4 = parse_v4(group);
      if (!v4 || !text.empty()) return std::nullopt;
      out.insert(out.end(), v4->begin(), v4->end());
      return out;
    }
    if (group.empty() || group.size() > 4 ||
        group.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return std::nullopt;
    const unsigned long value = std::strtoul(group.c_str(), nullptr, 16);
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value & 0xFF));
  }
  return out;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  Address out{};
  if (text.find(':') == std::string_view::npos) {
    const auto v4 = parse_v4(text);
    if (!v4) return std::nullopt;
    out[10] = out[11] = 0xFF;
    for (std::size_t i = 0; i < 4; ++i) out[12 + i] = (*v4)[i];
    return out;
  }
  const std::size_t gap = text.find("::");
  const auto front = parse_groups(text.substr(0, gap));
  const auto back =
      parse_groups(gap == std::string_view::npos ? std::string_view() : text.substr(gap + 2));
  if (!front || !back) return std::nullopt;
  const std::size_t given = front->size() + back->size();
  if (gap == std::string_view::npos ? given != 16 : given > 14) return std::nullopt;
  for (std::size_t i = 0; i < front->size(); ++i) out[i] = (*front)[i];
  for (std::size_t i = 0; i < back->size(); ++i) out[16 - back->size() + i] = (*back)[i];
  return out;
}

bool in_network(std::string_view network, std::string_view address) {
  const std::size_t slash = network.find('/');
  const std::string_view base = network.substr(0, slash);
  const auto from = parse_address(base);
  const auto given = parse_address(address);
  if (!from || !given) return false;
  std::size_t bits = 128;
  if (slash != std::string_view::npos) {
    bits = std::strtoul(std::string(network.substr(slash + 1)).c_str(), nullptr, 10);
    if (base.find(':') == std::string_view::npos) bits += 96;
  }
  // decision: a network of IPv6 such as ::/0 holds no address of IPv4
  const Address v4_front = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (bits < 96 && std::equal(given->begin(), given->begin() + 12, v4_front.begin())) return false;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    if (((*from)[bit / 8] & mask) != ((*given)[bit / 8] & mask)) return false;
  }
  return true;
}

std::optional<Number> parse_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return std::string(text.substr(start, at - start));
  };
  Number out;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) out.negative = text[at++] == '-';
  out.whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    out.fraction = digits();
  }
  if (out.whole.empty() && out.fraction.empty()) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const bool down = ++at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::string exponent = digits();
    if (exponent.empty()) return std::nullopt;
    // The point wanders, digit by digit; the generators keep exponents below 10,000.
    for (int steps = std::atoi(exponent.c_str()); steps > 0; --steps) {
      std::string& from = down ? out.whole : out.fraction;
      std::string& to = down ? out.fraction : out.whole;
      if (from.empty()) from = "0";
      if (down) {
        to.insert(to.begin(), from.back());
        from.pop_back();
      } else {
        to.push_back(from.front());
        from.erase(from.begin());
      }
    }
  }
  if (at != text.size()) return std::nullopt;
  out.whole.erase(0, out.whole.find_first_not_of('0'));
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  if (out.whole.empty() && out.fraction.empty()) out.negative = false;
  return out;
}

int compare(const Number& a, const Number& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  if (a.negative) return compare({false, b.whole, b.fraction}, {false, a.whole, a.fraction});
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  // Without zeros behind them, fractions are in the order of their texts.
  const int whole = a.whole.compare(b.whole);
  return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

std::string one_form(std::string_view token) {
  const std::optional<Number> number = parse_number(token);
  if (!number) return std::string(token);
  const std::string sign = number->negative ? "-" : "";
  const std::string &whole = number->whole, &fraction = number->fraction;
  // decision: with more than 64 zeros that a plain form would need, one digit before the point
  const std::size_t zeros_in_front = fraction.find_first_not_of('0');
  const std::size_t last = whole.find_last_not_of('0');
  const bool tiny = whole.empty() && !fraction.empty() && zeros_in_front > 64;
  const bool huge = fraction.empty() && !whole.empty() && whole.size() - last - 1 > 64;
  if (!tiny && !huge)
    return sign + (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
  const std::string all = tiny ? fraction.substr(zeros_in_front) : whole.substr(0, last + 1);
  return sign + all.substr(0, 1) + (all.size() > 1 ? "." + all.substr(1) : "") + "e" +
         (tiny ? "-" + std::to_string(zeros_in_front + 1) : std::to_string(whole.size() - 1));
}

namespace {

struct Moment {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
};

bool leap(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }
int days_of_month(int year, int month) {
  static const int kMonths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kMonths[month - 1] + (month == 2 && leap(year) ? 1 : 0);
}

// decision: a number with 10, 13, 16 or 19 digits before its point counts from 1970 on
std::optional<Moment> epoch(const std::string& text) {
  const std::optional<Number> number = parse_number(text);
  if (!number || number->negative) return std::nullopt;
  const std::size_t digits = number->whole.size();
  if (digits < 10 || digits > 19 || digits % 3 != 1 || number->whole > "9223372036854775807")
    return std::nullopt;
  long long minutes = std::atoll(number->whole.substr(0, 10).c_str()) / 60;
  Moment out{1970, 1, 1, 0, 0};
  out.minute = static_cast<int>(minutes % 60);
  out.hour = static_cast<int>(minutes / 60 % 24);
  for (long long days = minutes / 60 / 24; days > 0; --days) {
    if (++out.day <= days_of_month(out.year, out.month)) continue;
    out.day = 1;
    if (++out.month <= 12) continue;
    out.month = 1;
    ++out.year;
  }
  return out;
}

std::optional<Moment> moment(const std::string& text) {
  Moment out;
  int second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &out.year, &out.month, &out.day,
                  &out.hour, &out.minute, &second) == 6)
    return out;
  return epoch(text);
}

}  // namespace

std::optional<int> time_part(std::string_view part, std::string_view time) {
  const std::optional<Moment> at = moment(std::string(time));
  if (!at) return std::nullopt;
  const auto [year, month, day, hour, minute] = *at;
  if (part == "minute") return minute;
  if (part == "hour") return hour;
  if (part == "day") return day;
  if (part == "month") return month;
  if (part == "year") return year;
  const auto days_before = [&](int y) {  // days from 0001-01-01, a Monday, to y-01-01
    int days = 0;
    for (int i = 1; i < y; ++i) days += leap(i) ? 366 : 365;
    return days;
  };
  int today = days_before(year) + day - 1;
  for (int m = 1; m < month; ++m) today += days_of_month(year, m);
  const int thursday = today - today % 7 + 3;
  int its_year = year - 1;
  while (days_before(its_year + 1) <= thursday) ++its_year;
  return (thursday - days_before(its_year)) / 7 + 1;
}

}  // namespace tocsin::differential
