// SPDX-License-Identifier: Apache-2.0
//
// Renderer: one record's BinXML as the JSON that the `evtx` crate's evtx_dump writes.
//
//   record's BinXML + templates of its chunk -> Renderer ->
//   {"Event":{"#attributes":..,"System":..,"EventData":..}}
//
// The shape: an element is null, its value, or an object with "#attributes", "#text" and its
// children. <Data Name="X"> is the member "X"; all <Data> without a name are
// {"Data":{"#text":[..]}}. A name that comes back is numbered (Header, Header_1), and <Data> of one
// name side by side become one array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stages/produce/evtx/binxml/json_text.h"
#include "stages/produce/evtx/binxml/template.h"
#include "stages/produce/evtx/binxml/value.h"

namespace tocsin::produce::evtx {

// Ownership: borrows the chunk between begin_chunk() and the next; owns the compiled templates and
// buffers. Threads:   one thread. Errors:    a record that cannot be rendered is an error of its
// own; the next one is not affected. Limits:    a record: 4 MiB of output, 2^18 nodes, 128 levels;
// a chunk: 16 MiB, 2^20 nodes. Real ones stay
//            far below; crafted ones would otherwise grow without end.
class Renderer {
 public:
  void begin_chunk(std::string_view chunk);

  // The JSON of the BinXML in chunk[begin, end); valid until the next call.
  [[nodiscard]] Result<std::string_view> render(std::size_t begin, std::size_t end);

 private:
  // A template and the values of one instance of it: values_[first_value ..].
  struct Frame {
    const Template* form = nullptr;
    std::uint32_t first_value = 0;
    std::uint32_t value_count = 0;
  };
  // A child of the element being written, with nested BinXML already opened.
  struct Part {
    Frame frame;
    std::uint32_t node = 0;
  };
  struct CachedTemplate {
    std::uint32_t definition = 0;
    std::unique_ptr<Template> form;  // null: it does not compile
  };
  class Scope;

  void open_fragment(std::size_t begin, std::size_t end, bool dependency_ids);
  void open_instance(std::size_t begin, std::size_t end);
  const Template* template_at(const InstanceLayout& layout);
  void flatten(const Frame& frame, std::uint32_t first_child);

  void write_value(const Frame& frame, const Node& node);
  void write_plain(const Frame& frame, const Node& node);
  void write_mixed(const Frame& frame, const Node& node);
  void write_parts(std::size_t first, std::size_t last, bool has_members);
  void write_member(std::size_t& i, std::size_t last, std::size_t first_key);
  void write_unnamed_data(std::size_t first, std::size_t last);
  bool write_attributes(const Frame& frame, const Node& node);
  void write_attribute_value(const Frame& frame, const Node& attribute);
  void write_texts(std::size_t first, std::size_t last, std::size_t count);
  void write_text(const Part& part, As as);
  void write_key(const Part& part, std::size_t first_key);

  [[nodiscard]] const Value& value(const Frame& frame, const Node& node) const;
  [[nodiscard]] bool has_text(const Frame& frame, const Node& node) const;
  void spend(std::size_t work);
  void stop(std::string problem);
  [[nodiscard]] bool stopped() const { return stopped_; }

  std::string_view chunk_;
  std::vector<CachedTemplate> templates_;
  std::vector<std::unique_ptr<Template>> loose_;  // BinXML without a template, of this record

  JsonText out_;
  std::vector<Value> values_;    // stack, by Frame
  std::vector<Part> parts_;      // stack, one run per element being written
  std::vector<TextRange> keys_;  // stack, keys written to out_ per such element
  int depth_ = 0;

  bool stopped_ = false;
  std::string problem_;
  std::size_t record_work_ = 0;
  std::size_t chunk_work_ = 0;
  std::size_t chunk_output_ = 0;
};

}  // namespace tocsin::produce::evtx
