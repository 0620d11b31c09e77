// What from_gguf makes of missing, contradictory and hostile tokenizer keys; no file is needed, only its metadata.
#include "../base/expect_error.h"
#include "fixtures.h"

namespace {

using namespace fixtures;
using rustml::base::Status;

template <class Change>
void expect_refused(Change change, Status status, const char* part) {
  ModelFile file = ByteVocabulary().file();
  change(file.metadata);
  EXPECT_ERROR(load(file), status, part);
}

TEST(GgufVocabulary, MissingKeys) {
  expect_refused([](auto& m) { m.erase("tokenizer.ggml.model"); }, Status::data_loss, "tokenizer.ggml.model");
  expect_refused([](auto& m) { m.erase("tokenizer.ggml.tokens"); }, Status::data_loss, "tokenizer.ggml.tokens");
  expect_refused([](auto& m) { m.erase("tokenizer.ggml.merges"); }, Status::data_loss, "tokenizer.ggml.merges");
  expect_refused([](auto& m) { m["tokenizer.ggml.tokens"] = array(std::vector<std::string>{}); }, Status::data_loss,
                 "tokenizer.ggml.tokens");
}

TEST(GgufVocabulary, OtherTokenizers) {
  for (const char* model : {"bert", "t5", "rwkv", "none", ""}) {
    expect_refused([&](auto& m) { m["tokenizer.ggml.model"] = std::string(model); }, Status::unimplemented, model);
  }
}

TEST(GgufVocabulary, WrongTypes) {
  expect_refused([](auto& m) { m["tokenizer.ggml.model"] = uint64_t{1}; }, Status::data_loss, "tokenizer.ggml.model");
  expect_refused([](auto& m) { m["tokenizer.ggml.tokens"] = std::string("a"); }, Status::data_loss, "tokenizer.ggml.tokens");
  expect_refused([](auto& m) { m["tokenizer.ggml.tokens"] = array(std::vector<int64_t>{1}); }, Status::data_loss, "array of strings");
  expect_refused([](auto& m) { m["tokenizer.ggml.merges"] = array(std::vector<double>{1}); }, Status::data_loss, "tokenizer.ggml.merges");
  expect_refused([](auto& m) { m["tokenizer.ggml.token_type"] = true; }, Status::data_loss, "tokenizer.ggml.token_type");
  expect_refused([](auto& m) { m["tokenizer.ggml.add_bos_token"] = uint64_t{1}; }, Status::data_loss, "tokenizer.ggml.add_bos_token");
  expect_refused([](auto& m) { m["tokenizer.ggml.bos_token_id"] = std::string("1"); }, Status::data_loss, "tokenizer.ggml.bos_token_id");
}

TEST(GgufVocabulary, LengthsMustAgree) {
  expect_refused([](auto& m) { m["tokenizer.ggml.token_type"] = array(std::vector<int64_t>(257, 1)); }, Status::data_loss,
                 "tokenizer.ggml.token_type: 257 entries for 258 tokens");
  expect_refused([](auto& m) { m["tokenizer.ggml.token_type"] = array(std::vector<int64_t>{}); }, Status::data_loss, "0 entries for 258");
  expect_refused([](auto& m) { m["tokenizer.ggml.scores"] = array(std::vector<double>(257)); }, Status::data_loss,
                 "tokenizer.ggml.scores: 257 entries for 258 tokens");
}

// What llama.cpp makes of such files, and that its ids are ours: tests/golden/odd_vocabularies_test.cpp.
TEST(GgufVocabulary, EntriesBeyondTheTokensAreIgnored) {
  OddRecords records;
  ModelFile file = ByteVocabulary().file();
  const auto plain = load(file);
  EXPECT_EQ(records.take(), "");
  std::vector<int64_t> types(260, 77);
  std::fill(types.begin(), types.begin() + 258, 1);
  types[0] = types[1] = 3;
  file.metadata["tokenizer.ggml.token_type"] = array(types);
  EXPECT_EQ(load(file)->fingerprint_low(), plain->fingerprint_low());
  EXPECT_EQ(records.take(), "tokenizer.ggml.token_type: 260 entries for 258 tokens; those beyond the last token are ignored\n");
  std::vector<int64_t> scores(259, -2);
  file.metadata["tokenizer.ggml.scores"] = array(scores);  // whole numbers are numbers
  EXPECT_EQ(load(file)->token_score(257), -2.0f);
  records.take();
  ModelFile none = ByteVocabulary().file();
  none.metadata["tokenizer.ggml.scores"] = array(std::vector<double>{});
  EXPECT_EQ(load(none)->token_score(257), 0.0f);
  EXPECT_EQ(records.take(), "");
}

TEST(GgufVocabulary, ValuesMustBeInRange) {
  for (const int64_t type : {int64_t{7}, int64_t{-1}, INT64_MAX}) {
    std::vector<int64_t> types(258, 1);
    types[9] = type;
    expect_refused([&](auto& m) { m["tokenizer.ggml.token_type"] = array(types); }, Status::data_loss,
                   "tokenizer.ggml.token_type: entry 9");
  }
}

TEST(GgufVocabulary, IdsOutsideTheVocabularyAreNone) {
  for (const char* name : {"bos", "eos", "unknown", "eot", "eom"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    for (const auto& [id, text] : {std::pair<rustml::formats::Value, const char*>{uint64_t{258}, "258"},
                                   {uint64_t{1} << 31, "2147483648"},
                                   {UINT64_MAX, "18446744073709551615"},
                                   {int64_t{-1}, "-1"}}) {
      OddRecords records;
      ModelFile file = ByteVocabulary().file();
      file.metadata[key] = id;
      const auto tokenizer = load(file);
      EXPECT_EQ(records.take(), key + " " + text + ": the vocabulary has 258 tokens; such ids are ignored\n");
      EXPECT_EQ(tokenizer->bos_id(), name == std::string("bos") ? -1 : 1);
      EXPECT_EQ(tokenizer->eos_id(), name == std::string("eos") ? -1 : 0);
      EXPECT_EQ(tokenizer->stop_ids(), (std::vector<int32_t>{0})) << "<|im_end|> ends a turn by its text";
    }
  }
  OddRecords records;
  ModelFile file = ByteVocabulary().file();
  for (const char* name : {"eos", "eot", "eom"}) file.metadata[std::string("tokenizer.ggml.") + name + "_token_id"] = uint64_t{300};
  load(file);
  EXPECT_EQ(
      records.take(),
      "tokenizer.ggml.eos_token_id 300, tokenizer.ggml.eot_token_id 300, tokenizer.ggml.eom_token_id 300: the vocabulary has 258 tokens; "
      "such ids are ignored\n");
  // One that every prompt is to have cannot be left out silently.
  file.metadata["tokenizer.ggml.add_eos_token"] = true;
  EXPECT_ERROR(load(file), Status::data_loss, "tokenizer.ggml.eos_token_id is outside the vocabulary, though tokenizer.ggml.add_eos_token");
  ModelFile llama3 = ByteVocabulary().file("llama-bpe");  // adds BOS if the file does not say otherwise
  llama3.metadata["tokenizer.ggml.bos_token_id"] = uint64_t{300};
  EXPECT_ERROR(load(llama3), Status::data_loss, "tokenizer.ggml.bos_token_id is outside the vocabulary");
  llama3.metadata["tokenizer.ggml.add_bos_token"] = false;
  EXPECT_EQ(load(llama3)->bos_id(), -1);
}

TEST(GgufVocabulary, TypeZeroIsNormal) {
  OddRecords records;
  ByteVocabulary v;
  const ModelFile normal = v.file();
  v.types[9] = v.types[10] = 0;
  const auto tokenizer = load(v.file());
  EXPECT_EQ(records.take(), "tokenizer.ggml.token_type: 2 tokens have type 0 (undefined); they are taken for normal ones\n");
  EXPECT_EQ(tokenizer->fingerprint_low(), load(normal)->fingerprint_low());
}

TEST(GgufVocabulary, BadTokens) {
  ByteVocabulary twice;
  twice.add("a", kNormal);
  EXPECT_ERROR(load(twice.file()), Status::data_loss, "tokenizer.ggml.tokens: token 258 repeats token");
}

TEST(GgufVocabulary, NothingBecomesAnEmptyToken) {
  for (const int64_t type : {kNormal, kControl, kUserDefined}) {
    OddRecords records;
    ByteVocabulary v;
    v.add("", type);
    const int32_t last = v.merge("a", "b");
    v.add("", type);
    const auto tokenizer = load(v.file());
    EXPECT_EQ(records.take(), "tokenizer.ggml.tokens: 2 are empty; no text becomes one, and none is written for them\n");
    EXPECT_EQ(encode(*tokenizer, "ab[EMPTY_258]", {.parse_special = true}).size(), 12u) << "llama.cpp's name for it is text";
    EXPECT_EQ(encode(*tokenizer, "ab"), (std::vector<int32_t>{last}));
    EXPECT_EQ(tokenizer->token_bytes(258), "");
    const std::vector<int32_t> ids{last, 258, last};
    EXPECT_EQ(tokenizer->decode(ids.data(), ids.size(), false), "abab");
    ModelFile ends = v.file();
    ends.metadata["tokenizer.ggml.eos_token_id"] = uint64_t{258};
    EXPECT_ERROR(load(ends), Status::data_loss, "tokenizer.ggml.eos_token_id: token 258 has no text");
  }
}

TEST(GgufVocabulary, TypesMayBeAbsentOrUnsigned) {
  ModelFile file = ByteVocabulary().file();
  file.metadata.erase("tokenizer.ggml.token_type");
  EXPECT_EQ(encode(*load(file), "<|im_end|>", {.parse_special = true}), (std::vector<int32_t>{0}));  // it is named as EOS
  EXPECT_EQ(encode(*load(file), "<|im_end|>").size(), 10u);
  std::vector<uint64_t> types(258, 1);
  types[0] = 3;
  file.metadata["tokenizer.ggml.token_type"] = array(types);
  EXPECT_EQ(encode(*load(file), "<|im_end|>", {.parse_special = true}), (std::vector<int32_t>{0}));
}

TEST(GgufVocabulary, PreTokenizerMustBeKnown) {
  const ByteVocabulary v;
  EXPECT_ERROR(load(v.file("made-up")), Status::unimplemented, "tokenizer.ggml.pre: \"made-up\" is no pre-tokenizer");
  EXPECT_ERROR(load(v.file("made-up")), Status::unimplemented, "gguf_new_metadata.py --pre-tokenizer NAME");
  ModelFile file = v.file();
  file.metadata.erase("tokenizer.ggml.pre");
  EXPECT_ERROR(load(file), Status::unimplemented, "tokenizer.ggml.pre: missing");
  file.metadata["general.architecture"] = std::string("llama");
  EXPECT_ERROR(load(file), Status::unimplemented, "tokenizer.ggml.pre: missing");
  file.metadata["general.architecture"] = std::string("gpt2");
  EXPECT_EQ(load(file)->kind(), "byte-level BPE (gpt-2)");
  EXPECT_EQ(load(v.file("starcoder"))->kind(), "byte-level BPE (starcoder)");
}

TEST(GgufVocabulary, BosIsAddedByTheRuleUnlessTheFileSaysOtherwise) {
  const ByteVocabulary v;
  EXPECT_TRUE(load(v.file("tekken"))->adds_bos());
  EXPECT_TRUE(load(v.file("llama-bpe"))->adds_bos());
  EXPECT_FALSE(load(v.file("minicpm5"))->adds_bos());
  ModelFile file = v.file("tekken");
  file.metadata["tokenizer.ggml.add_bos_token"] = false;
  EXPECT_FALSE(load(file)->adds_bos());
}

TEST(GgufVocabulary, StopTokens) {
  ByteVocabulary v;
  const auto eot = static_cast<uint64_t>(v.add("<eot>", kControl));
  const int32_t known = v.add("<|eot_id|>", kControl), turn = v.add("<end_of_turn>", kUserDefined);
  v.add("<|end|>", kNormal);  // a plain token of that text ends nothing where the file names the end of turns
  ModelFile file = v.file();
  file.metadata["tokenizer.ggml.eot_token_id"] = eot;
  EXPECT_EQ(load(file)->stop_ids(), (std::vector<int32_t>{0, static_cast<int32_t>(eot), known, turn}));
  file.metadata.erase("tokenizer.ggml.eos_token_id");
  file.metadata.erase("tokenizer.ggml.bos_token_id");
  EXPECT_EQ(load(file)->eos_id(), -1);
  EXPECT_EQ(load(file)->bos_id(), -1);
}

TEST(GgufVocabulary, LoadStops) {
  rustml::runtime::CancelFlag flag;
  flag.trigger(1);
  rustml::runtime::StopSignal stop(&flag);
  rustml::runtime::Call call{stop, {}};
  const ModelFile file = ByteVocabulary().file();
  EXPECT_ERROR(rustml::tokenizer::from_gguf(file, call), Status::cancelled, "");
}

}  // namespace
