// SmolLM, which is a Llama without biases, as an architecture of its own:
//   x += out(attention(norm(x)));  x += down(silu(gate(norm(x))) * up(norm(x)))
#include "models/registry.h"

namespace rustml::models {

namespace {

constexpr NameRule kNames[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm"},
    {"output", "lm_head"},
    {"blk.{}.attn_norm", "layers.{}.input_layernorm"},
    {"blk.{}.attn_q", "layers.{}.self_attn.q_proj"},
    {"blk.{}.attn_k", "layers.{}.self_attn.k_proj"},
    {"blk.{}.attn_v", "layers.{}.self_attn.v_proj"},
    {"blk.{}.attn_output", "layers.{}.self_attn.o_proj"},
    {"blk.{}.ffn_norm", "layers.{}.post_attention_layernorm"},
    {"blk.{}.ffn_gate", "layers.{}.mlp.gate_proj"},
    {"blk.{}.ffn_up", "layers.{}.mlp.up_proj"},
    {"blk.{}.ffn_down", "layers.{}.mlp.down_proj"},
};
constexpr const char* kPrefixes[] = {"model.", ""};
constexpr const char* kEpsilon = "attention.layer_norm_rms_epsilon";

Config read_gguf(const formats::ModelFile& file, const std::string& architecture) {
  Config c = read_gguf_config(file, architecture, kEpsilon);
  c.paired_rows = true;
  return c;
}

Config read_json(const formats::ModelFile& file, const std::string& architecture) {
  const base::JsonFields json = config_fields(file);
  Config c = read_json_config(json, architecture);
  json.require_text("hidden_act", {"silu"});
  c.paired_rows = true;
  c.tied = json.flag("tie_word_embeddings", true);
  c.rope_base = read_rope_base(json, "rope_parameters");
  c.rope_scaling = read_rope_scaling(json, "rope_parameters");
  return c;
}

void export_keys(const Config& c, const GgufKeyWriter& keys) {
  write_gguf_config(c, kEpsilon, keys);
  write_gguf_rotary(c, keys);
}

}  // namespace

extern const Family kSmollm = {read_gguf, read_json, export_keys, nullptr, kNames, kPrefixes, {}};

}  // namespace rustml::models
