#include "models/tensor_names.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

std::span<const NameRule> names_of(const char* architecture) {
  MadeFile f;
  f.text("general.architecture", architecture);
  return architecture_of(f.file()).family->names;
}

TEST(TensorNames, GgufNamesStayAsTheyAre) { EXPECT_EQ(TensorNames().in_file("blk.12.attn_q.weight"), "blk.12.attn_q.weight"); }

TEST(TensorNames, HuggingFaceNamesWithThePrefixOfTheFile) {
  constexpr const char* kPrefixes[] = {"model.", ""};
  MadeFile with, bare, neither;
  with.tensor("model.embed_tokens.weight", {1, 1});
  bare.tensor("embed_tokens.weight", {1, 1});
  const TensorNames names(names_of("llama"), kPrefixes, with.file());
  EXPECT_EQ(names.in_file("blk.12.attn_q.weight"), "model.layers.12.self_attn.q_proj.weight");
  EXPECT_EQ(names.in_file("blk.0.ffn_norm.weight"), "model.layers.0.post_attention_layernorm.weight");
  EXPECT_EQ(names.in_file("output_norm.weight"), "model.norm.weight");
  EXPECT_EQ(names.in_file("output.weight"), "lm_head.weight");
  EXPECT_EQ(names.in_file("rope_freqs.weight"), "");
  EXPECT_EQ(TensorNames(names_of("llama"), kPrefixes, bare.file()).in_file("blk.3.attn_k.bias"), "layers.3.self_attn.k_proj.bias");
  const std::string error = error_of([&] { TensorNames(names_of("llama"), kPrefixes, neither.file()); });
  EXPECT_EQ(error.substr(0, 2), "15");
  EXPECT_NE(error.find("model.embed_tokens.weight is missing"), std::string::npos);
}

TEST(TensorNames, NormsOfGemmaAndLayersOfGpt2) {
  constexpr const char* kNone[] = {""};
  MadeFile gemma, gpt2;
  gemma.tensor("embed_tokens.weight", {1, 1});
  gpt2.tensor("wte.weight", {1, 1});
  const TensorNames g(names_of("gemma3"), kNone, gemma.file()), p(names_of("gpt2"), kNone, gpt2.file());
  EXPECT_EQ(g.in_file("blk.1.post_attention_norm.weight"), "layers.1.post_attention_layernorm.weight");
  EXPECT_EQ(g.in_file("blk.1.ffn_norm.weight"), "layers.1.pre_feedforward_layernorm.weight");
  EXPECT_EQ(g.in_file("blk.1.post_ffw_norm.weight"), "layers.1.post_feedforward_layernorm.weight");
  EXPECT_EQ(p.in_file("blk.1.attn_qkv.bias"), "h.1.attn.c_attn.bias");
  EXPECT_EQ(p.in_file("position_embd.weight"), "wpe.weight");
}

}  // namespace
}  // namespace rustml::models
