// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/fetch/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "app/cli/rules/rules.h"

namespace tocsin::cli::rules {
namespace {

constexpr std::size_t kNameBytesMax = 1024;
constexpr std::size_t kReadBlock = 256u << 10;

struct ArchiveFree {
  void operator()(archive* handle) const { archive_read_free(handle); }
};

std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("/\\", at), name.size());
    if (end > at) out.push_back(name.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

class Unpacker {
 public:
  Unpacker(const std::string& path, const std::string& folder, const UnpackLimits& limits)
      : path_(path), folder_(folder), limits_(limits), handle_(archive_read_new()) {}

  Result<Unpacked> run() {
    archive* handle = handle_.get();
    archive_read_support_filter_gzip(handle);
    archive_read_support_filter_bzip2(handle);
    archive_read_support_filter_xz(handle);
    archive_read_support_filter_zstd(handle);
    archive_read_support_format_zip(handle);
    archive_read_support_format_tar(handle);
    if (archive_read_open_filename(handle, path_.c_str(), kReadBlock) != ARCHIVE_OK)
      return tl::unexpected(damaged());
    for (;;) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(handle, &entry);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return tl::unexpected(damaged());
      TOCSIN_TRY_STATUS(take(entry));
    }
    return out_;
  }

 private:
  Error damaged() const {
    const char* text = archive_error_string(handle_.get());
    return {ErrorCode::kCorrupt,
            fmt::format("the archive cannot be read (zip and tar are known): {}",
                        text != nullptr ? text : "damaged")};
  }

  static tl::unexpected<Error> refused(std::string_view name, const std::string& why) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the archive is refused: '{}' {}", printable(name, {}), why));
  }

  Status take(archive_entry* entry) {
    if (++entries_ > limits_.entries_max)
      return fail(ErrorCode::kExhausted, fmt::format("the archive is refused: it has more than {} "
                                                     "members",
                                                     limits_.entries_max));
    const char* raw = archive_entry_pathname(entry);
    const std::string name = raw != nullptr ? raw : "";
    if (const std::string why = refuse_name(name); !why.empty()) return refused(name, why);
    const auto type = archive_entry_filetype(entry);
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr ||
        type == AE_IFLNK)
      return refused(name, "is a link");
    if (type == AE_IFDIR) return {};
    if (type != AE_IFREG) return refused(name, "is neither a file nor a folder");
    if (!is_wanted(name)) {
      ++out_.passed_over;
      return pass_over(name);
    }
    ++out_.files;
    return extract(name);
  }

  // Members of a zip are passed over without unpacking them; of a compressed tar they cannot be.
  Status pass_over(const std::string& name) {
    if ((archive_format(handle_.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP) {
      archive_read_data_skip(handle_.get());
      return {};
    }
    return each_block(name, limits_.bytes_max,
                      [](const void*, std::size_t) -> Status { return {}; });
  }

  Status extract(const std::string& name) {
    namespace fs = std::filesystem;
    fs::path target(folder_);
    for (const std::string_view part : parts_of(name)) target /= fs::path(std::string(part));
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    const int file =
        ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST) return refused(name, "is there twice");
    if (file < 0) return refused(name, std::string("cannot be written: ") + std::strerror(errno));
    const Status status =
        each_block(name, limits_.file_bytes_max, [&](const void* data, std::size_t size) -> Status {
          const char* bytes = static_cast<const char*>(data);
          while (size > 0) {
            const ssize_t written = ::write(file, bytes, size);
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0)
              return fail(
                  ErrorCode::kUnavailable,
                  fmt::format("{}: cannot be written: {}", target.string(), std::strerror(errno)));
            bytes += written;
            size -= static_cast<std::size_t>(written);
          }
          return {};
        });
    ::close(file);
    return status;
  }

  template <class Body>
  Status each_block(const std::string& name, std::uint64_t size_max, Body&& body) {
    std::uint64_t size = 0;
    for (;;) {
      const void* data = nullptr;
      std::size_t bytes = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(handle_.get(), &data, &bytes, &offset);
      if (result == ARCHIVE_EOF) return {};
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return tl::unexpected(damaged());
      if (static_cast<std::uint64_t>(offset) != size) return refused(name, "is a sparse file");
      size += bytes;
      total_ += bytes;
      if (size > size_max)
        return refused(name, fmt::format("is larger than {} MiB", size_max >> 20));
      if (total_ > limits_.bytes_max)
        return refused(name, fmt::format("makes it larger than {} MiB", limits_.bytes_max >> 20));
      TOCSIN_TRY_STATUS(body(data, bytes));
    }
  }

  std::string path_, folder_;
  UnpackLimits limits_;
  std::unique_ptr<archive, ArchiveFree> handle_;
  Unpacked out_;
  std::uint64_t entries_ = 0, total_ = 0;
};

}  // namespace

std::string refuse_name(std::string_view name) {
  if (name.empty()) return "has no name";
  if (name.size() > kNameBytesMax) return "has a name of more than 1024 bytes";
  if (name.front() == '/' || name.front() == '\\') return "has an absolute path";
  if (name.size() > 1 && name[1] == ':') return "has an absolute path";
  if (std::any_of(name.begin(), name.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    return "has control characters in its name";
  for (const std::string_view part : parts_of(name))
    if (part == "..") return "leads out of the folder";
  return {};
}

bool is_wanted(std::string_view name) {
  const std::vector<std::string_view> parts = parts_of(name);
  if (parts.empty()) return false;
  for (const std::string_view part : parts)
    if (part.front() == '.' && part != ".") return false;
  const std::string file = lower_ascii(parts.back());
  static constexpr std::array<std::string_view, 5> kTexts = {"license", "licence", "readme",
                                                             "notice", "version"};
  return is_rule_path(file) ||
         std::any_of(kTexts.begin(), kTexts.end(),
                     [&](std::string_view text) { return file.starts_with(text); });
}

Result<Unpacked> unpack(const std::string& archive, const std::string& folder,
                        const UnpackLimits& limits) {
  return Unpacker(archive, folder, limits).run();
}

}  // namespace tocsin::cli::rules
