// What a step of tokenizer.json looks for: {"String": ...} or {"Regex": ...}.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/json_sections.h"
#include "tokenizer/pretokenize_regex.h"

namespace rustml::tokenizer {

class TextPattern {
 public:
  explicit TextPattern(Regex regex) : regex_(std::move(regex)) {}
  explicit TextPattern(std::string literal) : literal_(std::move(literal)) {}  // not empty
  // The member "pattern".
  explicit TextPattern(const JsonFields& step);

  // Walks the matches in one text after the other; one per call and thread.
  class Search {
   public:
    explicit Search(const TextPattern& pattern);
    // text: alive while it is searched.
    void set_text(std::string_view text);
    // The next match, which may be empty but not right behind the one before.
    bool next(Regex::Match& match, runtime::StopSignal& stop);

   private:
    const TextPattern& pattern_;
    std::optional<Regex::Cursor> cursor_;
    std::string_view text_;
    size_t from_ = 0, last_end_ = SIZE_MAX;
  };

  // Appends `text` to `out` with every match replaced. Stops early once out is longer than `limit`.
  void replace(std::string_view text, std::string_view replacement, std::string& out, size_t limit, runtime::StopSignal& stop) const;

 private:
  std::string literal_;  // without a regex
  std::optional<Regex> regex_;
};

}  // namespace rustml::tokenizer
