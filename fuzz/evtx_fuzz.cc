// SPDX-License-Identifier: Apache-2.0
//
// The EVTX decoder on any bytes: no crash, no endless work, and every event is one object without
// raw control characters.
//
// An input that begins with 'B' is the BinXML of one record in an otherwise good file (a shorter
// way to the decoder's heart); any other is the file itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "stages/produce/evtx/evtx.h"

namespace {

constexpr std::size_t kFileHeader = 4096;
constexpr std::size_t kChunkHeader = 512;
constexpr std::size_t kRecordHeader = 24;
constexpr std::size_t kBinXmlMax = 60'000;

void put_u32(std::string& bytes, std::size_t at, std::uint32_t number) {
  std::memcpy(bytes.data() + at, &number, sizeof(number));
}

std::string file_with_record(std::string_view binxml) {
  std::string file(kFileHeader + kChunkHeader + kRecordHeader, '\0');
  file.replace(0, 7, "ElfFile");
  file.replace(kFileHeader, 7, "ElfChnk");
  file += binxml;
  const auto record_size = static_cast<std::uint32_t>(kRecordHeader + binxml.size() + 4);
  file.append(4, '\0');
  put_u32(file, file.size() - 4, record_size);
  put_u32(file, kFileHeader + 48, static_cast<std::uint32_t>(kChunkHeader) + record_size);
  put_u32(file, kFileHeader + 120, 4);  // without checksum
  put_u32(file, kFileHeader + kChunkHeader, 0x2A2A);
  put_u32(file, kFileHeader + kChunkHeader + 4, record_size);
  return file;
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const bool binxml = input.starts_with('B') && size <= kBinXmlMax;
  std::string file = binxml ? file_with_record(input.substr(1)) : std::string(input);
  const std::size_t file_size = file.size();
  auto source = tocsin::produce::open_evtx_bytes("fuzz", std::move(file));
  if (!source) return 0;
  tocsin::RawEvent event;
  tocsin::produce::Problem problem;
  // Every step takes at least one byte of the file.
  for (std::size_t steps = 0;; ++steps) {
    check(steps <= 2 * file_size + 16);
    const auto next = (*source)->next(event, problem);
    if (next == tocsin::produce::Next::kEnd) return 0;
    if (next == tocsin::produce::Next::kProblem) {
      check(!problem.code.empty() && problem.byte_offset <= file_size);
      continue;
    }
    check(event.json.starts_with('{') && event.json.ends_with('}'));
    for (const char c : event.json) check(static_cast<unsigned char>(c) >= 0x20);
  }
}
