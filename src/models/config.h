// The dimensions and constants of a model, checked: what every later line may rely on.
#pragma once
#include <cstdint>
#include <string>

#include "formats/model_file.h"
#include "ops/rope.h"

namespace rustml::models {

struct Config {
  std::string architecture;  // "llama"
  std::string name;          // general.name, may be empty
  int64_t n_layers, hidden, n_heads, n_kv_heads, head_dim, ffn, vocab, context;
  float norm_eps;
  double rope_base;
  ops::RopeScaling rope_scaling;
  std::string chat_template;
};

// Limits of what we accept, well above any published model: they keep every product below 2^63.
constexpr int64_t kMaxLayers = 1024, kMaxHeads = 1024, kMaxHeadDim = 1024, kMaxWidth = 1 << 20, kMaxContext = 1 << 24;

// Keys `<architecture>.*` of a GGUF file. Missing, mistyped or inconsistent values are errors naming key, value and what
// was expected.
Config read_gguf_config(const formats::ModelFile& file, const std::string& architecture);

}  // namespace rustml::models
