// The golden files of data/: what make.py, smollm2.py and gemma3_270m.py wrote. Field by field in README.md.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace golden {

struct Choice {
  int32_t id;
  double logprob;
};

struct Prompt {
  std::string name, kind, text;  // empty for the tiny models
  std::vector<int32_t> ids, greedy;
  uint64_t context = 0;                    // of the session that it is about; 0: any
  std::vector<std::vector<Choice>> steps;  // best first
  std::vector<Choice> first;               // SmolLM2: first step, 20 best
  std::vector<double> exact_first;         // SmolLM2: float32 values for the ids of `first`
  std::vector<float> logprobs;             // tiny models: whole vocabulary, after the prompt
  std::vector<float> rounded_logprobs;     // the same with 8-bit activations; block types only
};

// Gemma 3 270M: what follows each of the tokens ids[first ... first + best.size() - 1].
struct Passage {
  std::string name;
  std::vector<int32_t> ids;
  size_t first = 0;
  double kl_bound_mean = 0, kl_bound_one = 0;  // of all positions' mean and of each
  std::vector<std::vector<Choice>> best;       // the likeliest tokens at each
};

struct Reference {
  std::string name, path;  // of the GGUF file
  bool blocks = false;     // weights of a block type
  double logprob_tolerance = 0, kl_bound = 0, near_tie = 0;
  uint32_t vocab_size = 0;
  std::vector<Prompt> encodings;  // text and ids only
  std::vector<Prompt> prompts;
  std::vector<Passage> passages;
};

// data/<name>.json and .logprobs; a failed read ends the test program: without its references it has nothing to say.
Reference load(const std::string& name);
std::vector<std::string> tiny_models();

std::vector<double> log_softmax(const std::vector<float>& logits);
double divergence(const std::vector<float>& reference_logprobs, const std::vector<double>& logprobs);  // KL in nats
// The same with all tokens but `best` as one: never more than the whole divergence.
double divergence_of_best(const std::vector<Choice>& best, const std::vector<double>& logprobs);

}  // namespace golden
