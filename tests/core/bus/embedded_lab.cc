// SPDX-License-Identifier: Apache-2.0
//
// The embedded bus in a temporary folder that goes when the program ends.
#include <filesystem>

#include "lab.h"

namespace tocsin::bus {
namespace {

struct Folder {
  std::string path =
      (std::filesystem::temp_directory_path() / fresh_name("tocsin-bus-lab")).string();
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

std::unique_ptr<Bus> lab_bus(const std::map<std::string, std::string>& properties) {
  static const Folder folder;
  return need(open("embedded:" + folder.path, properties));
}

}  // namespace tocsin::bus
