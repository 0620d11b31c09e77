// Configurations; what the numbers must be is tests/golden's business.
#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

const std::vector<std::string> kGemmaFields = {"\"model_type\":\"gemma3_text\"",
                                               "\"vocab_size\":40",
                                               "\"hidden_size\":32",
                                               "\"intermediate_size\":48",
                                               "\"num_hidden_layers\":7",
                                               "\"num_attention_heads\":4",
                                               "\"num_key_value_heads\":1",
                                               "\"head_dim\":16",
                                               "\"max_position_embeddings\":64",
                                               "\"rms_norm_eps\":1e-6",
                                               "\"query_pre_attn_scalar\":25",
                                               "\"sliding_window\":8",
                                               "\"rope_theta\":1000000.0",
                                               "\"rope_local_base_freq\":10000.0",
                                               "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8.0}"};

Config read(const std::string& json) {
  MadeFile f;
  f.json(json);
  return config_of(f.file());
}
std::string gemma_refusal(const std::string& name, const std::string& instead = {}) {
  return error_of([&] { read(without(kGemmaFields, name, instead)); });
}

TEST(Gemma3, JsonOfPublishedFiles) {
  const Config c = read(without(kGemmaFields, ""));
  EXPECT_FLOAT_EQ(c.attention_scale, 0.2f);
  EXPECT_EQ(c.window, 8);
  EXPECT_EQ(c.window_layer, (std::vector<bool>{true, true, true, true, true, false, true}));
  EXPECT_EQ(c.window_rope_base, 10000);
  EXPECT_EQ(c.rope_base, 1000000);
  EXPECT_EQ(c.rope_scaling.factor, 8);
  EXPECT_TRUE(c.tied);
  EXPECT_EQ(read("{\"model_type\":\"gemma3\",\"text_config\":" + without(kGemmaFields, "") + "}").window_layer, c.window_layer);
}

TEST(Gemma3, NestedRotaryParametersAndLayerTypes) {
  const Config c = read(without(kGemmaFields, "rope_theta",
                                "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\",\"rope_theta\":500000.0},"
                                "\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":2000.0}},"
                                "\"layer_types\":[\"full_attention\",\"sliding_attention\",\"sliding_attention\",\"sliding_attention\","
                                "\"sliding_attention\",\"sliding_attention\",\"full_attention\"]"));
  EXPECT_EQ(c.rope_base, 500000);
  EXPECT_EQ(c.window_rope_base, 2000);
  EXPECT_FALSE(c.windowed(0));
  EXPECT_TRUE(c.windowed(1));
  EXPECT_FALSE(c.windowed(6));
}

TEST(Gemma3, FaultsAreNamed) {
  for (const char* name : {"vocab_size", "hidden_size", "num_key_value_heads", "query_pre_attn_scalar", "sliding_window", "rope_theta",
                           "rope_local_base_freq", "rms_norm_eps"})
    EXPECT_EQ(gemma_refusal(name), "15 made/config.json: " + std::string(name) + " is missing; it must be given");
  for (const char* value : {"0", "-1", "\"8\""})
    EXPECT_EQ(gemma_refusal("sliding_window", std::string("\"sliding_window\":") + value).substr(0, 2), "15") << value;
  EXPECT_EQ(gemma_refusal("rope_scaling", "\"layer_types\":[\"full_attention\"]"),
            "15 made/config.json: layer_types has 1 entries for 7 layers");
  EXPECT_EQ(gemma_refusal("rope_scaling", "\"final_logit_softcapping\":30.0").substr(0, 2), "12");
  EXPECT_EQ(gemma_refusal("rope_scaling", "\"hidden_activation\":\"relu\"").substr(0, 2), "12");
}

MadeFile gemma_file() {
  MadeFile f;
  f.text("general.architecture", "gemma3").number("gemma3.block_count", 7).number("gemma3.embedding_length", 32);
  f.number("gemma3.feed_forward_length", 48).number("gemma3.attention.head_count", 4).number("gemma3.attention.head_count_kv", 1);
  f.number("gemma3.attention.key_length", 16).number("gemma3.context_length", 64).real("gemma3.attention.layer_norm_rms_epsilon", 1e-6);
  f.real("gemma3.rope.freq_base", 1e6).number("gemma3.attention.sliding_window", 8).tensor("token_embd.weight", {40, 32});
  return f;
}

