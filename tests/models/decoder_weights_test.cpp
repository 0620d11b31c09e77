// What is bound of a file, by what its configuration says; values are tests/golden's business.
#include "models/decoder_weights.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

std::string binding_error(MadeFile& f, void (*change)(Config&)) {
  const formats::ModelFile& file = f.file();
  Config config = config_of(file);
  change(config);
  WeightBinder binder(file, {}, {}, nullptr);
  return error_of([&] {
    bind_decoder(binder, config);
    binder.require_all_bound();
  });
}

TEST(DecoderWeights, WhatTheConfigurationAsksForIsBoundAndNothingElse) {
  MadeFile f = llama_file();
  EXPECT_EQ(binding_error(f, [](Config&) {}), "none");
  const auto missing = [](const std::string& name) {
    return "15 tensor blk.0." + name + " is missing; the file is incomplete or of another architecture";
  };
  EXPECT_EQ(binding_error(f, [](Config& c) { c.qkv_bias = Bias::required; }), missing("attn_q.bias"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.out_bias = Bias::required; }), missing("attn_output.bias"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.ffn_bias = Bias::required; }), missing("ffn_gate.bias"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.layer_norm = true; }), missing("attn_norm.bias"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.qk_norm = true; }), missing("attn_q_norm.weight"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.post_norms = true; }), missing("post_attention_norm.weight"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.fused_qkv = true; }), missing("attn_qkv.weight"));
  EXPECT_EQ(binding_error(f, [](Config& c) { c.rope_base = 0; }).find("15 tensor position_embd.weight is missing"), 0u);
  EXPECT_EQ(binding_error(f, [](Config& c) { c.gated = false; }).find("12 tensor blk.0.ffn_gate.weight has no place"), 0u);

  f.tensor("blk.0.attn_q.bias", {32});
  EXPECT_EQ(binding_error(f, [](Config&) {}), "none");
  EXPECT_EQ(binding_error(f, [](Config& c) { c.qkv_bias = Bias::none; }).find("12 tensor blk.0.attn_q.bias has no place"), 0u);
}

}  // namespace
}  // namespace rustml::models
