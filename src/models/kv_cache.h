// The keys and values of a session's tokens. Address space for the whole context is reserved at once; memory is taken, and
// counted, in steps of 256 positions. Window layers give the cells behind their window back, in the same steps, but for the last
// 1,024 that a rewind may want: cells below floor() are gone there.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/config.h"
#include "ops/attention.h"
#include "runtime/memory.h"

namespace rustml::models {

struct KvShape {
  int64_t n_layers, n_kv_heads, head_dim;
  int64_t window = 0;
  std::vector<bool> window_layer = {};  // [n_layers]; empty without a window

  static KvShape of(const Config& c) { return {c.n_layers, c.n_kv_heads, c.head_dim, c.window, c.window_layer}; }
  bool windowed(int64_t layer) const { return window > 0 && window_layer[static_cast<size_t>(layer)]; }
  uint64_t n_window_layers() const noexcept;
  uint64_t layer_bytes_per_position(kernels::KvType type) const noexcept;
  uint64_t bytes_per_position(kernels::KvType type) const noexcept {
    return static_cast<uint64_t>(n_layers) * layer_bytes_per_position(type);
  }
};

// Positions [begin, end) of every layer; of window layers those from `floor` on.
struct KvRange {
  uint64_t begin = 0, end = 0, floor = 0;
  uint64_t first(const KvShape& shape, int64_t layer) const {
    return shape.windowed(layer) ? std::min(end, std::max(begin, floor)) : begin;
  }
};

constexpr uint64_t kKvStep = 256, kKvRewind = 1024;

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
  // The most that bytes_used() can become, with passes of `chunk` tokens and nothing held.
  static uint64_t bytes_at_most(const KvShape& shape, kernels::KvType type, uint64_t capacity, uint64_t chunk) noexcept;
  uint64_t bytes_used() const noexcept { return charge_.bytes(); }

  // Takes memory for `n_positions` in all, or throws resource_exhausted and changes nothing.
  void reserve(uint64_t n_positions);
  // The positions that count; what lies behind them is garbage. Window layers give back what they can spare.
  void set_length(uint64_t n) noexcept;

  // First position whose cells window layers still have, a multiple of kKvStep. 0 without windows.
  uint64_t floor() const noexcept { return floor_; }
  // Lengths below this, but for 0, cannot be gone back to: the last token's scores may be wanted again, with all of its window.
  uint64_t rewind_floor() const noexcept { return floor_ == 0 ? 0 : floor_ + static_cast<uint64_t>(shape_.window); }
  // The floor does not rise above this, so that the caller can go back to a length that needs the cells there; UINT64_MAX: it may.
  void hold(uint64_t floor) noexcept;
  // Length 0, with memory for window layers from the first position on besides what they have; resource_exhausted.
  void restart();
  // Length 0; a cache with a floor gives everything back.
  void clear() noexcept;
  // Window layers are to have cells from `floor` on, not below: before a restore fills them, and when one is undone.
  void raise_floor(uint64_t floor) noexcept;

  // Q8_0 keys are stored with their large biases, as before 1.1 (ops/key_bias.h): those of a snapshot from then. Only while it is empty
  // may it change.
  bool whole_keys() const noexcept { return whole_keys_; }
  void set_whole_keys(bool whole) noexcept { whole_keys_ = whole; }

  ops::KvLayer layer(int64_t index) const noexcept;
  void copy_from(const KvCache& other);  // same shape and type; other's length fits; this one is new

  // Cells in a layout of their own, independent of blocks: for each layer, for each head, K then V, each [position][head_dim] in
  // the cache's type, then for Q8_0 both scales [position].
  uint64_t cell_bytes() const noexcept;  // one position of one head, K and V with scales
  uint64_t bytes(const KvRange& range) const noexcept;
  // write(const std::byte* cells, uint64_t n) for each head, in order.
  template <class Write>
  void export_cells(const KvRange& range, Write&& write) const {
    std::vector<std::byte> cells;
    for (int64_t l = 0; l < shape_.n_layers; ++l) {
      cells.resize(head_bytes(range, l));
      for (int64_t h = 0; h < shape_.n_kv_heads; ++h) {
        export_head(l, h, range, cells.data());
        write(static_cast<const std::byte*>(cells.data()), uint64_t{cells.size()});
      }
    }
  }
  // read(uint64_t n) returns the cells of each head, n bytes, in order. Allocates nothing itself.
  template <class Read>
  void import_cells(const KvRange& range, Read&& read) {
    for (int64_t l = 0; l < shape_.n_layers; ++l)
      for (int64_t h = 0; h < shape_.n_kv_heads; ++h) import_head(l, h, range, read(head_bytes(range, l)));
  }

 private:
  uint64_t head_bytes(const KvRange& range, int64_t layer) const noexcept {
    return (range.end - range.first(shape_, layer)) * cell_bytes();
  }
  void export_head(int64_t layer, int64_t head, const KvRange& range, std::byte* out) const;
  void import_head(int64_t layer, int64_t head, const KvRange& range, const std::byte* in);
  uint64_t full_bytes() const noexcept;    // per position, of all full layers
  uint64_t window_bytes() const noexcept;  // of all window layers
  void charge_more(uint64_t bytes, uint64_t n_positions);
  template <class Copy>
  void for_cells(int64_t layer, int64_t head, uint64_t begin, uint64_t end, Copy copy) const;

  KvShape shape_;
  kernels::KvType type_;
  uint64_t capacity_, padded_, limit_bytes_, length_ = 0, committed_ = 0;  // positions, but for the limit
  uint64_t floor_ = 0, held_floor_ = UINT64_MAX;                           // positions
  bool whole_keys_ = false;
  runtime::Region memory_;
  runtime::Charge charge_;
};

}  // namespace rustml::models
