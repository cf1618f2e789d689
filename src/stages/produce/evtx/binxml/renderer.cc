// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/evtx/binxml/renderer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "stages/produce/evtx/binxml/bytes.h"

namespace tocsin::produce::evtx {
namespace {

constexpr int kDepthMax = 128;
constexpr std::size_t kRecordOutputMax = 4u << 20;
constexpr std::size_t kRecordWorkMax = 1u << 18;
constexpr std::size_t kChunkOutputMax = 16u << 20;
constexpr std::size_t kChunkWorkMax = 1u << 20;
constexpr std::size_t kBytesPerWork = 16;
constexpr std::size_t kKeysPerWork = 64;  // compared

const Value kNoValue;

}  // namespace

// Gives back, when an element is written, what it pushed on the stacks.
class Renderer::Scope {
 public:
  explicit Scope(Renderer& renderer)
      : renderer_(renderer),
        values_(renderer.values_.size()),
        parts_(renderer.parts_.size()),
        keys_(renderer.keys_.size()) {
    if (++renderer_.depth_ > kDepthMax) renderer_.stop("elements are nested too deeply");
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() {
    --renderer_.depth_;
    renderer_.values_.resize(values_);
    renderer_.parts_.resize(parts_);
    renderer_.keys_.resize(keys_);
  }
  [[nodiscard]] std::size_t parts() const { return parts_; }
  [[nodiscard]] std::size_t keys() const { return keys_; }

 private:
  Renderer& renderer_;
  std::size_t values_, parts_, keys_;
};

void Renderer::begin_chunk(std::string_view chunk) {
  chunk_ = chunk;
  templates_.clear();
  chunk_work_ = 0;
  chunk_output_ = 0;
}

Result<std::string_view> Renderer::render(std::size_t begin, std::size_t end) {
  out_.clear();
  values_.clear();
  parts_.clear();
  keys_.clear();
  loose_.clear();
  depth_ = 0;
  record_work_ = 0;
  stopped_ = false;
  open_fragment(begin, end, true);
  const bool has_element = std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.frame.form->nodes[part.node].kind == NodeKind::kElement;
  });
  if (!stopped() && !has_element) stop("the record holds no element");
  if (!stopped()) {
    out_.put('{');
    write_parts(0, parts_.size(), false);
    out_.put('}');
  }
  chunk_output_ += out_.size();
  if (stopped()) return fail(ErrorCode::kCorrupt, problem_);
  return out_.view();
}

void Renderer::stop(std::string problem) {
  if (stopped_) return;
  stopped_ = true;
  problem_ = std::move(problem);
}

void Renderer::spend(std::size_t work) {
  record_work_ += work;
  chunk_work_ += work;
  if (record_work_ > kRecordWorkMax || out_.size() > kRecordOutputMax)
    stop("the record grows beyond all measure when its templates are expanded");
  else if (chunk_work_ > kChunkWorkMax || chunk_output_ + out_.size() > kChunkOutputMax)
    stop("the records of this chunk grow beyond all measure when their templates are expanded");
}

// Opening: BinXML to parts.

void Renderer::open_fragment(std::size_t begin, std::size_t end, bool dependency_ids) {
  std::size_t at = begin;
  while (at + 4 < end && static_cast<std::uint8_t>(chunk_[at]) == kTokenFragmentHeader) at += 4;
  if (at < end && static_cast<std::uint8_t>(chunk_[at]) == kTokenInstance)
    return open_instance(at, end);
  spend((end - begin) / kBytesPerWork + 1);
  if (stopped()) return;
  auto form =
      compile_binxml(chunk_, {.begin = begin, .end = end, .dependency_ids = dependency_ids});
  if (!form) return stop(std::move(form).error().message);
  spend(form->memory() / kBytesPerWork);
  loose_.push_back(std::make_unique<Template>(*std::move(form)));
  flatten({.form = loose_.back().get()}, loose_.back()->root().first_child);
}

