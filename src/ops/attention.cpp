#include "ops/attention.h"

namespace rustml::ops {

namespace {

constexpr int64_t kBlock = kernels::kAttendBlock;

// Queries that share one KV head.
struct Queries {
  const float* q[kMaxAttendQueries];
  int64_t position[kMaxAttendQueries];
  int64_t row[kMaxAttendQueries];  // of the partial results
  int64_t n = 0;
  void add(const float* query, int64_t at, int64_t partial_row) {
    q[n] = query;
    position[n] = at;
    row[n++] = partial_row;
  }
};

// What the biases without which a KV head's keys are stored add to scores, block after block.
class BiasScores {
 public:
  BiasScores(const AttentionPass& pass, int64_t kv_head, float* memory)
      : turns_(pass.key_turns), head_dim_(pass.shape.head_dim), memory_(memory) {
    if (pass.key_bias != nullptr && !pass.key_bias->heads.empty()) head_ = &pass.key_bias->heads[static_cast<size_t>(kv_head)];
    if (head_ == nullptr || head_->pairs.empty()) return;
    offsets_ = {turns_.within, head_dim_, head_->rows.data(), static_cast<int64_t>(head_->rows.size()), factors_};
  }
  const kernels::ScoreOffsets* of(int64_t block, const Queries& queries) {
    if (offsets_.n == 0) return nullptr;
    for (int64_t i = 0; i < queries.n; ++i) {
      factors_[i] = memory_ + i * head_dim_;
      head_->turn(queries.q[i], head_dim_, turns_.blocks + block * head_dim_, memory_ + i * head_dim_);
    }
    return &offsets_;
  }

 private:
  const KeyTurns& turns_;
  const KeyBias::Head* head_ = nullptr;
  const int64_t head_dim_;
  float* const memory_;
  const float* factors_[kMaxAttendQueries];
  kernels::ScoreOffsets offsets_{};
};

// `todo`, blocks of `all` of one KV head; partial results in rows of all.end - all.begin blocks. next: read after them, or null.
void attend_blocks(Context& c, const AttentionPass& pass, int64_t kv_head, runtime::Range todo, runtime::Range all, const Queries& queries,
                   const AttentionScratch& to, float* factors, const std::byte* next = nullptr) {
  const AttentionShape& shape = pass.shape;
  const KvLayer& cache = pass.cache;
  const int64_t n_blocks = all.end - all.begin;
  BiasScores bias(pass, kv_head, factors);
  int32_t first[kMaxAttendQueries], last[kMaxAttendQueries];
  float* o[kMaxAttendQueries];
  float m[kMaxAttendQueries], l[kMaxAttendQueries];
  for (int64_t b = todo.begin; b < todo.end; ++b) {
    const auto in_block = [b](int64_t position) { return static_cast<int32_t>(std::clamp<int64_t>(position - b * kBlock, 0, kBlock)); };
    for (int64_t i = 0; i < queries.n; ++i) {
      last[i] = in_block(queries.position[i] + 1);
      first[i] = shape.window > 0 ? std::min(last[i], in_block(queries.position[i] + 1 - shape.window)) : 0;
      o[i] = to.o + (queries.row[i] * n_blocks + b - all.begin) * cache.head_dim;
    }
    c.kernels.attend({cache.type, cache.head_dim, cache.k_block(kv_head, b), cache.k_scales(kv_head, b), cache.v_block(kv_head, b),
                      cache.v_scales(kv_head, b), queries.n, queries.q, first, last, o, m, l, c.scratch,
                      b + 1 < todo.end ? cache.k_block(kv_head, b + 1) : next, bias.of(b, queries)});
    for (int64_t i = 0; i < queries.n; ++i) {
      to.m[queries.row[i] * n_blocks + b - all.begin] = m[i];
      to.l[queries.row[i] * n_blocks + b - all.begin] = l[i];
    }
  }
}

// One token's heads: what QueryKeyPreparation says, and the cache.
class Preparer {
 public:
  Preparer(Context& c, const AttentionPass& pass, bool timed)
      : c_(c), shape_(pass.shape), preparation_(pass.preparation), cache_(pass.cache), key_bias_(pass.key_bias), all_(timed), lap_(timed) {}
  // n heads of token t, at x.
  void queries(int64_t t, float* x, int64_t n) { prepare(t, x, n, preparation_.q_norm, shape_.scale); }
  // KV heads [begin, end) of token t at `position`, of its row of q | k | v.
  void keys_and_values(int64_t t, float* row, int64_t begin, int64_t end, int64_t position) {
    const int64_t d = shape_.head_dim, block = position / kBlock, index = position % kBlock;
    float* k = row + shape_.n_heads * d;
    const float* v = k + shape_.n_kv_heads * d;
    if (key_bias_) c_.kernels.add(k + begin * d, key_bias_->negated.data() + begin * d, (end - begin) * d);
    prepare(t, k + begin * d, end - begin, preparation_.k_norm, 1);
    for (int64_t h = begin; h < end; ++h) {
      c_.kernels.store_k(cache_.type, k + h * d, d, cache_.k_block(h, block), cache_.k_scales(h, block), index);
      c_.kernels.store_v(cache_.type, v + h * d, d, cache_.v_block(h, block), cache_.v_scales(h, block), index);
    }
  }
  void finish(PreparationTimes* times) {
    all_.add(spent_.all_ns);
    if (times) *times = spent_;
  }

