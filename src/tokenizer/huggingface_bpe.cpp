#include "tokenizer/huggingface_bpe.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizer/code_points.h"

namespace rustml::tokenizer {
namespace {

std::string kind_of(const HuggingfaceParts& parts) {
  return std::string(parts.pretokenizer.spells_bytes() ? "byte-level" : "SentencePiece-style") + " BPE (tokenizer.json)";
}

}  // namespace

HuggingfaceBpe::HuggingfaceBpe(HuggingfaceParts parts)
    : VocabularyTokenizer(std::move(parts.vocabulary), std::move(parts.special), kind_of(parts), &parts.added),
      in_model_(std::move(parts.in_model)),
      merges_(parts.merges.size()),
      fuse_unknown_(parts.fuse_unknown),
      byte_fallback_(parts.byte_fallback),
      ignore_merges_(parts.ignore_merges),
      normalizer_(std::move(parts.normalizer)),
      pretokenizer_(std::move(parts.pretokenizer)),
      decoder_(std::move(parts.decoder)) {
  for (const AddedToken& token : parts.added_normalized) written_.emplace(token.id, token.text);
  added_normalized_ = AddedTokens(std::move(parts.added_normalized));
  std::string character;
  for (uint32_t c = 0; c < short_ids_.size(); ++c) {
    character.clear();
    append_utf8(character, c);
    short_ids_[c] = id_in_model(character);
  }
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    constexpr char digits[] = "0123456789ABCDEF";
    byte_ids_[byte] = id_in_model({"<0x" + std::string{digits[byte / 16], digits[byte % 16]} + ">"});
  }
  for (int32_t id = 0; id < size(); ++id) add_bytes(decoder_.bytes(written(id)));
  std::vector<uint64_t> keys;  // for the fingerprint
  keys.reserve(parts.merges.size() + 1);
  for (size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const MergeEntry& merge = parts.merges[rank];
    const uint64_t key = PairMerges::key(merge.left, merge.right);
    keys.push_back(key);
    // A marker is never made from parts of text: what people write must not become one.
    if (!is_marker(merge.joined)) merges_[key] = {static_cast<uint32_t>(rank), merge.joined};
  }
  keys.push_back(parts.pipeline);
  set_fingerprint(keys);
}

// The model's token of this text that ordinary text may become.
int32_t HuggingfaceBpe::id_in_model(std::string_view text) const noexcept {
  const int32_t id = vocabulary_.id_of(text);
  return id >= 0 && in_model_[static_cast<size_t>(id)] && !is_marker(id) ? id : -1;
}

std::string_view HuggingfaceBpe::written(int32_t id) const {
  const auto found = written_.find(id);
  return found == written_.end() ? vocabulary_.text(id) : found->second;
}

void HuggingfaceBpe::encode_ordinary(std::string_view text, const Sink& sink) const {
  size_t begin = 0;
  for (const Stretch marked : cut_at_trusted_markers(text, sink)) {
    if (begin < marked.begin) encode_normalized(text.substr(begin, marked.begin - begin), false, sink.offset + begin == 0, sink);
    encode_normalized(text.substr(marked.begin, marked.end - marked.begin), true, sink.offset + marked.begin == 0, sink);
    begin = marked.end;
  }
  if (begin < text.size()) encode_normalized(text.substr(begin), false, sink.offset + begin == 0, sink);
}

// Trusted stretches of the text whose normalized form holds markers. Normalized text cannot be traced back to its spans, so
// such a stretch is encoded on its own, and the rest as if nothing of it were trusted.
std::vector<Stretch> HuggingfaceBpe::cut_at_trusted_markers(std::string_view text, const Sink& sink) const {
  std::vector<Stretch> out;
  if (!added_normalized_.has_markers()) return out;
  for (const Stretch stretch : sink.trusted) {
    const size_t begin = std::max(stretch.begin, sink.offset), end = std::min(stretch.end, sink.offset + text.size());
    if (begin >= end) continue;
    if (end - begin == text.size()) return {{0, text.size()}};
    std::string normalized(text.substr(begin - sink.offset, end - begin));
    normalizer_.apply(normalized, sink.stop);
    const auto cuts = added_normalized_.cut(normalized, {{0, normalized.size()}}, sink.stop);
    if (std::any_of(cuts.begin(), cuts.end(), [&](const AddedTokens::Cut& cut) { return cut.id >= 0 && is_marker(cut.id); })) {
      out.push_back({begin - sink.offset, end - sink.offset});
    }
  }
  return out;
}

