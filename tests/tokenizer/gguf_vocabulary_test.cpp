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
  expect_refused([](auto& m) { m["tokenizer.ggml.scores"] = array(std::vector<double>(259)); }, Status::data_loss,
                 "tokenizer.ggml.scores: 259 entries for 258 tokens");
}

TEST(GgufVocabulary, ValuesMustBeInRange) {
  for (const int64_t type : {int64_t{0}, int64_t{7}, int64_t{-1}, INT64_MAX}) {
    std::vector<int64_t> types(258, 1);
    types[9] = type;
    expect_refused([&](auto& m) { m["tokenizer.ggml.token_type"] = array(types); }, Status::data_loss,
                   "tokenizer.ggml.token_type: entry 9");
  }
  for (const char* name : {"bos", "eos", "unknown", "eot", "eom"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    for (const uint64_t id : {uint64_t{258}, uint64_t{1} << 31, UINT64_MAX}) {
      expect_refused([&](auto& m) { m[key] = id; }, Status::data_loss, key.c_str());
    }
    expect_refused([&](auto& m) { m[key] = int64_t{-1}; }, Status::data_loss, key.c_str());
  }
}

TEST(GgufVocabulary, BadTokens) {
  ByteVocabulary empty;
  empty.add("", kNormal);
  EXPECT_ERROR(load(empty.file()), Status::data_loss, "tokenizer.ggml.tokens: token 258 is empty");
  ByteVocabulary twice;
  twice.add("a", kNormal);
  EXPECT_ERROR(load(twice.file()), Status::data_loss, "tokenizer.ggml.tokens: token 258 repeats token");
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

TEST(GgufVocabulary, UnknownPreTokenizerIsGpt2s) {
  const ByteVocabulary v;
  EXPECT_EQ(load(v.file("made-up"))->kind(), "byte-level BPE (gpt-2)");
  ModelFile file = v.file();
  file.metadata.erase("tokenizer.ggml.pre");
  EXPECT_EQ(load(file)->kind(), "byte-level BPE (gpt-2)");
  EXPECT_EQ(load(v.file("starcoder"))->kind(), "byte-level BPE (starcoder)");
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
