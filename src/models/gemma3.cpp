// Gemma 3 (Gemma Team 2025), text part. Embedding times sqrt(hidden); norms around both halves of a layer:
//   x += norm(out(attention(norm(x))));  x += norm(down(gelu(gate(norm(x))) * up(norm(x))))
// q and k are normalized per head. Window layers see the last `window` positions and have a rotary base of their own.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/number_text.h"
#include "models/gguf_export.h"
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
    {"blk.{}.post_attention_norm", "layers.{}.post_attention_layernorm"},
    {"blk.{}.ffn_norm", "layers.{}.pre_feedforward_layernorm"},
    {"blk.{}.ffn_gate", "layers.{}.mlp.gate_proj"},
    {"blk.{}.ffn_up", "layers.{}.mlp.up_proj"},
    {"blk.{}.ffn_down", "layers.{}.mlp.down_proj"},
    {"blk.{}.post_ffw_norm", "layers.{}.post_feedforward_layernorm"},
};
constexpr const char* kPrefixes[] = {"model.", "", "language_model.model.", "model.language_model."};
constexpr const char* kIgnored[] = {"rotary_emb.inv_freq", "vision_tower.", "multi_modal_projector."};
constexpr const char* kEpsilon = "attention.layer_norm_rms_epsilon";

// Published configurations of models with a vision part leave out of text_config whatever has these values.
// Source: Gemma3TextConfig of transformers.
constexpr const char* kTextDefaults = R"({"vocab_size":262208,"num_attention_heads":8,"num_key_value_heads":4,"head_dim":256,
  "max_position_embeddings":131072,"rms_norm_eps":1e-6,"query_pre_attn_scalar":256,"rope_theta":1000000.0,
  "rope_local_base_freq":10000.0})";

constexpr int64_t kPattern = 6;  // every sixth layer is a full one

std::vector<bool> by_pattern(int64_t n_layers, int64_t pattern) {
  std::vector<bool> window(static_cast<size_t>(n_layers));
  for (int64_t i = 0; i < n_layers; ++i) window[static_cast<size_t>(i)] = (i + 1) % pattern != 0;
  return window;
}

std::vector<bool> read_layers(const base::JsonFields& json, int64_t n_layers) {
  const std::vector<std::string> types = json.texts("layer_types");
  const char* field = json.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  if (types.empty()) return by_pattern(n_layers, json.size(field, kMaxLayers, kPattern));
  if (static_cast<int64_t>(types.size()) != n_layers)
    json.fail("layer_types", "has " + std::to_string(types.size()) + " entries for " + std::to_string(n_layers) + " layers");
  std::vector<bool> window;
  for (const std::string& type : types) {
    if (type != "sliding_attention" && type != "full_attention")
      base::fail(base::Status::unimplemented,
                 "config.json: layer_types holds " + base::quoted(type) + "; supported: sliding_attention, full_attention");
    window.push_back(type == "sliding_attention");
  }
  return window;
}

void set_layers(Config& c) {
  c.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(c.hidden)));
  c.qk_norm = true;
  c.post_norms = true;
  c.activation = Activation::gelu_tanh;
  c.norm_plus = 1;
}

// Of a GGUF file, which does not say it: the 27B model scales by its width per head, which is not its head dimension.
float gguf_scale(const Config& c) {
  constexpr int64_t kLayersOf27B = 62;
  const auto width = [](int64_t n) { return static_cast<double>(n); };
  return static_cast<float>(1.0 / std::sqrt(c.n_layers == kLayersOf27B ? width(c.hidden) / width(c.n_heads) : width(c.head_dim)));
}

// Ollama's converter leaves out what Ollama adds when it loads the file: epsilon, rotary bases and scaling, whether texts get a blank in
// front. What was dropped cannot be told from the file. Source: convert/convert_gemma3.go and llama/compat of Ollama.
void refuse_ollama(const formats::ModelFile& file, const GgufKeys& keys) {
  std::string sign;
  for (const char* key : {"mm.tokens_per_image", "rope.local.freq_base", "rope.global.freq_base"})
    if (keys.has(key)) sign = "it has the key " + keys.name(key);
  const auto of_images = [](const formats::TensorInfo& t) { return is_of_images(t.name); };
  if (!keys.has(kEpsilon) && std::any_of(file.tensors.begin(), file.tensors.end(), of_images))
    sign = "it has tensors for images, and no key " + keys.name(kEpsilon);
  if (sign.empty()) return;
  base::fail(base::Status::unimplemented,
             file.name + " is a Gemma 3 file of Ollama's own converter (" + sign +
                 "), which leaves out values that the model needs: open a GGUF file that llama.cpp's convert_hf_to_gguf.py made, as "
                 "publishers on huggingface.co have them, or the model's Hugging Face directory");
}

