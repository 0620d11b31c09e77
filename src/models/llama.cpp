// Llama (Touvron et al. 2023) and its descendants Mistral, Qwen2 (q, k, v biases) and Qwen3 (norms of q and k):
//   x += out(attention(norm(x)));  x += down(silu(gate(norm(x))) * up(norm(x)))
#include "base/error.h"
#include "base/log.h"
#include "base/number_text.h"
#include "models/registry.h"
#include "models/rotary.h"

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
    {"blk.{}.attn_q_norm", "layers.{}.self_attn.q_norm"},
    {"blk.{}.attn_k_norm", "layers.{}.self_attn.k_norm"},
    {"blk.{}.ffn_norm", "layers.{}.post_attention_layernorm"},
    {"blk.{}.ffn_gate", "layers.{}.mlp.gate_proj"},
    {"blk.{}.ffn_up", "layers.{}.mlp.up_proj"},
    {"blk.{}.ffn_down", "layers.{}.mlp.down_proj"},
};
constexpr const char* kPrefixes[] = {"model.", ""};
constexpr const char* kIgnored[] = {"rotary_emb.inv_freq"};  // buffers that old files carry
constexpr const char* kEpsilon = "attention.layer_norm_rms_epsilon";
constexpr const char* kRopeField = "rope_parameters";
constexpr double kRopeBase = 10000;  // of transformers' LlamaConfig where config.json does not say it

void log_warning(const std::string& line) { base::log(base::LogLevel::warn, "rustml", line); }

void set_layers(Config& c, bool attention_bias) {
  c.qk_norm = c.architecture == "qwen3";
  c.qkv_bias = attention_bias || c.architecture == "qwen2" ? Bias::required : Bias::optional;
  c.out_bias = Bias::optional;
  c.paired_rows = c.architecture == "llama" || c.architecture == "mistral";
}

// Without any of them the layers are right as they stand; with some the file is incomplete, which binding says.
bool has_qkv_biases(const formats::ModelFile& file, int64_t n_layers) {
  for (int64_t i = 0; i < n_layers; ++i)
    for (const char* part : {"q", "k", "v"})
      if (file.find("blk." + std::to_string(i) + ".attn_" + part + ".bias")) return true;
  return false;
}

Config read_gguf(const formats::ModelFile& file, const std::string& architecture) {
  Config c = read_gguf_config(file, architecture, kEpsilon);
  set_layers(c, false);
  if (architecture == "llama") c.ffn_bias = Bias::optional;
  if (c.qkv_bias == Bias::required && !has_qkv_biases(file, c.n_layers)) {
    c.qkv_bias = Bias::none;
    log_warning(file.name + ": no layer has biases of q, k and v, as models of " + architecture + " do; it is run without them");
  }
  return c;
}

// Old files leave out two fields; transformers' LlamaConfig has these values for them.
void log_defaults(const base::JsonFields& json, const Config& c) {
  std::string taken;
  if (!json.has("num_key_value_heads")) taken = "num_key_value_heads is " + std::to_string(c.n_kv_heads) + ", as num_attention_heads";
  if (!find_rope_base(json, kRopeField)) taken += (taken.empty() ? "" : "; ") + ("rope_theta is " + base::shortest(kRopeBase));
  if (!taken.empty()) log_warning(json.place("") + "missing fields are taken as transformers takes them: " + taken);
}

Config read_json(const formats::ModelFile& file, const std::string& architecture) {
  const base::JsonFields json = config_fields(file);
  Config c = read_json_config(json, architecture);
  json.require_text("hidden_act", {"silu", "swish"});
  if (architecture != "llama") json.require_flag("mlp_bias", false);
  json.require_flag("use_sliding_window", false);
  set_layers(c, json.flag("attention_bias", false));
  if (json.flag("mlp_bias", false)) c.ffn_bias = Bias::required;
  c.tied = json.flag("tie_word_embeddings", false);
  const bool has_defaults = architecture == "llama";
  c.rope_base = has_defaults ? find_rope_base(json, kRopeField).value_or(kRopeBase) : read_rope_base(json, kRopeField);
  if (has_defaults) log_defaults(json, c);
  use_scaling(read_json_scaling(json, kRopeField, c), c);
  if (architecture == "mistral" && json.has("sliding_window")) {
    c.window = json.size("sliding_window", kMaxContext);
    c.window_rope_base = c.rope_base;
    c.window_layer.assign(static_cast<size_t>(c.n_layers), true);
    if (c.rope_scaling.kind != ops::RopeScaling::Kind::none)
      base::fail(base::Status::unimplemented, json.place("sliding_window") + " together with rotary scaling is not supported");
  }
  return c;
}

void export_keys(const Config& c, const GgufKeyWriter& keys) {
  if (c.window > 0)
    base::fail(base::Status::unimplemented, "config.json: sliding_window is " + std::to_string(c.window) + "; a GGUF file of " +
                                                keys.architecture() + " has no place for it, and results would differ on longer texts");
  write_gguf_config(c, kEpsilon, keys);
  write_gguf_rotary(c, keys);
}

}  // namespace

extern const Family kLlama = {read_gguf, read_json, export_keys, nullptr, kNames, kPrefixes, kIgnored};

}  // namespace rustml::models
