#include "ops/attention.h"

#include <algorithm>

namespace rustml::ops {

namespace {

constexpr int64_t kBlock = kernels::kAttendBlock;
constexpr int64_t kMaxQueries = 64;  // of one kernel call here: heads of a group, or kAttentionQueries

int64_t element_bytes(kernels::KvType type) {
  switch (type) {
    case kernels::KvType::f32:
      return 4;
    case kernels::KvType::f16:
      return 2;
    default:
      return 1;
  }
}

// Blocks [begin, end) of one KV head for queries q[i], which see positions up to last_position[i]; partial results of
// query i at index rows[i] of `to`, n_blocks to a row.
void attend_blocks(Context& c, const KvLayer& cache, int64_t kv_head, runtime::Range blocks, int64_t n_blocks, const float* const* q,
                   const int64_t* last_position, const int64_t* rows, int64_t n, const AttentionScratch& to) {
  int32_t first[kMaxQueries], last[kMaxQueries];
  float* o[kMaxQueries];
  float m[kMaxQueries], l[kMaxQueries];
  for (int64_t b = blocks.begin; b < blocks.end; ++b) {
    for (int64_t i = 0; i < n; ++i) {
      first[i] = 0;
      last[i] = static_cast<int32_t>(std::clamp<int64_t>(last_position[i] + 1 - b * kBlock, 0, kBlock));
      o[i] = to.o + (rows[i] * n_blocks + b) * cache.head_dim;
    }
    c.kernels.attend({cache.type, cache.head_dim, cache.k_block(kv_head, b), cache.k_scales(kv_head, b), cache.v_block(kv_head, b),
                      cache.v_scales(kv_head, b), n, q, first, last, o, m, l});
    for (int64_t i = 0; i < n; ++i) {
      to.m[rows[i] * n_blocks + b] = m[i];
      to.l[rows[i] * n_blocks + b] = l[i];
    }
  }
}

// One token: units are (KV head, block), or (head, block) where there are too few of those to go round evenly.
void attend_single(Context& c, const AttentionShape& shape, const float* q, uint64_t position, const KvLayer& cache,
                   const AttentionScratch& shared) {
  const int64_t n_blocks = attention_blocks(static_cast<int64_t>(position) + 1), group = shape.n_heads / shape.n_kv_heads;
  const bool by_group = group <= kMaxQueries && shape.n_kv_heads * n_blocks >= 8 * c.member.size();
  const int64_t width = by_group ? group : 1;  // queries of a unit
  const runtime::Range units = runtime::share(shape.n_heads / width * n_blocks, c.member.rank(), c.member.size());
  for (int64_t u = units.begin; u < units.end && c.member.begin_piece();) {
    const int64_t first_head = u / n_blocks * width;
    const runtime::Range blocks{u % n_blocks, std::min(n_blocks, u % n_blocks + units.end - u)};
    const float* queries[kMaxQueries];
    int64_t last[kMaxQueries], rows[kMaxQueries];
    for (int64_t i = 0; i < width; ++i) {
      rows[i] = first_head + i;
      queries[i] = q + rows[i] * shape.head_dim;
      last[i] = static_cast<int64_t>(position);
    }
    attend_blocks(c, cache, first_head / group, blocks, n_blocks, queries, last, rows, width, shared);
    u += blocks.end - blocks.begin;
  }
}

// A chunk: units are (tile of tokens, KV head); tiles are dealt out in turn because later tokens see more.
void attend_chunk(Context& c, const AttentionShape& shape, const float* qkv, int64_t n_tokens, uint64_t first_position,
                  const KvLayer& cache, const AttentionScratch& own, float* out) {
  const int64_t group = shape.n_heads / shape.n_kv_heads, heads = std::min(group, kAttentionQueries);
  const int64_t tile = std::max<int64_t>(1, kAttentionQueries / heads), n_tiles = (n_tokens + tile - 1) / tile;
  for (int64_t u = c.member.rank(); u < n_tiles * shape.n_kv_heads; u += c.member.size()) {
    const int64_t kv_head = u % shape.n_kv_heads, t0 = u / shape.n_kv_heads * tile, t1 = std::min(n_tokens, t0 + tile);
    const int64_t n_blocks = attention_blocks(static_cast<int64_t>(first_position) + t1);
    for (int64_t g = 0; g < group; g += heads) {
      if (!c.member.begin_piece()) return;
      const float* queries[kAttentionQueries];
      float* outs[kAttentionQueries];
      int64_t last[kAttentionQueries], rows[kAttentionQueries], n = 0;
      for (int64_t t = t0; t < t1; ++t) {
        for (int64_t h = kv_head * group + g; h < kv_head * group + std::min(group, g + heads); ++h, ++n) {
          queries[n] = qkv + t * shape.row() + h * shape.head_dim;
          outs[n] = out + t * shape.q_size() + h * shape.head_dim;
          last[n] = static_cast<int64_t>(first_position) + t;
          rows[n] = n;
        }
      }
      attend_blocks(c, cache, kv_head, {0, n_blocks}, n_blocks, queries, last, rows, n, own);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t seen = attention_blocks(last[i] + 1);
        c.kernels.attend_merge(own.m + i * n_blocks, own.l + i * n_blocks, own.o + i * n_blocks * shape.head_dim, shape.head_dim, seen,
                               shape.head_dim, outs[i]);
      }
    }
  }
}

}  // namespace

