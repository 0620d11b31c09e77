#include "tokenizer/byte_bpe.h"

#include "base/error.h"
#include "tokenizer/byte_alphabet.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kPollBytes = 32 * 1024;

}  // namespace

ByteBpe::ByteBpe(Vocabulary vocabulary, const std::vector<std::string>& merges, PreTokenizerRule rule, const std::string& pre_name,
                 SpecialIds special, runtime::StopSignal& stop)
    : VocabularyTokenizer(std::move(vocabulary), std::move(special), "byte-level BPE (" + pre_name + ")"),
      words_(rule.pattern),
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
  std::vector<uint64_t> keys;  // in the order of ranks, for the fingerprint
  keys.reserve(merges.size() + 2);
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    if (rank % 4096 == 0) stop.check("model load");
    const std::string& merge = merges[rank];
    const size_t blank = merge.find(' ');
    const auto bad = [&](const char* why) {
      base::fail(base::Status::data_loss, "tokenizer.ggml.merges: entry " + std::to_string(rank) + ", " + base::quoted(merge) + ", " + why);
    };
    if (blank == std::string::npos || blank == 0 || blank + 1 == merge.size() || merge.find(' ', blank + 1) != std::string::npos) {
      bad("is not two tokens with one blank between them");
    }
    const std::string_view left(merge.data(), blank), right(merge.data() + blank + 1, merge.size() - blank - 1);
    joined.assign(left).append(right);
    const int32_t left_id = vocabulary_.id_of(left), right_id = vocabulary_.id_of(right), id = vocabulary_.id_of(joined);
    if (left_id < 0 || right_id < 0) bad("joins a token that the vocabulary lacks");
    if (id < 0) bad("makes a token that the vocabulary lacks");
    const uint64_t key = PairMerges::key(left_id, right_id);
    keys.push_back(key);
    // A marker is never made from parts of text: what people write must not become one.
    if (!is_marker(id)) merges_[key] = {static_cast<uint32_t>(rank), id};
  }
  keys.push_back(merges.size());
  keys.push_back(ignore_merges_);
  set_fingerprint(keys);
}

void ByteBpe::encode_ordinary(std::string_view text, const Sink& sink) const {
  Merger merger(merges_);
  PreTokenizer::Cursor cursor(words_, text);
  std::vector<Symbol> symbols;
  std::string spelling;
  size_t next_poll = 0;
  for (size_t begin = 0; begin < text.size();) {
    if (begin >= next_poll) {
      sink.stop.check("encoding");
      next_poll = begin + kPollBytes;
    }
    const size_t end = cursor.end_of_word(begin);
    if (ignore_merges_ && end - begin <= vocabulary_.longest()) {
      spelling.clear();
      for (size_t i = begin; i < end; ++i) spelling += kByteAlphabet.of(static_cast<unsigned char>(text[i]));
      const int32_t id = vocabulary_.id_of(spelling);
      if (id >= 0 && !is_marker(id)) {
        sink.encoding.ids.push_back(id);
        begin = end;
        continue;
      }
    }
    symbols.clear();
    for (size_t i = begin; i < end; ++i) {
      if ((i - begin) % kPollBytes == kPollBytes - 1) sink.stop.check("encoding");  // one word may be the whole text
      const int32_t id = byte_ids_[static_cast<unsigned char>(text[i])];
      if (id < 0) {
        sink.drop(i);
      } else {
        symbols.push_back({static_cast<uint32_t>(i), id, {}});
      }
    }
    merger.run(symbols, static_cast<uint32_t>(end), sink.stop);
    for (const Symbol& symbol : symbols) sink.encoding.ids.push_back(symbol.id);
    begin = end;
  }
}

}  // namespace rustml::tokenizer
