#include "models/scratch.h"

#include <algorithm>

namespace rustml::models {

namespace {

// Hands out 64-byte aligned pieces; with a null base only adds up.
class Carver {
 public:
  explicit Carver(std::byte* base) : base_(base) {}
  template <class T>
  T* take(int64_t n) {
    const uint64_t at = used_;
    used_ += (static_cast<uint64_t>(n) * sizeof(T) + 63) / 64 * 64;
    return base_ ? reinterpret_cast<T*>(base_ + at) : nullptr;
  }
  ops::Activations activations(int64_t tokens, int64_t widest) {
    const int64_t blocks = (widest + kernels::kQBlock - 1) / kernels::kQBlock;
    const int64_t tiled = ops::tiled_tokens(tokens);
    return {take<float>(tokens * widest), take<int8_t>(tiled * blocks * kernels::kQBlock), take<float>(tiled * blocks),
            take<int32_t>(tiled * blocks)};
  }
  ops::AttentionScratch partial(int64_t queries, int64_t n_blocks, int64_t head_dim) {
    return {take<float>(queries * n_blocks), take<float>(queries * n_blocks), take<float>(queries * n_blocks * head_dim)};
  }
  uint64_t used() const { return used_; }

 private:
  std::byte* const base_;
  uint64_t used_ = 0;
};

}  // namespace

ScratchLayout::ScratchLayout(const Config& c, int64_t chunk, int64_t capacity, int n_threads, std::byte* base) {
  Carver carver(base);
  const int64_t attended_size = c.n_heads * c.head_dim, row = (c.n_heads + 2 * c.n_kv_heads) * c.head_dim, half = c.head_dim / 2;
  const int64_t widest = std::max({c.hidden, c.ffn, attended_size}), n_blocks = ops::attention_blocks(capacity);
  x = carver.take<float>(chunk * c.hidden);
  y = carver.take<float>(c.post_norms ? chunk * c.hidden : 0);
  qkv = carver.take<float>(chunk * row);
  attended = carver.take<float>(chunk * attended_size);
  gate = carver.take<float>(chunk * c.ffn);
  up = carver.take<float>(c.gated ? chunk * c.ffn : 0);
  for (float** angles : {&cosines, &sines}) *angles = carver.take<float>(c.rotated() ? chunk * half : 0);
  for (float** angles : {&window_cosines, &window_sines}) *angles = carver.take<float>(c.window > 0 ? chunk * half : 0);
  const bool biased = c.rotated() && c.qkv_bias != Bias::none;
  block_angles = carver.take<float>(biased ? n_blocks * c.head_dim : 0);
  chunk_rows = carver.activations(chunk, widest);
  partial = carver.partial(c.n_heads, n_blocks, c.head_dim);
  members.resize(static_cast<size_t>(n_threads));
  for (OfMember& m : members) {
    m.single_row = carver.activations(1, widest);
    m.merged = carver.take<float>(attended_size);
    m.partial = carver.partial(ops::kAttentionQueries, n_blocks, c.head_dim);
    m.bias_factors = carver.take<float>(biased ? ops::kMaxAttendQueries * c.head_dim : 0);
    m.kernel = carver.take<std::byte>(kernels::kScratchBytes);
  }
  n_bytes = carver.used();
}

Scratch::Scratch(const Config& config, int64_t chunk_tokens, int64_t capacity, int n_threads, std::shared_ptr<runtime::MemoryBudget> budget)
    : ScratchLayout(config, chunk_tokens, capacity, n_threads, nullptr),
      chunk(chunk_tokens),
      charge_(std::move(budget), n_bytes, "scratch memory") {
  memory_ = runtime::Region(n_bytes, runtime::Region::Pages::normal);
  static_cast<ScratchLayout&>(*this) = ScratchLayout(config, chunk, capacity, n_threads, memory_.data());
}

}  // namespace rustml::models
