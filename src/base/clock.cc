// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <array>
#include <chrono>

namespace tocsin {
namespace {

namespace chrono = std::chrono;

// Text of a bounded length, appended to a string in one go.
class Writer {
 public:
  void put(std::int64_t value, int width) {
    for (int i = width - 1; i >= 0; --i) {
      text_[size_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    size_ += static_cast<std::size_t>(width);
  }
  void put(char c) { text_[size_++] = c; }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 40> text_;  // "2026-11-27T03:45:00.123456789Z" has 30
  std::size_t size_ = 0;
};

// Takes exactly `width` digits off the front.
bool take(std::string_view& text, int width, int& value) {
  if (text.size() < static_cast<std::size_t>(width)) return false;
  value = 0;
  for (int i = 0; i < width; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(static_cast<std::size_t>(width));
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Digits after the point, as nanoseconds; what is past the ninth is dropped.
std::int64_t take_fraction(std::string_view& text) {
  std::int64_t nanos = 0;
  std::int64_t unit = 100'000'000;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    nanos += unit * (text.front() - '0');
    unit /= 10;
    text.remove_prefix(1);
  }
  return nanos;
}

// "", "Z", "+01:00", "+0100", "+01"; false when it is none of these.
bool take_offset(std::string_view& text, int& minutes) {
  minutes = 0;
  while (take(text, ' ')) {
  }
  if (text.empty() || text == "Z" || text == "z" || text == "UTC") {
    text = {};
    return true;
  }
  const int sign = text.front() == '-' ? -1 : 1;
  if (text.front() != '-' && text.front() != '+') return false;
  text.remove_prefix(1);
  int hours = 0;
  int rest = 0;
  if (!take(text, 2, hours)) return false;
  take(text, ':');
  if (!text.empty() && !take(text, 2, rest)) return false;
  minutes = sign * (hours * 60 + rest);
  return text.empty();
}

}  // namespace

UnixNanos now_ns() {
  return chrono::duration_cast<chrono::nanoseconds>(chrono::system_clock::now().time_since_epoch())
      .count();
}

void append_rfc3339(std::string& out, UnixNanos time, int digits) {
  const chrono::sys_time<chrono::nanoseconds> point{chrono::nanoseconds{time}};
  const auto day = chrono::floor<chrono::days>(point);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{point - day};
  Writer text;
  text.put(static_cast<int>(date.year()), 4);
  text.put('-');
  text.put(static_cast<unsigned>(date.month()), 2);
  text.put('-');
  text.put(static_cast<unsigned>(date.day()), 2);
  text.put('T');
  text.put(clock.hours().count(), 2);
  text.put(':');
  text.put(clock.minutes().count(), 2);
  text.put(':');
  text.put(clock.seconds().count(), 2);
  if (digits > 0) {
    std::int64_t part = clock.subseconds().count();
    for (int i = digits; i < 9; ++i) part /= 10;
    text.put('.');
    text.put(part, digits);
  }
  text.put('Z');
  out += text.text();
}

std::string format_rfc3339(UnixNanos time, int digits) {
  std::string out;
  append_rfc3339(out, time, digits);
  return out;
}

std::optional<UnixNanos> parse_time(std::string_view text) {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int offset = 0;
  std::int64_t nanos = 0;
  const char separator = text.size() > 4 ? text[4] : '\0';
  if (separator != '-' && separator != '/') return std::nullopt;
  if (!take(text, 4, year) || !take(text, separator) || !take(text, 2, month) ||
      !take(text, separator) || !take(text, 2, day))
    return std::nullopt;
  if (!text.empty()) {
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
    if (!take(text, 2, hour) || !take(text, ':') || !take(text, 2, minute)) return std::nullopt;
    if (take(text, ':') && !take(text, 2, second)) return std::nullopt;
    if (take(text, '.') || take(text, ',')) nanos = take_fraction(text);
    if (!take_offset(text, offset)) return std::nullopt;
  }
  const chrono::year_month_day date{chrono::year{year}, chrono::month{static_cast<unsigned>(month)},
                                    chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  // Outside these years a 64-bit count of nanoseconds would overflow.
  if (year < 1678 || year > 2261) return std::nullopt;
  const chrono::nanoseconds since = chrono::sys_days{date}.time_since_epoch() +
                                    chrono::hours{hour} + chrono::minutes{minute - offset} +
                                    chrono::seconds{second} + chrono::nanoseconds{nanos};
  return since.count();
}

}  // namespace tocsin
