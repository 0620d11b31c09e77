// A decoder-only transformer: its weights and the forward pass, which is the same for every architecture but for what Config says.
// Immutable once loaded.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "models/config.h"
#include "models/decoder_weights.h"
#include "models/kv_cache.h"
#include "models/scratch.h"
#include "ops/linear.h"
#include "runtime/profile.h"

namespace rustml::models {

// One pass over the tokens that follow the cache's.
struct Pass {
  const int32_t* ids;
  int64_t n_tokens;  // 1 ... scratch.chunk
  KvCache& cache;    // reserved for these tokens; its length is advanced by the caller when the pass was not stopped
  Scratch& scratch;
  float* hidden;  // [n_scores][hidden] of the last tokens after the final norm; null: not wanted
  float* logits;  // [n_scores][vocab] of the last tokens; null: not wanted
  runtime::ProfileLines& profile;
  int64_t n_scores = 1;  // 1 ... n_tokens
  // Added up by the leader when it profiles: ns per stage, once it has left the stage.
  uint64_t embedding_ns = 0, layers_ns = 0, norm_ns = 0, projection_ns = 0;
};

class Decoder {
 public:
  // Binds the weights; they are read later.
  Decoder(WeightBinder& weights, const Config& config);
  Decoder(const Decoder&) = delete;  // order_ points into weights_
  Decoder& operator=(const Decoder&) = delete;

  // Once, after the weights have been read.
  void loaded();
  const Config& config() const noexcept { return config_; }
  KvShape kv_shape() const { return KvShape::of(config_); }
  // Some layer has key biases that Q8_0 caches store keys without.
  bool has_large_key_bias() const noexcept { return !key_turns_.empty(); }
  // How positions turn in a session of up to `context` tokens: see ops::rope_frequencies. Empty: as in any other.
  std::vector<double> frequencies_of(uint64_t context) const;
  const std::vector<double>& frequencies() const noexcept { return frequencies_; }
  // A pass is the steps 0 ... n_steps() - 1, each run by all members of the team.
  int n_steps() const noexcept { return static_cast<int>(config_.n_layers) + 2; }
  void step(int index, runtime::Member& member, const kernels::KernelTable& kernels, Pass& pass) const;
  // logits [vocab] of a hidden state [hidden], as the last step computes them.
  void project(const float* hidden, runtime::Member& member, const kernels::KernelTable& kernels, Scratch& scratch,
               runtime::ProfileLines& profile, float* logits) const;

 private:
  // What the leader saw of one layer, in ns. Parts end in this order, each where the next begins.
  struct LayerTimes {
    explicit LayerTimes(bool on) : lap(on), begin(lap.since()) {}
    runtime::Lap lap;
    const uint64_t begin;
    uint64_t qkv = 0, attention = 0, out = 0, ffn = 0;  // qkv: with the norm before; attention: what follows `prepare`, its barriers too
    ops::PreparationTimes prepare;
    uint64_t attention_flops = 0, attention_bytes = 0;
  };
  // The linear operations of a layer in their order.
  enum Operation : size_t { kQkv, kAttentionOut, kFfnIn, kFfnDown, kOperations };

  // Where this member begins to read for what follows operation `o` of layer `index`; the head is kQkv of a layer more.
  const std::byte* after(const ops::Context& c, int64_t index, Operation o) const {
    return ops::first_weights(c, order_[(static_cast<size_t>(index) * kOperations + o + 1) % order_.size()]);
  }
  // The rows of x that a layer works on behind its keys and values: of the last layer only those that are scored.
  struct Rows {
    int64_t first, n;
  };
  Rows rows_in_use(const Pass& pass, int64_t index) const {
    const int64_t n = index + 1 < config_.n_layers ? pass.n_tokens : pass.hidden ? pass.n_scores : 0;
    return {pass.n_tokens - n, n};
  }

  bool splits_keys(const Pass& pass) const {
    return has_large_key_bias() && pass.cache.type() == kernels::KvType::q8_0 && !pass.cache.whole_keys();
  }
  void find_key_biases();
  void embed_tokens(ops::Context& c, Pass& pass) const;
  void turn_blocks(Pass& pass) const;
  // One layer of pass.scratch.x. It may end without a barrier: every step does.
  void layer(ops::Context& c, Pass& pass, int64_t index, LayerTimes& times) const;
  // The attended values of the rows in use of a layer's normalized input, ready for its output matrix: regions q|k|v; attention. Each
  // ends with a barrier.
  ops::Activations attend(ops::Context& c, Pass& pass, int64_t index, const ops::Activations& normed, LayerTimes& times) const;
  // x += W a, or x += norm(W a) where there is a norm. y: memory like x.
  void add_linear(ops::Context& c, const ops::Matrix& m, const ops::Activations& a, int64_t n, const ops::Norm& norm, float* y, float* x,
                  const std::byte* next) const;
  void head(ops::Context& c, const float* hidden, int64_t n, float* logits) const;
  void report(int64_t index, const LayerTimes& times, runtime::ProfileLines& profile) const;

  const Config config_;
  const DecoderWeights weights_;
  // The matrices that divide the work of a pass's linear operations: kOperations of each layer, and the head.
  std::vector<std::span<const ops::Matrix>> order_;
  ops::AttentionShape full_, windowed_;
  std::vector<ops::KeyBias> key_bias_;                    // [layers]
  std::vector<float> key_turns_;                          // ops::KeyTurns::within; empty: no large biases
  ops::RopeScaling scaling_;                              // the configuration's, with what the file's tensors add
  std::vector<float> rope_divisors_;                      // [head_dim / 2] or empty
  std::vector<double> frequencies_, window_frequencies_;  // [head_dim / 2]; empty: not rotated
};

}  // namespace rustml::models
