// Gemma 3 (Gemma Team 2025), text part. Embedding times sqrt(hidden); norms around both halves of a layer:
//   x += norm(out(attention(norm(x))));  x += norm(down(gelu(gate(norm(x))) * up(norm(x))))
// q and k are normalized per head. Window layers see the last `window` positions and have a rotary base of their own.
#include "models/gemma3.h"

#include <cmath>

#include "base/error.h"
#include "models/config_json.h"
#include "models/decoder.h"

namespace rustml::models {

namespace {

class Gemma3 final : public Decoder {
 public:
  Gemma3(WeightBinder& weights, const Config& config)
      : Decoder(weights, config), embedding_scale_(static_cast<float>(std::sqrt(static_cast<double>(config.hidden)))) {
    const int64_t h = config.hidden, d = config.head_dim, q = config.n_heads * d, kv = config.n_kv_heads * d;
    // A norm multiplies by 1 + w. SafeTensors hold w, GGUF files the sum.
    Source one;
    one.plus = weights.safetensors() ? 1.0f : 0.0f;
    const auto norm = [&](const std::string& name) { return ops::Norm{weights.vector(name, h, one), nullptr, config.norm_eps}; };
    layers_.reserve(static_cast<size_t>(config.n_layers));
    for (int64_t i = 0; i < config.n_layers; ++i) {
      const std::string p = "blk." + std::to_string(i) + ".";
      Layer l;
      l.attention_norm = norm(p + "attn_norm.weight");
      l.attention.qkv = {weights.matrix(p + "attn_q.weight", q, h, "Q_proj"), weights.matrix(p + "attn_k.weight", kv, h, "K_proj"),
                         weights.matrix(p + "attn_v.weight", kv, h, "V_proj")};
      l.attention.q_norm = weights.vector(p + "attn_q_norm.weight", d, one);
      l.attention.k_norm = weights.vector(p + "attn_k_norm.weight", d, one);
      l.attention.out = weights.matrix(p + "attn_output.weight", h, q, "O_proj");
      l.post_attention_norm = norm(p + "post_attention_norm.weight");
      l.ffn_norm = norm(p + "ffn_norm.weight");
      l.gate = weights.matrix(p + "ffn_gate.weight", config.ffn, h, "Gate_proj");
      l.up = weights.matrix(p + "ffn_up.weight", config.ffn, h, "Up_proj");
      l.down = weights.matrix(p + "ffn_down.weight", h, config.ffn, "Down_proj");
      l.post_ffn_norm = norm(p + "post_ffw_norm.weight");
      layers_.push_back(l);
    }
    norm_ = norm("output_norm.weight");
  }

 private:
  struct Layer {
    ops::Norm attention_norm, post_attention_norm, ffn_norm, post_ffn_norm;
    Attention attention;
    ops::Matrix gate, up;  // [ffn, hidden]
    ops::Matrix down;      // [hidden, ffn]
  };

  void embed(int32_t id, uint64_t, const kernels::KernelTable& kernels, float* x, float*) const override {
    ops::unpack_row(embedding_, id, x);
    kernels.scale(x, embedding_scale_, config_.hidden);
  }

