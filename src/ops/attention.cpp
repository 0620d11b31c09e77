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
  const int64_t d = shape.head_dim, half = d / 2, keys = shape.n_heads, values = keys + shape.n_kv_heads, end = values + shape.n_kv_heads;
  // This member's tokens; of a single one, its heads: q, then k, then v.
  const bool single = n_tokens == 1;
  const auto mine = [&](int64_t n) { return runtime::share(n, c.member.rank(), c.member.size()); };
  const runtime::Range tokens = single ? runtime::Range{0, 1} : mine(n_tokens), heads = single ? mine(end) : runtime::Range{0, end};
  const auto among = [&](int64_t from, int64_t to) { return runtime::Range{std::max(heads.begin, from), std::min(heads.end, to)}; };
  const runtime::Range q = among(0, keys), k = among(keys, values), v = among(values, end);

  for (int64_t t = tokens.begin; t < tokens.end; ++t) {
    float* row = qkv + t * shape.row();
    const auto normalize = [&](runtime::Range part, const float* norm) {
      for (int64_t h = part.begin; norm && h < part.end; ++h) c.kernels.rms_norm(row + h * d, norm, d, prepare.norm_eps, row + h * d);
    };
    const auto rotate = [&](runtime::Range part, float scale) {
      const int64_t n = part.end - part.begin;
      float* x = row + part.begin * d;
      if (n <= 0) return;
      if (prepare.cosines)
        c.kernels.rotate(x, n, prepare.cosines + t * half, prepare.sines + t * half, d, scale);
      else if (scale != 1)
        c.kernels.scale(x, scale, n * d);
    };
    lap.add(rest_ns);
    normalize(q, prepare.q_norm);
    normalize(k, prepare.k_norm);
    lap.add(spent.norm_ns);
    rotate(q, shape.scale);
    rotate(k, 1);
    lap.add(spent.rotate_ns);

    const int64_t position = static_cast<int64_t>(first_position) + t, block = position / kBlock, index = position % kBlock;
    for (int64_t h = k.begin; h < k.end; ++h)
      c.kernels.store_k(cache.type, row + h * d, d, cache.k_block(h - keys, block), cache.k_scales(h - keys, block), index);
    for (int64_t h = v.begin; h < v.end; ++h)
      c.kernels.store_v(cache.type, row + h * d, d, cache.v_block(h - values, block), cache.v_scales(h - values, block), index);
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
