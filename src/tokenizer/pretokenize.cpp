#include "tokenizer/pretokenize.h"

#include <algorithm>

#include "tokenizer/pretokenize_ranges.h"

namespace rustml::tokenizer {

// Each matches at every position of every text, and never nothing.
constexpr std::string_view kGpt2Words = R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define BLANKS R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
// Words of cases: capitals, then small letters; o200k's contractions hang on them.
#define CASED(ENDING)                                                                      \
  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)" ENDING \
  R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)" ENDING

using enum SplitRule::Kind;

constexpr SplitRule kGpt2[] = {{isolated, kGpt2Words}};
constexpr SplitRule kDigitsGpt2[] = {{digits}, {isolated, kGpt2Words}};
constexpr SplitRule kLlama3[] = {{isolated, CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" BLANKS}};
constexpr std::string_view kQwen2Words = CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" BLANKS;
constexpr SplitRule kQwen2[] = {{isolated, kQwen2Words}};
constexpr SplitRule kQwen35[] = {
    {isolated, CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" BLANKS}};
constexpr SplitRule kTekken[] = {{isolated, CASED("") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" BLANKS}};
constexpr std::string_view kO200kWords = CASED(CONTRACTIONS "?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" BLANKS;
constexpr SplitRule kO200k[] = {{isolated, kO200kWords}};
// The newlines of these two are in the pattern as they are, not as \n: a tokenizer.json is known by its pattern's text.
constexpr SplitRule kSeedCoder[] = {
    {isolated, CONTRACTIONS "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"}};
#define DEEPSEEK_WORDS "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})", kHanKana = "[一-龥぀-ゟ゠-ヿ]+", kHan = "[一-龥ࠀ-一가-퟿]+",
                           kNewline = "[\r\n]";
constexpr SplitRule kDeepseekV3[] = {
    {isolated, kThreeDigits}, {isolated, kHanKana}, {isolated, DEEPSEEK_WORDS "[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"}};
constexpr SplitRule kSpark[] = {
    {isolated, kThreeDigits}, {isolated, kHanKana}, {isolated, DEEPSEEK_WORDS "|[\r\n]|\\s+(?!\\S)|\\s+"}, {digits}};
constexpr SplitRule kDeepseekCoder[] = {
    {isolated, kNewline}, {isolated, R"(\s?\p{L}+)"}, {isolated, R"(\s?\p{P}+)"}, {isolated, kHan}, {digits}};
// Letters that have cases; its digits are single, though llama.cpp keeps runs of them together.
constexpr SplitRule kDeepseekLlm[] = {
    {isolated, kNewline},
    {isolated,
     R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)"},
    {isolated, R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)"},
    {isolated, R"(\s+$)"},
    {isolated, kHan},
    {digits}};
constexpr std::string_view kPunctuation = R"([\p{P}!-/:-@\[-`{-~]+)";
// Falcon's digits are looked for among the spelled bytes, some of which are digits.
constexpr SplitRule kFalcon[] = {
    {contiguous, kPunctuation}, {isolated, kGpt2Words}, {spell_bytes}, {digit_runs}, {isolated, "[0-9][0-9][0-9]"}};
// What llama.cpp does for this name, and for a file that has none.
constexpr SplitRule kDefault[] = {
    {isolated, R"([\p{P}\$\+<=>\^~\|]+)"}, {isolated, kGpt2Words}, {isolated, R"(\p{N}+)"}, {isolated, "[0-9][0-9][0-9]"}};
constexpr SplitRule kMinicpm5[] = {{isolated, kThreeDigits},
                                   {isolated, CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|)" BLANKS}};
constexpr SplitRule kYoutu[] = {
    {isolated, "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"},
    {isolated, CASED(CONTRACTIONS "?") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" BLANKS}};
// Cuts numbers before each three digits from the right. Its tokenizer.json says so by (?=(\d{3})+(?!\d)), which takes the square of a
// number's length.
constexpr SplitRule kSuperbpe[] = {
    {isolated, R"(\p{N}+)"}, {isolated, R"((?:\d{3})++(?!\d)(?:(?!(?:\d{3})++(?!\d)).)*+)"}, {isolated, R"(\d{3}(?=\d))"}};
constexpr SplitRule kTinyAya[] = {{isolated, R"(\d{1,3}(?=(?:\d{3})*\b))"}, {isolated, kO200kWords}};
constexpr SplitRule kBailing[] = {
    {isolated, R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"}};
constexpr std::string_view kBloomWords = R"( ?[^(\s|.,!?…。，、।۔،)]+)";
constexpr SplitRule kBloom[] = {{isolated, kBloomWords}};
constexpr SplitRule kViking[] = {{isolated, kBloomWords}, {digits}};
constexpr SplitRule kLaguna[] = {{merged_with_next, R"((?:\r?\n)+(?!\r?\n))"}, {isolated, kQwen2Words}};
constexpr SplitRule kUfakzeka[] = {{isolated, R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" BLANKS}};
// Its words hold single blanks: what repeats must not be gone back into, or a long text takes much memory.
constexpr SplitRule kExaoneMoe[] = {
    {isolated,
     CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*+(?: \p{L}\p{M}*+)*+)++|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"}};
constexpr SplitRule kJais2[] = {
    {isolated,
     CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|)"
                  R"(\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})"}};

// Names that llama.cpp's converter writes, apart by blanks; the first of a rule is the one we write. llama.cpp composes no text: those
// marked NFC do so in their tokenizer.json.
struct Family {
  std::string_view names;
  PreTokenizerRule rule;
};
constexpr Family kFamilies[] = {
    {"gpt-2 gpt2 phi-2 jais jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code gigachat roberta-bpe a.x-4.0 mellum trillion "
     "granite-docling exaone4",
     {.splits = kGpt2}},
    {"olmo mpt modern-bert", {.splits = kGpt2, .normalizer = "NFC"}},
    {"smollm starcoder refact codeshell minerva-7b mellum2", {.splits = kDigitsGpt2}},
    {"command-r", {.splits = kDigitsGpt2, .normalizer = "NFC"}},
    {"exaone", {.splits = kDigitsGpt2, .normalizer = "NFKC"}},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {.splits = kLlama3, .ignore_merges = true, .adds_bos = true}},
    {"glm4 glm5", {.splits = kLlama3, .ignore_merges = true}},
    {"smaug-bpe dbrx chatglm-bpe", {.splits = kLlama3}},
    {"qwen2 deepseek-r1-qwen f2llmv2", {.splits = kQwen2, .normalizer = "NFC"}},
    {"stablelm2 megrez kormo hunyuan grok-2 solar-open", {.splits = kQwen2}},
    {"qwen35", {.splits = kQwen35, .normalizer = "NFC"}},
    {"tekken", {.splits = kTekken, .ignore_merges = true, .adds_bos = true}},
    {"gpt-4o llama4 kanana2 talkie", {.splits = kO200k}},
    {"granite-embed-multi-97m", {.splits = kO200k, .ignore_merges = true}},
    {"minimax-m2", {.splits = kO200k, .normalizer = "NFC"}},
    {"deepseek-llm", {.splits = kDeepseekLlm}},
    {"deepseek-coder", {.splits = kDeepseekCoder}},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4", {.splits = kDeepseekV3}},
    {"spark2_5", {.splits = kSpark}},
    {"seed-coder", {.splits = kSeedCoder}},
    {"minicpm5", {.splits = kMinicpm5, .ignore_merges = true}},
    {"youtu", {.splits = kYoutu, .ignore_merges = true}},
    {"superbpe", {.splits = kSuperbpe}},
    {"falcon", {.splits = kFalcon}},
    {"tiny_aya cohere2moe", {.splits = kTinyAya}},
    {"bailingmoe bailingmoe2 llada-moe", {.splits = kBailing}},
    {"bloom poro-chat gpt3-finnish", {.splits = kBloom}},
    {"viking", {.splits = kViking}},
    {"laguna", {.splits = kLaguna}},
    {"ufakzeka", {.splits = kUfakzeka}},
    {"exaone-moe", {.splits = kExaoneMoe}},
    {"jais-2", {.splits = kJais2}},
    {"default", {.splits = kDefault}},
};

bool has_word(std::string_view words, std::string_view wanted) {
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = std::min(words.find(' ', begin), words.size());
    if (words.substr(begin, end - begin) == wanted) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

const PreTokenizerRule* find_pre_tokenizer(std::string_view name) noexcept {
  for (const Family& family : kFamilies) {
    if (has_word(family.names, name)) return &family.rule;
  }
  return nullptr;
}

std::string_view pre_tokenizer_name(std::span<const SplitRule> splits, bool ignore_merges, std::string_view normalizer) noexcept {
  for (const auto& [names, rule] : kFamilies) {
    if (std::ranges::equal(rule.splits, splits) && rule.ignore_merges == ignore_merges && rule.normalizer == normalizer)
      return names.substr(0, names.find(' '));
  }
  return {};
}

bool is_linear_pattern(std::string_view text) noexcept {
  // These go over a run of digits or blanks from each place in it once more.
  if (text == kTinyAya[0].pattern || text == kDeepseekLlm[3].pattern) return false;
  return std::ranges::any_of(kFamilies, [&](const Family& family) {
    return std::ranges::any_of(family.rule.splits, [&](const SplitRule& split) { return !text.empty() && split.pattern == text; });
  });
}

std::string word_pattern() { return "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" + std::string(kMoreRustWordCharacters) + "]"; }

std::string words_pattern() {
  const std::string word = word_pattern();
  return word + "+|[^\\s" + word.substr(1) + "+";
}

std::string digit_pattern() { return "[\\p{N}" + std::string(kNewestNumerics) + "]"; }

}  // namespace rustml::tokenizer
