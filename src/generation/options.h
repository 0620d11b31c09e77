// What a caller sets: of a model, a session, a generation, and the limits of a run. Every range is checked before any work; the
// published limits are the constants below.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/options_generated.h"
#include "kernels/kernels.h"
#include "runtime/deadline.h"

namespace rustml::generation {

using base::fail;
using base::Status;

struct ModelOptions {
  int32_t n_threads = 0;
  bool warmup = true;
  bool check_tensors = false;
  uint64_t memory_limit_bytes = 0;
  std::string simd_target;
  enum class Quantize : int32_t { automatic, keep, q8_0, q4_0 } quantize = Quantize::automatic;  // automatic: SafeTensors to Q8_0
  uint32_t quantize_min_dim = 512;
};

struct SessionOptions {
  kernels::KvType kv_type = kernels::KvType::f16;
  uint64_t context_tokens = 0;
  uint64_t memory_limit_bytes = 0;
  uint32_t prefill_chunk = 0;
};

enum class PromptKind : int32_t { text, ids, messages };

struct Prompt {  // what a generation goes on from
  PromptKind kind = PromptKind::text;
  std::string text;
  std::vector<int32_t> ids;
  bool parse_special = false, no_bos = false, add_generation_prompt = true;
};

struct LogitBias {
  int32_t id;
  float bias;
};

struct SamplingOptions : base::SamplingNumbers {
  std::vector<LogitBias> logit_bias;
};

struct GenerationOptions {
  SamplingOptions sampling;
  uint64_t max_tokens = 0;
  std::vector<std::string> stop_strings;
  std::vector<int32_t> stop_ids;
  bool ignore_eos = false, rollback = false, prefill_events = false;
};

struct Limits {                                 // how a generation runs, not what it gives: a snapshot has none of these
  const runtime::CancelFlag* cancel = nullptr;  // outlives the generation
  uint64_t deadline_ns = 0, first_token_deadline_ns = 0, stall_timeout_ns = 0;
  uint32_t prompt_lookup = 0;  // longest draft; 0: off
};

constexpr size_t kMaxStopStrings = 1024;
constexpr size_t kMaxStopStringBytes = size_t{64} << 10;  // of one
constexpr size_t kMaxStopBytes = size_t{1} << 20;         // of all together

// Throws invalid_argument: "top_p is 1.5; it must be above 0 and at most 1; 1 turns it off".
void validate(const GenerationOptions& options, int32_t vocab_size);
void validate(const Limits& limits);

}  // namespace rustml::generation
