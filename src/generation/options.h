// Every range of rustml_generation_options, checked before any work. The published limits are the constants below.
#pragma once
#include <cstddef>
#include <cstdint>

#include "generation/generation.h"

namespace rustml::generation {

constexpr uint32_t kMaxLogprobs = 100;
constexpr float kMaxPenalty = 100;  // of presence_penalty and frequency_penalty, either sign
constexpr size_t kMaxStopStrings = 1024;
constexpr size_t kMaxStopStringBytes = size_t{64} << 10;  // of one
constexpr size_t kMaxStopBytes = size_t{1} << 20;         // of all together

constexpr uint32_t kMaxDraft = 16;  // of prompt_lookup

// Throws invalid_argument: "top_p is 1.5; it must be above 0 and at most 1; 1 turns it off".
void validate(const GenerationOptions& options, int32_t vocab_size);
void validate(const Limits& limits);

}  // namespace rustml::generation