TEST(Gemma3, GgufKeys) {
  MadeFile f = gemma_file();
  Config c = config_of(f.file());
  EXPECT_FLOAT_EQ(c.attention_scale, 0.25f);
  EXPECT_EQ(c.window_rope_base, 10000);
  EXPECT_FALSE(c.windowed(5));
  EXPECT_TRUE(c.windowed(6));
  f.list("gemma3.attention.sliding_window_pattern", std::vector<bool>{true, false, true, true, true, true, false});
  f.real("gemma3.final_logit_softcapping", 0);
  c = config_of(f.file());
  EXPECT_FALSE(c.windowed(1));
  EXPECT_TRUE(c.windowed(5));
  f.list("gemma3.attention.sliding_window_pattern", std::vector<bool>{true});
  EXPECT_EQ(error_of([&] { config_of(f.file()); }), "15 gemma3.attention.sliding_window_pattern has 1 values for 7 layers");
}

// llama.cpp would scale the window layers too.
TEST(Gemma3, OfAGgufFileOnlyLinearScalingIsSupported) {
  MadeFile f = gemma_file();
  f.text("gemma3.rope.scaling.type", "linear").real("gemma3.rope.scaling.factor", 8);
  EXPECT_EQ(config_of(f.file()).rope_scaling.factor, 8);
  f.text("gemma3.rope.scaling.type", "yarn").number("gemma3.rope.scaling.original_context_length", 64);
  EXPECT_EQ(error_of([&] { config_of(f.file()); }).substr(0, 27), "12 rotary scaling yarn, lon");
  f.text("gemma3.rope.scaling.type", "linear").real("gemma3.rope.scaling.attn_factor", 1.5);
  EXPECT_EQ(error_of([&] { config_of(f.file()); }).substr(0, 27), "12 rotary scaling yarn, lon");
}

TEST(Gemma3, GgufKeysThatAreMissingOrNotSupported) {
  for (const char* key : {"gemma3.attention.sliding_window", "gemma3.rope.freq_base", "gemma3.attention.layer_norm_rms_epsilon"}) {
    MadeFile f = gemma_file();
    f.erase(key);
    EXPECT_EQ(error_of([&] { config_of(f.file()); }), "15 key \"" + std::string(key) + "\" is missing");
  }
  MadeFile f = gemma_file();
  f.real("gemma3.final_logit_softcapping", 30);
  EXPECT_EQ(error_of([&] { config_of(f.file()); }), "12 gemma3.final_logit_softcapping is 30; only 0 is supported");
}

TEST(Gemma3, FilesOfOllamaAreNamed) {
  const auto refusal = [](MadeFile& f) { return error_of([&] { config_of(f.file()); }); };
  MadeFile blob = gemma_file();
  blob.erase("gemma3.attention.layer_norm_rms_epsilon").erase("gemma3.rope.freq_base").tensor("v.patch_embedding.bias", {8});
  EXPECT_EQ(refusal(blob).substr(0, 2), "12");
  EXPECT_NE(
      refusal(blob).find(
          "is a Gemma 3 file of Ollama's own converter (it has tensors for images, and no key gemma3.attention.layer_norm_rms_epsilon)"),
      std::string::npos)
      << refusal(blob);
  for (const char* key : {"gemma3.rope.local.freq_base", "gemma3.rope.global.freq_base", "gemma3.mm.tokens_per_image"}) {
    MadeFile text = gemma_file();
    text.real(key, 10000);
    EXPECT_NE(refusal(text).find("Ollama's own converter (it has the key " + std::string(key) + ")"), std::string::npos);
  }
  MadeFile other = gemma_file();  // not Ollama's: all is there
  other.tensor("v.patch_embedding.bias", {8});
  EXPECT_EQ(refusal(other), "none");
}

}  // namespace
}  // namespace rustml::models
