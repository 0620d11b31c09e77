#include "models/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

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

std::vector<std::byte> cells(const KvCache& cache) {
  std::vector<std::byte> all;
  for (int64_t l = 0; l < kShape.n_layers; ++l)
    for (int64_t h = 0; h < kShape.n_kv_heads; ++h) {
      std::vector<std::byte> head(cache.length() * cache.cell_bytes());
      cache.export_head(l, h, 0, cache.length(), head.data());
      all.insert(all.end(), head.begin(), head.end());
    }
  return all;
}

TEST(KvCache, ExportedCellsComeBackInAnyType) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    KvCache cache(kShape, type, 300, 0, budget()), other(kShape, type, 300, 0, budget());
    fill(cache, 201, 1);
    fill(other, 201, 2);
    ASSERT_NE(cells(cache), cells(other));
    for (int64_t l = 0; l < kShape.n_layers; ++l)
      for (int64_t h = 0; h < kShape.n_kv_heads; ++h)
        for (const auto& [begin, end] : {std::pair<uint64_t, uint64_t>{0, 130}, {130, 201}}) {  // across a block, in two parts
          std::vector<std::byte> part((end - begin) * cache.cell_bytes());
          cache.export_head(l, h, begin, end, part.data());
          other.import_head(l, h, begin, end, part.data());
        }
    EXPECT_EQ(cells(other), cells(cache));
  }
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
  std::vector<float> out(300 * 20);
  cache.export_head(1, 2, 0, 300, reinterpret_cast<std::byte*>(out.data()));
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
