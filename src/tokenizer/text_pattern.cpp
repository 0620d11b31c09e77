#include "tokenizer/text_pattern.h"

#include "base/utf8.h"
#include "tokenizer/pretokenize.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kPollEvery = 64 * 1024;

}  // namespace

TextPattern::TextPattern(const JsonFields& step) {
  const JsonFields pattern = step.object("pattern");
  if (pattern.has("Regex")) {
    const std::string text = pattern.text("Regex");
    regex_.emplace(text, is_linear_pattern(text) ? Regex::Source::known : Regex::Source::file);
  } else {
    literal_ = pattern.text("String");
    if (literal_.empty()) regex_.emplace("", Regex::Source::known);  // matches between all characters
  }
}

TextPattern::Search::Search(const TextPattern& pattern) : pattern_(pattern) {
  if (pattern.regex_) cursor_.emplace(*pattern.regex_);
}

void TextPattern::Search::set_text(std::string_view text) {
  text_ = text;
  from_ = 0;
  last_end_ = SIZE_MAX;
  if (cursor_) cursor_->set_text(text);
}

bool TextPattern::Search::next(Regex::Match& match, runtime::StopSignal& stop) {
  if (!cursor_) {
    const size_t found = text_.find(pattern_.literal_, from_);
    if (found == std::string_view::npos) return false;
    match = {found, found + pattern_.literal_.size()};
    if (match.end / kPollEvery != from_ / kPollEvery) stop.check("encoding");
    from_ = match.end;
    return true;
  }
  while (from_ <= text_.size()) {
    if (!cursor_->find(from_, match, &stop)) return false;
    if (match.end / kPollEvery != from_ / kPollEvery) stop.check("encoding");
    if (match.begin != match.end || match.end != last_end_) {
      from_ = last_end_ = match.end;
      return true;
    }
    from_ += from_ < text_.size() ? static_cast<size_t>(base::utf8_length(static_cast<unsigned char>(text_[from_]))) : 1;
  }
  return false;
}

void TextPattern::replace(std::string_view text, std::string_view replacement, std::string& out, size_t limit,
                          runtime::StopSignal& stop) const {
  Search search(*this);
  search.set_text(text);
  size_t done = 0;
  for (Regex::Match match; out.size() <= limit && search.next(match, stop); done = match.end) {
    out += text.substr(done, match.begin - done);
    out += replacement;
  }
  out += text.substr(done);
}

}  // namespace rustml::tokenizer
