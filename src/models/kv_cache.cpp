#include "models/kv_cache.h"

#include <cstring>
#include <string>

#include "base/refuse.h"

namespace rustml::models {

namespace {

uint64_t element_bytes(kernels::KvType type) { return static_cast<uint64_t>(ops::kv_element_bytes(type)); }
uint64_t scale_bytes(kernels::KvType type) { return type == kernels::KvType::q8_0 ? sizeof(float) : 0; }

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

}  // namespace

uint64_t KvShape::n_window_layers() const noexcept {
  return window > 0 ? static_cast<uint64_t>(std::count(window_layer.begin(), window_layer.end(), true)) : 0;
}

uint64_t KvShape::layer_bytes_per_position(kernels::KvType type) const noexcept {
  return static_cast<uint64_t>(n_kv_heads) * 2 * (static_cast<uint64_t>(head_dim) * element_bytes(type) + scale_bytes(type));
}

KvCache::KvCache(const KvShape& shape, kernels::KvType type, uint64_t capacity, uint64_t limit_bytes,
                 std::shared_ptr<runtime::MemoryBudget> budget)
    : shape_(shape),
      type_(type),
      capacity_(capacity),
      padded_(round_up(capacity, kernels::kAttendBlock)),
      limit_bytes_(limit_bytes),
      memory_(padded_ * shape.bytes_per_position(type), runtime::Region::Pages::normal),
      charge_(std::move(budget), 0, "kv cache") {}

uint64_t KvCache::bytes_reserved(const KvShape& shape, kernels::KvType type, uint64_t capacity) noexcept {
  return round_up(capacity, kernels::kAttendBlock) * shape.bytes_per_position(type);
}

uint64_t KvCache::bytes_at_most(const KvShape& shape, kernels::KvType type, uint64_t capacity, uint64_t chunk) noexcept {
  const uint64_t padded = round_up(capacity, kernels::kAttendBlock), bytes = shape.layer_bytes_per_position(type);
  // Before a pass ends, window layers hold its tokens, the window, what rewinds may want, and both roundings.
  const uint64_t held = round_up(static_cast<uint64_t>(shape.window) + kKvRewind + chunk, kKvStep) + kKvStep;
  const uint64_t windows = shape.n_window_layers(), full = static_cast<uint64_t>(shape.n_layers) - windows;
  return bytes * (full * padded + windows * std::min(padded, held));
}

uint64_t KvCache::full_bytes() const noexcept {
  return (static_cast<uint64_t>(shape_.n_layers) - shape_.n_window_layers()) * shape_.layer_bytes_per_position(type_);
}

uint64_t KvCache::window_bytes() const noexcept { return shape_.n_window_layers() * shape_.layer_bytes_per_position(type_); }

void KvCache::charge_more(uint64_t bytes, uint64_t n_positions) {
  if (limit_bytes_ != 0 && charge_.bytes() + bytes > limit_bytes_)
    base::fail(base::Status::resource_exhausted,
               "kv cache: " + std::to_string(n_positions) + " tokens need " + std::to_string(charge_.bytes() + bytes) +
                   " bytes, more than the session's memory_limit_bytes of " + std::to_string(limit_bytes_),
               base::refusal_detail("memory_limit_bytes", limit_bytes_, "at least " + std::to_string(charge_.bytes() + bytes)));
  charge_.grow(bytes, "kv cache");
}

void KvCache::reserve(uint64_t n_positions) {
  const uint64_t want = std::min(round_up(n_positions, kKvStep), padded_);
  if (want <= committed_) return;
  charge_more((want - committed_) * full_bytes() + (want - std::max(committed_, floor_)) * window_bytes(), n_positions);
  committed_ = want;
}

void KvCache::set_length(uint64_t n) noexcept {
  length_ = n;
  const uint64_t behind = static_cast<uint64_t>(shape_.window) + kKvRewind;
  if (shape_.window > 0 && n > behind) raise_floor(std::min((n - behind) / kKvStep * kKvStep, held_floor_));
}

void KvCache::raise_floor(uint64_t floor) noexcept {
  if (floor <= floor_) return;
  const uint64_t counted = std::min(floor, committed_);
  if (counted > floor_) charge_.shrink((counted - floor_) * window_bytes());
  for (int64_t l = 0; l < shape_.n_layers; ++l) {
    if (!shape_.windowed(l)) continue;
    const ops::KvLayer cache = layer(l);
    const uint64_t bytes = static_cast<uint64_t>(cache.block_bytes()) / kernels::kAttendBlock, begin = floor_ * bytes;
    for (int64_t h = 0; h < shape_.n_kv_heads; ++h)
      for (const std::byte* block : {cache.k_block(h, 0), cache.v_block(h, 0)})
        memory_.discard(static_cast<uint64_t>(block - memory_.data()) + begin, floor * bytes - begin);
  }
  floor_ = floor;
}

void KvCache::hold(uint64_t floor) noexcept {
  held_floor_ = floor;
  set_length(length_);
}

void KvCache::restart() {
  const uint64_t lost = std::min(floor_, committed_);
  if (lost > 0) charge_more(lost * window_bytes(), committed_);
  floor_ = 0;
  length_ = 0;
}

void KvCache::clear() noexcept {
  length_ = 0;
  if (floor_ == 0) return;
  charge_.shrink(charge_.bytes());
  memory_.discard(0, memory_.size());
  committed_ = floor_ = 0;
}

ops::KvLayer KvCache::layer(int64_t index) const noexcept {
  const uint64_t heads = static_cast<uint64_t>(shape_.n_kv_heads), scales = padded_ * heads * scale_bytes(type_);
  const uint64_t values = padded_ * heads * static_cast<uint64_t>(shape_.head_dim) * element_bytes(type_);
  std::byte* base = memory_.data() + static_cast<uint64_t>(index) * 2 * (values + scales);
  const bool scaled = scales != 0;
  return {type_,
          shape_.n_kv_heads,
          shape_.head_dim,
          static_cast<int64_t>(padded_),
          base,
          base + values,
          scaled ? reinterpret_cast<float*>(base + 2 * values) : nullptr,
          scaled ? reinterpret_cast<float*>(base + 2 * values + scales) : nullptr};
}

uint64_t KvCache::cell_bytes() const noexcept {
  return 2 * (static_cast<uint64_t>(shape_.head_dim) * element_bytes(type_) + scale_bytes(type_));
}

uint64_t KvCache::bytes(const KvRange& range) const noexcept {
  uint64_t n = 0;
  for (int64_t l = 0; l < shape_.n_layers; ++l) n += head_bytes(range, l) * static_cast<uint64_t>(shape_.n_kv_heads);
  return n;
}

// copy(cell bytes in the cache, offset in the exported layout, n)
template <class Copy>
void KvCache::for_cells(int64_t layer_index, int64_t head, uint64_t begin, uint64_t end, Copy copy) const {
  const ops::KvLayer cache = layer(layer_index);
  const uint64_t n = end - begin, e = element_bytes(type_), d = static_cast<uint64_t>(shape_.head_dim), row = d * e;
  for (uint64_t p = begin; p < end; ++p) {
    const auto block = static_cast<int64_t>(p / kernels::kAttendBlock);
    const uint64_t index = p % kernels::kAttendBlock, group = index / kernels::kPanelRows, lane = index % kernels::kPanelRows;
    std::byte* k = cache.k_block(head, block) + (group * d * kernels::kPanelRows + lane) * e;
    for (uint64_t i = 0; i < d; ++i) copy(k + i * kernels::kPanelRows * e, (p - begin) * row + i * e, e);
    copy(cache.v_block(head, block) + index * row, (n + p - begin) * row, row);
    if (type_ != kernels::KvType::q8_0) continue;
    copy(reinterpret_cast<std::byte*>(cache.k_scales(head, block) + index), 2 * n * row + (p - begin) * sizeof(float), sizeof(float));
    copy(reinterpret_cast<std::byte*>(cache.v_scales(head, block) + index), 2 * n * row + (n + p - begin) * sizeof(float), sizeof(float));
  }
}

void KvCache::export_head(int64_t l, int64_t head, const KvRange& range, std::byte* out) const {
  for_cells(l, head, range.first(shape_, l), range.end,
            [out](std::byte* cell, uint64_t at, uint64_t n) { std::memcpy(out + at, cell, n); });
}

void KvCache::import_head(int64_t l, int64_t head, const KvRange& range, const std::byte* in) {
  for_cells(l, head, range.first(shape_, l), range.end, [in](std::byte* cell, uint64_t at, uint64_t n) { std::memcpy(cell, in + at, n); });
}

void KvCache::copy_from(const KvCache& other) {
  whole_keys_ = other.whole_keys_;
  floor_ = other.floor_;  // nothing is committed here yet
  reserve(other.length_);
  const int64_t end = ops::attention_blocks(static_cast<int64_t>(other.length_));
  for (int64_t l = 0; l < shape_.n_layers; ++l) {
    const ops::KvLayer from = other.layer(l), to = layer(l);
    const int64_t begin = shape_.windowed(l) ? static_cast<int64_t>(floor_) / kernels::kAttendBlock : 0;
    if (begin >= end) continue;
    const auto blocks = static_cast<size_t>(end - begin);
    const size_t values = blocks * static_cast<size_t>(from.block_bytes()), scales = blocks * kernels::kAttendBlock * sizeof(float);
    for (int64_t h = 0; h < shape_.n_kv_heads; ++h) {
      std::memcpy(to.k_block(h, begin), from.k_block(h, begin), values);
      std::memcpy(to.v_block(h, begin), from.v_block(h, begin), values);
      if (!from.k_scale) continue;
      std::memcpy(to.k_scales(h, begin), from.k_scales(h, begin), scales);
      std::memcpy(to.v_scales(h, begin), from.v_scales(h, begin), scales);
    }
  }
  length_ = other.length_;
}

}  // namespace rustml::models