 private:
  void prepare(int64_t t, float* x, int64_t n, const float* norm, float scale) {
    const int64_t d = shape_.head_dim;
    lap_.add(rest_ns_);
    if (norm) {
      for (int64_t h = 0; h < n; ++h) c_.kernels.rms_norm(x + h * d, norm, d, preparation_.norm_eps, x + h * d);
      lap_.add(spent_.norm_ns);
    }
    if (preparation_.cosines) {
      c_.kernels.rotate(x, n, preparation_.cosines + t * d / 2, preparation_.sines + t * d / 2, d, scale);
      lap_.add(spent_.rotate_ns);
    } else if (scale != 1) {
      c_.kernels.scale(x, scale, n * d);
    }
  }

  Context& c_;
  const AttentionShape& shape_;
  const QueryKeyPreparation& preparation_;
  const KvLayer& cache_;
  const KeyBias* const key_bias_;
  runtime::Lap all_, lap_;
  PreparationTimes spent_;
  uint64_t rest_ns_ = 0;
};

// Members divide the tokens. The last n_queries have their queries prepared.
void store_kv(Context& c, const AttentionPass& pass, Preparer& prepare) {
  const runtime::Range tokens = runtime::share(pass.n_tokens, c.member.rank(), c.member.size());
  for (int64_t t = tokens.begin; t < tokens.end; ++t) {
    float* row = pass.qkv + t * pass.shape.row();
    if (t >= pass.n_tokens - pass.n_queries) prepare.queries(t, row, pass.shape.n_heads);
    prepare.keys_and_values(t, row, 0, pass.shape.n_kv_heads, pass.first_position + t);
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
    width = group <= kMaxAttendQueries && cost(group) <= cost(1) ? group : 1;
    mine = runtime::share(shape.n_heads / width * n_blocks, c.member.rank(), c.member.size());
  }
  // Of the block of unit u.
  const std::byte* keys(const AttentionShape& shape, const KvLayer& cache, int64_t u) const {
    const int64_t n_blocks = blocks.end - blocks.begin;
    return cache.k_block(u / n_blocks * width / (shape.n_heads / shape.n_kv_heads), blocks.begin + u % n_blocks);
  }
};

// The member that has a KV head's last block stores the token there, and each prepares the queries it needs for itself: no barrier is
// needed but where heads of a group are divided among members.
void attend_single(Context& c, const AttentionPass& pass, Preparer& prepare, const AttentionMemory& memory, const std::byte* next,
                   PreparationTimes* times) {
  const AttentionShape& shape = pass.shape;
  const int64_t position = pass.first_position;
  const SingleUnits units(c, shape, position);
  const runtime::Range all = units.blocks;
  const int64_t n_blocks = all.end - all.begin, width = units.width, d = shape.head_dim, group = shape.n_heads / shape.n_kv_heads;
  const float* q = pass.qkv;
  if (width != group) {
    store_kv(c, pass, prepare);
    c.member.sync();
  } else if (units.mine.begin < units.mine.end) {
    const int64_t begin = units.mine.begin / n_blocks, end = (units.mine.end + n_blocks - 1) / n_blocks;  // KV heads
    std::copy(pass.qkv + begin * width * d, pass.qkv + end * width * d, memory.single_queries + begin * width * d);
    prepare.queries(0, memory.single_queries + begin * width * d, (end - begin) * width);
    prepare.keys_and_values(0, pass.qkv, begin, units.mine.end / n_blocks, position);
    q = memory.single_queries;
  }
  prepare.finish(times);
  for (int64_t u = units.mine.begin; u < units.mine.end && c.member.begin_piece();) {
    const int64_t first_head = u / n_blocks * width, begin = u % n_blocks, end = std::min(n_blocks, begin + units.mine.end - u);
    Queries queries;
    for (int64_t h = first_head; h < first_head + width; ++h) queries.add(q + h * d, position, h);
    u += end - begin;
    attend_blocks(c, pass, first_head / group, {all.begin + begin, all.begin + end}, all, queries, memory.single, memory.factors,
                  u < units.mine.end ? units.keys(shape, pass.cache, u) : next);
  }
}

// A chunk: units are (tile of tokens, KV head), claimed one by one; later tokens, which see more, first.
void attend_chunk(Context& c, const AttentionPass& pass, const AttentionMemory& memory, float* out) {
  const AttentionScratch& partial = memory.chunk;
  const AttentionShape& shape = pass.shape;
  const int64_t n_tokens = pass.n_queries, first = pass.n_tokens - n_tokens, first_position = pass.first_position + first;
  const float* qkv = pass.qkv + first * shape.row();
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
      attend_blocks(c, pass, kv_head, all, all, queries, partial, memory.factors);
      for (int64_t i = 0; i < queries.n; ++i) {  // blocks before its window weigh nothing; those after its position are left out
        const int64_t seen = attention_blocks(queries.position[i] + 1) - all.begin;
        c.kernels.attend_merge(partial.m + i * n_blocks, partial.l + i * n_blocks, partial.o + i * n_blocks * shape.head_dim,
                               shape.head_dim, seen, shape.head_dim, outs[i]);
      }
    }
  }
}

}  // namespace

