// SPDX-License-Identifier: Apache-2.0
//
// The grammar: texts with places, filled by words, names of the estate and chance.
//
//   "git commit -m \"{commit}\"" + Scene -> expand() -> a command line that hardly ever repeats
//
// {name} is a local name of the scene, else a part of the scene (user, host, dc ...), else a random
// alternative of that name in words.cc, which may hold places itself. {@name} chooses once and
// keeps the choice for the rest of the scene. {enc:name} is {name} as PowerShell's -EncodedCommand
// wants it. Braces around anything else are text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stages/produce/synthetic/world/estate.h"
#include "stages/produce/synthetic/world/rng.h"

namespace tocsin::synthetic {

// What the places of a text refer to.
// Ownership: borrows the estate's objects.
struct Scene {
  Estate* estate = nullptr;
  const Host* host = nullptr;
  const Account* account = nullptr;
  const Host* peer = nullptr;  // the other machine, if any
  UnixNanos now = 0;
  std::vector<std::pair<std::string, std::string>> names;

  void let(std::string_view name, std::string value);
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

void expand(std::string& out, std::string_view text, Scene& scene, Rng& rng);
[[nodiscard]] std::string expand(std::string_view text, Scene& scene, Rng& rng);

// The alternatives of a word; empty when the grammar has no such word.
[[nodiscard]] const std::vector<std::string_view>& words(std::string_view name);

// Base64 of UTF-16LE, for text in ASCII.
[[nodiscard]] std::string encode_command(std::string_view text);

// The address that a name resolves to: the estate's own, else one derived from the name.
[[nodiscard]] std::string address_of(std::string_view name, Estate& estate);

}  // namespace tocsin::synthetic
