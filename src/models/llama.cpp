#include "models/llama.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "ops/linear.h"

namespace rustml::models {

namespace {

struct Layer {
  const float *attention_norm, *ffn_norm;  // [hidden]
  std::array<ops::Matrix, 3> qkv;          // [heads x head_dim, hidden], [kv_heads x head_dim, hidden] twice
  ops::Matrix out;                         // [hidden, heads x head_dim]
  ops::Matrix gate, up;                    // [ffn, hidden]
  ops::Matrix down;                        // [hidden, ffn]
};

bool any_quantized(std::span<const ops::Matrix> matrices) {
  return std::any_of(matrices.begin(), matrices.end(), [](const ops::Matrix& m) { return m.quantized(); });
}

// What the leader saw of one layer, in ns.
struct LayerTimes {
  uint64_t qkv = 0, rope = 0, attention = 0, out = 0, ffn = 0;
};

double ms(uint64_t ns) { return static_cast<double>(ns) * 1e-6; }

void add_lines(runtime::ProfileLines& profile, const LayerTimes& t, int64_t layer) {
  char line[200];
  std::snprintf(line, sizeof line, "transformer[%lld]::forward attn=%.3fms ffn=%.3fms", static_cast<long long>(layer),
                ms(t.qkv + t.rope + t.attention + t.out), ms(t.ffn));
  profile.add(base::LogLevel::debug, "rustml::model", line);
  if (profile.level != runtime::ProfileLevel::matmuls) return;
  std::snprintf(line, sizeof line,
                "[attn] layer=%lld QKV=%.3fms QKnorm=0.000ms RoPE=%.3fms QK^T+softmax+A*V=%.3fms (one kernel) out=%.3fms",
                static_cast<long long>(layer), ms(t.qkv), ms(t.rope), ms(t.attention), ms(t.out));
  profile.add(base::LogLevel::trace, "rustml::attn", line);
}

class Llama final : public Model {
 public:
  Llama(WeightBinder& weights, const Config& config)
      : config_(config),
        shape_{config.n_heads, config.n_kv_heads, config.head_dim,
               static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim)))} {
    const int64_t h = config.hidden, q = shape_.q_size(), kv = config.n_kv_heads * config.head_dim;
    const RowOrder pairs{config.head_dim};  // GGUF stores the rows of q and k for rotating neighbouring pairs
    embedding_ = weights.matrix("token_embd.weight", config.vocab, h, "LM_head");
    layers_.reserve(static_cast<size_t>(config.n_layers));
    for (int64_t i = 0; i < config.n_layers; ++i) {
      const std::string p = "blk." + std::to_string(i) + ".";
      Layer l;
      l.attention_norm = weights.vector(p + "attn_norm.weight", h);
      l.qkv = {weights.matrix(p + "attn_q.weight", q, h, "Q_proj", pairs), weights.matrix(p + "attn_k.weight", kv, h, "K_proj", pairs),
               weights.matrix(p + "attn_v.weight", kv, h, "V_proj")};
      l.qkv[0].bias = weights.optional_vector(p + "attn_q.bias", q, pairs);
      l.qkv[1].bias = weights.optional_vector(p + "attn_k.bias", kv, pairs);
      l.qkv[2].bias = weights.optional_vector(p + "attn_v.bias", kv);
      l.out = weights.matrix(p + "attn_output.weight", h, q, "O_proj");
      l.out.bias = weights.optional_vector(p + "attn_output.bias", h);
      l.ffn_norm = weights.vector(p + "ffn_norm.weight", h);
      l.gate = weights.matrix(p + "ffn_gate.weight", config.ffn, h, "Gate_proj");
      l.up = weights.matrix(p + "ffn_up.weight", config.ffn, h, "Up_proj");
      l.down = weights.matrix(p + "ffn_down.weight", h, config.ffn, "Down_proj");
      layers_.push_back(l);
    }
    norm_ = weights.vector("output_norm.weight", h);
    head_ = weights.has("output.weight") ? weights.matrix("output.weight", config.vocab, h, "LM_head") : embedding_;  // tied
    rope_divisors_ = weights.optional_vector("rope_freqs.weight", config.head_dim / 2);
    weights.require_all_bound();
  }

  void loaded() override {
    std::vector<float> divisors;
    if (rope_divisors_) divisors.assign(rope_divisors_, rope_divisors_ + config_.head_dim / 2);
    frequencies_ = ops::rope_frequencies(config_.head_dim, config_.rope_base, config_.rope_scaling, divisors);
  }

  const Config& config() const noexcept override { return config_; }
  int n_steps() const noexcept override { return static_cast<int>(config_.n_layers) + 2; }

  void step(int index, runtime::Member& member, const kernels::KernelTable& kernels, Pass& pass) const override {
    Scratch& s = pass.scratch;
    ops::Context c{member, kernels, s.shared, s.own[static_cast<size_t>(member.rank())].single, pass.profile};
    runtime::Lap lap(c.profiling());
    if (index == 0) {
      embed(c, pass);
      lap.add(pass.embedding_ns);
    } else if (index <= config_.n_layers) {
      layer(c, pass, index - 1);
      lap.add(pass.layers_ns);
    } else if (pass.hidden) {
      if (member.leader())
        kernels.rms_norm(s.x + (pass.n_tokens - 1) * config_.hidden, norm_, config_.hidden, config_.norm_eps, pass.hidden);
      member.sync();
      lap.add(pass.norm_ns);
      if (pass.logits) head(c, pass.hidden, pass.logits);
      lap.add(pass.projection_ns);
    }
  }

  void project(const float* hidden, runtime::Member& member, const kernels::KernelTable& kernels, Scratch& s,
               runtime::ProfileLines& profile, float* logits) const override {
    ops::Context c{member, kernels, s.shared, s.own[static_cast<size_t>(member.rank())].single, profile};
    head(c, hidden, logits);
  }

 private:
  void head(ops::Context& c, const float* hidden, float* logits) const {
    const ops::Activations x = ops::quantize(c, hidden, 1, config_.hidden, head_.quantized());
    ops::linear(c, head_, x, 1, logits, config_.vocab);
  }
  void embed(ops::Context& c, Pass& pass) const;
  void layer(ops::Context& c, Pass& pass, int64_t index) const;

  const Config config_;
  const ops::AttentionShape shape_;
  ops::Matrix embedding_, head_;  // [vocab, hidden]
  std::vector<Layer> layers_;
  const float* norm_;                     // [hidden]
  const float* rope_divisors_ = nullptr;  // [head_dim / 2]
  std::vector<double> frequencies_;       // [head_dim / 2]
};

