// Rotary position embedding (Su et al. 2021), rotating halves: pair (x[i], x[i + n/2]) turns by position * frequency[i].
#pragma once
#include <cstdint>
#include <vector>

namespace rustml::ops {

// How a model was made to hold more tokens than the `original_context` it was trained on at first.
struct RopeScaling {
  // Their numbers are part of snapshots.
  enum class Kind : uint8_t { none, linear, llama3, yarn, dynamic, longrope };
  Kind kind = Kind::none;
  double factor = 1;                                 // not longrope
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  double original_context = 8192;                    // not linear
  double beta_fast = 32, beta_slow = 1;              // yarn: turns within original_context from which on a pair keeps its frequency,
                                                     // and up to which it is scaled; in between it gets a mixture
  bool truncate = true;                              // yarn: both borders lie at whole pairs
  double magnitude = 1;                              // times cosines and sines
  std::vector<float> short_divisors = {}, long_divisors = {};  // longrope: of the frequencies, [dim / 2]

  // Whether frequencies depend on how many tokens there may be: sessions of more than original_context have others.
  bool by_length() const noexcept { return kind == Kind::dynamic || kind == Kind::longrope; }
  bool operator==(const RopeScaling&) const = default;
};

// What Llama 3.1 divides each frequency by, as rope_freqs.weight of a GGUF file holds it: [dim / 2], rounded to float.
std::vector<float> llama3_divisors(int64_t dim, double theta, const RopeScaling& scaling);

// YaRN's magnitude (Peng et al. 2023, equation 22): 0.1 weight ln(factor) + 1; 1 for factors up to 1.
double yarn_magnitude(double factor, double weight = 1);
// LongRoPE's (Ding et al. 2024): sqrt(1 + ln(factor) / ln(original_context)); 1 for factors up to 1.
double longrope_magnitude(double factor, double original_context);

// Radians per position, [dim / 2], of a session of up to `context` tokens: frequency[i] = theta^(-2i/dim), scaled, and divided by
// divisors[i] where given (Llama 3's rope_freqs tensor, [dim / 2]; empty: none). At most 4 each; data_loss if not.
std::vector<double> rope_frequencies(int64_t dim, double theta, const RopeScaling& scaling, const std::vector<float>& divisors,
                                     uint64_t context = 0);

// magnitude times cosines and sines of one position, each [frequencies.size()], computed in double and rounded once.
void rope_angles(const std::vector<double>& frequencies, uint64_t position, float* cosines, float* sines, double magnitude = 1);

}  // namespace rustml::ops
