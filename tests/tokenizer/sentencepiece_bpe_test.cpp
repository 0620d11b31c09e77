#include "tokenizer/sentencepiece_bpe.h"

#include <limits>

#include "../base/expect_error.h"
#include "base/file_reader.h"
#include "fixtures.h"

namespace {

using namespace fixtures;
using rustml::base::Status;
using Ids = std::vector<int32_t>;

const std::string kBlank = "\u2581";

ModelFile make_file(const std::vector<std::string>& tokens, const std::vector<int64_t>& types, const std::vector<double>& scores) {
  ModelFile file;
  file.metadata["tokenizer.ggml.model"] = std::string("llama");
  file.metadata["tokenizer.ggml.tokens"] = array(tokens);
  file.metadata["tokenizer.ggml.token_type"] = array(types);
  file.metadata["tokenizer.ggml.scores"] = array(scores);
  return file;
}

// What llama.cpp and PyPI `tokenizers` agree on (make_sentencepiece.py).
TEST(SentencePieceBpe, AsTheReferences) {
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  ModelFile file = rustml::formats::open(rustml::base::open_file(std::string(RUSTML_TEST_DATA) + "/data/sentencepiece.gguf"), call);
  const auto prefixed = load(file);
  file.metadata["tokenizer.ggml.add_space_prefix"] = false;
  const auto plain = load(file);
  EXPECT_EQ(prefixed->kind(), "SentencePiece BPE");
  EXPECT_TRUE(prefixed->adds_bos());
  EXPECT_NE(prefixed->fingerprint_low(), plain->fingerprint_low());
  Data data("sentencepiece.bin");
  size_t n = 0;
  for (; data.more(); ++n) {
    const std::string text(data.text());
    for (const Tokenizer* tokenizer : {prefixed.get(), plain.get()}) {
      Ids expected(data.varint());
      for (int32_t& id : expected) id = static_cast<int32_t>(data.varint());
      const Ids ids = encode(*tokenizer, text);
      ASSERT_EQ(ids, expected) << "string " << n << ": " << text;
      if (text.find(kBlank) == text.npos) {  // that one comes back as a blank
        ASSERT_EQ(tokenizer->decode(ids.data(), ids.size(), true), text);
      }
    }
  }
  EXPECT_GT(n, 2500u);
}

struct Small {
  std::vector<std::string> tokens{"<unk>", "<s>", "</s>", "<0x41>", kBlank, "a", "b", "ab", "<", "s", ">", "<s", kBlank + "a"};
  std::vector<int64_t> types{kUnknown, kControl, kControl, kByte,   kNormal, kNormal, kNormal,
                             kNormal,  kNormal,  kNormal,  kNormal, kNormal, kNormal};
  std::vector<double> scores{0, 0, 0, 0, -9, -9, -9, -1, -9, -9, -9, -2, -3};
  ModelFile file() const {
    ModelFile file = make_file(tokens, types, scores);
    file.metadata["tokenizer.ggml.bos_token_id"] = uint64_t{1};
    file.metadata["tokenizer.ggml.eos_token_id"] = uint64_t{2};
    file.metadata["tokenizer.ggml.unknown_token_id"] = uint64_t{0};
    return file;
  }
};

TEST(SentencePieceBpe, HighestScoreFirst) {
  const auto tokenizer = load(Small().file());
  EXPECT_EQ(encode(*tokenizer, "ab"), (Ids{4, 7}));  // "ab" before "▁a"
  EXPECT_EQ(encode(*tokenizer, "a"), (Ids{12}));
  EXPECT_EQ(encode(*tokenizer, ""), Ids{});
}

TEST(SentencePieceBpe, BytesThenUnknown) {
  const auto tokenizer = load(Small().file());
  EXPECT_EQ(encode(*tokenizer, "aA"), (Ids{12, 3}));
  EXPECT_EQ(encode(*tokenizer, "aZZ\u00E9b"), (Ids{12, 0, 6}));  // one unknown token for the run
  EXPECT_EQ(tokenizer->token_bytes(3), "A");
}

TEST(SentencePieceBpe, WithoutUnknownTokenBytesAreDropped) {
  ModelFile file = Small().file();
  file.metadata.erase("tokenizer.ggml.unknown_token_id");
  const auto tokenizer = load(file);
  rustml::runtime::StopSignal stop;
  const Encoding encoding = tokenizer->encode("a a\u00E9b", {}, stop);
  EXPECT_EQ(encoding.ids, (Ids{12, 12, 6}));
  EXPECT_EQ(encoding.dropped_bytes, 2u);
  EXPECT_ERROR(encode(*tokenizer, "a a\u00E9b", {.strict = true}), Status::invalid_argument, "offset 3");
}

TEST(SentencePieceBpe, PlainTextNeverBecomesControl) {
  const auto tokenizer = load(Small().file());
  EXPECT_EQ(encode(*tokenizer, "<s>"), (Ids{4, 11, 10}));  // "<s" + ">" would spell it
  EXPECT_EQ(encode(*tokenizer, "<s>a", {.parse_special = true}), (Ids{1, 12}));
}

TEST(SentencePieceBpe, DummyBlankComesAndGoes) {
  const auto tokenizer = load(Small().file());
  const Ids ids = encode(*tokenizer, "a a", {.add_special = true});
  EXPECT_EQ(ids, (Ids{1, 12, 12}));
  EXPECT_EQ(tokenizer->decode(ids.data(), ids.size(), true), "a a");
  EXPECT_EQ(tokenizer->decode(ids.data(), ids.size(), false), "<s>a a");
  EXPECT_EQ(tokenizer->token_bytes(12), " a");
  const Ids two = encode(*tokenizer, " a");
  EXPECT_EQ(tokenizer->decode(two.data(), two.size(), true), " a");
}

TEST(SentencePieceBpe, RefusesBadVocabularies) {
  Small bad;
  bad.scores[7] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_ERROR(load(bad.file()), Status::data_loss, "tokenizer.ggml.scores: the score of token 7");
  Small byte;
  byte.tokens[3] = "<0x4g>";
  EXPECT_ERROR(load(byte.file()), Status::data_loss, "byte token 3");
  ModelFile none = Small().file();
  none.metadata["tokenizer.ggml.scores"] = array(std::vector<double>{});
  EXPECT_ERROR(load(none), Status::data_loss, "tokenizer.ggml.scores: 0 entries for 13 tokens");
}

TEST(SentencePieceBpe, WithoutScoresFromTheLeft) {
  OddRecords records;
  ModelFile file = Small().file();
  file.metadata.erase("tokenizer.ggml.scores");
  const auto tokenizer = load(file);
  EXPECT_EQ(records.take().find("tokenizer.ggml.scores: missing"), 0u);
  EXPECT_EQ(encode(*tokenizer, "ab"), (Ids{12, 6}));
}

TEST(SentencePieceBpe, InfiniteScoresAreInOrder) {
  Small v;
  v.scores[7] = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(encode(*load(v.file()), "ab"), (Ids{12, 6}));
  v.scores[7] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(encode(*load(v.file()), "ab"), (Ids{4, 7}));
}

TEST(SentencePieceBpe, BytesAreFoundByTheirTextWhereTheFileGivesNoTypes) {
  Small v;
  const uint64_t before = load(v.file())->fingerprint_low();
  OddRecords records;
  v.types.assign(v.types.size(), 0);
  const auto undefined = load(v.file());
  EXPECT_EQ(records.take(),
            "tokenizer.ggml.token_type: 13 tokens have type 0 (undefined); they are taken for normal ones, <0xNN> for bytes\n");
  ModelFile file = v.file();
  file.metadata.erase("tokenizer.ggml.token_type");
  const auto untyped = load(file);
  EXPECT_EQ(records.take(), "tokenizer.ggml.token_type: missing; tokens <0xNN> (1) are taken for bytes, all others for normal ones\n");
  for (const Tokenizer* t : {undefined.get(), untyped.get()}) {
    EXPECT_EQ(encode(*t, "aA"), (Ids{12, 3}));
    EXPECT_EQ(t->token_bytes(3), "A");
    EXPECT_EQ(encode(*t, "<s>a", {.add_special = true, .parse_special = true}), (Ids{1, 1, 12}));
    EXPECT_NE(t->fingerprint_low(), before);
  }
}

TEST(SentencePieceBpe, UsualPlacesOfBosAndEos) {
  OddRecords records;
  Small v;
  ModelFile file = v.file();
  for (const char* name : {"bos", "eos"}) file.metadata.erase(std::string("tokenizer.ggml.") + name + "_token_id");
  EXPECT_EQ(encode(*load(file), "a", {.add_special = true}), (Ids{1, 12}));
  EXPECT_EQ(records.take(),
            "tokenizer.ggml.bos_token_id 1 \"<s>\", tokenizer.ggml.eos_token_id 2 \"</s>\": taken from SentencePiece's usual places\n");
  v.tokens[1] = "c", v.types[1] = kNormal;  // no place for BOS
  ModelFile other = v.file();
  for (const char* name : {"bos", "eos"}) other.metadata.erase(std::string("tokenizer.ggml.") + name + "_token_id");
  EXPECT_EQ(load(other)->bos_id(), -1);
  EXPECT_EQ(load(other)->eos_id(), 2);
}

TEST(SentencePieceBpe, LongTextsOfOneThing) {
  Small v;
  std::string run = "a";
  for (int i = 0; i < 5; ++i) {
    run += run;
    v.tokens.push_back(run), v.types.push_back(kNormal), v.scores.push_back(-20 - i);
  }
  const auto tokenizer = load(v.file());
  for (const std::string unit : {"a", " ", "ab", "\u4E2D", "A"}) {
    std::string text;
    while (text.size() < kLongText) text += unit;
    const double begin = cpu_seconds();
    encode(*tokenizer, text);
    EXPECT_LT(cpu_seconds() - begin, 10.0) << unit;
  }
}

}  // namespace
