// Llama (Touvron et al. 2023) and its descendants Mistral, Qwen2 (q, k, v biases) and Qwen3 (norms of q and k):
//   x += out(attention(norm(x)));  x += down(silu(gate(norm(x))) * up(norm(x)))
#include "models/llama.h"

#include <cmath>

#include "models/config_json.h"
#include "models/decoder.h"

namespace rustml::models {

namespace {

class Llama final : public Decoder {
 public:
  Llama(WeightBinder& weights, const Config& config) : Decoder(weights, config) {
    const int64_t h = config.hidden, d = config.head_dim, q = config.n_heads * d, kv = config.n_kv_heads * d;
    // GGUF files of Llama itself store the rows of q and k for rotating neighbouring pairs.
    Source pairs;
    if (!weights.safetensors() && config.architecture == "llama") pairs.order = {d};
    const auto bias = [&](const std::string& name, int64_t n, const Source& source, bool required) {
      return required ? weights.vector(name, n, source) : weights.optional_vector(name, n, source);
    };
    layers_.reserve(static_cast<size_t>(config.n_layers));
    for (int64_t i = 0; i < config.n_layers; ++i) {
      const std::string p = "blk." + std::to_string(i) + ".";
      Layer l;
      l.attention_norm = {weights.vector(p + "attn_norm.weight", h), nullptr, config.norm_eps};
      l.attention.qkv = {weights.matrix(p + "attn_q.weight", q, h, "Q_proj", pairs),
                         weights.matrix(p + "attn_k.weight", kv, h, "K_proj", pairs), weights.matrix(p + "attn_v.weight", kv, h, "V_proj")};
      l.attention.qkv[0].bias = bias(p + "attn_q.bias", q, pairs, config.qkv_bias);
      l.attention.qkv[1].bias = bias(p + "attn_k.bias", kv, pairs, config.qkv_bias);
      l.attention.qkv[2].bias = bias(p + "attn_v.bias", kv, {}, config.qkv_bias);
      if (config.qk_norm) {
        l.attention.q_norm = weights.vector(p + "attn_q_norm.weight", d);
        l.attention.k_norm = weights.vector(p + "attn_k_norm.weight", d);
      }
      l.attention.out = weights.matrix(p + "attn_output.weight", h, q, "O_proj");
      l.attention.out.bias = weights.optional_vector(p + "attn_output.bias", h);
      l.ffn_norm = {weights.vector(p + "ffn_norm.weight", h), nullptr, config.norm_eps};
      l.gate = weights.matrix(p + "ffn_gate.weight", config.ffn, h, "Gate_proj");
      l.up = weights.matrix(p + "ffn_up.weight", config.ffn, h, "Up_proj");
      l.down = weights.matrix(p + "ffn_down.weight", h, config.ffn, "Down_proj");
      layers_.push_back(l);
    }
    norm_ = {weights.vector("output_norm.weight", h), nullptr, config.norm_eps};
  }

 private:
  struct Layer {
    ops::Norm attention_norm, ffn_norm;
    Attention attention;
    ops::Matrix gate, up;  // [ffn, hidden]
    ops::Matrix down;      // [hidden, ffn]
  };

  void layer(ops::Context& c, Pass& pass, int64_t index, LayerTimes& times) const override {
    const Layer& w = layers_[static_cast<size_t>(index)];
    Scratch& s = pass.scratch;
    const int64_t h = config_.hidden;

    const ops::Activations normed = ops::normalize(c, s.x, w.attention_norm, pass.n_tokens, h, ops::any_quantized(w.attention.qkv));
    const ops::Activations attended = attend(c, pass, index, w.attention, normed, times);
    const auto [first, n] = rows_in_use(pass, index);
    if (n == 0) return;
    float* x = s.x + first * h;
    ops::linear(c, w.attention.out, attended, n, x, h, true, ops::first_weights(c, std::span(&w.gate, 1)));
    c.member.sync();
    times.lap.add(times.out);

    const ops::Activations normed_again = ops::normalize(c, x, w.ffn_norm, n, h, w.gate.quantized() || w.up.quantized());
    ops::gated_linear(c, w.gate, &w.up, c.kernels.silu_mul, normed_again, n, s.gate, s.up, ops::first_weights(c, std::span(&w.down, 1)));
    c.member.sync();
    const ops::Activations inner = ops::quantize(c, s.gate, n, config_.ffn, w.down.quantized());
    ops::linear(c, w.down, inner, n, x, h, true, layer_weights(c, index + 1));
    times.lap.add(times.ffn);
  }

  std::span<const ops::Matrix> first_matrices(int64_t index) const override { return layers_[static_cast<size_t>(index)].attention.qkv; }

  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<Model> bind_llama(WeightBinder& weights, const Config& config) { return std::make_unique<Llama>(weights, config); }

Config read_llama_gguf(const formats::ModelFile& file, const std::string& architecture) {
  Config c = read_gguf_config(file, architecture, "attention.layer_norm_rms_epsilon");
  c.qk_norm = architecture == "qwen3";
  c.qkv_bias = architecture == "qwen2";
  return c;
}

Config read_llama_json(const formats::ModelFile& file, const std::string& architecture) {
  const ConfigJson json(file);
  Config c = read_json_config(json, architecture);
  json.require_text("hidden_act", {"silu", "swish"});
  json.require_flag("mlp_bias", false);
  json.require_flag("use_sliding_window", false);
  c.qk_norm = architecture == "qwen3";
  c.qkv_bias = architecture == "qwen2" || json.flag("attention_bias", false);
  c.tied = json.flag("tie_word_embeddings", false);
  c.rope_base = read_rope_base(json, "rope_parameters");
  c.rope_scaling = read_rope_scaling(json, "rope_parameters");
  if (architecture == "mistral" && json.has("sliding_window")) {
    c.window = json.size("sliding_window", kMaxContext);
    c.window_rope_base = c.rope_base;
    c.window_layer.assign(static_cast<size_t>(c.n_layers), true);
    if (c.rope_scaling.kind != ops::RopeScaling::Kind::none) json.fail("sliding_window", "together with rotary scaling is not supported");
  }
  return c;
}

}  // namespace rustml::models
