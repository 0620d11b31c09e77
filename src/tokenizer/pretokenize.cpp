#include "tokenizer/pretokenize.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "tokenizer/code_points.h"
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

// The names that llama.cpp's converter writes for models of these four patterns.
constexpr std::string_view kGpt2Names[] = {
    "gpt-2",      "gpt2",         "phi-2",    "mpt",         "olmo",    "jais",   "jina-es",     "jina-de",  "jina-v1-en",     "jina-v2-es",
    "jina-v2-de", "jina-v2-code", "gigachat", "roberta-bpe", "a.x-4.0", "mellum", "modern-bert", "trillion", "granite-docling"};
constexpr std::string_view kSmollmNames[] = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"};
constexpr std::string_view kLlama3Names[] = {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"};
constexpr std::string_view kLlama3MergesNames[] = {"smaug-bpe", "dbrx", "glm4", "chatglm-bpe"};
constexpr std::string_view kQwen2Names[] = {"qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "kormo", "hunyuan", "grok-2"};
struct Family {
  std::span<const std::string_view> names;
  PreTokenizerRule rule;
};
constexpr Family kFamilies[] = {{kGpt2Names, {Pattern::gpt2, false, false, true}},
                                {kSmollmNames, {Pattern::smollm, false, false, true}},
                                {kLlama3Names, {Pattern::llama3, true, true, true}},
                                {kLlama3MergesNames, {Pattern::llama3, false, false, true}},
                                {kQwen2Names, {Pattern::qwen2, false, false, true}}};

}  // namespace

PreTokenizerRule pre_tokenizer_rule(std::string_view name) noexcept {
  for (const Family& family : kFamilies) {
    if (std::ranges::count(family.names, name) != 0) return family.rule;
  }
  return {};
}

std::string word_pattern() { return "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" + std::string(kMoreRustWordCharacters) + "]"; }

std::string words_pattern() {
  const std::string word = word_pattern();
  return word + "+|[^\\s" + word.substr(1) + "+";
}

std::string digit_pattern() { return "[\\p{N}" + std::string(kNewestNumerics) + "]"; }

std::string pattern_text(Pattern pattern) { return replaced(kPatterns[static_cast<size_t>(pattern)], "#", kNewestNumerics); }

bool is_known_pattern(std::string_view text) noexcept { return std::find(kPatterns.begin(), kPatterns.end(), text) != kPatterns.end(); }

size_t PreTokenizer::Cursor::end_of_word(size_t begin) {
  Regex::Match match;
  if (!cursor_.find(begin, match, nullptr) || match.begin != begin) {
    base::fail(base::Status::internal, "pre-tokenizer: no word at byte " + std::to_string(begin));
  }
  return match.end;
}

}  // namespace rustml::tokenizer
