#include "models/registry.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

TEST(Registry, FindsLlamaAndNamesWhatItDoesNotKnow) {
  MadeFile llama = llama_file();
  EXPECT_STREQ(plan(llama.file()).architecture->name, "llama");
  MadeFile other;
  other.text("general.architecture", "mamba");
  const std::string error = error_of([&] { plan(other.file()); });
  EXPECT_EQ(error.substr(0, 2), "12");
  EXPECT_NE(error.find("\"mamba\""), std::string::npos);
  EXPECT_NE(error.find("; supported: gpt2, gemma3, llama, qwen2, qwen3"), std::string::npos) << error;
  MadeFile mistral;  // its GGUF files say llama
  mistral.text("general.architecture", "mistral");
  EXPECT_EQ(error_of([&] { plan(mistral.file()); }).substr(0, 2), "12");
  MadeFile json;
  json.json("{\"model_type\":\"mamba\"}");
  const std::string known = "supported: gpt2, gemma3_text, gemma3, llama, mistral, qwen2, qwen3";
  EXPECT_TRUE(error_of([&] { plan(json.file()); }).starts_with("12 made/config.json: model_type \"mamba\" is not supported; " + known));
  MadeFile none;
  EXPECT_EQ(error_of([&] { plan(none.file()); }).substr(0, 2), "15");
}

}  // namespace
}  // namespace rustml::models
