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

TEST(Llama, ImageTensorsAreLeftOutAndNamedOnce) {
  MadeFile alone = llama_file(), both = llama_file();
  both.tensor("v.blk.0.attn_q.weight", {8, 8}).tensor("mm.0.bias", {8}).tensor("v.patch_embd.weight", {8, 3, 2, 2});
  const std::vector<float> want = logits(alone, {1, 2, 3}, 1, 3);
  const base::LogRecords records;
  EXPECT_EQ(logits(both, {1, 2, 3}, 1, 3), want);
  ASSERT_EQ(records.texts.size(), 1u);
  EXPECT_NE(records.texts[0].find("3 tensors for images (v.*, mm.*) are left out"), std::string::npos) << records.texts[0];
}

// Zeros change nothing, others do; who they are is golden's business.
TEST(Llama, BiasesOfTheFeedForwardNetworkAreOptional) {
  const auto with = [](float value) {
    MadeFile f = llama_file();
    for (const auto& [name, n] : {std::pair{"gate", 48}, {"up", 48}, {"down", 32}})
      f.tensor("blk.0.ffn_" + std::string(name) + ".bias", {n}, std::vector<float>(static_cast<size_t>(n), value));
    return logits(f, {1, 2, 3}, 1, 3);
  };
  MadeFile none = llama_file();
  EXPECT_EQ(with(0), logits(none, {1, 2, 3}, 1, 3));
  EXPECT_NE(with(0.5f), with(0));
}

std::string qwen2_refusal(std::initializer_list<const char*> biases) {
  MadeFile f = llama_file();
  f.text("general.architecture", "qwen2");
  for (const char* key : {"block_count", "embedding_length", "feed_forward_length", "attention.head_count", "context_length"})
    f.number("qwen2." + std::string(key), f.file().require_uint("llama." + std::string(key)));
  f.number("qwen2.attention.head_count_kv", 2).real("qwen2.attention.layer_norm_rms_epsilon", 1e-5);
  for (const char* name : biases) f.tensor("blk.0.attn_" + std::string(name) + ".bias", {name == std::string("q") ? 32 : 16});
  WeightBinder binder(f.file(), {}, {}, nullptr);
  return error_of([&] { bind(plan(f.file()), binder); });
}

TEST(Llama, Qwen2HasAllBiasesOrNoneWithARecord) {
  const base::LogRecords records;
  EXPECT_EQ(qwen2_refusal({"q", "k", "v"}), "none");
  EXPECT_EQ(records.texts.size(), 0u);
  EXPECT_EQ(qwen2_refusal({}), "none");
  ASSERT_EQ(records.texts.size(), 1u);
  EXPECT_NE(records.texts[0].find("no layer has biases of q, k and v"), std::string::npos) << records.texts[0];
  EXPECT_EQ(qwen2_refusal({"q", "v"}), "15 tensor blk.0.attn_k.bias is missing; the file is incomplete or of another architecture");
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
    const bool has_default = std::string(name) == "num_key_value_heads" || std::string(name) == "rope_theta";
    EXPECT_EQ(llama_refusal(name), has_default ? "none" : "15 made/config.json: " + std::string(name) + " is missing; it must be given");
    for (const char* value : {"\"8\"", "-1", "0", "1e308", "[1]", "true", "{}"}) {
      if (std::string(value) == "1e308" && (std::string(name) == "rms_norm_eps" || std::string(name) == "rope_theta")) continue;
      EXPECT_EQ(llama_refusal(name, "\"" + std::string(name) + "\":" + value).substr(0, 2), "15") << name << " " << value;
    }
    const std::string null = llama_refusal(name, "\"" + std::string(name) + "\":null");
    if (std::string(name) == "num_key_value_heads")
      EXPECT_EQ(null, "none");
    else
      EXPECT_NE(null.find("is null"), std::string::npos);
  }
  for (const char* value : {"3.5", "9223372036854775808", "1000000000"})
    EXPECT_EQ(llama_refusal("num_hidden_layers", std::string("\"num_hidden_layers\":") + value).substr(0, 2), "15") << value;
}

// Of transformers' LlamaConfig (5.24). Other models of this family have other ones, which stay required.
TEST(LlamaJson, TwoFieldsHaveDefaultsAndOneRecord) {
  base::LogRecords records;
  std::vector<std::string> fields = kLlamaFields;
  std::erase_if(fields, [](const std::string& f) { return f.starts_with("\"num_key") || f.starts_with("\"rope"); });
  MadeFile f;
  const Config c = config_of(f.json(without(fields, "")).file());
  EXPECT_EQ(c.n_kv_heads, 4);
  EXPECT_EQ(c.rope_base, 10000);
  EXPECT_EQ(records.texts, std::vector<std::string>{"made/config.json: missing fields are taken as transformers takes them: "
                                                    "num_key_value_heads is 4, as num_attention_heads; rope_theta is 10000"});
  for (const char* type : {"mistral", "qwen2", "qwen3"})
    for (const char* name : {"num_key_value_heads", "rope_theta"}) {
      MadeFile other;
      fields = kLlamaFields;
      fields[0] = "\"model_type\":\"" + std::string(type) + "\"";
      other.json(without(fields, name));
      EXPECT_EQ(error_of([&] { config_of(other.file()); }), "15 made/config.json: " + std::string(name) + " is missing; it must be given");
    }
  records.texts.clear();
  EXPECT_EQ(llama_refusal("rope_theta", "\"rope_parameters\":{\"rope_type\":\"default\"}"), "none");
  EXPECT_EQ(records.texts,
            std::vector<std::string>{"made/config.json: missing fields are taken as transformers takes them: rope_theta is 10000"});
}

TEST(LlamaJson, InconsistentOrUnsupportedIsNamed) {
  EXPECT_NE(llama_refusal("num_key_value_heads", "\"num_key_value_heads\":3")
                .find("num_key_value_heads is 3; num_attention_heads (4) must be a multiple"),
            std::string::npos);
  EXPECT_NE(llama_refusal("num_key_value_heads", "\"num_key_value_heads\":8").find("num_key_value_heads is 8"), std::string::npos);
  EXPECT_NE(llama_refusal("hidden_size", "\"hidden_size\":30").find("hidden_size is 30"), std::string::npos);
  EXPECT_EQ(llama_refusal("hidden_act", "\"hidden_act\":\"relu\"").substr(0, 2), "12");
  EXPECT_EQ(llama_refusal("rope_theta", "\"rope_theta\":1e4,\"rope_scaling\":{\"type\":\"linear\"}"),
            "15 made/config.json: rope_scaling.factor is missing; it must be given");
  EXPECT_EQ(
      llama_refusal("model_type", "\"model_type\":\"mistral\",\"sliding_window\":8,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
      "12 made/config.json: sliding_window together with rotary scaling is not supported");
  EXPECT_EQ(llama_refusal("tie_word_embeddings", "\"tie_word_embeddings\":\"yes\"").substr(0, 2), "15");
}

}  // namespace
}  // namespace rustml::models
