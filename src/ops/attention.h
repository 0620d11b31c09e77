// Attention over the cache (Vaswani et al. 2017; grouped queries: Ainslie et al. 2023). Keys and values of the current
// tokens are rounded to the cache's type and stored first; attention reads only the cache, so chunks do not change results.
// Softmax is taken per block of 128 absolute positions and merged in ascending order, whoever computes the blocks.
#pragma once
#include <algorithm>
#include <cstdint>

#include "ops/context.h"
#include "ops/key_bias.h"

namespace rustml::ops {

constexpr int64_t kv_element_bytes(kernels::KvType type) { return type == kernels::KvType::f32 ? 4 : type == kernels::KvType::f16 ? 2 : 1; }

// One layer's cache. K: [kv_heads][blocks of 128][8 groups][head_dim][16 positions]; V: [kv_heads][positions][head_dim];
// scales (Q8_0 only): [kv_heads][positions].
struct KvLayer {
  kernels::KvType type;
  int64_t n_kv_heads, head_dim, capacity;  // capacity in positions, a multiple of 128
  std::byte *k, *v;
  float *k_scale, *v_scale;

  int64_t block_bytes() const noexcept;  // of K or V: 128 positions of one head
  int64_t block_index(int64_t head, int64_t block) const noexcept { return head * (capacity / kernels::kAttendBlock) + block; }
  std::byte* k_block(int64_t head, int64_t block) const noexcept { return k + block_index(head, block) * block_bytes(); }
  std::byte* v_block(int64_t head, int64_t block) const noexcept { return v + block_index(head, block) * block_bytes(); }
  float* k_scales(int64_t head, int64_t block) const noexcept { return scales(k_scale, head, block); }
  float* v_scales(int64_t head, int64_t block) const noexcept { return scales(v_scale, head, block); }
  float* scales(float* all, int64_t head, int64_t block) const noexcept {
    return all ? all + block_index(head, block) * kernels::kAttendBlock : nullptr;
  }
};

struct AttentionShape {
  int64_t n_heads, n_kv_heads, head_dim;
  float scale;         // of the scores, applied to q
  int64_t window = 0;  // a token sees this many positions, its own included; 0: all before it
  int64_t q_size() const noexcept { return n_heads * head_dim; }
  int64_t row() const noexcept { return (n_heads + 2 * n_kv_heads) * head_dim; }  // of q | k | v
};

// What happens to q and k before they are used: RMSNorm per head, then rotation by the position's angles.
struct QueryKeyPreparation {
  const float *q_norm = nullptr, *k_norm = nullptr;  // [head_dim]; null: none
  float norm_eps = 0;
  const float *cosines = nullptr, *sines = nullptr;  // [n_tokens][head_dim / 2]; null: not rotated
};
// How long this member took over it, storing k and v included.
struct PreparationTimes {
  uint64_t norm_ns = 0, rotate_ns = 0, all_ns = 0;
};

// Memory for partial results of blocks.
struct AttentionScratch {
  float *m, *l, *o;  // [queries][blocks], [queries][blocks], [queries][blocks][head_dim]
};
constexpr int64_t kMaxAttendQueries = 64;  // of one kernel call: heads of a group, or kAttentionQueries
constexpr int64_t kAttentionQueries = 24;  // queries that one unit of work holds partial results of; kernels take as many at a time
inline int64_t attention_blocks(int64_t positions) { return (positions + kernels::kAttendBlock - 1) / kernels::kAttendBlock; }
// Blocks with a position that the token at `position` sees.
inline runtime::Range visible_blocks(const AttentionShape& shape, int64_t position) {
  const int64_t first = shape.window > 0 ? std::max<int64_t>(0, position - shape.window + 1) : 0;
  return {first / kernels::kAttendBlock, attention_blocks(position + 1)};
}

// What a pass asks of one layer.
struct AttentionPass {
  const AttentionShape& shape;
  const KvLayer& cache;
  float* qkv;                   // [n_tokens][row], q and k not yet prepared
  int64_t n_tokens, n_queries;  // the last n_queries tokens attend
  int64_t first_position;       // of the tokens
  QueryKeyPreparation preparation = {};
  const KeyBias* key_bias = nullptr;  // without which keys are stored (Q8_0 only); null: they are stored whole
  KeyTurns key_turns = {};            // where keys are rotated
};
struct AttentionMemory {
  AttentionScratch chunk;    // this member's, for kAttentionQueries queries
  float* single_queries;     // this member's, [n_heads * head_dim]
  AttentionScratch single;   // of all members, for n_heads queries
  float* factors = nullptr;  // this member's, [kMaxAttendQueries][head_dim], for key_bias
};

// Prepares q and k, scales q, stores k and v, and attends: out [n_queries][n_heads * head_dim]. Members meet in between where they must. A
// single token's (head, block) pairs are divided among members: after the barrier that follows, merge() must make `out` of memory.single.
// next: weights to fetch behind a single token's last block, or null. times: null, not measured.
void attention(Context& c, const AttentionPass& pass, const AttentionMemory& memory, float* out, const std::byte* next = nullptr,
               PreparationTimes* times = nullptr);
// The keys that this member reads first for a single token at `position`; null: none.
const std::byte* first_keys(const Context& c, const AttentionShape& shape, int64_t position, const KvLayer& cache);
// Every member for itself: out [n_heads * head_dim] of the single token's partial results.
void merge(Context& c, const AttentionShape& shape, int64_t position, const AttentionScratch& single, float* out);

}  // namespace rustml::ops