void HuggingfaceBpe::encode_normalized(std::string_view text, bool trusted, bool at_start, const Sink& sink) const {
  std::string normalized;
  if (!normalizer_.empty()) {
    normalized = text;
    normalizer_.apply(normalized, sink.stop);
    text = normalized;
  }
  if (added_normalized_.empty()) return encode_words(text, at_start, sink);
  const std::vector<Stretch> whole{{0, text.size()}};
  for (const AddedTokens::Cut cut : added_normalized_.cut(text, trusted ? whole : std::vector<Stretch>{}, sink.stop)) {
    if (cut.id >= 0) {
      sink.encoding.ids.push_back(cut.id);
    } else {
      encode_words(text.substr(cut.begin, cut.end - cut.begin), at_start && cut.begin == 0, sink);
    }
  }
}

void HuggingfaceBpe::encode_words(std::string_view text, bool at_start, const Sink& sink) const {
  PreTokens tokens;
  tokens.set_text(text, at_start);
  pretokenizer_.apply(tokens, sink.stop);
  Merger merger(merges_);
  std::vector<Symbol> symbols;
  uint32_t next_poll = 0;
  for (const PreTokens::Range range : tokens.ranges) {
    if (range.begin >= next_poll) {
      sink.stop.check("encoding");
      next_poll = range.begin + 32 * 1024;
    }
    const std::string_view letters = tokens.of(range);
    if (ignore_merges_) {
      if (const int32_t id = id_in_model(letters); id >= 0) {
        sink.encoding.ids.push_back(id);
        continue;
      }
    }
    symbols.clear();
    bool unknown_waits = false;
    for (size_t at = 0; at < letters.size();) {
      const size_t begin = at;
      const uint32_t c = next_code_point(letters, at);
      const std::string_view character = letters.substr(begin, at - begin);
      const int32_t id = c < short_ids_.size() ? short_ids_[c] : id_in_model(character);
      if (id < 0) {
        append_character(character, symbols, unknown_waits, sink);
        continue;
      }
      if (unknown_waits) symbols.push_back({0, special_.unknown, {}});
      unknown_waits = false;
      symbols.push_back({0, id, {}});
    }
    if (unknown_waits) symbols.push_back({0, special_.unknown, {}});
    merger.run(symbols, 0, sink.stop);
    for (const Symbol& symbol : symbols) sink.encoding.ids.push_back(symbol.id);
  }
}

// A character without a token: its bytes if all have tokens, else the unknown token, else nothing. The unknown token waits
// for the next character that has a token of its own, even behind bytes: so `tokenizers` does it.
void HuggingfaceBpe::append_character(std::string_view character, std::vector<Symbol>& symbols, bool& unknown_waits,
                                      const Sink& sink) const {
  const auto id_of = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (byte_fallback_ && std::all_of(character.begin(), character.end(), [&](char c) { return id_of(c) >= 0; })) {
    for (const char c : character) symbols.push_back({0, id_of(c), {}});
    return;
  }
  if (special_.unknown >= 0) {
    if (unknown_waits && !fuse_unknown_) symbols.push_back({0, special_.unknown, {}});
    unknown_waits = true;
    return;
  }
  if (sink.options.strict) {
    base::fail(base::Status::invalid_argument, "text: the vocabulary has no token for " + base::quoted(character) +
                                                   " in the text from byte " + std::to_string(sink.offset) +
                                                   " on; without the strict flag it is left out");
  }
  sink.encoding.dropped_bytes += pretokenizer_.spells_bytes() ? 1 : character.size();
}

std::string HuggingfaceBpe::decode(const int32_t* ids, size_t n, bool skip_special) const {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < n; ++i) {
    if (vocabulary_.text(ids[i]).empty() || (skip_special && vocabulary_.type(ids[i]) == TokenType::control)) continue;
    tokens.emplace_back(written(ids[i]));
  }
  return decoder_.text(std::move(tokens));
}

}  // namespace rustml::tokenizer
