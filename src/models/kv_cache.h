// The keys and values of a session's tokens. Address space for the whole context is reserved at once; memory is taken, and
// counted, in steps of 256 positions.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/attention.h"
#include "runtime/memory.h"

namespace rustml::models {

struct KvShape {
  int64_t n_layers, n_kv_heads, head_dim;
  uint64_t bytes_per_position(kernels::KvType type) const noexcept;
};

constexpr uint64_t kKvStep = 256;

class KvCache {
 public:
  // limit_bytes: of this cache (0: none), besides the model's budget.
  KvCache(const KvShape& shape, kernels::KvType type, uint64_t capacity, uint64_t limit_bytes,
          std::shared_ptr<runtime::MemoryBudget> budget);

  const KvShape& shape() const noexcept { return shape_; }
  kernels::KvType type() const noexcept { return type_; }
  uint64_t capacity() const noexcept { return capacity_; }
  uint64_t length() const noexcept { return length_; }
  uint64_t bytes_reserved() const noexcept { return bytes_reserved(shape_, type_, capacity_); }
  static uint64_t bytes_reserved(const KvShape& shape, kernels::KvType type, uint64_t capacity) noexcept;
  uint64_t bytes_used() const noexcept { return charge_.bytes(); }

  // Takes memory for `n_positions` in all, or throws resource_exhausted and changes nothing.
  void reserve(uint64_t n_positions);
  // The positions that count; what lies behind them is garbage.
  void set_length(uint64_t n) noexcept { length_ = n; }
  ops::KvLayer layer(int64_t index) const noexcept;
  void copy_from(const KvCache& other);  // same shape and type; other's length fits

  // Cells in a layout of their own, independent of blocks: for one layer and head, K then V, each [position][head_dim] in the
  // cache's type, then for Q8_0 both scales [position]. Positions [begin, end).
  uint64_t cell_bytes() const noexcept;  // one position of one head, K and V with scales
  void export_head(int64_t layer, int64_t head, uint64_t begin, uint64_t end, std::byte* out) const;
  void import_head(int64_t layer, int64_t head, uint64_t begin, uint64_t end, const std::byte* in);

 private:
  template <class Copy>
  void for_cells(int64_t layer, int64_t head, uint64_t begin, uint64_t end, Copy copy) const;

  KvShape shape_;
  kernels::KvType type_;
  uint64_t capacity_, padded_, limit_bytes_, length_ = 0, committed_ = 0;  // positions, but for the limit
  runtime::Region memory_;
  runtime::Charge charge_;
};

}  // namespace rustml::models
