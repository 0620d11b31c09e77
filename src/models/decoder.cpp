#include "models/decoder.h"

#include <algorithm>
#include <cstdio>

namespace rustml::models {

namespace {

double ms(uint64_t ns) { return static_cast<double>(ns) * 1e-6; }

ops::Context context(runtime::Member& member, const kernels::KernelTable& kernels, Scratch& s, runtime::ProfileLines& profile) {
  return {member, kernels, s.shared, s.own[static_cast<size_t>(member.rank())].single, profile};
}

}  // namespace

Decoder::Decoder(WeightBinder& weights, const Config& config) : config_(config) {
  Source table;
  table.linear = config.tied;
  embedding_ = weights.matrix("token_embd.weight", config.vocab, config.hidden, "LM_head", table);
  head_ = config.tied ? embedding_ : weights.matrix("output.weight", config.vocab, config.hidden, "LM_head");
  rope_divisors_ = config.rope_base > 0 ? weights.optional_vector("rope_freqs.weight", config.head_dim / 2) : nullptr;
  full_ = {config.n_heads, config.n_kv_heads, config.head_dim, config.attention_scale, 0};
  windowed_ = full_;
  windowed_.window = config.window;
}

void Decoder::loaded() {
  if (config_.rope_base > 0) {
    std::vector<float> divisors;
    if (rope_divisors_) divisors.assign(rope_divisors_, rope_divisors_ + config_.head_dim / 2);
    if (config_.rope_scaling.kind == ops::RopeScaling::Kind::llama3)
      divisors = ops::llama3_divisors(config_.head_dim, config_.rope_base, config_.rope_scaling);
    frequencies_ = ops::rope_frequencies(config_.head_dim, config_.rope_base, config_.rope_scaling, divisors);
  }
  if (config_.window > 0) window_frequencies_ = ops::rope_frequencies(config_.head_dim, config_.window_rope_base, {}, {});
}

void Decoder::step(int index, runtime::Member& member, const kernels::KernelTable& kernels, Pass& pass) const {
  Scratch& s = pass.scratch;
  ops::Context c = context(member, kernels, s, pass.profile);
  runtime::Lap lap(c.profiling());
  if (index == 0) {
    embed_tokens(c, pass);
    lap.add(pass.embedding_ns);
  } else if (index <= config_.n_layers) {
    LayerTimes t;
    layer(c, pass, index - 1, t);
    lap.add(pass.layers_ns);
    if (!c.profiling()) return;
    char line[200];
    std::snprintf(line, sizeof line, "transformer[%d]::forward attn=%.3fms ffn=%.3fms", index - 1, ms(t.qkv + t.rope + t.attention + t.out),
                  ms(t.ffn));
    pass.profile.add(base::LogLevel::debug, "rustml::model", line);
    if (pass.profile.level != runtime::ProfileLevel::matmuls) return;
    std::snprintf(line, sizeof line, "[attn] layer=%d QKV=%.3fms QKnorm+RoPE=%.3fms QK^T+softmax+A*V=%.3fms (one kernel) out=%.3fms",
                  index - 1, ms(t.qkv), ms(t.rope), ms(t.attention), ms(t.out));
    pass.profile.add(base::LogLevel::trace, "rustml::attn", line);
  } else if (pass.hidden) {
    if (member.leader()) norm_.apply(kernels, s.x + (pass.n_tokens - 1) * config_.hidden, config_.hidden, pass.hidden);
    member.sync();
    lap.add(pass.norm_ns);
    if (pass.logits) head(c, pass.hidden, pass.logits);
    lap.add(pass.projection_ns);
  }
}

void Decoder::project(const float* hidden, runtime::Member& member, const kernels::KernelTable& kernels, Scratch& s,
                      runtime::ProfileLines& profile, float* logits) const {
  ops::Context c = context(member, kernels, s, profile);
  head(c, hidden, logits);
}

void Decoder::head(ops::Context& c, const float* hidden, float* logits) const {
  const ops::Activations x = ops::quantize(c, hidden, 1, config_.hidden, head_.quantized());
  ops::linear(c, head_, x, 1, logits, config_.vocab);
}

void Decoder::embed(int32_t id, uint64_t, const kernels::KernelTable&, float* x, float*) const { ops::unpack_row(embedding_, id, x); }

// x [tokens][hidden], and the angles of the tokens' positions.
void Decoder::embed_tokens(ops::Context& c, Pass& pass) const {
  const Scratch& s = pass.scratch;
  const int64_t half = config_.head_dim / 2;
  const runtime::Range tokens = runtime::share(pass.n_tokens, c.member.rank(), c.member.size());
  for (int64_t t = tokens.begin; t < tokens.end; ++t) {
    const uint64_t position = pass.cache.length() + static_cast<uint64_t>(t);
    embed(pass.ids[t], position, c.kernels, s.x + t * config_.hidden, c.private_.f);
    if (!frequencies_.empty()) ops::rope_angles(frequencies_, position, s.cosines + t * half, s.sines + t * half);
    if (!window_frequencies_.empty())
      ops::rope_angles(window_frequencies_, position, s.window_cosines + t * half, s.window_sines + t * half);
  }
}

ops::Activations Decoder::attend(ops::Context& c, Pass& pass, int64_t index, const Attention& w, const ops::Activations& normed,
                                 LayerTimes& times, runtime::Lap& lap) const {
  Scratch& s = pass.scratch;
  const Scratch::Own& own = s.own[static_cast<size_t>(c.member.rank())];
  const bool in_window = config_.windowed(index);
  const ops::AttentionShape& shape = in_window ? windowed_ : full_;
  const int64_t n = pass.n_tokens;
  const uint64_t position = pass.cache.length();
  const ops::KvLayer cache = pass.cache.layer(index);

  ops::linear(c, w.qkv, normed, n, s.qkv, shape.row());
  c.member.sync();
  lap.add(times.qkv);

  const bool rotated = config_.rope_base > 0;
  ops::store_kv(c, shape,
                {w.q_norm, w.k_norm, config_.norm_eps, rotated ? (in_window ? s.window_cosines : s.cosines) : nullptr,
                 in_window ? s.window_sines : s.sines},
                s.qkv, n, position, cache);
  c.member.sync();
  lap.add(times.rope);

  ops::attention(c, shape, s.qkv, n, position, cache, own.partial, s.partial, s.attended);
  c.member.sync();
  lap.add(times.attention);

  const float* attended = s.attended;
  if (n == 1) {
    ops::merge(c, shape, position, s.partial, own.merged);
    attended = own.merged;
  }
  return ops::quantize(c, attended, n, shape.q_size(), w.out.quantized());
}

}  // namespace rustml::models
