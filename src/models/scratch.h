// Memory of one session's passes.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "models/config.h"
#include "ops/attention.h"
#include "ops/context.h"
#include "runtime/memory.h"

namespace rustml::models {

// Activations of up to `chunk` tokens, and what each member of the team has for itself.
struct ScratchLayout {
  // With a null base it only adds up.
  ScratchLayout(const Config& config, int64_t chunk, int64_t capacity, int n_threads, std::byte* base);

  float *x, *y, *qkv, *attended, *gate, *up;  // [chunk][hidden | hidden | q+k+v | heads x head_dim | ffn | ffn]; y with post_norms
  float *cosines, *sines, *window_cosines, *window_sines;  // [chunk][head_dim / 2], where rotated
  float* block_angles;                                     // [blocks][head_dim] where keys may have large biases: ops::KeyTurns::blocks
  ops::Activations chunk_rows;                             // [chunk][widest]
  ops::AttentionScratch partial;                           // for n_heads queries
  struct OfMember {
    ops::Activations single_row;  // one token
    float* merged;                // [heads x head_dim]
    ops::AttentionScratch partial;
    float* bias_factors;  // [kMaxAttendQueries][head_dim], like block_angles
    std::byte* kernel;    // kernels::kScratchBytes
  };
  std::vector<OfMember> members;  // by rank
  uint64_t n_bytes;
};

class Scratch : public ScratchLayout {
 public:
  Scratch(const Config& config, int64_t chunk, int64_t capacity, int n_threads, std::shared_ptr<runtime::MemoryBudget> budget);
  static uint64_t bytes(const Config& config, int64_t chunk, int64_t capacity, int n_threads) {
    return ScratchLayout(config, chunk, capacity, n_threads, nullptr).n_bytes;
  }
  const int64_t chunk;
  int64_t n_block_angles = 0;       // filled so far: they depend on nothing but their position
  std::vector<double> frequencies;  // of this session's positions, [head_dim / 2]; empty: the model's

 private:
  runtime::Region memory_;
  runtime::Charge charge_;
};

}  // namespace rustml::models
