// The packed weights of a decoder-only transformer, and how they are bound: every architecture is such a one, with what its Config says.
#pragma once
#include <array>
#include <vector>

#include "models/config.h"
#include "models/weights.h"
#include "ops/norm.h"

namespace rustml::models {

// What is not there: a norm without weights, a matrix without rows, null.
struct DecoderLayer {
  ops::Norm attention_norm;
  std::array<ops::Matrix, 3> qkv;                    // [heads x head_dim, hidden], [kv_heads x head_dim, hidden] twice
  const float *q_norm = nullptr, *k_norm = nullptr;  // [head_dim]
  ops::Matrix attention_out;                         // [hidden, heads x head_dim]
  ops::Norm post_attention_norm, ffn_norm;
  ops::Matrix ffn_gate, ffn_up;  // [ffn, hidden]; without gates the activation is that of ffn_up
  ops::Matrix ffn_down;          // [hidden, ffn]
  ops::Norm post_ffn_norm;
};

struct DecoderWeights {
  ops::Matrix embedding, head;  // [vocab, hidden]; one and the same where tied
  ops::Matrix positions;        // [context, hidden], where they are embedded
  // Of the file, each [head_dim / 2] or null.
  const float *rope_divisors = nullptr, *short_rope_divisors = nullptr, *long_rope_divisors = nullptr;
  std::vector<DecoderLayer> layers;
  ops::Norm output_norm;  // before the head
};

// Names, shapes and order are the file's fingerprint: what is bound first stays first.
DecoderWeights bind_decoder(WeightBinder& weights, const Config& config);

}  // namespace rustml::models
