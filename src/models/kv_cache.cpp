#include "models/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"

namespace rustml::models {

namespace {

uint64_t element_bytes(kernels::KvType type) {
  switch (type) {
    case kernels::KvType::f32:
      return 4;
    case kernels::KvType::f16:
      return 2;
    default:
      return 1;
  }
}

uint64_t scale_bytes(kernels::KvType type) { return type == kernels::KvType::q8_0 ? sizeof(float) : 0; }

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

}  // namespace

uint64_t KvShape::bytes_per_position(kernels::KvType type) const noexcept {
  const auto d = static_cast<uint64_t>(head_dim);
  return static_cast<uint64_t>(n_layers) * static_cast<uint64_t>(n_kv_heads) * 2 * (d * element_bytes(type) + scale_bytes(type));
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

void KvCache::reserve(uint64_t n_positions) {
  const uint64_t want = std::min(round_up(n_positions, kKvStep), padded_);
  if (want <= committed_) return;
  const uint64_t more = (want - committed_) * shape_.bytes_per_position(type_);
  if (limit_bytes_ != 0 && charge_.bytes() + more > limit_bytes_)
    base::fail(base::Status::resource_exhausted,
               "kv cache: " + std::to_string(n_positions) + " tokens need " + std::to_string(charge_.bytes() + more) +
                   " bytes, more than the session's memory_limit_bytes of " + std::to_string(limit_bytes_));
  charge_.grow(more, "kv cache");
  committed_ = want;
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

void KvCache::export_head(int64_t layer_index, int64_t head, uint64_t begin, uint64_t end, std::byte* out) const {
  for_cells(layer_index, head, begin, end, [out](std::byte* cell, uint64_t at, uint64_t n) { std::memcpy(out + at, cell, n); });
}

void KvCache::import_head(int64_t layer_index, int64_t head, uint64_t begin, uint64_t end, const std::byte* in) {
  for_cells(layer_index, head, begin, end, [in](std::byte* cell, uint64_t at, uint64_t n) { std::memcpy(cell, in + at, n); });
}

void KvCache::copy_from(const KvCache& other) {
  reserve(other.length_);
  const auto blocks = static_cast<size_t>(ops::attention_blocks(static_cast<int64_t>(other.length_)));
  for (int64_t l = 0; l < shape_.n_layers; ++l) {
    const ops::KvLayer from = other.layer(l), to = layer(l);
    const size_t values = blocks * static_cast<size_t>(from.block_bytes()), scales = blocks * kernels::kAttendBlock * sizeof(float);
    for (int64_t h = 0; h < shape_.n_kv_heads && blocks > 0; ++h) {
      std::memcpy(to.k_block(h, 0), from.k_block(h, 0), values);
      std::memcpy(to.v_block(h, 0), from.v_block(h, 0), values);
      if (!from.k_scale) continue;
      std::memcpy(to.k_scales(h, 0), from.k_scales(h, 0), scales);
      std::memcpy(to.v_scales(h, 0), from.v_scales(h, 0), scales);
    }
  }
  length_ = other.length_;
}

}  // namespace rustml::models
