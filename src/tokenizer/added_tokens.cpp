#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/code_points.h"
#include "tokenizer/pretokenize.h"

namespace rustml::tokenizer {
AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::vector<std::string_view> all, plain;
  for (const AddedToken& token : tokens_) {
    if (!token.marker) {
      plain_indices_.push_back(static_cast<uint32_t>(all.size()));
      plain.push_back(token.text);
    }
    all.push_back(token.text);
    has_markers_ |= token.marker;
    if (token.single_word && !word_) word_.emplace(word_pattern(), Regex::Source::known_no_jit);
  }
  plain_ = TokenMatcher(plain);
  if (has_markers_) all_ = TokenMatcher(all);
}

// Markers in the trusted stretches first; then the others in what lies between markers, whatever stretches it came in.
std::vector<AddedTokens::Hit> AddedTokens::find(std::string_view text, const std::vector<Stretch>& trusted,
                                                runtime::StopSignal& stop) const {
  std::vector<Hit> hits;
  size_t done = 0;
  const auto find_plain = [&](size_t end) {
    for (const TokenMatcher::Hit hit : plain_.matches(text.substr(done, end - done), stop)) {
      hits.push_back({done + hit.begin, &tokens_[plain_indices_[hit.which]]});
    }
  };
  if (has_markers_) {
    for (const Stretch stretch : trusted) {
      for (const TokenMatcher::Hit hit : all_.matches(text.substr(stretch.begin, stretch.end - stretch.begin), stop)) {
        const AddedToken& token = tokens_[hit.which];
        if (!token.marker) continue;
        find_plain(stretch.begin + hit.begin);
        hits.push_back({stretch.begin + hit.begin, &token});
        done = stretch.begin + hit.begin + token.text.size();
      }
    }
  }
  find_plain(text.size());
  return hits;
}

bool AddedTokens::beside_word(std::string_view text, size_t begin, size_t end) const {
  Regex::Cursor cursor(*word_);
  Regex::Match match;
  const auto is_word = [&](size_t from, size_t to) {
    cursor.set_text(text.substr(from, to - from));
    return cursor.find(0, match, nullptr);
  };
  if (begin > 0 && is_word(previous_character(text, begin), begin)) return true;
  size_t next = end;
  if (end < text.size()) next_code_point(text, next);
  return end < text.size() && is_word(end, next);
}

std::vector<AddedTokens::Cut> AddedTokens::cut(std::string_view text, const std::vector<Stretch>& trusted,
                                               runtime::StopSignal& stop) const {
  std::vector<Cut> cuts;
  size_t done = 0;
  Stretch blanks{0, 0};  // known to be blank, and followed by what is not
  for (const Hit hit : find(text, trusted, stop)) {
    size_t begin = hit.begin, end = hit.begin + hit.token->text.size();
    if (hit.token->single_word && beside_word(text, begin, end)) continue;
    if (hit.token->lstrip) begin = std::max(begin_of_blanks(text, begin, done), done);
    if (hit.token->rstrip) {
      if (end < blanks.begin || end > blanks.end) blanks = {end, end_of_blanks(text, end)};
      end = blanks.end;
    }
    if (done < begin) cuts.push_back({done, begin, -1});
    if (begin < end) cuts.push_back({begin, end, hit.token->id});
    done = end;
  }
  if (done < text.size()) cuts.push_back({done, text.size(), -1});
  return cuts;
}

}  // namespace rustml::tokenizer
