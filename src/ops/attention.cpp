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

// Queries that share one KV head.
struct Queries {
  const float* q[kMaxQueries];
  int64_t position[kMaxQueries];
  int64_t row[kMaxQueries];  // of the partial results
  int64_t n = 0;
  void add(const float* query, int64_t at, int64_t partial_row) {
    q[n] = query;
    position[n] = at;
    row[n++] = partial_row;
  }
};

// `todo`, blocks of `all` of one KV head; partial results in rows of all.end - all.begin blocks. next: read after them, or null.
void attend_blocks(Context& c, const AttentionShape& shape, const KvLayer& cache, int64_t kv_head, runtime::Range todo, runtime::Range all,
                   const Queries& queries, const AttentionScratch& to, const std::byte* next = nullptr) {
  const int64_t n_blocks = all.end - all.begin;
  int32_t first[kMaxQueries], last[kMaxQueries];
  float* o[kMaxQueries];
  float m[kMaxQueries], l[kMaxQueries];
  for (int64_t b = todo.begin; b < todo.end; ++b) {
    const auto in_block = [b](int64_t position) { return static_cast<int32_t>(std::clamp<int64_t>(position - b * kBlock, 0, kBlock)); };
    for (int64_t i = 0; i < queries.n; ++i) {
      last[i] = in_block(queries.position[i] + 1);
      first[i] = shape.window > 0 ? std::min(last[i], in_block(queries.position[i] + 1 - shape.window)) : 0;
      o[i] = to.o + (queries.row[i] * n_blocks + b - all.begin) * cache.head_dim;
    }
    c.kernels.attend({cache.type, cache.head_dim, cache.k_block(kv_head, b), cache.k_scales(kv_head, b), cache.v_block(kv_head, b),
                      cache.v_scales(kv_head, b), queries.n, queries.q, first, last, o, m, l,
                      b + 1 < todo.end ? cache.k_block(kv_head, b + 1) : next});
    for (int64_t i = 0; i < queries.n; ++i) {
      to.m[queries.row[i] * n_blocks + b - all.begin] = m[i];
      to.l[queries.row[i] * n_blocks + b - all.begin] = l[i];
    }
  }
}

// One token: units are (KV head, block), or (head, block) where the former would not go round evenly enough. K and V read once
// for all heads of a group cost about as much as two further heads.
struct SingleUnits {
  runtime::Range blocks;  // all
  int64_t width;          // queries of a unit
  runtime::Range mine;    // units
  SingleUnits(const Context& c, const AttentionShape& shape, int64_t position) : blocks(visible_blocks(shape, position)) {
    const int64_t group = shape.n_heads / shape.n_kv_heads, n_blocks = blocks.end - blocks.begin;
    const auto cost = [&](int64_t queries) {
      const int64_t units = shape.n_heads / queries * n_blocks;
      return (units + c.member.size() - 1) / c.member.size() * (queries + 2);
    };
    width = group <= kMaxQueries && cost(group) <= cost(1) ? group : 1;
    mine = runtime::share(shape.n_heads / width * n_blocks, c.member.rank(), c.member.size());
  }
  // Of the block of unit u.
  const std::byte* keys(const AttentionShape& shape, const KvLayer& cache, int64_t u) const {
    const int64_t n_blocks = blocks.end - blocks.begin;
    return cache.k_block(u / n_blocks * width / (shape.n_heads / shape.n_kv_heads), blocks.begin + u % n_blocks);
  }
};

void attend_single(Context& c, const AttentionShape& shape, const float* q, int64_t position, const KvLayer& cache,
                   const AttentionScratch& shared, const std::byte* next) {
  const SingleUnits units(c, shape, position);
  const runtime::Range all = units.blocks;
  const int64_t n_blocks = all.end - all.begin, width = units.width;
  for (int64_t u = units.mine.begin; u < units.mine.end && c.member.begin_piece();) {
    const int64_t first_head = u / n_blocks * width, begin = u % n_blocks, end = std::min(n_blocks, begin + units.mine.end - u);
    Queries queries;
    for (int64_t h = first_head; h < first_head + width; ++h) queries.add(q + h * shape.head_dim, position, h);
    u += end - begin;
    attend_blocks(c, shape, cache, first_head / (shape.n_heads / shape.n_kv_heads), {all.begin + begin, all.begin + end}, all, queries,
                  shared, u < units.mine.end ? units.keys(shape, cache, u) : next);
  }
}

