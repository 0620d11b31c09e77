#include "tokenizer/vocabulary_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/utf8.h"

namespace rustml::tokenizer {

void VocabularyTokenizer::Sink::drop(size_t at) const {
  if (options.strict) {
    base::fail(base::Status::invalid_argument, "text: the vocabulary has no token for the byte at offset " + std::to_string(offset + at) +
                                                   "; without the strict flag it is left out");
  }
  ++encoding.dropped_bytes;
}

VocabularyTokenizer::VocabularyTokenizer(Vocabulary vocabulary, SpecialIds special, std::string kind, const std::vector<AddedToken>* added)
    : vocabulary_(std::move(vocabulary)), special_(std::move(special)), kind_(std::move(kind)) {
  stops_of_file_ = special_.stops;
  for (const std::string_view text : end_texts()) {
    const int32_t id = vocabulary_.id_of(text);
    if (id < 0 || !is_marker(id)) continue;
    special_.stops.push_back(id);
    if (!std::binary_search(special_.mended.begin(), special_.mended.end(), id)) stops_of_file_.push_back(id);
  }
  for (std::vector<int32_t>* stops : {&special_.stops, &stops_of_file_}) {
    std::sort(stops->begin(), stops->end());
    stops->erase(std::unique(stops->begin(), stops->end()), stops->end());
  }

  std::vector<AddedToken> by_type;
  for (int32_t id = 0; added == nullptr && id < size(); ++id) {
    const TokenType type = vocabulary_.type(id);
    if (type != TokenType::control && type != TokenType::user_defined) continue;
    by_type.push_back({.id = id, .text = std::string(vocabulary_.text(id)), .marker = is_marker(id)});
  }
  added_ = AddedTokens(added == nullptr ? std::move(by_type) : *added);
  byte_begins_.reserve(static_cast<size_t>(size()) + 1);
  bytes_.reserve(vocabulary_.block().size());
}

Encoding VocabularyTokenizer::encode(std::string_view text, const EncodeOptions& options, runtime::StopSignal& stop) const {
  return encode_spans({{text, options.parse_special}}, options, stop);
}

Encoding VocabularyTokenizer::encode_spans(const std::vector<Span>& spans, const EncodeOptions& options, runtime::StopSignal& stop) const {
  uint64_t bytes = 0;
  for (const Span& span : spans) {
    if (span.text.size() > kLongestText || (bytes += span.text.size()) > kLongestText) {
      base::fail(base::Status::resource_exhausted, "text: over " + std::to_string(kLongestText) + " bytes; encode it in parts");
    }
  }
  std::string joined;
  if (spans.size() > 1) {
    joined.reserve(bytes);
    for (const Span& span : spans) joined += span.text;
  }
  const std::string_view text = spans.size() == 1 ? spans[0].text : std::string_view(joined);
  if (const size_t at = base::utf8_error(text); at != base::kValidUtf8) {
    base::fail(base::Status::invalid_argument, "text: not UTF-8 at byte " + std::to_string(at));
  }

  std::vector<Stretch> trusted;
  size_t begin = 0;
  for (const Span& span : spans) {
    const size_t end = begin + span.text.size();
    if (span.trusted && !trusted.empty() && trusted.back().end == begin && &span != &spans.front() && (&span - 1)->trusted) {
      trusted.back().end = end;
    } else if (span.trusted) {
      trusted.push_back({begin, end});
    }
    begin = end;
  }

  Encoding encoding;
  Sink sink{encoding, options, stop, 0, trusted};
  const auto add = [&](const std::vector<int32_t>& ids) { encoding.ids.insert(encoding.ids.end(), ids.begin(), ids.end()); };
  if (options.add_special) add(special_.before);
  for (const AddedTokens::Cut cut : added_.cut(text, trusted, stop)) {
    if (cut.id >= 0) {
      encoding.ids.push_back(cut.id);
      continue;
    }
    sink.offset = cut.begin;
    encode_ordinary(text.substr(cut.begin, cut.end - cut.begin), sink);
  }
  if (options.add_special && adds_bos() && encoding.ids.size() > special_.before.size() &&
      encoding.ids[special_.before.size()] == special_.bos) {
    base::log(base::LogLevel::warn, "rustml::tokenizer",
              "text: begins with two BOS tokens, one of its own and one that the model's file adds; leave it out of the text, or pass "
              "RUSTML_PROMPT_NO_BOS");
  }
  if (options.add_special) add(special_.after);
  if (encoding.dropped_bytes > 0) {
    base::log(base::LogLevel::debug, "rustml::tokenizer", std::to_string(encoding.dropped_bytes) + " bytes without a token dropped");
  }
  return encoding;
}

std::string_view VocabularyTokenizer::token_bytes(int32_t id) const {
  const auto i = static_cast<size_t>(id);
  return {bytes_.data() + byte_begins_[i], byte_begins_[i + 1] - byte_begins_[i]};
}

uint32_t VocabularyTokenizer::token_flags(int32_t id) const {
  const TokenType type = vocabulary_.type(id);
  uint32_t flags = 0;
  if (type == TokenType::control || type == TokenType::user_defined) flags |= kSpecial;
  if (type == TokenType::byte) flags |= kByte;
  if (type == TokenType::unknown) flags |= kUnknown;
  if (std::binary_search(special_.stops.begin(), special_.stops.end(), id)) flags |= kStop;
  return flags;
}

std::string VocabularyTokenizer::decode(const int32_t* ids, size_t n, bool skip_special) const {
  std::string text;
  for (size_t i = 0; i < n; ++i) {
    if (!skip_special || !is_marker(ids[i])) text += token_bytes(ids[i]);
  }
  return text;
}

void VocabularyTokenizer::add_bytes(std::string_view bytes) {
  bytes_ += bytes;
  byte_begins_.push_back(static_cast<uint32_t>(bytes_.size()));
}

void VocabularyTokenizer::set_fingerprint(const std::vector<uint64_t>& more) {
  base::Hasher hasher;
  hasher.add(std::string_view(kind_));
  hasher.add(std::string_view(vocabulary_.block()));
  const auto add = [&](const auto& items) { hasher.add(items.data(), items.size() * sizeof items[0]); };
  add(vocabulary_.begins());
  add(vocabulary_.types_of_file());
  add(vocabulary_.scores());
  add(stops_of_file_);
  for (const int32_t number :
       {special_.bos, special_.eos, special_.unknown, int32_t{!special_.before.empty()}, int32_t{!special_.after.empty()}}) {
    hasher.add(static_cast<uint64_t>(number));
  }
  add(more);
  const base::Hash128 hash = hasher.finish128();
  fingerprint_low_ = hash.low;
  fingerprint_high_ = hash.high;
}

}  // namespace rustml::tokenizer
