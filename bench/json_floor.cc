// SPDX-License-Identifier: Apache-2.0
//
// json_floor: the least that reading these events can cost: simdjson On-Demand visits every value
// of every line, unescapes every string and key, parses every number, and knows nothing of rules.
//
//   JSON lines -> iterate() each -> counts and a checksum on stdout
//
// It reads its file in pieces, as a program must that is to read files of any size.
#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

namespace od = simdjson::ondemand;

struct Sum {
  std::size_t events = 0, bad = 0, values = 0, bytes = 0;
  double numbers = 0;

  void add(std::string_view text) {
    ++values;
    bytes += text.size();
    if (!text.empty())
      numbers += static_cast<unsigned char>(text.front()) + static_cast<unsigned char>(text.back());
  }
};

void visit(od::value value, Sum& sum);

void visit_object(od::object object, Sum& sum) {
  for (auto field : object) {
    sum.add(field.unescaped_key());
    visit(field.value(), sum);
  }
}

void visit(od::value value, Sum& sum) {
  switch (value.type()) {
    case od::json_type::object:
      return visit_object(value.get_object(), sum);
    case od::json_type::array:
      for (auto item : value.get_array()) visit(item.value(), sum);
      return;
    case od::json_type::string:
      return sum.add(value.get_string());
    case od::json_type::number: {
      od::number number = value.get_number();
      sum.numbers += number.as_double();
      ++sum.values;
      return;
    }
    case od::json_type::boolean:
      sum.numbers += value.get_bool() ? 1 : 0;
      ++sum.values;
      return;
    case od::json_type::null:
      ++sum.values;
      return;
  }
}

// The line's bytes are followed by at least SIMDJSON_PADDING readable ones.
void visit_line(od::parser& parser, const char* line, std::size_t size, Sum& sum) {
  if (size == 0) return;
  try {
    od::document document = parser.iterate(line, size, size + simdjson::SIMDJSON_PADDING);
    visit_object(document.get_object(), sum);
    ++sum.events;
  } catch (const simdjson::simdjson_error&) {
    ++sum.bad;
  }
}

bool visit_file(int file, Sum& sum) {
  constexpr std::size_t kPiece = 1u << 20;
  od::parser parser;
  std::vector<char> buffer(kPiece + simdjson::SIMDJSON_PADDING);
  std::size_t filled = 0;
  for (;;) {
    if (buffer.size() - filled < kPiece / 2 + simdjson::SIMDJSON_PADDING)
      buffer.resize(buffer.size() * 2);
    const ssize_t got =
        read(file, buffer.data() + filled, buffer.size() - filled - simdjson::SIMDJSON_PADDING);
    if (got < 0) return false;
    const std::size_t searched = filled;
    filled += static_cast<std::size_t>(got);
    std::size_t begin = 0, from = searched;
    while (const void* found = std::memchr(buffer.data() + from, '\n', filled - from)) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer.data());
      visit_line(parser, buffer.data() + begin, end - begin, sum);
      begin = from = end + 1;
    }
    if (got == 0) {
      visit_line(parser, buffer.data() + begin, filled - begin, sum);
      return true;
    }
    std::memmove(buffer.data(), buffer.data() + begin, filled - begin);
    filled -= begin;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: json_floor FILE.jsonl\n");
    return 2;
  }
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  Sum sum;
  if (file < 0 || !visit_file(file, sum)) {
    std::fprintf(stderr, "json_floor: %s: %s\n", argv[1], std::strerror(errno));
    return 1;
  }
  close(file);
  std::printf(
      "{\"events\":%zu,\"bad\":%zu,\"values\":%zu,\"text_bytes\":%zu,\"checksum\":%.0f,"
      "\"kernel\":\"%s\"}\n",
      sum.events, sum.bad, sum.values, sum.bytes, sum.numbers,
      SIMDJSON_STRINGIFY(SIMDJSON_BUILTIN_IMPLEMENTATION));
  return 0;
}
