#include "models/tensor_names.h"

#include <string_view>

#include "base/error.h"

namespace rustml::models {

namespace {

constexpr NameRule kLlama[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm"},
    {"output", "lm_head"},
    {"blk.{}.attn_norm", "layers.{}.input_layernorm"},
    {"blk.{}.attn_q", "layers.{}.self_attn.q_proj"},
    {"blk.{}.attn_k", "layers.{}.self_attn.k_proj"},
    {"blk.{}.attn_v", "layers.{}.self_attn.v_proj"},
    {"blk.{}.attn_output", "layers.{}.self_attn.o_proj"},
    {"blk.{}.attn_q_norm", "layers.{}.self_attn.q_norm"},
    {"blk.{}.attn_k_norm", "layers.{}.self_attn.k_norm"},
    {"blk.{}.ffn_norm", "layers.{}.post_attention_layernorm"},
    {"blk.{}.ffn_gate", "layers.{}.mlp.gate_proj"},
    {"blk.{}.ffn_up", "layers.{}.mlp.up_proj"},
    {"blk.{}.ffn_down", "layers.{}.mlp.down_proj"},
};

constexpr NameRule kGemma3[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm"},
    {"output", "lm_head"},
    {"blk.{}.attn_norm", "layers.{}.input_layernorm"},
    {"blk.{}.attn_q", "layers.{}.self_attn.q_proj"},
    {"blk.{}.attn_k", "layers.{}.self_attn.k_proj"},
    {"blk.{}.attn_v", "layers.{}.self_attn.v_proj"},
    {"blk.{}.attn_output", "layers.{}.self_attn.o_proj"},
    {"blk.{}.attn_q_norm", "layers.{}.self_attn.q_norm"},
    {"blk.{}.attn_k_norm", "layers.{}.self_attn.k_norm"},
    {"blk.{}.post_attention_norm", "layers.{}.post_attention_layernorm"},
    {"blk.{}.ffn_norm", "layers.{}.pre_feedforward_layernorm"},
    {"blk.{}.ffn_gate", "layers.{}.mlp.gate_proj"},
    {"blk.{}.ffn_up", "layers.{}.mlp.up_proj"},
    {"blk.{}.ffn_down", "layers.{}.mlp.down_proj"},
    {"blk.{}.post_ffw_norm", "layers.{}.post_feedforward_layernorm"},
};

constexpr NameRule kGpt2[] = {
    {"token_embd", "wte"},
    {"position_embd", "wpe"},
    {"output_norm", "ln_f"},
    {"output", "lm_head"},
    {"blk.{}.attn_norm", "h.{}.ln_1"},
    {"blk.{}.attn_qkv", "h.{}.attn.c_attn"},
    {"blk.{}.attn_output", "h.{}.attn.c_proj"},
    {"blk.{}.ffn_norm", "h.{}.ln_2"},
    {"blk.{}.ffn_up", "h.{}.mlp.c_fc"},
    {"blk.{}.ffn_down", "h.{}.mlp.c_proj"},
};

}  // namespace

std::span<const NameRule> llama_names() noexcept { return kLlama; }
std::span<const NameRule> gemma3_names() noexcept { return kGemma3; }
std::span<const NameRule> gpt2_names() noexcept { return kGpt2; }

TensorNames::TensorNames(std::span<const NameRule> rules, std::span<const char* const> prefixes, const formats::ModelFile& file)
    : rules_(rules) {
  for (const char* prefix : prefixes) {
    prefix_ = prefix;
    if (file.find(in_file("token_embd.weight"))) return;
  }
  prefix_ = prefixes.front();
  base::fail(base::Status::data_loss,
             file.name + ": tensor " + in_file("token_embd.weight") + " is missing; without it the files are no model of this kind");
}

std::string TensorNames::in_file(const std::string& gguf_name) const {
  if (rules_.empty()) return gguf_name;
  // <stem>.<weight or bias>, the stem with the layer's number taken out
  const size_t dot = gguf_name.rfind('.');
  std::string stem = gguf_name.substr(0, dot), layer;
  if (stem.starts_with("blk.")) {
    const size_t end = stem.find('.', 4);
    layer = stem.substr(4, end - 4);
    stem.replace(4, layer.size(), "{}");
  }
  for (const NameRule& rule : rules_) {
    if (stem != rule.gguf) continue;
    std::string name = rule.hugging_face;
    if (const size_t at = name.find("{}"); at != std::string::npos) name.replace(at, 2, layer);
    return (name == "lm_head" ? name : prefix_ + name) + gguf_name.substr(dot);
  }
  return {};
}

}  // namespace rustml::models
