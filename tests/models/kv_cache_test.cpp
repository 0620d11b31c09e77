#include "models/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "base/error.h"

namespace rustml::models {
namespace {

using kernels::KvType;
const KvShape kShape{2, 3, 10};

std::shared_ptr<runtime::MemoryBudget> budget(uint64_t limit = 0) { return std::make_shared<runtime::MemoryBudget>(limit); }

// Fills positions [0, n) through the kernels, as a pass does, and returns what was stored.
void fill(KvCache& cache, uint64_t n, uint32_t seed) {
  cache.reserve(n);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const kernels::KernelTable& kernels = *kernels::available().back();
  for (int64_t l = 0; l < kShape.n_layers; ++l) {
    const ops::KvLayer layer = cache.layer(l);
    for (int64_t h = 0; h < kShape.n_kv_heads; ++h) {
      for (uint64_t p = 0; p < n; ++p) {
        float x[10];
        const auto block = static_cast<int64_t>(p / 128), index = static_cast<int64_t>(p % 128);
        for (float& v : x) v = normal(random);
        kernels.store_k(cache.type(), x, 10, layer.k_block(h, block), layer.k_scales(h, block), index);
        for (float& v : x) v = normal(random);
        kernels.store_v(cache.type(), x, 10, layer.v_block(h, block), layer.v_scales(h, block), index);
      }
    }
  }
  cache.set_length(n);
}

std::vector<std::byte> cells(const KvCache& cache, const KvRange& range) {
  std::vector<std::byte> all;
  cache.export_cells(range, [&](const std::byte* data, uint64_t n) { all.insert(all.end(), data, data + n); });
  EXPECT_EQ(all.size(), cache.bytes(range));
  return all;
}
std::vector<std::byte> cells(const KvCache& cache) { return cells(cache, {0, cache.length(), 0}); }

TEST(KvCache, ExportedCellsComeBackInAnyType) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    KvCache cache(kShape, type, 300, 0, budget()), other(kShape, type, 300, 0, budget());
    fill(cache, 201, 1);
    fill(other, 201, 2);
    ASSERT_NE(cells(cache), cells(other));
    for (const KvRange& range : {KvRange{0, 130, 0}, KvRange{130, 201, 0}}) {  // across a block, in two parts
      const std::vector<std::byte> part = cells(cache, range);
      const std::byte* from = part.data();
      other.import_cells(range, [&](uint64_t n) { return std::exchange(from, from + n); });
      EXPECT_EQ(from, part.data() + part.size());
    }
    EXPECT_EQ(cells(other), cells(cache));
  }
}

TEST(KvCache, ExportLeavesOutWhatWindowLayersGaveBack) {
  KvShape shape = kShape;
  shape.window = 20;
  shape.window_layer = {true, false};
  KvCache cache(shape, KvType::f16, 300, 0, budget());
  fill(cache, 290, 1);
  const std::vector<std::byte> some = cells(cache, {100, 290, 256}), late = cells(cache, {256, 290, 0}), all = cells(cache, {100, 290, 0});
  const size_t window = late.size() / 2;
  ASSERT_EQ(some.size(), window + all.size() / 2);
  EXPECT_TRUE(std::equal(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(window), late.begin()));
  EXPECT_TRUE(std::equal(some.begin() + static_cast<std::ptrdiff_t>(window), some.end(), all.begin() + std::ssize(all) / 2));
  EXPECT_EQ(cache.bytes({100, 150, 256}), 50 * 3 * cache.cell_bytes()) << "none of the window layer";
}

TEST(KvCache, ExportIsPositionMajor) {
  KvCache cache(kShape, KvType::f32, 300, 0, budget());
  cache.reserve(300);
  const kernels::KernelTable& kernels = *kernels::available().back();
  for (int64_t p = 0; p < 300; ++p) {
    float x[10];
    for (int i = 0; i < 10; ++i) x[i] = static_cast<float>(100 * p + i);
    kernels.store_k(KvType::f32, x, 10, cache.layer(1).k_block(2, p / 128), nullptr, p % 128);
  }
  const std::vector<std::byte> all = cells(cache, {0, 300, 0});
  std::vector<float> out(300 * 20);
  std::memcpy(out.data(), all.data() + all.size() / 6 * 5, all.size() / 6);  // of layer 1, head 2
  for (int p = 0; p < 300; ++p)
    for (int i = 0; i < 10; ++i) ASSERT_EQ(out[static_cast<size_t>(p * 10 + i)], static_cast<float>(100 * p + i));
}

TEST(KvCache, CopyIsEqual) {
  KvCache cache(kShape, KvType::q8_0, 300, 0, budget()), copy(kShape, KvType::q8_0, 300, 0, budget());
  fill(cache, 140, 3);
  copy.copy_from(cache);
  EXPECT_EQ(copy.length(), 140u);
  EXPECT_EQ(cells(copy), cells(cache));
}

TEST(KvCache, MemoryIsTakenInStepsWithinBothLimits) {
  const uint64_t position = kShape.bytes_per_position(KvType::f16);
  EXPECT_EQ(position, 2u * 3 * 2 * 10 * 2);
  const auto shared = budget(1024 * position);
  {
    KvCache cache(kShape, KvType::f16, 1024, 600 * position, shared);
    EXPECT_EQ(cache.bytes_reserved(), 1024 * position);
    EXPECT_EQ(shared->now(), 0u);
    cache.reserve(1);
    EXPECT_EQ(cache.bytes_used(), 256 * position);
    cache.reserve(257);
    EXPECT_EQ(cache.bytes_used(), 512 * position);
    EXPECT_THROW(cache.reserve(513), base::Error) << "the session's limit";
    EXPECT_EQ(cache.bytes_used(), 512 * position);
    KvCache second(kShape, KvType::f16, 1024, 0, shared);
    second.reserve(512);
    EXPECT_THROW(second.reserve(513), base::Error) << "the model's limit";
  }
  EXPECT_EQ(shared->now(), 0u);
}

}  // namespace
}  // namespace rustml::models
