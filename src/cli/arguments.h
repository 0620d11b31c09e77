// The options that several commands share, each with its range; a value outside it is refused with the option, the
// value, the limit and the way out, before any model is opened.
#pragma once
#include <rustml.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace rustml::cli {

struct ModelArguments {
  std::string gguf, safetensors;  // one of them: a path, or a model of the hub
  std::string simd_target, log, trace;
  int32_t threads = 0;
  int32_t quantize = RUSTML_QUANTIZE_AUTO;
  uint32_t quantize_min_dim = 0;  // 0: the library's default
  bool quiet = false, json = false;
};

struct SessionArguments {
  uint64_t context = 0;
  int32_t kv_type = 0;
};

struct SamplingArguments {
  explicit SamplingArguments(uint64_t default_max_tokens);
  rustml_generation_options options;  // max_tokens, and the numbers of src/api/options.toml
  std::optional<uint64_t> seed;
  double timeout_seconds = 0;  // 0: none
  bool ignore_eos = false;
  std::vector<std::string> stops;
};

void add_model_options(Options& options, ModelArguments& arguments);
void add_session_options(Options& options, SessionArguments& arguments);
void add_timeout_option(Options& options, const char* help, double& seconds);
void add_log_option(Options& options, std::string& filter);  // of commands without add_model_options
void add_sampling_options(Options& options, SamplingArguments& arguments);

// Throws Failure with that message.
std::string read_all(std::FILE* file, const std::string& failure);
// The text of --prompt: "-" is all of standard input. Throws Failure.
std::string prompt_text(const std::string& argument);

// `texts` backs the stop strings and must live as long as the options are used.
rustml_generation_options generation_options(const SamplingArguments& arguments, std::vector<rustml_text>& texts);
uint64_t deadline_after(double seconds);  // from now; 0: none

}  // namespace rustml::cli
