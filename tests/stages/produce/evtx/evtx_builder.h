// SPDX-License-Identifier: Apache-2.0
//
// A small EVTX writer, so that the tests can make every file they need, good or damaged.
//
//   ChunkBuilder (records of BinXML tokens) -> build_file() -> bytes for open_evtx_bytes()
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "stages/produce/evtx/crc32.h"

namespace tocsin::produce::evtx::test {

inline constexpr std::size_t kChunkBytes = 65536;
inline constexpr std::size_t kFileHeaderBytes = 4096;

template <class T>
void patch(std::string& bytes, std::size_t at, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[at + i] = static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xFF);
}

// ASCII to UTF-16.
inline std::string wide(std::string_view text) {
  std::string bytes;
  for (const char c : text) {
    bytes += c;
    bytes += '\0';
  }
  return bytes;
}

template <class T>
std::string little_endian(T number) {
  std::string bytes(sizeof(T), '\0');
  patch(bytes, 0, number);
  return bytes;
}

struct TestValue {
  std::uint8_t type;
  std::string bytes;
};
inline TestValue text_value(std::string_view text) { return {0x01, wide(text)}; }

// Writes tokens at their place in the chunk, since names and definitions are found by offset.
class ChunkBuilder {
 public:
  ChunkBuilder() : bytes_(512, '\0') {}

  [[nodiscard]] std::size_t position() const { return bytes_.size(); }
  std::string& bytes() { return bytes_; }

  ChunkBuilder& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  ChunkBuilder& u8(unsigned number) {
    return raw(little_endian(static_cast<std::uint8_t>(number)));
  }
  ChunkBuilder& u16(unsigned number) {
    return raw(little_endian(static_cast<std::uint16_t>(number)));
  }
  ChunkBuilder& u32(std::size_t number) {
    return raw(little_endian(static_cast<std::uint32_t>(number)));
  }
  ChunkBuilder& u64(std::uint64_t number) { return raw(little_endian(number)); }

  // One record; `body` writes its BinXML.
  ChunkBuilder& record(std::uint64_t id, const std::function<void(ChunkBuilder&)>& body) {
    const std::size_t begin = position();
    u32(0x2A2A).u32(0).u64(id).u64(0);
    body(*this);
    const std::size_t size = position() + 4 - begin;
    patch(bytes_, begin + 4, static_cast<std::uint32_t>(size));
    u32(size);
    if (first_id_ == 0) first_id_ = id;
    last_id_ = id;
    return *this;
  }

  ChunkBuilder& fragment() { return u8(0x0F).u8(1).u8(1).u8(0); }
  ChunkBuilder& end_of_stream() { return u8(0x00); }

  // Inline the first time, by offset later.
  ChunkBuilder& name(const std::string& text) {
    if (const auto known = names_.find(text); known != names_.end()) return u32(known->second);
    names_[text] = position() + 4;
    u32(position() + 4).u32(0).u16(0).u16(static_cast<unsigned>(text.size()));
    return raw(wide(text)).u16(0);
  }

  // `dependency`: whether the element carries a dependency id (in values it does not).
  ChunkBuilder& open(const std::string& element, bool attributes = false, bool dependency = true) {
    u8(attributes ? 0x41 : 0x01);
    if (dependency) u16(0xFFFF);
    u32(0).name(element);
    if (attributes) u32(0);
    return *this;
  }
  ChunkBuilder& attribute(const std::string& attribute_name) {
    return u8(0x06).name(attribute_name);
  }
  ChunkBuilder& text(std::string_view literal) {
    return u8(0x05).u8(0x01).u16(static_cast<unsigned>(literal.size())).raw(wide(literal));
  }
  ChunkBuilder& slot(unsigned index, bool optional = false) {
    return u8(optional ? 0x0E : 0x0D).u16(index).u8(0x01);
  }
  ChunkBuilder& close_start() { return u8(0x02); }
  ChunkBuilder& close_empty() { return u8(0x03); }
  ChunkBuilder& end() { return u8(0x04); }
  // <element>%index</element>
  ChunkBuilder& slot_element(const std::string& element, unsigned index) {
    return open(element).close_start().slot(index).end();
  }
  // <Data Name="key">%index</Data>
  ChunkBuilder& named_data(const std::string& key, unsigned index) {
    return open("Data", true).attribute("Name").text(key).close_start().slot(index).end();
  }