// A chunk: units are (tile of tokens, KV head), claimed one by one; later tokens, which see more, first.
void attend_chunk(Context& c, const AttentionShape& shape, const float* qkv, int64_t n_tokens, int64_t first_position, const KvLayer& cache,
                  const AttentionScratch& own, float* out) {
  const int64_t group = shape.n_heads / shape.n_kv_heads, heads = std::min(group, kAttentionQueries);
  // Few tokens are divided, too, so that members get about the same: by fours, what kernels take at a time.
  const int64_t enough = (n_tokens * shape.n_kv_heads / (4 * c.member.size()) + 3) / 4 * 4;
  const int64_t tile = std::max<int64_t>(1, std::min(std::max<int64_t>(4, enough), kAttentionQueries / heads));
  const int64_t n_units = (n_tokens + tile - 1) / tile * shape.n_kv_heads;
  for (int64_t claimed; (claimed = c.member.claim(n_units)) < n_units;) {
    const int64_t u = n_units - 1 - claimed;
    const int64_t kv_head = u % shape.n_kv_heads, t0 = u / shape.n_kv_heads * tile, t1 = std::min(n_tokens, t0 + tile);
    const runtime::Range all{visible_blocks(shape, first_position + t0).begin, attention_blocks(first_position + t1)};
    const int64_t n_blocks = all.end - all.begin;
    for (int64_t g = 0; g < group; g += heads) {
      if (!c.member.begin_piece()) return;
      Queries queries;
      float* outs[kAttentionQueries];
      for (int64_t t = t0; t < t1; ++t) {
        for (int64_t h = kv_head * group + g; h < kv_head * group + std::min(group, g + heads); ++h) {
          outs[queries.n] = out + t * shape.q_size() + h * shape.head_dim;
          queries.add(qkv + t * shape.row() + h * shape.head_dim, first_position + t, queries.n);
        }
      }
      attend_blocks(c, shape, cache, kv_head, all, all, queries, own);
      for (int64_t i = 0; i < queries.n; ++i) {  // blocks before its window weigh nothing; those after its position are left out
        const int64_t seen = attention_blocks(queries.position[i] + 1) - all.begin;
        c.kernels.attend_merge(own.m + i * n_blocks, own.l + i * n_blocks, own.o + i * n_blocks * shape.head_dim, shape.head_dim, seen,
                               shape.head_dim, outs[i]);
      }
    }
  }
}

}  // namespace

int64_t KvLayer::block_bytes() const noexcept { return kBlock * head_dim * element_bytes(type); }

void store_kv(Context& c, const AttentionShape& shape, const QueryKeyPreparation& prepare, float* qkv, int64_t n_tokens,
              uint64_t first_position, const KvLayer& cache, PreparationTimes* times) {
  runtime::Lap lap(times != nullptr);
  PreparationTimes spent;
  uint64_t rest_ns = 0;
  const int64_t d = shape.head_dim, half = d / 2;
  const int64_t heads = shape.n_heads + 2 * shape.n_kv_heads;  // q heads, then k, then v
  const runtime::Range units = runtime::share(n_tokens * heads, c.member.rank(), c.member.size());
  for (int64_t u = units.begin; u < units.end; ++u) {
    const int64_t t = u / heads, h = u % heads, position = static_cast<int64_t>(first_position) + t;
    float* x = qkv + t * shape.row() + h * d;
    if (h < shape.n_heads + shape.n_kv_heads) {
      lap.add(rest_ns);
      if (const float* norm = h < shape.n_heads ? prepare.q_norm : prepare.k_norm) {
        c.kernels.rms_norm(x, norm, d, prepare.norm_eps, x);
        lap.add(spent.norm_ns);
      }
      if (prepare.cosines) {
        c.kernels.rotate(x, prepare.cosines + t * half, prepare.sines + t * half, d);
        lap.add(spent.rotate_ns);
      }
    }
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
  if (times) *times = spent;
}

void attention(Context& c, const AttentionShape& shape, const float* qkv, int64_t n_tokens, uint64_t first_position, const KvLayer& cache,
               const AttentionScratch& own, const AttentionScratch& shared, float* out, const std::byte* next) {
  const auto position = static_cast<int64_t>(first_position);
  if (n_tokens == 1)
    attend_single(c, shape, qkv, position, cache, shared, next);
  else
    attend_chunk(c, shape, qkv, n_tokens, position, cache, own, out);
}

const std::byte* first_keys(const Context& c, const AttentionShape& shape, uint64_t position, const KvLayer& cache) {
  const SingleUnits units(c, shape, static_cast<int64_t>(position));
  return units.mine.begin < units.mine.end ? units.keys(shape, cache, units.mine.begin) : nullptr;
}

void merge(Context& c, const AttentionShape& shape, uint64_t position, const AttentionScratch& shared, float* out) {
  const runtime::Range all = visible_blocks(shape, static_cast<int64_t>(position));
  const int64_t n = all.end - all.begin;
  for (int64_t h = 0; h < shape.n_heads; ++h)
    c.kernels.attend_merge(shared.m + h * n, shared.l + h * n, shared.o + h * n * shape.head_dim, shape.head_dim, n, shape.head_dim,
                           out + h * shape.head_dim);
}

}  // namespace rustml::ops