void Renderer::open_instance(std::size_t begin, std::size_t end) {
  const auto layout = read_instance(chunk_, begin, end);
  if (!layout) return stop(layout.error().message);
  spend(layout->value_count / 4 + 1);
  const Template* form = template_at(*layout);
  if (stopped()) return;
  const Frame frame{.form = form,
                    .first_value = static_cast<std::uint32_t>(values_.size()),
                    .value_count = layout->value_count};
  std::size_t at = layout->values;
  for (std::uint32_t i = 0; i < layout->value_count; ++i) {
    const std::size_t descriptor = layout->descriptors + 4u * i;
    const std::size_t size = load<std::uint16_t>(chunk_, descriptor);
    values_.push_back({.type = load<std::uint8_t>(chunk_, descriptor + 2),
                       .offset = static_cast<std::uint32_t>(at),
                       .bytes = chunk_.substr(at, size)});
    at += size;
  }
  flatten(frame, form->root().first_child);
}

const Template* Renderer::template_at(const InstanceLayout& layout) {
  for (const CachedTemplate& known : templates_) {
    if (known.definition != layout.definition) continue;
    if (known.form == nullptr) stop("its template is damaged");
    return known.form.get();
  }
  spend((layout.body_end - layout.body_begin) / kBytesPerWork + 1);
  if (stopped()) return nullptr;
  auto form = compile_binxml(chunk_, {.begin = layout.body_begin, .end = layout.body_end});
  CachedTemplate& cached = templates_.emplace_back();
  cached.definition = layout.definition;
  if (!form) {
    stop("its template is damaged: " + std::move(form).error().message);
    return nullptr;
  }
  spend(form->memory() / kBytesPerWork);  // crafted names make it far larger than its BinXML
  cached.form = std::make_unique<Template>(*std::move(form));
  return cached.form.get();
}

void Renderer::flatten(const Frame& frame, std::uint32_t first_child) {
  if (++depth_ > kDepthMax) stop("BinXML is nested too deeply");
  for (std::uint32_t i = first_child; i != 0 && !stopped(); i = frame.form->nodes[i].next) {
    const Node& node = frame.form->nodes[i];
    spend(1);
    if (node.kind == NodeKind::kInstance) {
      open_instance(node.offset, chunk_.size());
    } else if (node.kind == NodeKind::kSubstitution) {
      const Value nested = value(frame, node);  // a copy: opening it moves values_
      if (nested.is_binxml())
        open_fragment(nested.offset, nested.offset + nested.bytes.size(), false);
      else if (!is_null(nested))
        parts_.push_back({frame, i});
    } else {
      parts_.push_back({frame, i});
    }
  }
  --depth_;
}

// Writing: parts to JSON.

const Value& Renderer::value(const Frame& frame, const Node& node) const {
  return node.slot < frame.value_count ? values_[frame.first_value + node.slot] : kNoValue;
}

void Renderer::write_value(const Frame& frame, const Node& node) {
  spend(1);
  if (stopped()) return;
  switch (node.shape) {
    case Shape::kNull:
      return out_.raw("null");
    case Shape::kText:
      out_.put('"');
      out_.raw(frame.form->of(frame.form->nodes[node.first_child].text));
      return out_.put('"');
    case Shape::kSlot: {
      const Value& slot = value(frame, frame.form->nodes[node.first_child]);
      if (is_null(slot)) return out_.raw("null");
      if (slot.is_binxml()) return write_mixed(frame, node);
      return append_value(out_, slot, As::kJson);
    }
    case Shape::kPlain:
      return write_plain(frame, node);
    case Shape::kMixed:
      return write_mixed(frame, node);
  }
}

void Renderer::write_plain(const Frame& frame, const Node& node) {
  const Scope scope(*this);
  out_.put('{');
  bool comma = !node.is_data && write_attributes(frame, node);
  for (std::uint32_t i = node.first_child; i != 0 && !stopped(); i = frame.form->nodes[i].next) {
    const Node& child = frame.form->nodes[i];
    if (comma) out_.put(',');
    comma = true;
    out_.raw(frame.form->of(child.text));
    write_value(frame, child);
  }
  out_.put('}');
}

