// Which tokens are a model's own marks (begin, end, turn) and never something that people write. A file says so by a token's
// type; files that forget to are mended by what else they say.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace rustml::tokenizer {

// Texts that end a turn or a text in the models we know. They stop a generation even if the file names only one of them.
std::span<const std::string_view> end_texts();

// Control tokens, and user-defined ones that look like chat markers: nothing that people write becomes one.
bool is_marker(const Vocabulary& vocabulary, int32_t id) noexcept;

// Tokens with a known control text that are no markers by their type.
std::vector<int32_t> doubtful_control_tokens(const Vocabulary& vocabulary);

// What a file says about its control tokens beside their types.
struct ControlEvidence {
  std::vector<int32_t> ids;            // that it names as begin or end of a text or turn; -1: none
  std::vector<std::string> templates;  // its chat templates
  // It has a place that could name ends of turns. If not (no template, no EOT or EOM), unmistakable texts speak for themselves.
  bool tells_turns = true;
};

// Makes doubtful ones that the evidence confirms control tokens. One info record names them. Returns their ids, ascending.
std::vector<int32_t> mend_control_types(Vocabulary& vocabulary, const ControlEvidence& evidence);

}  // namespace rustml::tokenizer
