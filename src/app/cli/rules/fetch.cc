// SPDX-License-Identifier: Apache-2.0
//
// tocsin rules fetch: a release archive of rules into a folder, after its checksum was proven.
//
//   URL + SHA-256 -> fetch/: download, unpack, compare, install -> what changed
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/cli/rules/fetch/changes.h"
#include "app/cli/rules/fetch/download.h"
#include "app/cli/rules/fetch/install.h"
#include "app/cli/rules/fetch/unpack.h"
#include "app/cli/rules/rules.h"
#include "base/clock.h"
#include "base/http/url.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace tocsin::cli::rules {
namespace {

constexpr std::size_t kChangesShown = 20;
constexpr std::size_t kDigestDigits = 64;

struct FetchOptions {
  std::string url;
  std::string sha256;
  std::string to;
  std::string format = "text";
  bool all = false;
  bool rollback = false;
};

// A bar on a terminal's stderr; nothing elsewhere.
class Bar {
 public:
  explicit Bar(bool quiet)
      : draws_(!quiet && ::isatty(STDERR_FILENO) == 1), style_(style_of(STDERR_FILENO)) {}
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  ~Bar() {
    if (drawn_ != 0) std::fputs("\r\x1b[K", stderr);
  }

  void update(std::uint64_t done, std::uint64_t total) {
    if (!draws_ || now_ns() - drawn_ < 100'000'000) return;
    drawn_ = now_ns();
    constexpr double kMebi = 1024.0 * 1024.0;
    std::string line = fmt::format("fetching  {:.1f} MiB", static_cast<double>(done) / kMebi);
    if (total > 0)
      line +=
          fmt::format(" of {:.1f}  {}", static_cast<double>(total) / kMebi,
                      bar_text(static_cast<double>(done), static_cast<double>(total), 30, style_));
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    std::fflush(stderr);
  }

 private:
  bool draws_;
  Style style_;
  UnixNanos drawn_ = 0;
};

Result<std::string> digest_of(std::string text) {
  text = lower_ascii(text);
  if (text.starts_with("sha256:")) text.erase(0, 7);
  if (text.size() == kDigestDigits &&
      text.find_first_not_of("0123456789abcdef") == std::string::npos)
    return text;
  return fail(ErrorCode::kInvalid,
              text.empty() ? "--sha256 is required: what the publisher says the archive's SHA-256 "
                             "is (`sha256sum FILE` computes that of a file you trust)"
                           : "--sha256: expected 64 hexadecimal digits");
}

Result<std::string> url_of(const std::string& text, const std::string& folder) {
  if (text.empty()) {
    const auto source = read_source(folder);
    if (source && !source->url.empty()) return source->url;
    return fail(ErrorCode::kInvalid, "URL is required: nothing was fetched into " + folder +
                                         " yet whose address could be asked again");
  }
  for (const std::string_view scheme : {"http://", "https://", "file://"})
    if (lower_ascii(text).starts_with(scheme)) return text;
  return fail(ErrorCode::kInvalid,
              "'" + text + "': expected http://, https:// or file:///path/to/archive.zip");
}

std::string outcome_json(const RuleChanges& changes, const sigma::RuleSet& after,
                         const std::string& folder) {
  std::string out;
  JsonWriter json(out);
  json.object([&] {
    json.member("folder", folder);
    json.member("rules", after.rules.size());
    json.member("rejected", after.rejected);
    json.member("same", changes.same);
    const auto list = [&](const char* name, const std::vector<ChangedRule>& rules) {
      json.key(name);
      json.array([&] {
        for (const ChangedRule& rule : rules)
          json.object([&] {
            json.member("id", rule.id);
            json.member("title", rule.title);
          });
      });
    };
    list("added", changes.added);
    list("changed", changes.changed);
    list("removed", changes.removed);
  });
  return out + "\n";
}

void tell(const FetchOptions& options, const RuleChanges& changes, const sigma::RuleSet& after,
          const std::string& folder) {
  if (options.format == "json") {
    print(outcome_json(changes, after, folder));
    return;
  }
  const bool first = changes.same + changes.changed.size() + changes.removed.size() == 0;
  const std::size_t most = options.all ? SIZE_MAX : first ? 0 : kChangesShown;
  const Style style = style_of(STDOUT_FILENO);
  std::string out = first && !options.all ? "" : render_changes(changes, most, style);
  out += fmt::format("{} rules in {} can be used, {} are rejected{}\n", after.rules.size(),
                     printable(options.to, style), after.rejected,
                     after.rejected > 0 ? " (`tocsin rules check` says why)" : "");
  out += fmt::format("use them with: --rules {}\n", printable(options.to, style));
  print(out);
}

Result<sigma::RuleSet> rules_in(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return sigma::RuleSet{};
  return sigma::load_rules({folder});
}

Status get_archive(const std::string& url, const std::string& wanted, const Installation& work,
                   bool quiet) {
  Bar bar(quiet);
  TOCSIN_TRY(const Downloaded got, download(url, work.archive(), [&](auto done, auto total) {
               bar.update(done, total);
               return !stop_requested();
             }));
  if (got.sha256 == wanted) return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("{}: the checksum is wrong, nothing was unpacked\n  expected {}\n  "
                          "received {} ({} bytes)",
                          http::without_credentials(url), wanted, got.sha256, got.bytes));
}