void Renderer::write_mixed(const Frame& frame, const Node& node) {
  const Scope scope(*this);
  if (stopped()) return;
  flatten(frame, node.first_child);
  if (stopped()) return;
  const std::size_t first = scope.parts();
  const std::size_t last = parts_.size();
  const std::size_t start = out_.size();
  out_.put('{');
  const bool has_attributes = !node.is_data && write_attributes(frame, node);
  const auto elements = std::count_if(
      parts_.begin() + static_cast<std::ptrdiff_t>(first), parts_.end(), [](const Part& part) {
        return part.frame.form->nodes[part.node].kind == NodeKind::kElement;
      });
  const std::size_t texts = last - first - static_cast<std::size_t>(elements);
  if (elements == 0 && !has_attributes) {
    out_.cut(start);
    return write_texts(first, last, texts);
  }
  if (texts != 0) {
    out_.raw(has_attributes ? R"(,"#text":)" : R"("#text":)");
    write_texts(first, last, texts);
  }
  write_parts(first, last, has_attributes || texts != 0);
  out_.put('}');
}

// The elements among parts [first, last) as members.
void Renderer::write_parts(std::size_t first, std::size_t last, bool has_members) {
  const std::size_t first_key = keys_.size();
  bool unnamed_data_done = false;
  for (std::size_t i = first; i < last && !stopped();) {
    const Part part = parts_[i];
    const Node& node = part.frame.form->nodes[part.node];
    const bool unnamed = node.is_data && !node.dynamic_name;
    if (node.kind != NodeKind::kElement || (unnamed && unnamed_data_done)) {
      ++i;
      continue;
    }
    if (has_members) out_.put(',');
    has_members = true;
    if (unnamed) {
      unnamed_data_done = true;
      write_unnamed_data(i++, last);
    } else {
      write_member(i, last, first_key);
    }
  }
}

// One member and moves `i` behind it. Data elements of one name side by side are one member.
void Renderer::write_member(std::size_t& i, std::size_t last, std::size_t first_key) {
  const Part part = parts_[i];
  const Node& node = part.frame.form->nodes[part.node];
  std::size_t stop_at = i + 1;
  const auto same = [&](const Part& other) {
    const Node& next = other.frame.form->nodes[other.node];
    return next.named_data && other.frame.form->of(next.text) == part.frame.form->of(node.text);
  };
  while (node.named_data && stop_at < last && same(parts_[stop_at])) ++stop_at;
  write_key(part, first_key);
  const bool array = stop_at - i > 1;
  if (array) out_.put('[');
  for (std::size_t k = i; k < stop_at && !stopped(); ++k) {
    if (k != i) out_.put(',');
    const Part item = parts_[k];
    write_value(item.frame, item.frame.form->nodes[item.node]);
  }
  if (array) out_.put(']');
  i = stop_at;
}

// The key, numbered when the element being written has it already.
void Renderer::write_key(const Part& part, std::size_t first_key) {
  const Node& node = part.frame.form->nodes[part.node];
  const std::size_t begin = out_.size();
  if (node.dynamic_name) {
    out_.put('"');
    const Node& name = part.frame.form->nodes[node.first_attribute];
    for (std::uint32_t i = name.first_child; i != 0; i = part.frame.form->nodes[i].next)
      if (has_text(part.frame, part.frame.form->nodes[i])) write_text({part.frame, i}, As::kText);
    out_.raw("\":");
  } else {
    out_.raw(part.frame.form->of(node.text));
  }
  const std::string_view written = out_.view();
  const std::string_view base = written.substr(begin, written.size() - begin - 2);
  std::size_t repeats = 0;
  for (std::size_t i = first_key; i < keys_.size(); ++i)
    if (written.substr(keys_[i].begin, keys_[i].size) == base) ++repeats;
  spend((keys_.size() - first_key) / kKeysPerWork);
  keys_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(base.size())});
  if (repeats == 0) return;
  out_.cut(begin + base.size());
  out_.raw(fmt::format("_{}\":", repeats));
}

