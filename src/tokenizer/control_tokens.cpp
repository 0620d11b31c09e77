#include "tokenizer/control_tokens.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace rustml::tokenizer {
namespace {

// From the tokenizer_config.json of the models named. llama.cpp takes the same texts for ends of a turn or text, in files of
// whatever types (ggml-org/llama.cpp, src/llama-vocab.cpp; lmstudio-ai/mlx-engine pull request 142 lists them and Gemma's case).
constexpr std::string_view kEnds[] = {"<end_of_turn>",                  // Gemma 2, 3
                                      "<|im_end|>",                     // ChatML: SmolLM2, Qwen 2, 3
                                      "<|end_of_text|>",                // Llama 3
                                      "<|eot_id|>",      "<|eom_id|>",  // Llama 3.1
                                      "<|eot|>",                        // Llama 4
                                      "<|endoftext|>",                  // GPT-2, Qwen, Phi
                                      "<|end|>"};                       // Phi 3
// They open or divide turns: of Gemma, ChatML, Llama 3, Phi 3 and Zephyr.
constexpr std::string_view kMarks[] = {"<start_of_turn>",   "<|im_start|>", "<|begin_of_text|>", "<|start_header_id|>",
                                       "<|end_header_id|>", "<|system|>",   "<|user|>",          "<|assistant|>"};
// They may be ordinary pieces elsewhere (<s> is strikethrough in Gemma's vocabulary): of Gemma, Llama 2 and Mistral.
constexpr std::string_view kTags[] = {"<bos>", "<eos>", "<s>", "</s>", "[INST]", "[/INST]"};

template <size_t n>
bool among(const std::string_view (&texts)[n], std::string_view text) {
  return std::ranges::count(texts, text) != 0;
}

bool looks_like_marker(std::string_view text) {
  if (text == "<s>" || text == "</s>") return false;
  return (text.starts_with("<|") && text.ends_with("|>")) || among(kEnds, text) || among(kMarks, text) || among(kTags, text);
}

}  // namespace

std::span<const std::string_view> end_texts() { return kEnds; }

bool is_marker(const Vocabulary& vocabulary, int32_t id) noexcept {
  const TokenType type = vocabulary.type(id);
  return type == TokenType::control || (type == TokenType::user_defined && looks_like_marker(vocabulary.text(id)));
}

std::vector<int32_t> doubtful_control_tokens(const Vocabulary& vocabulary) {
  std::vector<int32_t> ids;
  for (const std::span<const std::string_view> texts :
       {std::span<const std::string_view>(kEnds), std::span<const std::string_view>(kMarks), std::span<const std::string_view>(kTags)}) {
    for (const std::string_view text : texts) {
      const int32_t id = vocabulary.id_of(text);
      if (id >= 0 && !is_marker(vocabulary, id)) ids.push_back(id);
    }
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
           std::none_of(evidence.templates.begin(), evidence.templates.end(), has_it) && (evidence.tells_turns || among(kTags, text));
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