  // An instance whose definition is written in place.
  ChunkBuilder& instance(const std::function<void(ChunkBuilder&)>& definition,
                         const std::vector<TestValue>& values) {
    last_definition_ = position() + 10;
    u8(0x0C).u8(1).u32(7).u32(last_definition_);
    u32(0).raw(std::string(16, 'G')).u32(0);
    const std::size_t body = position();
    fragment();
    definition(*this);
    end_of_stream();
    patch(bytes_, body - 4, static_cast<std::uint32_t>(position() - body));
    return write_values(values);
  }
  // An instance of the definition written last.
  ChunkBuilder& instance_again(const std::vector<TestValue>& values) {
    return instance_of(last_definition_, values);
  }
  ChunkBuilder& instance_of(std::size_t definition, const std::vector<TestValue>& values) {
    u8(0x0C).u8(1).u32(7).u32(definition);
    return write_values(values);
  }

  // The finished 64 KiB, or with `whole` false only its used part.
  [[nodiscard]] std::string build(bool whole = true) const {
    std::string chunk = bytes_;
    chunk.replace(0, 8, std::string("ElfChnk\0", 8));
    patch(chunk, 8, first_id_);
    patch(chunk, 16, last_id_);
    patch(chunk, 24, first_id_);
    patch(chunk, 32, last_id_);
    patch(chunk, 40, std::uint32_t{128});
    patch(chunk, 48, static_cast<std::uint32_t>(chunk.size()));
    patch(chunk, 52, crc32(std::string_view(chunk).substr(512)));
    patch(chunk, 120, std::uint32_t{1});
    if (whole) chunk.resize(kChunkBytes, '\0');
    return chunk;
  }

 private:
  ChunkBuilder& write_values(const std::vector<TestValue>& values) {
    u32(values.size());
    for (const TestValue& value : values)
      u16(static_cast<unsigned>(value.bytes.size())).u8(value.type).u8(0);
    for (const TestValue& value : values) raw(value.bytes);
    return *this;
  }

  std::string bytes_;
  std::map<std::string, std::size_t> names_;
  std::size_t last_definition_ = 0;
  std::uint64_t first_id_ = 0;
  std::uint64_t last_id_ = 0;
};

inline std::string build_file(const std::vector<std::string>& chunks) {
  std::string file(kFileHeaderBytes, '\0');
  file.replace(0, 8, std::string("ElfFile\0", 8));
  patch(file, 16, static_cast<std::uint64_t>(chunks.empty() ? 0 : chunks.size() - 1));
  patch(file, 32, std::uint32_t{128});
  patch(file, 36, std::uint16_t{1});
  patch(file, 38, std::uint16_t{3});
  patch(file, 40, std::uint16_t{4096});
  patch(file, 42, static_cast<std::uint16_t>(chunks.size()));
  for (const std::string& chunk : chunks) file += chunk;
  return file;
}

// <Event><EventData>..</EventData></Event> around `data`, without a template.
inline void plain_event(ChunkBuilder& out, const std::function<void(ChunkBuilder&)>& data) {
  out.fragment().open("Event").close_start().open("EventData").close_start();
  data(out);
  out.end().end().end_of_stream();
}
// A record that says who it is: {"Event":{"EventData":{"Id":"id"}}}.
inline void add_simple_record(ChunkBuilder& out, std::uint64_t id) {
  out.record(id, [&](ChunkBuilder& record) {
    plain_event(record, [&](ChunkBuilder& data) {
      data.open("Id").close_start().text(std::to_string(id)).end();
    });
  });
}

}  // namespace tocsin::produce::evtx::test
