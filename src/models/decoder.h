// What the decoder-only transformers here share: embedding, attention of a layer, head, and the walk through the steps. An
// architecture adds its layer: which norms there are, and the feed-forward network.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "models/model.h"
#include "ops/activations.h"
#include "ops/gated_linear.h"
#include "ops/linear.h"
#include "ops/norm.h"

namespace rustml::models {

class Decoder : public Model {
 public:
  void loaded() override;
  const Config& config() const noexcept final { return config_; }
  int n_steps() const noexcept final { return static_cast<int>(config_.n_layers) + 2; }
  void step(int index, runtime::Member& member, const kernels::KernelTable& kernels, Pass& pass) const final;
  void project(const float* hidden, runtime::Member& member, const kernels::KernelTable& kernels, Scratch& scratch,
               runtime::ProfileLines& profile, float* logits) const final;

 protected:
  // What the leader saw of one layer, in ns. Parts end in this order, each where the next begins.
  struct LayerTimes {
    explicit LayerTimes(bool on) : lap(on), begin(lap.since()) {}
    runtime::Lap lap;
    const uint64_t begin;
    uint64_t qkv = 0, attention = 0, out = 0, ffn = 0;  // qkv: with the norm before; attention: what follows `prepare`, its barriers too
    ops::PreparationTimes prepare;
    uint64_t attention_flops = 0, attention_bytes = 0;
  };
  struct Attention {
    std::array<ops::Matrix, 3> qkv;                    // [heads x head_dim, hidden], [kv_heads x head_dim, hidden] twice
    ops::Matrix out;                                   // [hidden, heads x head_dim]
    const float *q_norm = nullptr, *k_norm = nullptr;  // [head_dim], or null
  };

  // Binds the embedding, and the head where it is not the embedding.
  Decoder(WeightBinder& weights, const Config& config);

  // One layer of pass.scratch.x. It may end without a barrier: every step does.
  virtual void layer(ops::Context& c, Pass& pass, int64_t index, LayerTimes& times) const = 0;
  // The weights that this member reads first in layer `index`; of the head for n_layers.
  const std::byte* layer_weights(const ops::Context& c, int64_t index) const {
    return index < config_.n_layers ? ops::first_weights(c, first_matrices(index)) : ops::first_weights(c, std::span(&head_, 1));
  }
  virtual std::span<const ops::Matrix> first_matrices(int64_t index) const = 0;
  // The embedding of a token [hidden]. spare: [hidden].
  virtual void embed(int32_t id, uint64_t position, const kernels::KernelTable& kernels, float* x, float* spare) const;

  // The rows of x that a layer works on behind its keys and values: of the last layer only those that are scored.
  struct Rows {
    int64_t first, n;
  };
  Rows rows_in_use(const Pass& pass, int64_t index) const {
    const int64_t n = index + 1 < config_.n_layers ? pass.n_tokens : pass.hidden ? pass.n_scores : 0;
    return {pass.n_tokens - n, n};
  }
  // The attended values of the rows in use of a layer's normalized input, ready for its output matrix: regions q|k|v; attention. Each
  // ends with a barrier.
  ops::Activations attend(ops::Context& c, Pass& pass, int64_t index, const Attention& w, const ops::Activations& normed,
                          LayerTimes& times) const;

  const Config config_;
  ops::Norm norm_;              // before the head
  ops::Matrix embedding_;       // [vocab, hidden]
  ops::Matrix head_;            // the same, or its own
  const float* rope_divisors_;  // [head_dim / 2] of the file, or null

 private:
  void embed_tokens(ops::Context& c, Pass& pass) const;
  void head(ops::Context& c, const float* hidden, int64_t n, float* logits) const;
  void report(int64_t index, const LayerTimes& times, runtime::ProfileLines& profile) const;

  ops::AttentionShape full_, windowed_;
  std::vector<double> frequencies_, window_frequencies_;  // [head_dim / 2]; empty: not rotated
};

}  // namespace rustml::models
