// SPDX-License-Identifier: Apache-2.0
#include "app/cli/rules/fetch/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/http/curl.h"
#include "base/http/url.h"
#include "base/uuid.h"

namespace tocsin::cli::rules {
namespace {

constexpr long kConnectSeconds = 20;
constexpr long kStallSeconds = 60;  // slower than a byte a second for so long: given up

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Ownership: owns the file descriptor and the digest. One transfer.
class Transfer {
 public:
  Transfer(std::string url, const DownloadProgress& progress)
      : url_(std::move(url)), progress_(progress), digest_(EVP_MD_CTX_new()) {
    TOCSIN_CHECK(digest_ != nullptr);
    TOCSIN_CHECK(EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr) == 1);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (file_ >= 0) ::close(file_);
  }

  Result<Downloaded> run(const std::string& path) {
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file_ < 0)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
    const http::Easy easy(curl_easy_init());
    TOCSIN_CHECK(easy != nullptr);
    set_options(easy.get());
    const CURLcode code = curl_easy_perform(easy.get());
    if (code != CURLE_OK) return tl::unexpected(error_of(easy.get(), code));
    Downloaded out;
    out.bytes = bytes_;
    std::uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    TOCSIN_CHECK(EVP_DigestFinal_ex(digest_.get(), hash, &size) == 1);
    append_hex(out.sha256, hash, size);
    return out;
  }

 private:
  void set_options(CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kRedirectsMax);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tocsin");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(kDownloadBytesMax));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message_);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  }

  static std::size_t on_bytes(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->take(data, size) ? size : 0;
  }

  static int on_progress(void* self, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
    const Transfer& transfer = *static_cast<Transfer*>(self);
    const bool go_on =
        transfer.progress_(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
    return go_on ? 0 : 1;
  }

  bool take(const char* data, std::size_t size) {
    bytes_ += size;
    if (bytes_ > kDownloadBytesMax) {
      too_large_ = true;
      return false;
    }
    EVP_DigestUpdate(digest_.get(), data, size);
    while (size > 0) {
      const ssize_t written = ::write(file_, data, size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        write_error_ = errno;
        return false;
      }
      data += written;
      size -= static_cast<std::size_t>(written);
    }
    return true;
  }

  Error error_of(CURL* easy, CURLcode code) const {
    const std::string url = http::without_credentials(url_);
    if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
      return {ErrorCode::kExhausted,
              fmt::format("{}: larger than {} MiB", url, kDownloadBytesMax >> 20)};
    if (write_error_ != 0)
      return {ErrorCode::kUnavailable, fmt::format("{}: the download cannot be written: {}", url,
                                                   std::strerror(write_error_))};
    if (code == CURLE_ABORTED_BY_CALLBACK) return {ErrorCode::kUnavailable, url + ": interrupted"};
    if (code == CURLE_HTTP_RETURNED_ERROR) {
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      return {ErrorCode::kUnavailable,
              fmt::format("{}: the server answered {}; is the address right?", url, status)};
    }
    if (code == CURLE_PARTIAL_FILE)
      return {ErrorCode::kUnavailable, fmt::format("{}: cut off after {} bytes", url, bytes_)};
    return {ErrorCode::kUnavailable,
            fmt::format("{}: {}", url, *message_ != '\0' ? message_ : curl_easy_strerror(code))};
  }

  std::string url_;
  const DownloadProgress& progress_;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> digest_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
  bool too_large_ = false;
  int write_error_ = 0;
  char message_[CURL_ERROR_SIZE] = {};
};

}  // namespace

Result<Downloaded> download(const std::string& url, const std::string& path,
                            const DownloadProgress& progress) {
  return Transfer(url, progress).run(path);
}

}  // namespace tocsin::cli::rules
