#include "tokenizer/byte_bpe.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "tokenizer/byte_alphabet.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kPollBytes = 32 * 1024;
constexpr size_t kMostMissing = size_t{1} << 18;  // texts of merges that the vocabulary lacks

// The first half of "left right".
std::string_view left_half(const std::string& merge, size_t rank) {
  const size_t blank = merge.find(' ');
  if (blank == std::string::npos || blank == 0 || blank + 1 == merge.size() || merge.find(' ', blank + 1) != std::string::npos) {
    base::fail(base::Status::data_loss, "tokenizer.ggml.merges: entry " + std::to_string(rank) + ", " + base::quoted(merge) +
                                            ", is not two tokens with one blank between them");
  }
  return std::string_view(merge).substr(0, blank);
}

void keep_each_once(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

Normalizer normalizer_of(const PreTokenizerRule& rule) {
  if (rule.normalizer.empty()) return {};
  return Normalizer(base::parse_json("{\"type\":\"" + std::string(rule.normalizer) + "\"}", "normalizer"));
}

// Bytes of the text that a word is, whose characters may each spell a byte.
size_t bytes_of(std::string_view word, bool spelled) {
  return spelled ? static_cast<size_t>(std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; })) : word.size();
}

}  // namespace

ByteBpe::ByteBpe(Vocabulary vocabulary, const std::vector<std::string>& merges, const PreTokenizerRule& rule, const std::string& pre_name,
                 SpecialIds special, runtime::StopSignal& stop)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special), "byte-level BPE (" + pre_name + ")"),
      normalizer_(normalizer_of(rule)),
      words_(rule.splits),
      ignore_merges_(rule.ignore_merges),
      merges_(merges.size()) {
  load_bytes();
  load_merges(merges, stop);
}

void ByteBpe::load_bytes() {
  std::string bytes;
  for (int32_t id = 0; id < size(); ++id) {
    const TokenType type = vocabulary_.type(id);
    const bool plain = type == TokenType::control || type == TokenType::user_defined || !kByteAlphabet.spelled(vocabulary_.text(id), bytes);
    add_bytes(plain ? vocabulary_.text(id) : std::string_view(bytes));
  }
  for (int b = 0; b < 256; ++b) {
    const int32_t id = vocabulary_.id_of(kByteAlphabet.of(static_cast<unsigned char>(b)));
    byte_ids_[static_cast<size_t>(b)] = id >= 0 && !is_marker(id) ? id : -1;
  }
}

void ByteBpe::load_merges(const std::vector<std::string>& merges, runtime::StopSignal& stop) {
  std::vector<MergeEntry> entries;
  entries.reserve(merges.size());
  std::vector<std::string> missing;
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    if (rank % 4096 == 0) stop.check("model load");
    const std::string_view left = left_half(merges[rank], rank), right = std::string_view(merges[rank]).substr(left.size() + 1);
    joined.assign(left).append(right);
    entries.push_back({vocabulary_.id_of(left), vocabulary_.id_of(right), vocabulary_.id_of(joined)});
    for (const auto& [id, text] : {std::pair{entries.back().left, left}, {entries.back().right, right}, {entries.back().joined, joined}}) {
      if (id < 0) missing.emplace_back(text);
    }
    if (missing.size() < 2 * kMostMissing) continue;
    keep_each_once(missing);
    if (missing.size() > kMostMissing) {
      base::fail(base::Status::resource_exhausted, "tokenizer.ggml.merges: over " + std::to_string(kMostMissing) +
                                                       " texts that the vocabulary lacks; these are not the merges of this vocabulary");
    }
  }
  if (!missing.empty()) take_missing(merges, entries, std::move(missing));
  std::vector<uint64_t> keys;  // in the order of ranks, for the fingerprint
  keys.reserve(merges.size() + 2);
  for (size_t rank = 0; rank < entries.size(); ++rank) {
    const MergeEntry& merge = entries[rank];
    keys.push_back(PairMerges::key(merge.left, merge.right));
    // A marker is never made from parts of text: what people write must not become one.
    if (merge.joined >= size() || !is_marker(merge.joined)) merges_[keys.back()] = {static_cast<uint32_t>(rank), merge.joined};
  }
  keys.push_back(merges.size());
  keys.push_back(ignore_merges_);
  if (!normalizer_.empty()) keys.push_back(1);  // none: as fingerprints were before text was normalized
  set_fingerprint(keys);
}

