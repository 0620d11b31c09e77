// Configuration and the transposed, fused tensors of SafeTensors; what the numbers must be is tests/golden's business.
#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

const std::vector<std::string> kGpt2Fields = {"\"model_type\":\"gpt2\"",
                                              "\"n_layer\":1",
                                              "\"n_embd\":8",
                                              "\"n_head\":2",
                                              "\"n_positions\":16",
                                              "\"n_inner\":null",
                                              "\"vocab_size\":10",
                                              "\"layer_norm_epsilon\":1e-5",
                                              "\"activation_function\":\"gelu_new\""};

std::string gpt2_refusal(const std::string& name, const std::string& instead = {}) {
  MadeFile f;
  f.json(without(kGpt2Fields, name, instead));
  return error_of([&] { config_of(f.file()); });
}

TEST(Gpt2, JsonFields) {
  MadeFile f;
  f.json(without(kGpt2Fields, ""));
  const Config c = config_of(f.file());
  EXPECT_EQ(c.ffn, 32) << "n_inner null: four times the width";
  EXPECT_EQ(c.head_dim, 4);
  EXPECT_EQ(c.rope_base, 0);
  EXPECT_TRUE(c.tied);
  for (const char* name : {"n_layer", "n_embd", "n_head", "n_positions", "vocab_size", "layer_norm_epsilon"})
    EXPECT_EQ(gpt2_refusal(name), "15 made/config.json: " + std::string(name) + " is missing; it must be given");
  EXPECT_NE(gpt2_refusal("n_head", "\"n_head\":3").find("n_embd is 8"), std::string::npos);
  EXPECT_EQ(gpt2_refusal("activation_function", "\"activation_function\":\"relu\"").substr(0, 2), "12");
  EXPECT_EQ(gpt2_refusal("n_inner", "\"scale_attn_by_inverse_layer_idx\":true"),
            "12 made/config.json: scale_attn_by_inverse_layer_idx is true; only false is supported");
  EXPECT_EQ(gpt2_refusal("n_inner", "\"reorder_and_upcast_attn\":true").substr(0, 2), "12");
}

TEST(Gpt2, FewerKeyHeadsThanTheFusedTensorHasAreRefused) {
  MadeFile f;
  f.text("general.architecture", "gpt2").number("gpt2.block_count", 1).number("gpt2.embedding_length", 8);
  f.number("gpt2.feed_forward_length", 32).number("gpt2.attention.head_count", 2).number("gpt2.context_length", 16);
  f.number("gpt2.attention.head_count_kv", 1).real("gpt2.attention.layer_norm_epsilon", 1e-5);
  f.tensor("token_embd.weight", {10, 8}).tensor("position_embd.weight", {16, 8});
  f.tensor("blk.0.attn_norm.weight", {8}).tensor("blk.0.attn_norm.bias", {8}).tensor("blk.0.attn_qkv.weight", {24, 8});
  WeightBinder binder(f.file(), {}, {}, nullptr);
  EXPECT_EQ(error_of([&] { bind(plan(f.file()), binder); }),
            "15 tensor blk.0.attn_qkv.weight has shape [24, 8]; the configuration asks for [16, 8]");
}

std::vector<float> ramp(size_t n, float step) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>((i * 37 % 101)) * step - 50 * step;
  return values;
}

// [rows, cols] to [cols, rows].
std::vector<float> transposed(const std::vector<float>& x, int64_t rows, int64_t cols) {
  std::vector<float> y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < cols; ++k) y[static_cast<size_t>(k * rows + r)] = x[static_cast<size_t>(r * cols + k)];
  return y;
}

TEST(Gpt2, BothFormatsGiveTheSameBits) {
  MadeFile gguf, directory;
  directory.json(without(kGpt2Fields, ""));
  gguf.text("general.architecture", "gpt2").number("gpt2.block_count", 1).number("gpt2.embedding_length", 8);
  gguf.number("gpt2.feed_forward_length", 32).number("gpt2.attention.head_count", 2).number("gpt2.context_length", 16);
  gguf.real("gpt2.attention.layer_norm_epsilon", 1e-5);
  const auto both = [&](const std::string& gguf_name, const std::string& name, std::vector<int64_t> shape, float step, bool conv = false) {
    size_t n = 1;
    for (const int64_t d : shape) n *= static_cast<size_t>(d);
    const std::vector<float> values = ramp(n, step);
    gguf.tensor(gguf_name, shape, values);
    directory.tensor("transformer." + name, conv ? std::vector<int64_t>{shape[1], shape[0]} : shape,
                     conv ? transposed(values, shape[0], shape[1]) : values);
  };
  both("token_embd.weight", "wte.weight", {10, 8}, 0.02f);
  both("position_embd.weight", "wpe.weight", {16, 8}, 0.01f);
  for (const auto& [a, b] : {std::pair{"attn_norm", "ln_1"}, {"ffn_norm", "ln_2"}})
    for (const char* kind : {".weight", ".bias"}) both(std::string("blk.0.") + a + kind, std::string("h.0.") + b + kind, {8}, 0.013f);
  both("blk.0.attn_qkv.weight", "h.0.attn.c_attn.weight", {24, 8}, 0.017f, true);
  both("blk.0.attn_qkv.bias", "h.0.attn.c_attn.bias", {24}, 0.011f);
  both("blk.0.attn_output.weight", "h.0.attn.c_proj.weight", {8, 8}, 0.019f, true);
  both("blk.0.attn_output.bias", "h.0.attn.c_proj.bias", {8}, 0.01f);
  both("blk.0.ffn_up.weight", "h.0.mlp.c_fc.weight", {32, 8}, 0.015f, true);
  both("blk.0.ffn_up.bias", "h.0.mlp.c_fc.bias", {32}, 0.01f);
  both("blk.0.ffn_down.weight", "h.0.mlp.c_proj.weight", {8, 32}, 0.014f, true);
  both("blk.0.ffn_down.bias", "h.0.mlp.c_proj.bias", {8}, 0.01f);
  both("output_norm.weight", "ln_f.weight", {8}, 0.012f);
  both("output_norm.bias", "ln_f.bias", {8}, 0.012f);
  directory.tensor("transformer.h.0.attn.bias", {1, 1, 16, 16});  // a mask of the public files
  const std::vector<int32_t> ids = {3, 1, 4, 1, 5, 9, 2};
  const std::vector<float> want = logits_of(gguf.file(), ids, 1, 1);
  EXPECT_EQ(logits_of(directory.file(), ids, 2, 4), want);
  EXPECT_NE(logits_of(gguf.file(), {3, 1, 4, 1, 5, 2, 9}, 1, 1), want);
}

}  // namespace
}  // namespace rustml::models
