#include "tokenizer/control_tokens.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/log.h"

namespace rustml::tokenizer {
namespace {

enum class Place : uint8_t {
  mark,  // opens or divides turns
  end,   // ends a turn or a text
  tag,   // may be an ordinary piece elsewhere: <s> is strikethrough in Gemma's vocabulary
};

struct ControlText {
  std::string_view text;
  Place place;
};

// From the tokenizer_config.json of the models named. llama.cpp takes the same texts for ends of a turn or text, in files of
// whatever types (ggml-org/llama.cpp, src/llama-vocab.cpp; lmstudio-ai/mlx-engine pull request 142 lists them and Gemma's case).
constexpr ControlText kControlTexts[] = {
    {"<start_of_turn>", Place::mark},
    {"<end_of_turn>", Place::end},  // Gemma 2, 3
    {"<|im_start|>", Place::mark},
    {"<|im_end|>", Place::end},  // ChatML: SmolLM2, Qwen 2, 3
    {"<|begin_of_text|>", Place::mark},
    {"<|end_of_text|>", Place::end},  // Llama 3
    {"<|start_header_id|>", Place::mark},
    {"<|end_header_id|>", Place::mark},  // Llama 3
    {"<|eot_id|>", Place::end},
    {"<|eom_id|>", Place::end},     // Llama 3.1
    {"<|eot|>", Place::end},        // Llama 4
    {"<|endoftext|>", Place::end},  // GPT-2, Qwen, Phi
    {"<|system|>", Place::mark},
    {"<|user|>", Place::mark},
    {"<|assistant|>", Place::mark},  // Phi 3, Zephyr
    {"<|end|>", Place::end},         // Phi 3
    {"<bos>", Place::tag},
    {"<eos>", Place::tag},  // Gemma
    {"<s>", Place::tag},
    {"</s>", Place::tag},  // Llama 2, Mistral
    {"[INST]", Place::tag},
    {"[/INST]", Place::tag},  // Mistral
};

constexpr bool is_end(const ControlText& known) { return known.place == Place::end; }
constexpr auto kEndTexts = [] {
  std::array<std::string_view, std::ranges::count_if(kControlTexts, is_end)> ends;
  size_t n = 0;
  for (const ControlText& known : kControlTexts) {
    if (is_end(known)) ends[n++] = known.text;
  }
  return ends;
}();

const ControlText* find_known(std::string_view text) {
  const auto* found =
      std::find_if(std::begin(kControlTexts), std::end(kControlTexts), [&](const ControlText& known) { return known.text == text; });
  return found == std::end(kControlTexts) ? nullptr : found;
}

bool looks_like_marker(std::string_view text) {
  if (text == "<s>" || text == "</s>") return false;
  return (text.starts_with("<|") && text.ends_with("|>")) || find_known(text) != nullptr;
}

}  // namespace

std::span<const std::string_view> end_texts() { return kEndTexts; }

bool is_marker(const Vocabulary& vocabulary, int32_t id) noexcept {
  const TokenType type = vocabulary.type(id);
  return type == TokenType::control || (type == TokenType::user_defined && looks_like_marker(vocabulary.text(id)));
}

std::vector<int32_t> doubtful_control_tokens(const Vocabulary& vocabulary) {
  std::vector<int32_t> ids;
  for (const ControlText& known : kControlTexts) {
    const int32_t id = vocabulary.id_of(known.text);
    if (id >= 0 && !is_marker(vocabulary, id)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<int32_t> mend_control_types(Vocabulary& vocabulary, const ControlEvidence& evidence) {
  std::vector<int32_t> mended = doubtful_control_tokens(vocabulary);
  std::erase_if(mended, [&](int32_t id) {
    const std::string_view text = vocabulary.text(id);
    const auto has_it = [&](const std::string& chat_template) { return chat_template.find(text) != std::string::npos; };
    return std::find(evidence.ids.begin(), evidence.ids.end(), id) == evidence.ids.end() &&
           std::none_of(evidence.templates.begin(), evidence.templates.end(), has_it) &&
           (evidence.tells_turns || find_known(text)->place == Place::tag);
  });
  if (mended.empty()) return mended;
  std::string names;
  for (const int32_t id : mended) {
    names += (names.empty() ? "" : ", ") + base::quoted(vocabulary.text(id)) + " (" + std::to_string(id) + ", type " +
             std::to_string(static_cast<int>(vocabulary.type(id))) + ")";
  }
  vocabulary.make_control(mended);
  base::log(base::LogLevel::info, "rustml", "Control tokens by their text, though the file gives them another type: " + names);
  return mended;
}

}  // namespace rustml::tokenizer