std::vector<bool> read_layers(const GgufKeys& keys, int64_t n_layers) {
  constexpr const char* kKey = "attention.sliding_window_pattern";
  const auto listed = keys.layers(kKey, n_layers);
  if (!listed) return by_pattern(n_layers, keys.size(kKey, kMaxLayers, kPattern));
  return std::vector<bool>(listed->begin(), listed->end());
}

// Other scaling and attn_factor would reach the window layers too where llama.cpp reads the file.
void require_plain_windows(const Config& c) {
  using Kind = ops::RopeScaling::Kind;
  const ops::RopeScaling& scaling = c.rope_scaling;
  if (scaling.magnitude != 1 || scaling.kind == Kind::yarn || scaling.kind == Kind::longrope)
    base::fail(base::Status::unimplemented,
               "rotary scaling yarn, longrope or with an attention factor: in a GGUF file of gemma3 only linear scaling is supported; "
               "open the model's Hugging Face directory");
}

Config read_gguf(const formats::ModelFile& file, const std::string& architecture) {
  const GgufKeys keys(file, architecture);
  refuse_ollama(file, keys);
  Config c = read_gguf_config(file, architecture, kEpsilon);
  set_layers(c);
  c.attention_scale = gguf_scale(c);
  c.window = keys.size("attention.sliding_window", kMaxContext);
  c.rope_base = keys.positive("rope.freq_base");  // no model of this kind has the usual default
  c.window_rope_base = keys.positive("rope.freq_base_swa", 10000.0);
  require_plain_windows(c);
  c.window_layer = read_layers(keys, c.n_layers);
  const std::string cap = keys.name("final_logit_softcapping");
  if (const double value = file.get_float(cap, 0); value != 0)
    base::fail(base::Status::unimplemented, cap + " is " + base::shortest(value) + "; only 0 is supported");
  return c;
}

Config read_json(const formats::ModelFile& file, const std::string& architecture) {
  base::JsonFields json = config_fields(file);
  if (json.has("text_config")) {
    json = json.object("text_config");
    json.use_defaults(base::parse_json(kTextDefaults, "defaults"));
  }
  Config c = read_json_config(json, architecture);
  json.require_text("hidden_activation", {"gelu_pytorch_tanh"});
  json.require_absent("final_logit_softcapping");
  json.require_absent("attn_logit_softcapping");
  json.require_flag("use_bidirectional_attention", false);
  json.require_flag("attention_bias", false);
  c.tied = json.flag("tie_word_embeddings", true);
  set_layers(c);
  c.attention_scale = static_cast<float>(1.0 / std::sqrt(json.positive("query_pre_attn_scalar")));
  c.window = json.size("sliding_window", kMaxContext);
  c.window_layer = read_layers(json, c.n_layers);
  if (json.has("rope_parameters") && json.object("rope_parameters").has("full_attention")) {
    const base::JsonFields rope = json.object("rope_parameters");
    c.rope_base = read_rope_base(rope, "full_attention");
    use_scaling(read_json_scaling(rope, "full_attention", c), c);
    c.window_rope_base = read_rope_base(rope, "sliding_attention");
    if (read_json_scaling(rope, "sliding_attention", c).kind != ops::RopeScaling::Kind::none)
      base::fail(base::Status::unimplemented,
                 "config.json: rope_parameters.sliding_attention asks for rotary scaling; only full layers are scaled");
  } else {
    c.rope_base = json.positive("rope_theta");
    use_scaling(read_json_scaling(json, "rope_scaling", c), c);
    c.window_rope_base = json.positive("rope_local_base_freq");
  }
  return c;
}

void export_keys(const Config& c, const GgufKeyWriter& keys) {
  for (int64_t i = 0; i < c.n_layers; ++i)
    if (c.windowed(i) == ((i + 1) % kPattern == 0))
      base::fail(base::Status::unimplemented, "layer " + std::to_string(i) + (c.windowed(i) ? " has a window" : " has no window") +
                                                  "; in a GGUF file of gemma3 every sixth layer is a full one and the others have windows");
  require_plain_windows(c);
  write_gguf_config(c, kEpsilon, keys);
  write_gguf_rotary(c, keys);
  keys.size("attention.sliding_window", c.window);
  keys.real("rope.freq_base_swa", c.window_rope_base);
}

// q is normalized before it is scaled: what the file's reader will take for the scale is made up for in its norm.
void export_tensor(const Config& c, ExportTensor& t) {
  const float ratio = c.attention_scale / gguf_scale(c);
  if (t.to.name.ends_with("attn_q_norm.weight") && std::abs(ratio - 1) > 1e-6f) t.times = ratio;
}

}  // namespace

extern const Family kGemma3 = {read_gguf, read_json, export_keys, export_tensor, kNames, kPrefixes, kIgnored};

}  // namespace rustml::models