// All the unnamed Data in parts [first, last): their values, without the nulls, arrays unrolled.
void Renderer::write_unnamed_data(std::size_t first, std::size_t last) {
  const auto is_unnamed = [](const Part& part) {
    const Node& node = part.frame.form->nodes[part.node];
    return node.kind == NodeKind::kElement && node.is_data && !node.dynamic_name;
  };
  const auto slot_of = [&](const Part& part) -> const Value* {
    const Node& node = part.frame.form->nodes[part.node];
    if (node.shape != Shape::kSlot) return nullptr;
    return &value(part.frame, part.frame.form->nodes[node.first_child]);
  };
  std::size_t count = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (!is_unnamed(parts_[i])) continue;
    const Value* slot = slot_of(parts_[i]);
    const bool null = slot != nullptr
                          ? is_null(*slot)
                          : parts_[i].frame.form->nodes[parts_[i].node].shape == Shape::kNull;
    if (!null) count += slot != nullptr && slot->is_array() ? 2 : 1;
  }
  out_.raw(R"("Data":{"#text":)");
  if (count == 0) out_.raw("null");
  if (count > 1) out_.put('[');
  bool comma = false;
  for (std::size_t i = first; i < last && !stopped(); ++i) {
    const Part part = parts_[i];
    if (!is_unnamed(part)) continue;
    const Node& node = part.frame.form->nodes[part.node];
    const Value* slot = slot_of(part);
    if (slot != nullptr ? is_null(*slot) : node.shape == Shape::kNull) continue;
    const std::size_t before = out_.size();
    if (comma) out_.put(',');
    if (slot != nullptr && slot->is_array()) {
      if (append_items(out_, *slot, As::kJson) == 0) {
        out_.cut(before);
        continue;
      }
    } else {
      write_value(part.frame, node);
    }
    comma = true;
  }
  if (count > 1) out_.put(']');
  out_.put('}');
}

bool Renderer::has_text(const Frame& frame, const Node& node) const {
  if (node.kind != NodeKind::kSubstitution) return node.kind == NodeKind::kText;
  const Value& slot = value(frame, node);
  return !is_null(slot) && !slot.is_binxml();
}

// "#attributes":{..}; writes nothing and returns false when all are null.
bool Renderer::write_attributes(const Frame& frame, const Node& node) {
  bool any = false;
  for (std::uint32_t i = node.first_attribute; i != 0 && !stopped();) {
    const Node& attribute = frame.form->nodes[i];
    spend(1);
    bool null = true;
    for (std::uint32_t k = attribute.first_child; k != 0 && null; k = frame.form->nodes[k].next)
      null = !has_text(frame, frame.form->nodes[k]);
    if (!null) {
      out_.raw(any ? "," : R"("#attributes":{)");
      any = true;
      out_.raw(frame.form->of(attribute.text));
      write_attribute_value(frame, attribute);
    }
    i = attribute.next;
  }
  if (any) out_.put('}');
  return any;
}

void Renderer::write_attribute_value(const Frame& frame, const Node& attribute) {
  const std::size_t first = parts_.size();
  for (std::uint32_t i = attribute.first_child; i != 0; i = frame.form->nodes[i].next)
    if (has_text(frame, frame.form->nodes[i])) parts_.push_back({frame, i});
  write_texts(first, parts_.size(), parts_.size() - first);
  parts_.resize(first);
}

// The texts among parts [first, last): one keeps its type, several are joined to a string.
void Renderer::write_texts(std::size_t first, std::size_t last, std::size_t count) {
  if (count == 0) return out_.raw("null");
  if (count > 1) out_.put('"');
  for (std::size_t i = first; i < last && !stopped(); ++i) {
    if (parts_[i].frame.form->nodes[parts_[i].node].kind == NodeKind::kElement) continue;
    write_text(parts_[i], count > 1 ? As::kText : As::kJson);
  }
  if (count > 1) out_.put('"');
}

void Renderer::write_text(const Part& part, As as) {
  spend(1);
  const Node& node = part.frame.form->nodes[part.node];
  if (node.kind == NodeKind::kSubstitution) return append_value(out_, value(part.frame, node), as);
  if (as == As::kJson) out_.put('"');
  out_.raw(part.frame.form->of(node.text));
  if (as == As::kJson) out_.put('"');
}

}  // namespace tocsin::produce::evtx
