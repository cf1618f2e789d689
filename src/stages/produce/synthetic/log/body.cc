// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/log/body.h"

#include <array>

namespace tocsin::synthetic {
namespace {

constexpr std::array<bool, 256> make_special() {
  std::array<bool, 256> special{};
  for (std::size_t i = 0; i < 0x20; ++i) special[i] = true;
  special['"'] = special['\\'] = true;
  return special;
}
constexpr std::array<bool, 256> kSpecial = make_special();

void append_hex_upper(std::string& out, std::uint64_t value, int digits) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out.push_back(kHex[(value >> static_cast<unsigned>(shift)) & 15U]);
}

constexpr std::uint16_t swapped(std::uint32_t value) {
  return static_cast<std::uint16_t>(((value & 0xffU) << 8U) | ((value >> 8U) & 0xffU));
}

// Sysmon: machine - time low - time high - the rest in memory order, so bytes look swapped.
void append_sysmon_guid(std::string& out, std::uint32_t machine, UnixNanos time,
                        std::uint64_t tail) {
  const auto seconds = static_cast<std::uint64_t>(time / kSecond);
  append_hex_upper(out, machine, 8);
  out.push_back('-');
  append_hex_upper(out, seconds & 0xffffU, 4);
  out.push_back('-');
  append_hex_upper(out, (seconds >> 16U) & 0xffffU, 4);
  out.push_back('-');
  append_hex_upper(out, swapped(static_cast<std::uint32_t>(tail & 0xffffU)), 4);
  out.push_back('-');
  append_hex_upper(out, swapped(static_cast<std::uint32_t>((tail >> 16U) & 0xffffU)), 4);
  append_hex_upper(out, swapped(static_cast<std::uint32_t>((tail >> 32U) & 0xffffU)), 4);
  append_hex_upper(out, swapped(static_cast<std::uint32_t>((tail >> 48U) & 0xffffU)), 4);
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kSpecial[c]) continue;
    out.append(text, start, i - start);
    start = i + 1;
    out.push_back('\\');
    switch (c) {
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      case '"':
      case '\\':
        out.push_back(static_cast<char>(c));
        break;
      default:
        out += "u00";
        append_hex_upper(out, c, 2);
    }
  }
  out.append(text, start, text.size() - start);
}

void append_decimal(std::string& out, std::uint64_t value) {
  char digits[20];
  std::size_t n = sizeof digits;
  do {
    digits[--n] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  out.append(digits + n, sizeof digits - n);
}

void Fields::key(std::string_view name) {
  if (!first_) out_.push_back(',');
  first_ = false;
  out_.push_back('"');
  out_ += name;
  out_ += "\":";
}

Fields& Fields::text(std::string_view name, std::string_view value) {
  key(name);
  out_.push_back('"');
  append_escaped(out_, value);
  out_.push_back('"');
  return *this;
}

Fields& Fields::number(std::string_view name, std::uint64_t value) {
  key(name);
  append_decimal(out_, value);
  return *this;
}

Fields& Fields::hex(std::string_view name, std::uint64_t value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  key(name);
  char digits[16];
  std::size_t n = sizeof digits;
  do {
    digits[--n] = kHex[value & 15U];
    value >>= 4U;
  } while (value > 0);
  out_ += "\"0x";
  out_.append(digits + n, sizeof digits - n);
  out_.push_back('"');
  return *this;
}

Fields& Fields::time(std::string_view name, UnixNanos value) {
  key(name);
  out_.push_back('"');
  const std::size_t at = out_.size();
  append_rfc3339(out_, value, 3);
  out_[at + 10] = ' ';
  out_.back() = '"';
  return *this;
}

Fields& Fields::process_guid(std::string_view name, const Process& process) {
  key(name);
  out_.push_back('"');
  append_sysmon_guid(out_, process.host->machine_id, process.start,
                     process.sequence | (0x000bULL << 48U));
  out_.push_back('"');
  return *this;
}

Fields& Fields::logon_guid(std::string_view name, const Host& host, const Logon& logon) {
  key(name);
  out_.push_back('"');
  append_sysmon_guid(out_, host.machine_id, logon.start, logon.id & 0xffffffffULL);
  out_.push_back('"');
  return *this;
}

}  // namespace tocsin::synthetic
