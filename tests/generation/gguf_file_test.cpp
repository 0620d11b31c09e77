#include "generation/gguf_file.h"

#include <algorithm>

#include "tiny.h"

namespace rustml::generation {
namespace {

formats::ModelFile golden(const std::string& name) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/" + name, call);
}

std::string written(const formats::ModelFile& file, tensor::DType type) {
  std::string bytes;
  runtime::StopSignal stop;
  uint64_t last = 0, all = 0;
  runtime::Call call{stop, [&](uint64_t done, uint64_t total) {
                       EXPECT_GE(done, last);
                       last = done;
                       all = total;
                     }};
  write_gguf(
      file, type, [&](const void* data, uint64_t n) { bytes.append(static_cast<const char*>(data), n); }, call);
  EXPECT_EQ(last, all);
  return bytes;
}

std::vector<float> logits(formats::ModelFile file) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  ModelOptions options;
  options.quantize = ModelOptions::Quantize::keep;
  const auto session = new_session(std::make_shared<Engine>(std::move(file), options, call));
  eval(*session, {5, 6, 7, 8, 9});
  return session->logits();
}

formats::ModelFile reopened(const std::string& bytes) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return formats::open(base::open_memory(bytes.data(), bytes.size(), "written"), call);
}

TEST(GgufFile, InF32TheModelIsTheSameBitForBit) {
  for (const char* name : {"architectures/gpt2", "architectures/gemma3", "architectures/llama", "architectures/llama_bias",
                           "architectures/qwen2", "architectures/qwen3", "base_f32.gguf"}) {
    SCOPED_TRACE(name);
    const std::string bytes = written(golden(name), tensor::DType::f32);
    EXPECT_EQ(logits(reopened(bytes)), logits(golden(name)));
  }
}

TEST(GgufFile, EveryTypeOpensAndStaysNear) {
  const std::vector<float> exact = logits(golden("base_f32.gguf"));
  float spread = 0;
  for (const float x : exact) spread = std::max(spread, std::fabs(x));
  const std::pair<tensor::DType, float> types[] = {{tensor::DType::f16, 0.01f},  {tensor::DType::bf16, 0.05f}, {tensor::DType::q8_0, 0.05f},
                                                   {tensor::DType::q5_1, 0.35f}, {tensor::DType::q5_0, 0.35f}, {tensor::DType::q4_1, 0.7f},
                                                   {tensor::DType::q4_0, 0.7f}};
  for (const auto& [type, tolerance] : types) {
    const std::string bytes = written(golden("base_f32.gguf"), type);
    const std::vector<float> there = logits(reopened(bytes));
    double square = 0, norm = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      square += std::pow(there[i] - exact[i], 2);
      norm += std::pow(exact[i], 2);
    }
    EXPECT_LT(std::sqrt(square / norm), tolerance) << tensor::info(type).name;
  }
}

// The greedy answer of a file whose token `id` has another text and type; its template is Gemma's.
Answer answer_with(formats::ModelFile file, int32_t id, const std::string& text, int64_t type, bool saved) {
  const auto items = [&](const char* key) -> formats::Value& { return file.metadata.at(std::string("tokenizer.ggml.") + key); };
  const auto list = [](auto values) { return std::make_shared<const formats::Array>(formats::Array{std::move(values)}); };
  auto texts = std::get<std::vector<std::string>>(std::get<std::shared_ptr<const formats::Array>>(items("tokens"))->items);
  texts.at(static_cast<size_t>(id)) = text;
  std::vector<int64_t> types(texts.size(), 1);
  types.at(static_cast<size_t>(id)) = type;
  items("tokens") = list(std::move(texts));
  items("token_type") = list(std::move(types));
  items("merges") = list(std::vector<std::string>{});  // some made the token
  file.metadata["tokenizer.chat_template"] = std::string("<start_of_turn>{{ messages }}<end_of_turn>");
  std::string bytes;
  if (saved) {
    bytes = written(file, tensor::DType::f32);
    file = reopened(bytes);
  }
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto session = new_session(std::make_shared<Engine>(std::move(file), ModelOptions{}, call));
  GenerationOptions options;
  options.max_tokens = 12;
  return finish(*session->start(of_ids(some_ids(20)), options, {}));
}

// Google's own Gemma 3 QAT files: <end_of_turn> of type NORMAL. The reverse is its tag </s>, which is user-defined and ends nothing.
TEST(GgufFile, AnswersEndAtATurnTokenOfAnyTypeButNotAtATag) {
  const Answer plain = answer_with(golden("base_f32.gguf"), 300, "other", 1, false);
  ASSERT_EQ(plain.tokens.size(), 12u);
  size_t at = 1;
  while (std::find(plain.tokens.begin(), plain.tokens.begin() + static_cast<ptrdiff_t>(at), plain.tokens[at]) !=
         plain.tokens.begin() + static_cast<ptrdiff_t>(at))
    ASSERT_LT(++at, plain.tokens.size());
  const int32_t id = plain.tokens[at];
  for (const bool saved : {false, true}) {
    for (const int64_t type : {1, 3, 4}) {
      SCOPED_TRACE(testing::Message() << "type " << type << (saved ? ", saved" : ""));
      const Answer turn = answer_with(golden("base_f32.gguf"), id, "<end_of_turn>", type, saved);
      EXPECT_EQ(turn.finish, Finish::stop_token);
      EXPECT_EQ(turn.tokens, std::vector<int32_t>(plain.tokens.begin(), plain.tokens.begin() + static_cast<ptrdiff_t>(at)));
      EXPECT_EQ(turn.text.find("turn"), std::string::npos);
    }
    const Answer tag = answer_with(golden("base_f32.gguf"), id, "</s>", 4, saved);
    EXPECT_EQ(tag.tokens, plain.tokens);
    EXPECT_NE(tag.text.find("</s>"), std::string::npos);
  }
}

TEST(GgufFile, StopsBetweenBands) {
  const formats::ModelFile file = golden("base_f32.gguf");
  runtime::CancelFlag flag;
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, {}};
  int writes = 0;
  const auto write = [&](const void*, uint64_t) {
    if (++writes == 1) flag.trigger(1);  // the head has been written
  };
  EXPECT_THROW(write_gguf(file, tensor::DType::q8_0, write, call), base::Error);
  EXPECT_EQ(writes, 1);
}

}  // namespace
}  // namespace rustml::generation