// Gives texts that the vocabulary lacks ids from size() on: in entries, and where such a text is one byte.
void ByteBpe::take_missing(const std::vector<std::string>& merges, std::vector<MergeEntry>& entries, std::vector<std::string> missing) {
  keep_each_once(missing);
  const auto find = [&](std::string_view text) {
    return size() + static_cast<int32_t>(std::lower_bound(missing.begin(), missing.end(), text) - missing.begin());
  };
  size_t n_odd = 0, first = 0;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    MergeEntry& merge = entries[rank];
    if (merge.left >= 0 && merge.right >= 0 && merge.joined >= 0) continue;
    if (n_odd++ == 0) first = rank;
    const std::string_view left = left_half(merges[rank], rank), right = std::string_view(merges[rank]).substr(left.size() + 1);
    if (merge.left < 0) merge.left = find(left);
    if (merge.right < 0) merge.right = find(right);
    if (merge.joined < 0) merge.joined = find(std::string(left).append(right));
  }
  for (size_t b = 0; b < byte_ids_.size(); ++b) {
    const std::string_view spelled = kByteAlphabet.of(static_cast<unsigned char>(b));
    if (std::binary_search(missing.begin(), missing.end(), spelled)) byte_ids_[b] = find(spelled);
  }
  base::log(base::LogLevel::warn, "rustml::tokenizer",
            "tokenizer.ggml.merges: " + std::to_string(n_odd) + " of " + std::to_string(merges.size()) +
                " name a token that the vocabulary lacks, the first is entry " + std::to_string(first) + ", " +
                base::quoted(merges[first]) + "; such a text becomes the tokens of its bytes");
}

// The symbol's token; of a text that only merges name, its bytes.
void ByteBpe::append_ids(const Symbol& symbol, size_t end, std::string_view text, const Sink& sink) const {
  if (symbol.id < size()) return sink.encoding.ids.push_back(symbol.id);
  for (size_t i = symbol.begin; i < end; ++i) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(text[i])];
    if (id >= size()) sink.drop(i);
    if (id >= 0 && id < size()) sink.encoding.ids.push_back(id);  // -1: dropped before
  }
}

void ByteBpe::encode_ordinary(std::string_view text, const Sink& sink) const {
  std::string normalized;
  if (!normalizer_.empty()) {
    normalized = text;
    normalizer_.apply(normalized, sink.stop);
    text = normalized;
  }
  PreTokens words;
  words.set_text(text, sink.offset == 0);
  words_.apply(words, sink.stop);
  Merger merger(merges_);
  std::vector<Symbol> symbols;
  size_t begin = 0, next_poll = 0;
  for (const PreTokens::Range range : words.ranges) {
    if (begin >= next_poll) {
      sink.stop.check("encoding");
      next_poll = begin + kPollBytes;
    }
    const size_t end = begin + bytes_of(words.of(range), words_.spells_bytes());
    encode_word(text, begin, end, symbols, sink);
    merger.run(symbols, static_cast<uint32_t>(end), sink.stop);
    for (size_t i = 0; i < symbols.size(); ++i) append_ids(symbols[i], i + 1 < symbols.size() ? symbols[i + 1].begin : end, text, sink);
    begin = end;
  }
}

// The symbols of a word before they are merged. A byte is told of by its place in the normalized text.
void ByteBpe::encode_word(std::string_view text, size_t begin, size_t end, std::vector<Symbol>& symbols, const Sink& sink) const {
  symbols.clear();
  if (ignore_merges_ && end - begin <= vocabulary_.longest()) {
    std::string spelling;
    for (size_t i = begin; i < end; ++i) spelling += kByteAlphabet.of(static_cast<unsigned char>(text[i]));
    const int32_t id = vocabulary_.id_of(spelling);
    if (id >= 0 && !is_marker(id)) {
      symbols.push_back({static_cast<uint32_t>(begin), id, {}});
      return;
    }
  }
  for (size_t i = begin; i < end; ++i) {
    if ((i - begin) % kPollBytes == kPollBytes - 1) sink.stop.check("encoding");  // one word may be the whole text
    const int32_t id = byte_ids_[static_cast<unsigned char>(text[i])];
    if (id < 0) {
      sink.drop(i);
    } else {
      symbols.push_back({static_cast<uint32_t>(i), id, {}});
    }
  }
}

}  // namespace rustml::tokenizer
