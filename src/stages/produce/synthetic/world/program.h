// SPDX-License-Identifier: Apache-2.0
//
// Program: an executable as its file describes itself. The catalogue is the estate's software
// inventory.
//
//   key ("winword") -> find_program() -> path, version resource, hashes
#pragma once

#include <string>
#include <string_view>

namespace tocsin::synthetic {

// A path may hold places such as {home}, which the user who runs the program fills.
struct Program {
  std::string key;
  std::string path;
  std::string original_name;
  std::string description;
  std::string product;
  std::string company;
  std::string version;
  std::string
      hashes;  // as Sysmon writes them; derived from path and version, so stable across hosts
};

// Requires that the key exists: the tables that name programs are ours, a wrong name is a bug.
[[nodiscard]] const Program& find_program(std::string_view key);

// Something that no inventory knows: an attacker's file, or a renamed tool that kept its version
// resource.
[[nodiscard]] Program make_tool(std::string_view path, std::string_view original_name,
                                std::string_view description, std::string_view company);

// "MD5=...,SHA256=...,IMPHASH=..." of a file that does not exist.
[[nodiscard]] std::string make_hashes(std::string_view path, std::string_view version);

// The same of a file that is no program: it imports nothing.
[[nodiscard]] std::string make_data_hashes(std::string_view path);

}  // namespace tocsin::synthetic
