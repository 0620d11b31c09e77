// Large biases of keys, without which a Q8_0 cache stores them: its rows have one scale, and would spend their 8 bits on the biases.
// A key is R(p) (k + b), R(p) the rotation by its position p. The cache gets R(p) k; the kernel adds q . R(p) b to the score of query q.
// With p = P + r, P the first position of its block, that is u . R(r) b, where u = R(-P) q: over pairs (b0, b1) of b the sum of
//   cos(r f) (u0 b0 + u1 b1) + sin(r f) (u1 b0 - u0 b1).
// So cosines and sines of 128 positions serve all blocks, layers and heads (KeyTurns). What is not rotated adds q . b to all scores of a
// query alike, which changes no softmax: it is left out.
#pragma once
#include <cstdint>
#include <vector>

namespace rustml::ops {

// A pair is taken out if its bias, sqrt(b0^2 + b1^2), is larger. The rest is of the size of what keys are anyway. Snapshots have it.
constexpr float kLargeKeyBias = 4;

struct KeyBias {
  // Of one KV head.
  struct Head {
    std::vector<int32_t> pairs;      // i of (x[i], x[i + head_dim / 2]), ascending
    std::vector<float> low, high;    // [pairs] the bias
    std::vector<int32_t> rows = {};  // [2 pairs] of KeyTurns::within: their cosines, then their sines
    // Factors of the rows, [2 pairs], for a scaled, rotated query [head_dim] and a block's first position.
    void turn(const float* q, int64_t head_dim, const float* block_angles, float* factors) const;
  };
  std::vector<float> negated;  // [n_kv_heads][head_dim]: minus what is taken out; empty: nothing is
  std::vector<Head> heads;     // [n_kv_heads], where keys are rotated

  bool none() const noexcept { return negated.empty(); }
  // bias [n_kv_heads][head_dim], or null.
  static KeyBias of(const float* bias, int64_t n_kv_heads, int64_t head_dim, bool rotated);
};

// Cosines, then sines, [head_dim] in all, of positions.
struct KeyTurns {
  const float* within = nullptr;  // [8 groups][head_dim][16]: of a block's positions from its first one, laid out like K
  const float* blocks = nullptr;  // [blocks][head_dim]: of each block's first position
};

}  // namespace rustml::ops