// x [tokens][hidden], and the angles of the tokens' positions.
void Llama::embed(ops::Context& c, Pass& pass) const {
  const Scratch& s = pass.scratch;
  const int64_t half = config_.head_dim / 2;
  const runtime::Range tokens = runtime::share(pass.n_tokens, c.member.rank(), c.member.size());
  for (int64_t t = tokens.begin; t < tokens.end; ++t) {
    ops::unpack_row(embedding_, pass.ids[t], s.x + t * config_.hidden);
    ops::rope_angles(frequencies_, pass.cache.length() + static_cast<uint64_t>(t), s.cosines + t * half, s.sines + t * half);
  }
}

// x += out(attention(norm(x))); x += down(silu(gate(norm(x))) * up(norm(x))). Regions, each ended by a barrier (the last by
// the step's end): norm and q|k|v; rotate and store; attention; output; norm and gate|up; down.
void Llama::layer(ops::Context& c, Pass& pass, int64_t index) const {
  const Layer& w = layers_[static_cast<size_t>(index)];
  Scratch& s = pass.scratch;
  const Scratch::Own& own = s.own[static_cast<size_t>(c.member.rank())];
  const int64_t n = pass.n_tokens, h = config_.hidden;
  const uint64_t position = pass.cache.length();
  const ops::KvLayer cache = pass.cache.layer(index);
  LayerTimes times;
  runtime::Lap lap(c.profiling());

  const ops::Activations normed = ops::normalize(c, s.x, w.attention_norm, config_.norm_eps, n, h, any_quantized(w.qkv));
  ops::linear(c, w.qkv, normed, n, s.qkv, shape_.row());
  c.member.sync();
  lap.add(times.qkv);

  ops::store_kv(c, shape_, s.qkv, s.cosines, s.sines, n, position, cache);
  c.member.sync();
  lap.add(times.rope);

  ops::attention(c, shape_, s.qkv, n, position, cache, own.partial, s.partial, s.attended);
  c.member.sync();
  lap.add(times.attention);

  const float* attended = s.attended;
  if (n == 1) {
    ops::merge(c, shape_, ops::attention_blocks(static_cast<int64_t>(position) + 1), s.partial, own.merged);
    attended = own.merged;
  }
  const ops::Activations context = ops::quantize(c, attended, n, shape_.q_size(), w.out.quantized());
  ops::linear(c, w.out, context, n, s.x, h, true);
  c.member.sync();
  lap.add(times.out);

  const ops::Activations normed_again = ops::normalize(c, s.x, w.ffn_norm, config_.norm_eps, n, h, w.gate.quantized() || w.up.quantized());
  ops::gate_up(c, w.gate, w.up, c.kernels.silu_mul, normed_again, n, s.gate, s.up);
  c.member.sync();

  const ops::Activations inner = ops::quantize(c, s.gate, n, config_.ffn, w.down.quantized());
  ops::linear(c, w.down, inner, n, s.x, h, true);
  lap.add(times.ffn);
  if (c.profiling()) add_lines(pass.profile, times, index);
}

}  // namespace

std::unique_ptr<Model> bind_llama(WeightBinder& weights, const Config& config) { return std::make_unique<Llama>(weights, config); }

}  // namespace rustml::models
