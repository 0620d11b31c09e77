#include "tokenizer/sentencepiece_bpe.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/code_points.h"
#include "tokenizer/decode_steps.h"
#include "tokenizer/merge.h"

namespace rustml::tokenizer {
namespace {

constexpr std::string_view kBlank = "\xE2\x96\x81";  // ▁

// Smaller for higher scores: the bits of a float, made to count downwards.
uint32_t rank_of(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // -0 becomes 0
  return bits >> 31 ? bits : ~bits & 0x7FFFFFFFu;
}

// Offsets of the text with "▁" taken back to the caller's text, where a blank is one byte; asked for in ascending order.
struct RawOffset {
  std::string_view raw;
  size_t spelled;  // offset in the text with "▁"
  size_t at = 0;   // the same place in raw
  size_t of(size_t wanted) {
    for (; spelled < wanted && at < raw.size(); ++at) spelled += raw[at] == ' ' ? kBlank.size() : 1;
    return at;
  }
};

// A marker is never made from parts of text: what people write must not become one.
bool joinable(const Vocabulary& vocabulary, int32_t id) {
  const TokenType type = vocabulary.type(id);
  return type == TokenType::normal || type == TokenType::unused || (type == TokenType::user_defined && !is_marker(vocabulary, id));
}

struct MergeOf {
  const Vocabulary& vocabulary;
  std::string_view text;
  Merge operator()(const Symbol& left, const Symbol&, uint32_t end) const {
    const int32_t id = vocabulary.id_of(text.substr(left.begin, end - left.begin));
    if (id < 0 || !joinable(vocabulary, id)) return {};
    return {rank_of(vocabulary.score(id)), id};
  }
};

}  // namespace

int byte_of_token(std::string_view text) { return text.find_first_of("abcdef") == text.npos ? fallback_byte(text) : -1; }

SentencePieceBpe::SentencePieceBpe(Vocabulary vocabulary, bool add_space_prefix, SpecialIds special)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special), "SentencePiece BPE"), add_space_prefix_(add_space_prefix) {
  byte_ids_.fill(-1);
  std::string bytes;
  for (int32_t id = 0; id < size(); ++id) {
    const std::string_view text = vocabulary_.text(id);
    if (std::isnan(vocabulary_.score(id))) {
      base::fail(base::Status::data_loss, "tokenizer.ggml.scores: the score of token " + std::to_string(id) + " is not a number");
    }
    const TokenType type = vocabulary_.type(id);
    if (type == TokenType::byte) {
      const int byte = byte_of_token(text);
      if (byte < 0) {
        base::fail(base::Status::data_loss,
                   "tokenizer.ggml.tokens: byte token " + std::to_string(id) + " is " + base::quoted(text) + ", expected \"<0xNN>\"");
      }
      byte_ids_[static_cast<size_t>(byte)] = id;
      bytes.assign(1, static_cast<char>(byte));
    } else {
      bytes = type == TokenType::control ? std::string(text) : replaced(text, kBlank, " ");
    }
    add_bytes(bytes);
  }
  set_fingerprint({uint64_t{add_space_prefix_}});
}

void SentencePieceBpe::encode_ordinary(std::string_view raw, const Sink& sink) const {
  std::string text;
  text.reserve(raw.size() + raw.size() / 2 + kBlank.size());
  if (add_space_prefix_) text += kBlank;
  append_replaced(text, raw, " ", kBlank);
  if (text.size() > UINT32_MAX) base::fail(base::Status::resource_exhausted, "text: over 2^32 bytes with its blanks; encode it in parts");
  std::vector<Symbol> symbols;
  for (size_t i = 0; i < text.size();) {
    if (symbols.size() % 16384 == 0) sink.stop.check("encoding");
    const size_t length = std::min(text.size() - i, static_cast<size_t>(base::utf8_length(static_cast<unsigned char>(text[i]))));
    const int32_t id = vocabulary_.id_of({text.data() + i, length});
    symbols.push_back({static_cast<uint32_t>(i), id >= 0 && joinable(vocabulary_, id) ? id : -1, {}});
    i += length;
  }
  RawOffset raw_offset{raw, add_space_prefix_ ? kBlank.size() : 0};
  const MergeOf merge_of{vocabulary_, text};
  Merger<MergeOf>(merge_of).run(symbols, static_cast<uint32_t>(text.size()), sink.stop);
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].id >= 0) {
      sink.encoding.ids.push_back(symbols[i].id);
      continue;
    }
    const size_t begin = symbols[i].begin, end = i + 1 < symbols.size() ? symbols[i + 1].begin : text.size();
    if (encode_character(std::string_view(text).substr(begin, end - begin), sink)) continue;
    size_t at = raw_offset.of(begin);
    for (const size_t stop = raw_offset.of(end); at < stop; ++at) sink.drop(at);
  }
}

// A character without a token: its bytes if all have tokens, else the unknown token (one for a run of such characters).
bool SentencePieceBpe::encode_character(std::string_view character, const Sink& sink) const {
  auto& ids = sink.encoding.ids;
  const auto id_of = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (std::all_of(character.begin(), character.end(), [&](char c) { return id_of(c) >= 0; })) {
    for (const char c : character) ids.push_back(id_of(c));
    return true;
  }
  if (special_.unknown < 0) return false;
  if (ids.empty() || ids.back() != special_.unknown) ids.push_back(special_.unknown);
  return true;
}

std::string SentencePieceBpe::decode(const int32_t* ids, size_t n, bool skip_special) const {
  std::string text;
  bool first = true;  // no ordinary token yet
  for (size_t i = 0; i < n; ++i) {
    const bool marker = is_marker(ids[i]);
    if (marker && skip_special) continue;
    std::string_view bytes = token_bytes(ids[i]);
    if (!marker) {
      if (first && add_space_prefix_ && bytes.starts_with(' ')) bytes.remove_prefix(1);
      first = false;
    }
    text += bytes;
  }
  return text;
}

}  // namespace rustml::tokenizer
