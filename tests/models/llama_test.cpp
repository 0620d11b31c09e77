// Binding and steps; what the numbers must be is tests/golden's business (against transformers).
#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

std::vector<float> logits(MadeFile& f, const std::vector<int32_t>& ids, int n_threads, int64_t chunk) {
  return logits_of(f.file(), ids, n_threads, chunk);
}

TEST(Llama, BitsDoNotDependOnThreadsOrChunksAndPositionsMatter) {
  MadeFile f = llama_file();
  const std::vector<int32_t> ids = {3, 17, 39, 0, 5, 5, 21};
  const std::vector<float> want = logits(f, ids, 1, 1);
  EXPECT_EQ(logits(f, ids, 2, 7), want);
  EXPECT_EQ(logits(f, ids, 3, 4), want);
  EXPECT_NE(logits(f, {17, 3, 39, 0, 5, 5, 21}, 1, 7), want);
}

TEST(Llama, AnOwnHeadIsUsed) {
  MadeFile tied = llama_file(), own = llama_file();
  own.tensor("output.weight", {40, 32});
  EXPECT_NE(logits(own, {1, 2}, 1, 2), logits(tied, {1, 2}, 1, 2));
}

TEST(Llama, TensorsOfOtherArchitecturesAreRefused) {
  MadeFile f = llama_file();
  f.tensor("blk.0.attn_q_norm.weight", {8});
  const formats::ModelFile& file = f.file();
  WeightBinder binder(file, {}, {}, nullptr);
  const std::string error = error_of([&] { bind(plan(file), binder); });
  EXPECT_EQ(error.substr(0, 2), "12");
  EXPECT_NE(error.find("attn_q_norm"), std::string::npos);
}

const std::vector<std::string> kLlamaFields = {
    "\"model_type\":\"llama\"", "\"vocab_size\":40",         "\"hidden_size\":32",        "\"intermediate_size\":48",
    "\"num_hidden_layers\":1",  "\"num_attention_heads\":4", "\"num_key_value_heads\":2", "\"max_position_embeddings\":64",
    "\"rms_norm_eps\":1e-5",    "\"rope_theta\":10000.0",    "\"hidden_act\":\"silu\"",   "\"tie_word_embeddings\":true"};

std::string llama_refusal(const std::string& name, const std::string& instead = {}) {
  MadeFile f;
  f.json(without(kLlamaFields, name, instead));
  return error_of([&] { config_of(f.file()); });
}

TEST(LlamaJson, ReadsWhatTheFileSays) {
  MadeFile f;
  f.json(without(kLlamaFields, ""));
  const Config c = config_of(f.file());
  EXPECT_EQ(c.n_layers, 1);
  EXPECT_EQ(c.head_dim, 8);
  EXPECT_EQ(c.context, 64);
  EXPECT_TRUE(c.tied);
  EXPECT_EQ(c.rope_base, 10000);
}

TEST(LlamaJson, RequiredFieldsHaveNoDefaults) {
  for (const char* name : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                           "num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "rope_theta"}) {
    const std::string error = llama_refusal(name);
    EXPECT_EQ(error, "15 made/config.json: " + std::string(name) + " is missing; it must be given");
    for (const char* value : {"\"8\"", "-1", "0", "1e308", "[1]", "true", "{}"}) {
      if (std::string(value) == "1e308" && (std::string(name) == "rms_norm_eps" || std::string(name) == "rope_theta")) continue;
      EXPECT_EQ(llama_refusal(name, "\"" + std::string(name) + "\":" + value).substr(0, 2), "15") << name << " " << value;
    }
    EXPECT_NE(llama_refusal(name, "\"" + std::string(name) + "\":null").find("is null"), std::string::npos);
  }
  for (const char* value : {"3.5", "9223372036854775808", "1000000000"})
    EXPECT_EQ(llama_refusal("num_hidden_layers", std::string("\"num_hidden_layers\":") + value).substr(0, 2), "15") << value;
}

TEST(LlamaJson, InconsistentOrUnsupportedIsNamed) {
  EXPECT_NE(llama_refusal("num_key_value_heads", "\"num_key_value_heads\":3")
                .find("num_key_value_heads is 3; num_attention_heads (4) must be a multiple"),
            std::string::npos);
  EXPECT_NE(llama_refusal("num_key_value_heads", "\"num_key_value_heads\":8").find("num_key_value_heads is 8"), std::string::npos);
  EXPECT_NE(llama_refusal("hidden_size", "\"hidden_size\":30").find("hidden_size is 30"), std::string::npos);
  EXPECT_EQ(llama_refusal("hidden_act", "\"hidden_act\":\"relu\"").substr(0, 2), "12");
  EXPECT_EQ(llama_refusal("rope_theta", "\"rope_theta\":1e4,\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0}").substr(0, 2), "12");
  EXPECT_EQ(llama_refusal("rope_theta", "\"rope_theta\":1e4,\"rope_scaling\":{\"type\":\"linear\"}"),
            "15 made/config.json: rope_scaling.factor is missing; it must be given");
  EXPECT_EQ(llama_refusal("tie_word_embeddings", "\"tie_word_embeddings\":\"yes\"").substr(0, 2), "15");
}

}  // namespace
}  // namespace rustml::models
