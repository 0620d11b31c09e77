#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pretokenize.h"

#include <pcre2.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/pretokenize_ranges.h"

// Parts of character classes.
#define BLANK "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define LETTER "\\p{L}" RUSTML_NEWER_LETTERS
#define NUMBER "\\p{N}" RUSTML_NEWER_NUMBERS
#define DIGIT NUMBER RUSTML_NEWEST_NUMERICS

namespace rustml::tokenizer {
namespace {

// Order of the enum. Each matches at every position of every text, so a match is anchored and never empty.
// smollm is two steps in the original, single digits and then GPT-2's pattern on what lies between them; in one step, the
// end of a piece (a digit follows) counts as the end of the text for the look-ahead.
constexpr std::array<const char*, 4> kPatterns = {
    "'(?:[stmd]|re|ve|ll)| ?[" LETTER "]+| ?[" NUMBER "]+| ?[^" BLANK LETTER NUMBER "]+|[" BLANK "]+(?![^" BLANK "])|[" BLANK "]+",

    "'(?:[stmd]|re|ve|ll)|[" DIGIT "]| ?[" LETTER "]+| ?[^" BLANK LETTER DIGIT "]+|[" BLANK "]+(?![^" BLANK DIGIT "])|[" BLANK "]+",

    "(?i:'(?:[stmd]|re|ve|ll))|[^\\r\\n" LETTER NUMBER "]?[" LETTER "]+|[" NUMBER "]{1,3}| ?[^" BLANK LETTER NUMBER "]+[\\r\\n]*|[" BLANK
    "]*[\\r\\n]+|[" BLANK "]+(?![^" BLANK "])|[" BLANK "]+",

    "(?i:'(?:[stmd]|re|ve|ll))|[^\\r\\n" LETTER NUMBER "]?[" LETTER "]+|[" NUMBER "]| ?[^" BLANK LETTER NUMBER "]+[\\r\\n]*|[" BLANK
    "]*[\\r\\n]+|[" BLANK "]+(?![^" BLANK "])|[" BLANK "]+",
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

std::string pcre2_message(int code) {
  PCRE2_UCHAR buffer[160] = {};
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return std::string(reinterpret_cast<const char*>(buffer)) + " (" + std::to_string(code) + ")";
}

}  // namespace

PreTokenizerRule pre_tokenizer_rule(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& row) { return row.name == name; });
  return found == std::end(kNames) ? PreTokenizerRule{} : found->rule;
}

struct PreTokenizer::Compiled {
  pcre2_code* code = nullptr;
  ~Compiled() { pcre2_code_free(code); }
};

PreTokenizer::PreTokenizer(Pattern pattern, bool jit) : compiled_(std::make_unique<Compiled>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kPatterns[static_cast<size_t>(pattern)]), PCRE2_ZERO_TERMINATED,
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, &error, &offset, nullptr);
  if (compiled_->code == nullptr) {
    const auto status = error == PCRE2_ERROR_NOMEMORY || error == 121 ? base::Status::resource_exhausted : base::Status::internal;
    base::fail(status, "pre-tokenizer: the pattern does not compile at byte " + std::to_string(offset) + ": " + pcre2_message(error));
  }
  // Should this fail, the interpreter gives the same words more slowly.
  if (jit) pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE);
}

PreTokenizer::~PreTokenizer() = default;

struct PreTokenizer::Cursor::Impl {
  const pcre2_code* code;
  std::string_view text;
  pcre2_match_data* match;
  pcre2_match_context* context;
};

PreTokenizer::Cursor::Cursor(const PreTokenizer& words, std::string_view text) : impl_(std::make_unique<Impl>()) {
  impl_->code = words.compiled_->code;
  impl_->text = text;
  impl_->match = pcre2_match_data_create(1, nullptr);
  impl_->context = pcre2_match_context_create(nullptr);
  if (impl_->match == nullptr || impl_->context == nullptr) {
    pcre2_match_data_free(impl_->match);
    pcre2_match_context_free(impl_->context);
    throw std::bad_alloc();
  }
  // The patterns backtrack one step per character of a word, no more; PCRE2's own limit is below 10 MB of blanks.
  pcre2_set_match_limit(impl_->context, UINT32_MAX);
  pcre2_set_depth_limit(impl_->context, UINT32_MAX);
}

PreTokenizer::Cursor::~Cursor() {
  pcre2_match_data_free(impl_->match);
  pcre2_match_context_free(impl_->context);
}

size_t PreTokenizer::Cursor::end_of_word(size_t begin) {
  const auto* text = reinterpret_cast<PCRE2_SPTR>(impl_->text.data());
  const size_t n = impl_->text.size();
  int found = pcre2_match(impl_->code, text, n, begin, PCRE2_NO_UTF_CHECK, impl_->match, impl_->context);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its stack on the heap
    found = pcre2_match(impl_->code, text, n, begin, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, impl_->match, impl_->context);
  }
  if (found == PCRE2_ERROR_NOMEMORY || found == PCRE2_ERROR_HEAPLIMIT) throw std::bad_alloc();
  if (found < 0) {
    base::fail(base::Status::internal, "pre-tokenizer: no word at byte " + std::to_string(begin) + ": " + pcre2_message(found));
  }
  return pcre2_get_ovector_pointer(impl_->match)[1];
}

}  // namespace rustml::tokenizer
