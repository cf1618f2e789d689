// SPDX-License-Identifier: Apache-2.0
//
// JsonBody: the JSON object that a changing request carries, read strictly: a wrong type, an
// unknown member or a text that is too long is an ApiError that names the member.
//
//   Call::body -> JsonBody::read(body, {"status", "note"}) -> text("note"), texts("alert_ids")
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/console/http/call.h"

namespace tocsin::console {

// Ownership: owns what it read. Threads: one thread.
class JsonBody {
 public:
  static constexpr std::size_t kItemsMax = 10'000;

  // An empty body is an empty object.
  [[nodiscard]] static Checked<JsonBody> read(std::string_view json,
                                              std::initializer_list<std::string_view> members);

  // Null counts as absent, but for is_null().
  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] bool is_null(const std::string& name) const;
  // Empty when absent.
  [[nodiscard]] Checked<std::optional<std::string>> text(const std::string& name,
                                                         std::size_t bytes_max = 4'096) const;
  [[nodiscard]] Checked<std::optional<bool>> yes_or_no(const std::string& name) const;
  [[nodiscard]] Checked<std::optional<std::vector<std::string>>> texts(
      const std::string& name) const;
  // A list of objects whose members are all whole numbers.
  [[nodiscard]] Checked<std::vector<std::map<std::string, std::int64_t>>> numbers(
      const std::string& name) const;
  // The JSON of the member, whatever it is; empty when absent.
  [[nodiscard]] std::string raw(const std::string& name) const;

 private:
  using Numbers = std::vector<std::map<std::string, std::int64_t>>;
  struct Other {};  // of a type that no route wants
  struct Value {
    std::variant<std::monostate, std::string, bool, std::vector<std::string>, Numbers, Other> data;
    std::string json;
  };
  struct Reader;
  [[nodiscard]] const Value* find(const std::string& name) const;

  std::map<std::string, Value> members_;
};

}  // namespace tocsin::console
