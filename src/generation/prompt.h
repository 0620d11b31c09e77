// What a generation goes on from, as the caller gives it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace rustml::generation {

enum class PromptKind : int32_t { text, ids, messages };
struct Prompt {
  PromptKind kind = PromptKind::text;
  std::string text;
  std::vector<int32_t> ids;
  bool parse_special = false, no_bos = false, add_generation_prompt = true;
};

}  // namespace rustml::generation
