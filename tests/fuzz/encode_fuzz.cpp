// Text through every kind of tokenizer. Byte 0: kind, options and where the text is cut into spans; the rest is text.
// Held: no crash, no id out of range, no marker out of text that is not trusted, and what is decoded is what was encoded.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tokenizer/normalize.h"
#include "tokenizer/tokenizer.h"

namespace {

using rustml::formats::Array;
using rustml::formats::ModelFile;
using rustml::tokenizer::Tokenizer;

template <class T>
std::shared_ptr<const Array> array(std::vector<T> items) {
  return std::make_shared<const Array>(Array{std::move(items)});
}

constexpr int32_t kMarker = 0;  // <|m|>

std::string spell(unsigned wanted) {
  unsigned next = 256;
  for (unsigned b = 0; b < 256; ++b) {
    const bool itself = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    const unsigned c = itself ? b : next++;
    if (b == wanted)
      return c < 128 ? std::string(1, static_cast<char>(c))
                     : std::string{static_cast<char>(0xC0 + c / 64), static_cast<char>(0x80 + c % 64)};
  }
  return {};
}

std::unique_ptr<Tokenizer> make(const std::string& pre) {
  std::vector<std::string> tokens{"<|m|>", "<tool>"}, merges;
  std::vector<int64_t> types{3, 4};
  std::vector<double> scores{0, 0};
  ModelFile file;
  const auto add = [&](const std::string& text, int64_t type) {
    tokens.push_back(text);
    types.push_back(type);
    scores.push_back(-static_cast<double>(tokens.size()));
  };
  if (pre.empty()) {
    constexpr char digits[] = "0123456789ABCDEF";
    for (unsigned b = 0; b < 256; ++b) add({'<', '0', 'x', digits[b / 16], digits[b % 16], '>'}, 6);
    for (const char* piece : {"\u2581", "a", "b", "ab", "\u2581a", "\u2581\u2581", "<", "|", "m", ">", "<|", "<|m", "|>", "\u4E2D"})
      add(piece, 1);
  } else {
    for (unsigned b = 0; b < 256; ++b) add(spell(b), 1);
    const auto merge = [&](const std::string& left, const std::string& right) {
      merges.push_back(left + " " + right);
      add(left + right, 1);
    };
    for (const unsigned b : {0x20u, 0x61u, 0x0Au}) {
      std::string text = spell(b);
      for (int i = 0; i < 4; ++i, text += text) merge(text, text);
    }
    merge("a", "b");
    merge(spell(' '), "a");
    merge("<", "|");
    merge("|", ">");
    for (const char* lost : {"b a", "ba b", "| m"}) merges.push_back(lost);  // of texts that are no tokens
  }
  file.metadata["tokenizer.ggml.model"] = std::string(pre.empty() ? "llama" : "gpt2");
  file.metadata["tokenizer.ggml.pre"] = pre;
  file.metadata["tokenizer.ggml.tokens"] = array(tokens);
  file.metadata["tokenizer.ggml.token_type"] = array(types);
  file.metadata["tokenizer.ggml.scores"] = array(scores);
  file.metadata["tokenizer.ggml.merges"] = array(merges);
  file.metadata["tokenizer.ggml.add_space_prefix"] = false;
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  return rustml::tokenizer::from_gguf(file, call);
}

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<Tokenizer> tokenizers[] = {make("gpt-2"), make("smollm"), make("llama-bpe"), make("qwen2"), make("")};
  static const std::unique_ptr<Tokenizer> more[] = {make("deepseek-llm"), make("superbpe"), make("falcon")};  // several steps each
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const Tokenizer& tokenizer = choice % 5 == 0 && choice >= 64 ? *more[choice / 64 - 1] : *tokenizers[choice % 5];
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  rustml::tokenizer::EncodeOptions options;
  options.add_special = choice & 8;
  options.strict = choice & 16;
  const size_t cut = text.empty() ? 0 : choice * 37 % text.size();
  const bool trusted = choice & 32;
  const std::vector<rustml::tokenizer::Span> spans{{std::string_view(text).substr(0, cut), false},
                                                   {std::string_view(text).substr(cut), trusted}};
  rustml::runtime::StopSignal stop;
  try {
    const auto encoding = tokenizer.encode_spans(spans, options, stop);
    require(rustml::base::utf8_error(text) == rustml::base::kValidUtf8);
    for (const int32_t id : encoding.ids) require(id >= 0 && id < tokenizer.size() && (trusted || id != kMarker));
    std::string back = tokenizer.decode(encoding.ids.data(), encoding.ids.size(), false), expected = text;
    if (choice % 5 == 4) {  // this vocabulary spells a blank as U+2581, so that character comes back as a blank
      for (size_t at; (at = expected.find("\u2581")) != std::string::npos;) expected.replace(at, 3, " ");
    }
    if (choice % 5 == 3) {  // this rule composes text
      static const rustml::tokenizer::Normalizer compose(rustml::base::parse_json(R"({"type":"NFC"})", "normalizer"));
      for (std::string* side : {&back, &expected}) compose.apply(*side, stop);
    }
    require(encoding.dropped_bytes == 0 && back == expected);
  } catch (const rustml::base::Error& error) {
    require(error.status() == rustml::base::Status::invalid_argument);
  }
  return 0;
}
