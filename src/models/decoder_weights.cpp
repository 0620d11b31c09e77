#include "models/decoder_weights.h"

namespace rustml::models {

namespace {

class DecoderBinder {
 public:
  DecoderBinder(WeightBinder& weights, const Config& config)
      : weights_(weights),
        c_(config),
        hidden_(config.hidden),
        q_(config.n_heads * config.head_dim),
        kv_(config.n_kv_heads * config.head_dim) {}

  DecoderWeights bind() {
    DecoderWeights w;
    const Source table{.linear = false};
    w.embedding = weights_.matrix("token_embd.weight", c_.vocab, hidden_, "LM_head", {.linear = c_.tied});
    w.head = c_.tied ? w.embedding : weights_.matrix("output.weight", c_.vocab, hidden_, "LM_head");
    if (c_.rotated())
      bind_divisors(w);
    else
      w.positions = weights_.matrix("position_embd.weight", c_.context, hidden_, "", table);
    w.layers.reserve(static_cast<size_t>(c_.n_layers));
    for (int64_t i = 0; i < c_.n_layers; ++i) w.layers.push_back(layer("blk." + std::to_string(i) + "."));
    w.output_norm = norm("output_norm");
    return w;
  }

 private:
  // Of GGUF files; config.json says them itself.
  void bind_divisors(DecoderWeights& w) {
    if (c_.rope_scaling.kind != ops::RopeScaling::Kind::longrope) {
      w.rope_divisors = weights_.optional_vector("rope_freqs.weight", c_.head_dim / 2);
    } else if (!weights_.safetensors()) {
      w.long_rope_divisors = weights_.vector("rope_factors_long.weight", c_.head_dim / 2);
      w.short_rope_divisors = weights_.vector("rope_factors_short.weight", c_.head_dim / 2);
    }
  }

  DecoderLayer layer(const std::string& prefix) {
    DecoderLayer l;
    l.attention_norm = norm(prefix + "attn_norm");
    c_.fused_qkv ? bind_fused_qkv(prefix + "attn_qkv", l) : bind_qkv(prefix + "attn_", l);
    if (c_.qk_norm) {
      l.q_norm = norm_weight(prefix + "attn_q_norm", c_.head_dim);
      l.k_norm = norm_weight(prefix + "attn_k_norm", c_.head_dim);
    }
    l.attention_out = linear(prefix + "attn_output", hidden_, q_, "O_proj", c_.out_bias);
    if (c_.post_norms) l.post_attention_norm = norm(prefix + "post_attention_norm");
    l.ffn_norm = norm(prefix + "ffn_norm");
    if (c_.gated) l.ffn_gate = linear(prefix + "ffn_gate", c_.ffn, hidden_, "Gate_proj", c_.ffn_bias);
    l.ffn_up = linear(prefix + "ffn_up", c_.ffn, hidden_, "Up_proj", c_.ffn_bias);
    l.ffn_down = linear(prefix + "ffn_down", hidden_, c_.ffn, "Down_proj", c_.ffn_bias);
    if (c_.post_norms) l.post_ffn_norm = norm(prefix + "post_ffw_norm");
    return l;
  }

  void bind_qkv(const std::string& prefix, DecoderLayer& l) {
    Source pairs;
    if (c_.paired_rows && !weights_.safetensors()) pairs.order = {c_.head_dim};
    l.qkv = {matrix(prefix + "q", q_, hidden_, "Q_proj", pairs), matrix(prefix + "k", kv_, hidden_, "K_proj", pairs),
             matrix(prefix + "v", kv_, hidden_, "V_proj", {})};
    l.qkv[0].bias = bias(prefix + "q", q_, c_.qkv_bias, pairs);
    l.qkv[1].bias = bias(prefix + "k", kv_, c_.qkv_bias, pairs);
    l.qkv[2].bias = bias(prefix + "v", kv_, c_.qkv_bias, {});
  }

  // The rows of q, k and v one after the other in one tensor.
  void bind_fused_qkv(const std::string& name, DecoderLayer& l) {
    const auto rows = [&](int64_t first) { return Source{.first_row = first, .tensor_rows = q_ + 2 * kv_}; };
    l.qkv = {linear(name, q_, hidden_, "Q_proj", c_.qkv_bias, rows(0)), linear(name, kv_, hidden_, "K_proj", c_.qkv_bias, rows(q_)),
             linear(name, kv_, hidden_, "V_proj", c_.qkv_bias, rows(q_ + kv_))};
  }

  ops::Matrix linear(const std::string& name, int64_t rows, int64_t cols, const char* label, Bias bias_wanted, const Source& source = {}) {
    ops::Matrix m = matrix(name, rows, cols, label, source);
    m.bias = bias(name, rows, bias_wanted, source);
    return m;
  }

  ops::Matrix matrix(const std::string& name, int64_t rows, int64_t cols, const char* label, Source source) {
    source.transposed = c_.conv1d && weights_.safetensors();
    return weights_.matrix(name + ".weight", rows, cols, label, source);
  }

  const float* bias(const std::string& name, int64_t n, Bias wanted, const Source& source) {
    if (wanted == Bias::none) return nullptr;
    return wanted == Bias::required ? weights_.vector(name + ".bias", n, source) : weights_.optional_vector(name + ".bias", n, source);
  }

  ops::Norm norm(const std::string& name) {
    const float* weight = norm_weight(name, hidden_);
    return {weight, c_.layer_norm ? weights_.vector(name + ".bias", hidden_) : nullptr, c_.norm_eps};
  }

  const float* norm_weight(const std::string& name, int64_t n) {
    return weights_.vector(name + ".weight", n, {.plus = weights_.safetensors() ? c_.norm_plus : 0});
  }

  WeightBinder& weights_;
  const Config& c_;
  const int64_t hidden_, q_, kv_;  // rows of q; of k and of v
};

}  // namespace

DecoderWeights bind_decoder(WeightBinder& weights, const Config& config) { return DecoderBinder(weights, config).bind(); }

}  // namespace rustml::models