int64_t KvLayer::block_bytes() const noexcept { return kBlock * head_dim * element_bytes(type); }

void store_kv(Context& c, const AttentionShape& shape, float* qkv, const float* cosines, const float* sines, int64_t n_tokens,
              uint64_t first_position, const KvLayer& cache) {
  const int64_t d = shape.head_dim, half = d / 2;
  const int64_t heads = shape.n_heads + 2 * shape.n_kv_heads;  // q heads, then k, then v
  const runtime::Range units = runtime::share(n_tokens * heads, c.member.rank(), c.member.size());
  for (int64_t u = units.begin; u < units.end; ++u) {
    const int64_t t = u / heads, h = u % heads, position = static_cast<int64_t>(first_position) + t;
    float* x = qkv + t * shape.row() + h * d;
    if (h < shape.n_heads + shape.n_kv_heads) c.kernels.rotate(x, cosines + t * half, sines + t * half, d);
    const int64_t block = position / kBlock, index = position % kBlock;
    if (h < shape.n_heads) {
      c.kernels.scale(x, shape.scale, d);
    } else if (const int64_t k = h - shape.n_heads; k < shape.n_kv_heads) {
      c.kernels.store_k(cache.type, x, d, cache.k_block(k, block), cache.k_scales(k, block), index);
    } else {
      const int64_t v = k - shape.n_kv_heads;
      c.kernels.store_v(cache.type, x, d, cache.v_block(v, block), cache.v_scales(v, block), index);
    }
  }
}

void attention(Context& c, const AttentionShape& shape, const float* qkv, int64_t n_tokens, uint64_t first_position, const KvLayer& cache,
               const AttentionScratch& own, const AttentionScratch& shared, float* out) {
  if (n_tokens == 1)
    attend_single(c, shape, qkv, first_position, cache, shared);
  else
    attend_chunk(c, shape, qkv, n_tokens, first_position, cache, own, out);
}

void merge(Context& c, const AttentionShape& shape, int64_t n_blocks, const AttentionScratch& shared, float* out) {
  for (int64_t h = 0; h < shape.n_heads; ++h)
    c.kernels.attend_merge(shared.m + h * n_blocks, shared.l + h * n_blocks, shared.o + h * n_blocks * shape.head_dim, shape.head_dim,
                           n_blocks, shape.head_dim, out + h * shape.head_dim);
}

}  // namespace rustml::ops
