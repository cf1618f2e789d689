// SPDX-License-Identifier: Apache-2.0
//
// Terms: what the full-text index of alerts holds, word by word, and what a search asks it for.
//
//   stored alert -> index_text() -> FTS5 "alert_index" <- words(), tag() <- a search
//
// The index has one column. A word is a run of ASCII letters and digits and of everything beyond
// ASCII, case-folded. A tag is a whole field as one word ("host = ws1.example.org"), set apart from
// words by private-use characters that no text keeps. So every search but one on triage is set
// algebra over one index, whose row ids are in the order of time.
//
// The index keeps no text (contentless): to take a row out, its text is made again from the stored
// alert. Whoever changes what is made here must raise kSchemaVersion and rebuild the index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::store::search {

// An alert as tocsin.db keeps it. Views: valid as long as what they were read from.
struct StoredAlert {
  std::string_view host, user, rule_id, rule_name, level;
  std::string_view event_class, tactics, techniques;  // lists are joined by ';'
  std::string_view json;                              // the alert as ECS
};

// The words of the text, in order. Longer ones are cut to kWordBytes.
inline constexpr std::size_t kWordBytes = 64;
// Of a matched value no more is searched.
inline constexpr std::size_t kValueBytes = 8'192;
[[nodiscard]] std::vector<std::string> words(std::string_view text);

// A field of an alert that a tag tells. The letters are in databases; small
// ones, for the index folds ASCII.
enum class Tag : char {
  kAny = 'a',        // every alert has it
  kHost = 'h',       // whole
  kHostShort = 'i',  // the first label of a name with dots
  kUser = 'u',       // whole
  kUserShort = 'v',  // what follows "DOMAIN\"
  kRuleId = 'r',
  kRuleName = 's',
  kLevel = 'l',
  kTactic = 't',
  kTechnique = 'q',  // of a sub-technique the technique, too
  kClass = 'c',      // as a slug
  kChannel = 'n',
  kProvider = 'p',
  kCode = 'e',
};
[[nodiscard]] std::string tag(Tag kind, std::string_view value);

// Case-folded, to kFieldBytes: what equality of fields means.
inline constexpr std::size_t kFieldBytes = 512;
[[nodiscard]] std::string folded_value(std::string_view value);
// "" when the name has none of its own.
[[nodiscard]] std::string_view short_host(std::string_view host);
[[nodiscard]] std::string_view short_user(std::string_view user);
// "Credential Access", "credential_access" -> "credential-access".
[[nodiscard]] std::string slug(std::string_view name);
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view joined);

// What an alert's JSON holds beyond the columns.
struct AlertDetail {
  std::string channel, provider, code;
  std::int64_t suppressed = 0;
  struct Field {
    std::string name, value;
  };
  std::vector<Field> fields;  // matched
};
// Of broken JSON what could be read.
[[nodiscard]] AlertDetail read_detail(std::string_view json);

// Words and tags of the alert, as one text for the index.
[[nodiscard]] std::string index_text(const StoredAlert& alert);
// The texts that a search for words looks through, each by itself: rule, host, user, values.
[[nodiscard]] std::vector<std::string> searched_texts(const StoredAlert& alert);

}  // namespace tocsin::store::search
