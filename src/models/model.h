// A model: packed weights and the forward pass of its architecture. Immutable once loaded.
#pragma once
#include <cstdint>
#include <memory>

#include "models/config.h"
#include "models/kv_cache.h"
#include "models/weights.h"
#include "runtime/profile.h"

namespace rustml::models {

// Memory of one session's passes: activations of up to `chunk` tokens, and each member's own.
class Scratch {
 public:
  Scratch(const Config& config, int64_t chunk, int64_t capacity, int n_threads, std::shared_ptr<runtime::MemoryBudget> budget);
  static uint64_t bytes(const Config& config, int64_t chunk, int64_t capacity, int n_threads);

  const int64_t chunk;
  float *x, *y, *qkv, *attended, *gate, *up;  // [chunk][hidden | hidden | q+k+v | heads x head_dim | ffn | ffn]; y with post_norms
  float *cosines, *sines, *window_cosines, *window_sines;  // [chunk][head_dim / 2], where rotated
  ops::Activations shared;                                 // [chunk][widest]
  ops::AttentionScratch partial;                           // for n_heads queries
  struct Own {
    ops::Activations single;  // one token
    float* merged;            // [heads x head_dim]
    ops::AttentionScratch partial;
    std::byte* kernel;  // kernels::kScratchBytes
  };
  std::vector<Own> own;  // by rank

 private:
  struct Layout;
  runtime::Region memory_;
  runtime::Charge charge_;
};

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

class Model {
 public:
  virtual ~Model() = default;
  // Once, after the weights have been read.
  virtual void loaded() = 0;
  virtual const Config& config() const noexcept = 0;
  KvShape kv_shape() const { return KvShape::of(config()); }
  // A pass is the steps 0 ... n_steps() - 1, each run by all members of the team.
  virtual int n_steps() const noexcept = 0;
  virtual void step(int index, runtime::Member& member, const kernels::KernelTable& kernels, Pass& pass) const = 0;
  // logits [vocab] of a hidden state [hidden], as the last step computes them.
  virtual void project(const float* hidden, runtime::Member& member, const kernels::KernelTable& kernels, Scratch& scratch,
                       runtime::ProfileLines& profile, float* logits) const = 0;
};

}  // namespace rustml::models
