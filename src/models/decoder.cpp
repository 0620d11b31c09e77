#include "models/decoder.h"

#include <algorithm>
#include <cstdio>

#include "base/number_text.h"
#include "ops/activations.h"
#include "ops/gated_linear.h"

namespace rustml::models {

namespace {

std::string ms(uint64_t ns) { return base::fixed(static_cast<double>(ns) * 1e-6, 3); }

ops::Context context(runtime::Member& member, const kernels::KernelTable& kernels, Scratch& s, runtime::ProfileLines& profile) {
  const Scratch::OfMember& mine = s.members[static_cast<size_t>(member.rank())];
  return {member, kernels, s.chunk_rows, mine.single_row, mine.kernel, profile};
}

// Multiplications and additions of scores and values, and the cells that some token of the pass sees.
void count_attention(const Pass& pass, int64_t n_queries, const ops::AttentionShape& shape, uint64_t& flops, uint64_t& bytes) {
  const auto seen = [&](uint64_t position) {
    return shape.window > 0 ? std::min(position + 1, static_cast<uint64_t>(shape.window)) : position + 1;
  };
  const uint64_t end = pass.cache.length() + static_cast<uint64_t>(pass.n_tokens), first = end - static_cast<uint64_t>(n_queries);
  for (uint64_t p = first; p < end; ++p) flops += 4 * static_cast<uint64_t>(shape.q_size()) * seen(p);
  bytes = (end - first + seen(first) - 1) * static_cast<uint64_t>(shape.n_kv_heads) * pass.cache.cell_bytes();
}

}  // namespace

Decoder::Decoder(WeightBinder& weights, const Config& config) : config_(config), weights_(bind_decoder(weights, config)) {
  order_.reserve(weights_.layers.size() * kOperations + 1);
  const auto use = [&](const ops::Matrix& m) { order_.emplace_back(&m, 1); };
  for (const DecoderLayer& l : weights_.layers) {
    order_.emplace_back(l.qkv);
    use(l.attention_out);
    use(config.gated ? l.ffn_gate : l.ffn_up);
    use(l.ffn_down);
  }
  use(weights_.head);
  full_ = {config.n_heads, config.n_kv_heads, config.head_dim, config.attention_scale, 0};
  windowed_ = full_;
  windowed_.window = config.window;
}

void Decoder::loaded() {
  if (config_.rotated()) {
    const auto copy = [&](const float* from, std::vector<float>& to) {
      if (from) to.assign(from, from + config_.head_dim / 2);
    };
    scaling_ = config_.rope_scaling;
    copy(weights_.short_rope_divisors, scaling_.short_divisors);
    copy(weights_.long_rope_divisors, scaling_.long_divisors);
    copy(weights_.rope_divisors, rope_divisors_);
    if (scaling_.kind == ops::RopeScaling::Kind::llama3)
      rope_divisors_ = ops::llama3_divisors(config_.head_dim, config_.rope_base, scaling_);
    frequencies_ = ops::rope_frequencies(config_.head_dim, config_.rope_base, scaling_, rope_divisors_);
    if (scaling_.by_length()) frequencies_of(static_cast<uint64_t>(config_.context));  // what is wrong with them is said now
  }
  if (config_.window > 0) window_frequencies_ = ops::rope_frequencies(config_.head_dim, config_.window_rope_base, {}, {});
  find_key_biases();
}

// Window layers keep theirs, and models with frequencies of the session's: they have angles of their own, and no model that we know has
// both. So do keys that are normalized.
void Decoder::find_key_biases() {
  bool any = false;
  for (int64_t l = 0; l < config_.n_layers; ++l) {
    const DecoderLayer& w = weights_.layers[static_cast<size_t>(l)];
    const bool whole = config_.windowed(l) || w.k_norm != nullptr || scaling_.by_length();
    key_bias_.push_back(ops::KeyBias::of(whole ? nullptr : w.qkv[1].bias, config_.n_kv_heads, config_.head_dim, config_.rotated()));
    any = any || !key_bias_.back().none();
  }
  if (!any) return;
  const int64_t d = config_.head_dim;
  key_turns_.resize(static_cast<size_t>(kernels::kAttendBlock * d));
  if (!config_.rotated()) return;
  std::vector<float> angles(static_cast<size_t>(d));
  for (int64_t p = 0; p < kernels::kAttendBlock; ++p) {
    ops::rope_angles(frequencies_, static_cast<uint64_t>(p), angles.data(), angles.data() + d / 2, scaling_.magnitude);
    kernels::available().back()->store_k(kernels::KvType::f32, angles.data(), d, key_turns_.data(), nullptr, p);
  }
}

std::vector<double> Decoder::frequencies_of(uint64_t context) const {
  if (!scaling_.by_length()) return {};
  return ops::rope_frequencies(config_.head_dim, config_.rope_base, scaling_, rope_divisors_, context);
}

void Decoder::step(int index, runtime::Member& member, const kernels::KernelTable& kernels, Pass& pass) const {
  Scratch& s = pass.scratch;
  ops::Context c = context(member, kernels, s, pass.profile);
  const bool profiling = c.profiling();
  if (index == 0) {
    if (profiling) pass.profile.enter("Embedding", pass.embedding_ns);
    embed_tokens(c, pass);
    if (member.leader() && config_.rotated() && splits_keys(pass)) turn_blocks(pass);
  } else if (index <= config_.n_layers) {
    if (profiling && index == 1) pass.profile.enter("Layers", pass.layers_ns);
    LayerTimes times(profiling);
    layer(c, pass, index - 1, times);
    if (profiling) report(index - 1, times, pass.profile);
  } else if (pass.hidden) {
    if (profiling) pass.profile.enter("Norm", pass.norm_ns);
    const int64_t h = config_.hidden, first = pass.n_tokens - pass.n_scores;
    const runtime::Range rows = runtime::share(pass.n_scores, member.rank(), member.size());
    for (int64_t r = rows.begin; r < rows.end; ++r) weights_.output_norm.apply(kernels, s.x + (first + r) * h, h, pass.hidden + r * h);
    member.sync();
    if (!pass.logits) return;
    if (profiling) pass.profile.enter("Projection", pass.projection_ns);
    head(c, pass.hidden, pass.n_scores, pass.logits);
  }
}

void Decoder::report(int64_t index, const LayerTimes& t, runtime::ProfileLines& profile) const {
  const uint64_t attention = t.qkv + t.prepare.all_ns + t.attention + t.out;
  const auto layer = static_cast<long long>(index);
  char line[240];
  std::snprintf(line, sizeof line, "transformer[%lld]::forward attn=%sms ffn=%sms", layer, ms(attention).c_str(), ms(t.ffn).c_str());
  profile.add(base::LogLevel::debug, "rustml::model", line);
  if (profile.level != runtime::ProfileLevel::matmuls) return;
  // QKV holds what is left of storing k and v. Scores, softmax and values of a block are one kernel that reads no clock.
  std::snprintf(line, sizeof line,
                "[attn] layer=%lld QKV=%sms QKnorm=%sms RoPE=%sms QK^T=%sms softmax=%sms A*V=%sms out=%sms"
                " (QK^T holds softmax and A*V: one kernel)",
                layer, ms(t.qkv + t.prepare.all_ns - t.prepare.norm_ns - t.prepare.rotate_ns).c_str(), ms(t.prepare.norm_ns).c_str(),
                ms(t.prepare.rotate_ns).c_str(), ms(t.attention).c_str(), ms(0).c_str(), ms(0).c_str(), ms(t.out).c_str());
  profile.add(base::LogLevel::trace, "rustml::attn", line);
  if (!profile.spans) return;
  uint64_t at = t.begin;
  const auto part = [&](const char* name, uint64_t ns, uint64_t bytes = 0, uint64_t flops = 0) {
    profile.span(name, at, at + ns, bytes, flops);
    at += ns;
  };
  part("QKV", t.qkv);
  part("QKnorm+RoPE+store", t.prepare.all_ns);
  part("QK^T+softmax+A*V", t.attention, t.attention_bytes, t.attention_flops);
  part("out", t.out);
  profile.span("attn", t.begin, at);
  part("ffn", t.ffn);
  std::snprintf(line, sizeof line, "transformer[%lld]", layer);
  profile.span(line, t.begin, at);
}

void Decoder::project(const float* hidden, runtime::Member& member, const kernels::KernelTable& kernels, Scratch& s,
                      runtime::ProfileLines& profile, float* logits) const {
  ops::Context c = context(member, kernels, s, profile);
  head(c, hidden, 1, logits);
}

void Decoder::head(ops::Context& c, const float* hidden, int64_t n, float* logits) const {
  const ops::Activations x = ops::quantize(c, hidden, n, config_.hidden, weights_.head.quantized());
  ops::linear(c, weights_.head, x, n, logits, config_.vocab, false, after(c, config_.n_layers, kQkv));
}

// x [tokens][hidden], and the angles of the tokens' positions.
void Decoder::embed_tokens(ops::Context& c, Pass& pass) const {
  const Scratch& s = pass.scratch;
  const int64_t half = config_.head_dim / 2;
  const runtime::Range tokens = runtime::share(pass.n_tokens, c.member.rank(), c.member.size());
  const std::vector<double>& frequencies = s.frequencies.empty() ? frequencies_ : s.frequencies;
  for (int64_t t = tokens.begin; t < tokens.end; ++t) {
    const uint64_t position = pass.cache.length() + static_cast<uint64_t>(t);
    float* x = s.x + t * config_.hidden;
    ops::unpack_row(weights_.embedding, pass.ids[t], x);
    if (config_.embedding_scale != 1) c.kernels.scale(x, config_.embedding_scale, config_.hidden);
    if (!config_.rotated()) {
      ops::unpack_row(weights_.positions, static_cast<int64_t>(position), c.single_row.f);
      c.kernels.add(x, c.single_row.f, config_.hidden);
    }
    if (!frequencies.empty())
      ops::rope_angles(frequencies, position, s.cosines + t * half, s.sines + t * half, config_.rope_scaling.magnitude);
    if (!window_frequencies_.empty())
      ops::rope_angles(window_frequencies_, position, s.window_cosines + t * half, s.window_sines + t * half);
  }
}

// The angles of the first positions of all blocks that the pass reads.
void Decoder::turn_blocks(Pass& pass) const {
  Scratch& s = pass.scratch;
  const int64_t end = ops::attention_blocks(static_cast<int64_t>(pass.cache.length()) + pass.n_tokens), d = config_.head_dim;
  for (int64_t& b = s.n_block_angles; b < end; ++b) {
    float* angles = s.block_angles + b * d;
    ops::rope_angles(frequencies_, static_cast<uint64_t>(b * kernels::kAttendBlock), angles, angles + d / 2);
  }
}

void Decoder::layer(ops::Context& c, Pass& pass, int64_t index, LayerTimes& times) const {
  const DecoderLayer& w = weights_.layers[static_cast<size_t>(index)];
  Scratch& s = pass.scratch;
  const int64_t h = config_.hidden;
  const bool gated = config_.gated;

  const ops::Activations normed = ops::normalize(c, s.x, w.attention_norm, pass.n_tokens, h, ops::any_quantized(w.qkv));
  const ops::Activations attended = attend(c, pass, index, normed, times);
  const auto [first, n] = rows_in_use(pass, index);
  if (n == 0) return;
  float* x = s.x + first * h;
  add_linear(c, w.attention_out, attended, n, w.post_attention_norm, s.y, x, after(c, index, kAttentionOut));
  c.member.sync();
  times.lap.add(times.out);

  const ops::Activations normed_again = ops::normalize(c, x, w.ffn_norm, n, h, w.ffn_gate.quantized() || w.ffn_up.quantized());
  const ops::Activation activation = config_.activation == Activation::silu ? c.kernels.silu_mul : c.kernels.gelu_tanh_mul;
  ops::gated_linear(c, gated ? w.ffn_gate : w.ffn_up, gated ? &w.ffn_up : nullptr, activation, normed_again, n, s.gate, s.up,
                    after(c, index, kFfnIn));
  c.member.sync();
  const ops::Activations inner = ops::quantize(c, s.gate, n, config_.ffn, w.ffn_down.quantized());
  add_linear(c, w.ffn_down, inner, n, w.post_ffn_norm, s.y, x, after(c, index, kFfnDown));
  times.lap.add(times.ffn);
}

void Decoder::add_linear(ops::Context& c, const ops::Matrix& m, const ops::Activations& a, int64_t n, const ops::Norm& norm, float* y,
                         float* x, const std::byte* next) const {
  if (!norm.weight) return ops::linear(c, m, a, n, x, config_.hidden, true, next);
  ops::linear(c, m, a, n, y, config_.hidden, false, next);
  c.member.sync();
  ops::add_normalized(c, norm, y, n, config_.hidden, x);
}

ops::Activations Decoder::attend(ops::Context& c, Pass& pass, int64_t index, const ops::Activations& normed, LayerTimes& times) const {
  const DecoderLayer& w = weights_.layers[static_cast<size_t>(index)];
  Scratch& s = pass.scratch;
  const Scratch::OfMember& mine = s.members[static_cast<size_t>(c.member.rank())];
  const bool in_window = config_.windowed(index);
  const ops::AttentionShape& shape = in_window ? windowed_ : full_;
  const int64_t n = pass.n_tokens, n_queries = rows_in_use(pass, index).n;
  const auto position = static_cast<int64_t>(pass.cache.length());
  const ops::KvLayer cache = pass.cache.layer(index);

  ops::linear(c, w.qkv, normed, n, s.qkv, shape.row(), false, ops::first_keys(c, shape, position, cache));
  c.member.sync();
  times.lap.add(times.qkv);

  const float *cosines = in_window ? s.window_cosines : s.cosines, *sines = in_window ? s.window_sines : s.sines;
  const ops::QueryKeyPreparation preparation{w.q_norm, w.k_norm, config_.norm_eps, config_.rotated() ? cosines : nullptr, sines};
  const ops::KeyBias* bias = splits_keys(pass) ? &key_bias_[static_cast<size_t>(index)] : nullptr;
  if (bias && bias->none()) bias = nullptr;
  ops::attention(c, {shape, cache, s.qkv, n, n_queries, position, preparation, bias, {key_turns_.data(), s.block_angles}},
                 {mine.partial, mine.merged, s.partial, mine.bias_factors}, s.attended, after(c, index, kQkv),
                 c.tracing() ? &times.prepare : nullptr);
  if (n_queries == 0) return {};
  c.member.sync();
  const float* attended = s.attended;
  if (n == 1 && n_queries == 1) {
    ops::merge(c, shape, position, s.partial, mine.merged);
    attended = mine.merged;
  }
  times.lap.add(times.attention);
  times.attention -= std::min(times.attention, times.prepare.all_ns);
  if (c.tracing()) count_attention(pass, n_queries, shape, times.attention_flops, times.attention_bytes);
  return ops::quantize(c, attended, n_queries, shape.q_size(), w.attention_out.quantized());
}

}  // namespace rustml::models
