// Rotary position embedding (Su et al. 2021), rotating halves: pair (x[i], x[i + n/2]) turns by position * frequency[i].
#pragma once
#include <cstdint>
#include <vector>

namespace rustml::ops {

struct RopeScaling {
  enum class Kind : uint8_t { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4, original_context = 8192;  // llama3 only
};

// What Llama 3.1 divides each frequency by, as rope_freqs.weight of a GGUF file holds it: [dim / 2], rounded to float.
std::vector<float> llama3_divisors(int64_t dim, double theta, const RopeScaling& scaling);

// frequency[i] = theta^(-2i/dim), divided by `factor` (linear) and by divisors[i] where given (Llama 3's rope_freqs tensor,
// [dim / 2]; empty: none). At most 4 radians per position; data_loss if not.
std::vector<double> rope_frequencies(int64_t dim, double theta, const RopeScaling& scaling, const std::vector<float>& divisors);

// cosines and sines of one position, each [frequencies.size()], computed in double and rounded once.
void rope_angles(const std::vector<double>& frequencies, uint64_t position, float* cosines, float* sines);

}  // namespace rustml::ops
