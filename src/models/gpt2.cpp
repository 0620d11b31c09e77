// GPT-2 (Radford et al. 2019). LayerNorm with bias, embedded positions, biases everywhere:
//   x = wte[id] + wpe[position];  x += proj(attention(ln_1(x)));  x += c_proj(gelu(c_fc(ln_2(x))))
#include <cmath>

#include "models/registry.h"

namespace rustml::models {

namespace {

constexpr NameRule kNames[] = {
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
constexpr const char* kPrefixes[] = {"", "transformer."};
constexpr const char* kIgnored[] = {".attn.bias", ".attn.masked_bias"};  // buffers that old files carry
constexpr const char* kEpsilon = "attention.layer_norm_epsilon";

void set_layers(Config& c) {
  c.layer_norm = true;
  c.fused_qkv = true;
  c.gated = false;
  c.activation = Activation::gelu_tanh;
  c.qkv_bias = c.out_bias = c.ffn_bias = Bias::required;
  c.conv1d = true;
}

Config read_gguf(const formats::ModelFile& file, const std::string& architecture) {
  Config c = read_gguf_config(file, architecture, kEpsilon);
  c.rope_base = 0;
  set_layers(c);
  return c;
}

Config read_json(const formats::ModelFile& file, const std::string& architecture) {
  const base::JsonFields json = config_fields(file);
  Config c;
  c.architecture = architecture;
  c.n_layers = json.size("n_layer", kMaxLayers);
  c.hidden = json.size("n_embd", kMaxWidth);
  c.n_heads = c.n_kv_heads = json.size("n_head", kMaxHeads);
  if (c.hidden % c.n_heads != 0 || c.hidden / c.n_heads > kMaxHeadDim || c.hidden / c.n_heads % 2 != 0)
    json.fail("n_embd", "is " + std::to_string(c.hidden) + "; it must be n_head (" + std::to_string(c.n_heads) +
                            ") times an even number up to " + std::to_string(kMaxHeadDim));
  c.head_dim = c.hidden / c.n_heads;
  c.ffn = json.size("n_inner", kMaxWidth, 4 * c.hidden);
  c.vocab = json.size("vocab_size", kMaxVocabulary);
  c.context = json.size("n_positions", kMaxContext);
  c.norm_eps = static_cast<float>(json.positive("layer_norm_epsilon"));
  c.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.head_dim)));
  c.tied = json.flag("tie_word_embeddings", true);
  set_layers(c);
  json.require_text("activation_function", {"gelu_new", "gelu_pytorch_tanh"});
  json.require_flag("scale_attn_weights", true);
  json.require_flag("scale_attn_by_inverse_layer_idx", false);
  json.require_flag("reorder_and_upcast_attn", false);
  json.require_flag("add_cross_attention", false);
  return c;
}

void export_keys(const Config& c, const GgufKeyWriter& keys) { write_gguf_config(c, kEpsilon, keys); }

}  // namespace

extern const Family kGpt2 = {read_gguf, read_json, export_keys, nullptr, kNames, kPrefixes, kIgnored};

}  // namespace rustml::models
