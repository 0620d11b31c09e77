#include "tokenizer/pretokenize.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tokenizer/pretokenize_ranges.h"

namespace rustml::tokenizer {
namespace {

// Order of the enum; as the models' tokenizer.json have them. Each matches at every position of every text, and never nothing.
// smollm is two steps in the original, single digits and then GPT-2's pattern on what lies between them; in one step, the
// end of a piece (a digit follows) counts as the end of the text for the look-ahead. "#" stands for kNewestNumerics.
constexpr std::array<std::string_view, 4> kPatterns = {
    R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",

    R"('(?:[sdmt]|ll|ve|re)|[\p{N}#]| ?\p{L}+| ?[^\s\p{L}\p{N}#]+|\s+(?![^\s\p{N}#])|\s+)",

    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",

    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
};

struct Name {
  std::string_view name;
  PreTokenizerRule rule;
};
constexpr PreTokenizerRule kGpt2{Pattern::gpt2, false, false, true};
constexpr PreTokenizerRule kSmollm{Pattern::smollm, false, false, true};
constexpr PreTokenizerRule kLlama3{Pattern::llama3, true, true, true};
constexpr PreTokenizerRule kLlama3Merges{Pattern::llama3, false, false, true};
constexpr PreTokenizerRule kQwen2{Pattern::qwen2, false, false, true};
// The names that llama.cpp's converter writes for models of these four patterns.
constexpr Name kNames[] = {
    {"gpt-2", kGpt2},
    {"gpt2", kGpt2},
    {"phi-2", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"jais", kGpt2},
    {"jina-es", kGpt2},
    {"jina-de", kGpt2},
    {"jina-v1-en", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v2-de", kGpt2},
    {"jina-v2-code", kGpt2},
    {"gigachat", kGpt2},
    {"roberta-bpe", kGpt2},
    {"a.x-4.0", kGpt2},
    {"mellum", kGpt2},
    {"modern-bert", kGpt2},
    {"trillion", kGpt2},
    {"granite-docling", kGpt2},
    {"smollm", kSmollm},
    {"starcoder", kSmollm},
    {"refact", kSmollm},
    {"command-r", kSmollm},
    {"codeshell", kSmollm},
    {"exaone", kSmollm},
    {"minerva-7b", kSmollm},
    {"llama-bpe", kLlama3},
    {"llama3", kLlama3},
    {"llama-v3", kLlama3},
    {"falcon3", kLlama3},
    {"falcon-h1", kLlama3},
    {"pixtral", kLlama3},
    {"midm-2.0", kLlama3},
    {"lfm2", kLlama3},
    {"smaug-bpe", kLlama3Merges},
    {"dbrx", kLlama3Merges},
    {"glm4", kLlama3Merges},
    {"chatglm-bpe", kLlama3Merges},
    {"qwen2", kQwen2},
    {"deepseek-r1-qwen", kQwen2},
    {"stablelm2", kQwen2},
    {"megrez", kQwen2},
    {"kormo", kQwen2},
    {"hunyuan", kQwen2},
    {"grok-2", kQwen2},
};

}  // namespace

PreTokenizerRule pre_tokenizer_rule(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& row) { return row.name == name; });
  return found == std::end(kNames) ? PreTokenizerRule{} : found->rule;
}

std::string word_pattern() { return "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" + std::string(kMoreRustWordCharacters) + "]"; }

std::string words_pattern() {
  const std::string word = word_pattern();
  return word + "+|[^\\s" + word.substr(1) + "+";
}

std::string digit_pattern() { return "[\\p{N}" + std::string(kNewestNumerics) + "]"; }

std::string pattern_text(Pattern pattern) {
  std::string text;
  for (const char c : kPatterns[static_cast<size_t>(pattern)]) {
    if (c == '#') {
      text += kNewestNumerics;
    } else {
      text += c;
    }
  }
  return text;
}

bool is_known_pattern(std::string_view text) noexcept { return std::find(kPatterns.begin(), kPatterns.end(), text) != kPatterns.end(); }

size_t PreTokenizer::Cursor::end_of_word(size_t begin) {
  Regex::Match match;
  if (!cursor_.find(begin, match, nullptr) || match.begin != begin) {
    base::fail(base::Status::internal, "pre-tokenizer: no word at byte " + std::to_string(begin));
  }
  return match.end;
}

}  // namespace rustml::tokenizer
