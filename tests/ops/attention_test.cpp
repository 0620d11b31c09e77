// Against softmax attention in double over what was stored, and bit for bit over threads and chunks.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/select.h"
#include "ops/rope.h"
#include "team.h"

namespace rustml::ops {
namespace {

struct Cache {
  Cache(kernels::KvType type, const AttentionShape& shape, int64_t capacity)
      : memory(static_cast<size_t>(2 * shape.n_kv_heads * capacity * shape.head_dim * 4)),
        scales(static_cast<size_t>(2 * shape.n_kv_heads * capacity)) {
    const bool q8 = type == kernels::KvType::q8_0;
    layer = {type,
             shape.n_kv_heads,
             shape.head_dim,
             capacity,
             memory.data(),
             memory.data() + memory.size() / 2,
             q8 ? scales.data() : nullptr,
             q8 ? scales.data() + scales.size() / 2 : nullptr};
  }
  std::vector<std::byte> memory;
  std::vector<float> scales;
  KvLayer layer;
};

struct Problem {
  AttentionShape shape;
  int64_t n_tokens;
  std::vector<float> qkv;  // [tokens][row]
  KeyBias key_bias = {};   // of its keys
  bool rotated = true;
};

Problem make(int64_t heads, int64_t kv_heads, int64_t dim, int64_t n_tokens) {
  Problem p{{heads, kv_heads, dim, 1.0f / std::sqrt(static_cast<float>(dim))}, n_tokens, {}};
  std::mt19937 random(static_cast<uint32_t>(heads * dim));
  std::normal_distribution<float> normal;
  p.qkv.resize(static_cast<size_t>(n_tokens * p.shape.row()));
  for (float& v : p.qkv) v = normal(random);
  return p;
}

// The same with biases of 4 to 30 on some pairs of every KV head's keys.
Problem make_biased(int64_t heads, int64_t kv_heads, int64_t dim, int64_t n_tokens, bool rotated = true) {
  Problem p = make(heads, kv_heads, dim, n_tokens);
  p.rotated = rotated;
  std::vector<float> bias(static_cast<size_t>(kv_heads * dim));
  for (size_t i = 0; i < bias.size(); i += 3) bias[i] = i % 2 ? -30 : static_cast<float>(4 + i % 26);
  for (int64_t t = 0; t < n_tokens; ++t)
    for (size_t i = 0; i < bias.size(); ++i) p.qkv[static_cast<size_t>(t * p.shape.row() + heads * dim) + i] += bias[i];
  p.key_bias = KeyBias::of(bias.data(), kv_heads, dim, rotated);
  return p;
}

// Of every chunk only the last `queries` tokens attend; the others' outputs are zeros.
std::vector<float> run(const Problem& p, kernels::KvType type, int n_threads, int64_t chunk, int64_t queries = 1000) {
  constexpr int64_t kCapacity = 512;
  const int64_t half = p.shape.head_dim / 2, blocks = attention_blocks(kCapacity), d = p.shape.head_dim;
  const auto frequencies = rope_frequencies(d, 10000, {}, {});
  Cache cache(type, p.shape, kCapacity);
  std::vector<float> qkv = p.qkv, out(static_cast<size_t>(p.n_tokens * p.shape.q_size()));
  const auto scratch = [&](std::vector<float>& memory, int64_t queries) {
    memory.resize(static_cast<size_t>(queries * blocks * (d + 2)));
    return AttentionScratch{memory.data(), memory.data() + queries * blocks, memory.data() + 2 * queries * blocks};
  };
  std::vector<float> shared_memory;
  const AttentionScratch shared = scratch(shared_memory, p.shape.n_heads);
  std::vector<std::vector<float>> own_memory(static_cast<size_t>(n_threads));
  std::vector<std::vector<float>> own_queries(own_memory.size(), std::vector<float>(static_cast<size_t>(p.shape.q_size())));
  std::vector<float> factors(own_memory.size() * static_cast<size_t>(kMaxAttendQueries * d));
  std::vector<float> within(static_cast<size_t>(kernels::kAttendBlock * d)), block_angles(static_cast<size_t>(blocks * d));
  for (int64_t i = 0; i < kernels::kAttendBlock; ++i) {
    float* angles = block_angles.data();  // of the position within a block, for the moment
    rope_angles(frequencies, static_cast<uint64_t>(i), angles, angles + half);
    kernels::available().back()->store_k(kernels::KvType::f32, angles, d, within.data(), nullptr, i);
  }
  for (int64_t b = 0; b < blocks; ++b)
    rope_angles(frequencies, static_cast<uint64_t>(b * kernels::kAttendBlock), &block_angles[static_cast<size_t>(b * d)],
                &block_angles[static_cast<size_t>(b * d + half)]);
  const KeyBias* bias = p.key_bias.none() || type != kernels::KvType::q8_0 ? nullptr : &p.key_bias;
  std::vector<AttentionScratch> own;
  for (auto& memory : own_memory) own.push_back(scratch(memory, kAttentionQueries));
  for (int64_t t = 0; t < p.n_tokens; t += chunk) {
    const int64_t n = std::min(chunk, p.n_tokens - t), n_queries = std::min(n, queries);
    std::vector<float> c(static_cast<size_t>(n * half)), s(static_cast<size_t>(n * half));
    for (int64_t i = 0; i < n; ++i) rope_angles(frequencies, static_cast<uint64_t>(t + i), c.data() + i * half, s.data() + i * half);
    run_on_team(n_threads, kernels::best(), 1, 32, [&](Context& context) {
      const auto rank = static_cast<size_t>(context.member.rank());
      float* o = out.data() + (t + n - n_queries) * p.shape.q_size();
      attention(context,
                {p.shape,
                 cache.layer,
                 qkv.data() + t * p.shape.row(),
                 n,
                 n_queries,
                 t,
                 {nullptr, nullptr, 0, p.rotated ? c.data() : nullptr, s.data()},
                 bias,
                 {within.data(), block_angles.data()}},
                {own[rank], own_queries[rank].data(), shared, factors.data() + rank * static_cast<size_t>(kMaxAttendQueries * d)}, o);
      context.member.sync();
      if (n == 1 && n_queries == 1 && context.member.leader()) merge(context, p.shape, t, shared, o);
    });
  }
  return out;
}

// Rotation, causal softmax and the weighted mean, in double.
std::vector<double> reference(const Problem& p) {
  const int64_t d = p.shape.head_dim, half = d / 2, group = p.shape.n_heads / p.shape.n_kv_heads;
  const auto frequencies = rope_frequencies(d, 10000, {}, {});
  const auto rotated = [&](int64_t t, int64_t head, int64_t i) {
    const float* x = p.qkv.data() + t * p.shape.row() + head * d;
    const double angle = p.rotated ? static_cast<double>(t) * frequencies[static_cast<size_t>(i % half)] : 0;
    return i < half ? x[i] * std::cos(angle) - x[i + half] * std::sin(angle) : x[i] * std::cos(angle) + x[i - half] * std::sin(angle);
  };
  std::vector<double> out;
  for (int64_t t = 0; t < p.n_tokens; ++t) {
    for (int64_t h = 0; h < p.shape.n_heads; ++h) {
      std::vector<double> e(static_cast<size_t>(t + 1));
      double sum = 0;
      for (int64_t j = 0; j <= t; ++j) {
        double score = 0;
        for (int64_t i = 0; i < d; ++i) score += rotated(t, h, i) * rotated(j, p.shape.n_heads + h / group, i);
        sum += e[static_cast<size_t>(j)] = std::exp(score / std::sqrt(static_cast<double>(d)));
      }
      for (int64_t i = 0; i < d; ++i) {
        double value = 0;
        for (int64_t j = 0; j <= t; ++j)
          value += e[static_cast<size_t>(j)] / sum * p.qkv[j * p.shape.row() + (p.shape.n_heads + p.shape.n_kv_heads + h / group) * d + i];
        out.push_back(value);
      }
    }
  }
  return out;
}

TEST(Attention, EqualsDoublePrecisionSoftmax) {
  for (const auto& [heads, kv_heads, dim] : {std::tuple<int64_t, int64_t, int64_t>{3, 1, 24}, {6, 2, 22}, {4, 4, 64}, {20, 1, 16}}) {
    const Problem p = make(heads, kv_heads, dim, 150);
    const std::vector<double> want = reference(p);
    for (const auto& [type, tolerance] :
         {std::pair{kernels::KvType::f32, 2e-6}, {kernels::KvType::f16, 3e-3}, {kernels::KvType::q8_0, 4e-2}}) {
      const std::vector<float> got = run(p, type, 2, 64);
      for (size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], want[i], tolerance) << heads << " heads, type " << static_cast<int>(type) << ", value " << i;
    }
  }
}

TEST(Attention, KeysWithoutTheirLargeBiasesLoseNoMoreThanOthers) {
  for (const auto& [heads, kv_heads, dim, rotated] :
       {std::tuple<int64_t, int64_t, int64_t, bool>{3, 1, 24, true}, {6, 2, 22, true}, {4, 4, 64, true}, {3, 3, 24, false}}) {
    Problem p = make_biased(heads, kv_heads, dim, 150, rotated);
    ASSERT_FALSE(p.key_bias.none());
    const std::vector<double> want = reference(p);
    const auto worst = [&] {
      const std::vector<float> got = run(p, kernels::KvType::q8_0, 2, 64);
      double most = 0;
      for (size_t i = 0; i < got.size(); ++i) most = std::max(most, std::abs(static_cast<double>(got[i]) - want[i]));
      return most;
    };
    EXPECT_LE(worst(), 4e-2) << heads << " heads";
    p.key_bias = {};
    EXPECT_GE(worst(), 8e-2) << heads << " heads: their keys have nothing large";
  }
}

TEST(Attention, BitsDoNotDependOnThreadsOrChunks) {
  const auto check = [](const Problem& p, kernels::KvType type) {
    const std::vector<float> want = run(p, type, 1, 1);
    for (const int n_threads : {1, 3})
      for (const int64_t chunk : {1, 7, 140})
        EXPECT_EQ(run(p, type, n_threads, chunk), want) << n_threads << " threads, chunks of " << chunk;
  };
  for (const kernels::KvType type : {kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}) check(make(6, 2, 24, 140), type);
  check(make_biased(6, 2, 24, 140), kernels::KvType::q8_0);
}

TEST(Attention, ThoseWhoDoNotAttendAreSeenByThoseWhoDo) {
  const Problem p = make(6, 2, 24, 140);
  const auto row = static_cast<size_t>(p.shape.q_size());
  const std::vector<float> all = run(p, kernels::KvType::f16, 1, 140);
  for (const int64_t chunk : {1, 35, 140}) {
    for (const int64_t queries : {0, 1, 20}) {
      const std::vector<float> got = run(p, kernels::KvType::f16, 2, chunk, queries);
      for (size_t t = 0; t < static_cast<size_t>(p.n_tokens); ++t) {
        const bool attends = static_cast<int64_t>(t) % chunk >= chunk - queries;
        for (size_t i = 0; i < row; ++i)
          ASSERT_EQ(got[t * row + i], attends ? all[t * row + i] : 0.0f) << queries << " of " << chunk << ", token " << t;
      }
    }
  }
}

}  // namespace
}  // namespace rustml::ops