int64_t KvLayer::block_bytes() const noexcept { return kBlock * head_dim * kv_element_bytes(type); }

void attention(Context& c, const AttentionPass& pass, const AttentionMemory& memory, float* out, const std::byte* next,
               PreparationTimes* times) {
  Preparer prepare(c, pass, times != nullptr);
  if (pass.n_tokens == 1 && pass.n_queries == 1) return attend_single(c, pass, prepare, memory, next, times);
  store_kv(c, pass, prepare);
  c.member.sync();
  prepare.finish(times);
  if (pass.n_queries > 0) attend_chunk(c, pass, memory, out);
}

const std::byte* first_keys(const Context& c, const AttentionShape& shape, int64_t position, const KvLayer& cache) {
  const SingleUnits units(c, shape, position);
  return units.mine.begin < units.mine.end ? units.keys(shape, cache, units.mine.begin) : nullptr;
}

void merge(Context& c, const AttentionShape& shape, int64_t position, const AttentionScratch& single, float* out) {
  const runtime::Range all = visible_blocks(shape, position);
  const int64_t n = all.end - all.begin;
  for (int64_t h = 0; h < shape.n_heads; ++h)
    c.kernels.attend_merge(single.m + h * n, single.l + h * n, single.o + h * n * shape.head_dim, shape.head_dim, n, shape.head_dim,
                           out + h * shape.head_dim);
}

}  // namespace rustml::ops