Status install(const FetchOptions& options, const std::string& url, const std::string& wanted,
               Installation& work, bool quiet) {
  TOCSIN_TRY_STATUS(get_archive(url, wanted, work, quiet));
  TOCSIN_TRY(const Unpacked unpacked, unpack(work.archive(), work.staging()));
  log_debug("{} files unpacked, {} passed over", unpacked.files, unpacked.passed_over);
  TOCSIN_TRY(const sigma::RuleSet staged, rules_in(work.staging()));
  if (staged.rules.empty())
    return fail(ErrorCode::kInvalid, fmt::format("{}: holds no rule that can be used ({} rejected)",
                                                 http::without_credentials(url), staged.rejected));
  TOCSIN_TRY_STATUS(write_source(
      work.staging(), {http::without_credentials(url), wanted, format_rfc3339(now_ns(), 0)}));
  TOCSIN_TRY(const sigma::RuleSet before, rules_in(work.folder()));
  const RuleChanges changes = compare_rules(before, staged);
  TOCSIN_TRY_STATUS(work.commit());
  tell(options, changes, staged, work.folder());
  return {};
}

Status roll_back(const FetchOptions& options, Installation& work) {
  TOCSIN_TRY(const sigma::RuleSet before, rules_in(work.folder()));
  TOCSIN_TRY(const sigma::RuleSet after, rules_in(work.previous()));
  const RuleChanges changes = compare_rules(before, after);
  TOCSIN_TRY_STATUS(work.roll_back());
  const auto source = read_source(work.folder());
  log_info("back at {} of {}", source ? source->url : "an unknown source",
           source ? source->time : "an unknown time");
  tell(options, changes, after, work.folder());
  return {};
}

int fetch(FetchOptions options, const Shared& shared) {
  if (options.to.empty()) options.to = shared.data_dir + "/rules/fetched";
  if (options.rollback) {
    auto work = Installation::begin(options.to);
    if (!work) return report(work.error());
    const Status status = roll_back(options, *work);
    return status ? kDone : report(status.error());
  }
  const auto url = url_of(options.url, options.to);
  if (!url) return usage_error(url.error());
  const auto wanted = digest_of(options.sha256);
  if (!wanted) return usage_error(wanted.error());
  if (const auto source = read_source(options.to); source && source->sha256 == *wanted) {
    log_info("{}: has this archive already, since {}", options.to, source->time);
    return kDone;
  }
  auto work = Installation::begin(options.to);
  if (!work) return report(work.error());
  const Status status = install(options, *url, *wanted, *work, shared.quiet);
  return status ? kDone : report(status.error());
}

}  // namespace

void add_fetch(CLI::App& rules, Context& context) {
  auto options = std::make_shared<FetchOptions>();
  CLI::App* command = rules.add_subcommand(
      "fetch", "Download an archive of rules, prove its checksum, and put it in force as a whole");
  command->add_option("URL", options->url,
                      "http://, https:// or file:// of a .zip or .tar.gz (default: the last one)");
  command->add_option("--sha256", options->sha256, "SHA-256 of the archive, 64 hex digits");
  command->add_option("--to", options->to,
                      "Folder that the rules replace (default: rules/fetched in the data "
                      "directory)");
  command->add_flag("--rollback", options->rollback, "Back to the version before the last fetch");
  command->add_option("--format", options->format, "text or json: what changed")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--all", options->all, "text: every rule that changed");
  command->footer(
      "Unpacked are rules (*.yml, *.yaml), licences and version notes. Refused are archives with "
      "links,\n"
      "absolute paths, paths that lead out of the folder, more than 200,000 members, a rule file "
      "of more\n"
      "than 16 MiB, or more than 1 GiB in all, and downloads of more than 256 MiB.\n"
      "\n"
      "Example:\n"
      "  tocsin rules fetch https://host/sigma_all_rules.zip --sha256 8f3a...\n"
      "\n"
      "Exit status: 0 also when the folder has this archive already; 1 when nothing was changed "
      "because\n"
      "something failed; 2 wrong usage.");
  command->callback([&context, options] { context.exit_code = fetch(*options, context.shared); });
}

}  // namespace tocsin::cli::rules