  void layer(ops::Context& c, Pass& pass, int64_t index, LayerTimes& times) const override {
    const Layer& w = layers_[static_cast<size_t>(index)];
    Scratch& s = pass.scratch;
    const int64_t h = config_.hidden;

    const ops::Activations normed = ops::normalize(c, s.x, w.attention_norm, pass.n_tokens, h, ops::any_quantized(w.attention.qkv));
    const ops::Activations attended = attend(c, pass, index, w.attention, normed, times);
    const auto [first, n] = rows_in_use(pass, index);
    if (n == 0) return;
    float* x = s.x + first * h;
    ops::linear(c, w.attention.out, attended, n, s.y, h, false, ops::first_weights(c, std::span(&w.gate, 1)));
    c.member.sync();
    ops::add_normalized(c, w.post_attention_norm, s.y, n, h, x);
    c.member.sync();
    times.lap.add(times.out);

    const ops::Activations normed_again = ops::normalize(c, x, w.ffn_norm, n, h, w.gate.quantized() || w.up.quantized());
    ops::gated_linear(c, w.gate, &w.up, c.kernels.gelu_tanh_mul, normed_again, n, s.gate, s.up,
                      ops::first_weights(c, std::span(&w.down, 1)));
    c.member.sync();
    const ops::Activations inner = ops::quantize(c, s.gate, n, config_.ffn, w.down.quantized());
    ops::linear(c, w.down, inner, n, s.y, h, false, layer_weights(c, index + 1));
    c.member.sync();
    ops::add_normalized(c, w.post_ffn_norm, s.y, n, h, x);
    times.lap.add(times.ffn);
  }

  const float embedding_scale_;
  std::span<const ops::Matrix> first_matrices(int64_t index) const override { return layers_[static_cast<size_t>(index)].attention.qkv; }

  std::vector<Layer> layers_;
};

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

std::vector<bool> read_layers(const ConfigJson& json, int64_t n_layers) {
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

}  // namespace

std::unique_ptr<Model> bind_gemma3(WeightBinder& weights, const Config& config) { return std::make_unique<Gemma3>(weights, config); }

Config read_gemma3_gguf(const formats::ModelFile& file, const std::string& architecture) {
  Config c = read_gguf_config(file, architecture, "attention.layer_norm_rms_epsilon");
  c.post_norms = true;
  // The 27B model scales by its width per head, which is not its head dimension; the file does not say so.
  constexpr int64_t kLayersOf27B = 62;
  if (c.n_layers == kLayersOf27B)
    c.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.hidden) / static_cast<double>(c.n_heads)));
  const GgufKeys keys(file, architecture);
  c.window = keys.size("attention.sliding_window", kMaxContext);
  c.window_rope_base = keys.positive("rope.freq_base_swa", 10000.0);
  c.window_layer = by_pattern(c.n_layers, keys.size("attention.sliding_window_pattern", kMaxLayers, kPattern));
  return c;
}

Config read_gemma3_json(const formats::ModelFile& file, const std::string& architecture) {
  const ConfigJson whole(file);
  ConfigJson json = whole.has("text_config") ? whole.object("text_config") : whole;
  if (whole.has("text_config")) json.use_defaults(kTextDefaults);
  Config c = read_json_config(json, architecture);
  json.require_text("hidden_activation", {"gelu_pytorch_tanh"});
  json.require_absent("final_logit_softcapping");
  json.require_absent("attn_logit_softcapping");
  json.require_flag("use_bidirectional_attention", false);
  json.require_flag("attention_bias", false);
  c.tied = json.flag("tie_word_embeddings", true);
  c.post_norms = true;
  c.attention_scale = static_cast<float>(1.0 / std::sqrt(json.positive("query_pre_attn_scalar")));
  c.window = json.size("sliding_window", kMaxContext);
  c.window_layer = read_layers(json, c.n_layers);
  const ConfigJson rope = json.object("rope_parameters");
  if (rope.has("full_attention")) {
    c.rope_base = read_rope_base(rope, "full_attention");
    c.rope_scaling = read_rope_scaling(rope, "full_attention");
    c.window_rope_base = read_rope_base(rope, "sliding_attention");
    if (read_rope_scaling(rope, "sliding_attention").kind != ops::RopeScaling::Kind::none)
      base::fail(base::Status::unimplemented,
                 "config.json: rope_parameters.sliding_attention asks for rotary scaling; only full layers are scaled");
  } else {
    c.rope_base = json.positive("rope_theta");
    c.rope_scaling = read_rope_scaling(json, "rope_scaling");
    c.window_rope_base = json.positive("rope_local_base_freq");
  }
  return c;
}

}  // namespace rustml::models
