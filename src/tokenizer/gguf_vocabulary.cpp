// A GGUF's tokenizer.ggml.* keys to a tokenizer. Nothing of them is trusted, and each error names its key. What is odd and cannot
// give wrong ids is taken as llama.cpp takes it, with one record for each kind.
#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "tokenizer/byte_bpe.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/sentencepiece_bpe.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {
namespace {

using base::Status;
using formats::ModelFile;

// The metadata key "tokenizer.ggml.<name>".
std::string key_of(const char* name) { return std::string("tokenizer.ggml.") + name; }

bool is_empty(const formats::Value& value) {
  const auto* array = std::get_if<std::shared_ptr<const formats::Array>>(&value);
  return array != nullptr && std::visit([](const auto& items) { return items.empty(); }, (*array)->items);
}

// The array's items; nullptr if the key is absent.
template <class T>
const std::vector<T>* find_array(const ModelFile& file, const std::string& key, const char* expected) {
  const formats::Value* value = file.value(key);
  if (value == nullptr) return nullptr;
  if (const auto* array = std::get_if<std::shared_ptr<const formats::Array>>(value)) {
    if (const auto* items = std::get_if<std::vector<T>>(&(*array)->items)) return items;
    if (is_empty(*value)) return nullptr;  // it has no items whose type could be wrong
  }
  base::fail(Status::data_loss, key + ": expected an array of " + expected);
}

// One record for each kind of oddity, of what is odd and what follows from it.
void log_odd(const std::string& odd) { base::log(base::LogLevel::warn, "rustml::tokenizer", odd); }

[[noreturn]] void wrong_length(const std::string& key, size_t n, size_t n_tokens) {
  base::fail(Status::data_loss, key + ": " + std::to_string(n) + " entries for " + std::to_string(n_tokens) + " tokens");
}

// Calls take(number) for each token's entry of an array of numbers. Entries beyond the last token belong to none.
template <bool whole, class Take>
void each_number(const formats::Value& value, const std::string& key, size_t n_tokens, const Take& take) {
  const char* expected = whole ? "integers" : "numbers";
  const auto* array = std::get_if<std::shared_ptr<const formats::Array>>(&value);
  if (array == nullptr) base::fail(Status::data_loss, key + ": expected an array of " + expected);
  std::visit(
      [&](const auto& items) {
        using Item = typename std::decay_t<decltype(items)>::value_type;
        constexpr bool fits = !std::is_same_v<Item, bool> && (whole ? std::is_integral_v<Item> : std::is_arithmetic_v<Item>);
        if (items.size() < n_tokens) wrong_length(key, items.size(), n_tokens);
        if constexpr (fits) {
          for (size_t i = 0; i < n_tokens; ++i) take(items[i]);
        } else {
          base::fail(Status::data_loss, key + ": expected an array of " + expected);
        }
        if (items.size() > n_tokens) {
          log_odd(key + ": " + std::to_string(items.size()) + " entries for " + std::to_string(n_tokens) +
                  " tokens; those beyond the last token are ignored");
        }
      },
      (*array)->items);
}

// A token to which the file gives no type. SentencePiece spells bytes as "<0xNN>", and llama.cpp finds them by that text alone.
TokenType untyped(std::string_view text, bool byte_level) {
  return !byte_level && byte_of_token(text) >= 0 ? TokenType::byte : TokenType::normal;
}

// Empty: all are normal.
std::vector<TokenType> read_types(const ModelFile& file, const std::vector<std::string>& tokens, bool byte_level) {
  const std::string key = key_of("token_type");
  const formats::Value* value = file.value(key);
  std::vector<TokenType> types;
  types.reserve(tokens.size());
  size_t n_untyped = 0;
  const auto take = [&](const auto item) {
    const size_t id = types.size();
    if (item < 0 || item > 6) {
      base::fail(Status::data_loss, key + ": entry " + std::to_string(id) + " is " + std::to_string(item) + ", expected 0 to 6");
    }
    n_untyped += item == 0;
    types.push_back(item == 0 ? untyped(tokens[id], byte_level) : static_cast<TokenType>(item));
  };
  if (value != nullptr) {
    each_number<true>(*value, key, tokens.size(), take);
    if (n_untyped == 0) return types;
    log_odd(key + ": " + std::to_string(n_untyped) + " tokens have type 0 (undefined); they are taken for normal ones" +
            (byte_level ? "" : ", <0xNN> for bytes"));
    return types;
  }
  for (const std::string& token : tokens) types.push_back(untyped(token, byte_level));
  const auto n_bytes = std::count(types.begin(), types.end(), TokenType::byte);
  if (n_bytes == 0) return {};
  log_odd(key + ": missing; tokens <0xNN> (" + std::to_string(n_bytes) + ") are taken for bytes, all others for normal ones");
  return types;
}

// Byte-level BPE has no use for scores, and none are as good as an empty array.
std::vector<float> read_scores(const ModelFile& file, size_t n_tokens, bool byte_level) {
  const std::string key = key_of("scores");
  const formats::Value* value = file.value(key);
  std::vector<float> scores;
  if (value != nullptr && !(byte_level && is_empty(*value))) {
    scores.reserve(n_tokens);
    each_number<false>(*value, key, n_tokens, [&](const auto item) { scores.push_back(static_cast<float>(item)); });
  } else if (value == nullptr && !byte_level) {
    log_odd(key +
            ": missing, so text is joined from the left and not best piece first; the model may have learned "
            "from other tokens: convert it again from its original");
  }
  return scores;
}

// The ids of special tokens that a file names. One outside the vocabulary is none; one record names all of those.
class SpecialIdReader {
 public:
  SpecialIdReader(const ModelFile& file, const Vocabulary& vocabulary) : file_(file), vocabulary_(vocabulary) {}

  // -1: none.
  int32_t read(const char* name) {
    const std::string key = key_of(name);
    const formats::Value* value = file_.value(key);
    if (value == nullptr) return -1;
    const auto* negative = std::get_if<int64_t>(value);
    const bool is_negative = negative != nullptr && *negative < 0;
    const uint64_t id = is_negative ? 0 : file_.get_uint(key, 0);
    if (!is_negative && id < static_cast<uint64_t>(vocabulary_.size())) return static_cast<int32_t>(id);
    outside_ += (outside_.empty() ? "" : ", ") + key + " " + (is_negative ? std::to_string(*negative) : std::to_string(id));
    return -1;
  }
  // SentencePiece's own place for the token, if it is there.
  int32_t read(const char* name, int32_t usual, std::string_view text) {
    const int32_t id = read(name);
    if (id >= 0 || usual >= vocabulary_.size()) return id;
    if (vocabulary_.type(usual) != TokenType::control && vocabulary_.text(usual) != text) return id;
    usual_ += (usual_.empty() ? "" : ", ") + key_of(name) + " " + std::to_string(usual) + " " + base::quoted(vocabulary_.text(usual));
    return usual;
  }
  void log() const {
    if (!outside_.empty())
      log_odd(outside_ + ": the vocabulary has " + std::to_string(vocabulary_.size()) + " tokens; such ids are ignored");
    if (!usual_.empty()) log_odd(usual_ + ": taken from SentencePiece's usual places");
  }

 private:
  const ModelFile& file_;
  const Vocabulary& vocabulary_;
  std::string outside_, usual_;
};

// What goes before or after a text.
std::vector<int32_t> around(const ModelFile& file, const char* flag, bool by_default, const char* name, int32_t id) {
  if (!file.get_bool(key_of(flag), by_default)) return {};
  if (id >= 0) return {id};
  if (file.value(key_of(name)) != nullptr)
    base::fail(Status::data_loss, key_of(name) + " is outside the vocabulary, though " + key_of(flag) + " wants it in every prompt");
  return {};
}

SpecialIds read_special_ids(const ModelFile& file, const Vocabulary& vocabulary, bool byte_level, bool adds_bos_by_default) {
  SpecialIds special;
  SpecialIdReader ids(file, vocabulary);
  special.bos = byte_level ? ids.read("bos_token_id") : ids.read("bos_token_id", 1, "<s>");
  special.eos = byte_level ? ids.read("eos_token_id") : ids.read("eos_token_id", 2, "</s>");
  special.unknown = ids.read("unknown_token_id");
  for (const int32_t id : {special.eos, ids.read("eot_token_id"), ids.read("eom_token_id")}) {
    if (id >= 0) special.stops.push_back(id);
  }
  ids.log();
  special.before = around(file, "add_bos_token", adds_bos_by_default, "bos_token_id", special.bos);
  special.after = around(file, "add_eos_token", false, "eos_token_id", special.eos);
  if (special.eos >= 0 && vocabulary.text(special.eos).empty())
    base::fail(Status::data_loss, key_of("eos_token_id: token ") + std::to_string(special.eos) + " has no text, which chat prompts need");
  return special;
}

// Control tokens that the file gives another type: Google's own Gemma 3 QAT files call all turn tokens NORMAL.
void mend_types(const ModelFile& file, Vocabulary& vocabulary, SpecialIds& special) {
  if (doubtful_control_tokens(vocabulary).empty()) return;
  ControlEvidence evidence{special.stops, {}, special.stops.size() > (special.eos >= 0 ? 1u : 0u)};
  evidence.ids.push_back(special.bos);
  for (auto entry = file.metadata.lower_bound("tokenizer.chat_template"); entry != file.metadata.end(); ++entry) {
    if (!entry->first.starts_with("tokenizer.chat_template")) break;
    if (const auto* text = std::get_if<std::string>(&entry->second)) evidence.templates.push_back(*text);
  }
  evidence.tells_turns |= !evidence.templates.empty();
  special.mended = mend_control_types(vocabulary, evidence);
}

// The name of the rule by which text becomes words. A file without one that is a GPT-2 has GPT-2's; of others it is not known.
std::string read_pre(const ModelFile& file) {
  const std::string key = key_of("pre"), pre = file.get_string(key, "");
  if (find_pre_tokenizer(pre) != nullptr) return pre;
  const std::string way_out =
      "; other words would give other tokens. Convert the model again, or write the right name into the file: "
      "gguf_new_metadata.py --pre-tokenizer NAME (\"default\" is what llama.cpp takes without a name)";
  if (!pre.empty()) base::fail(Status::unimplemented, key + ": " + base::quoted(pre) + " is no pre-tokenizer that is known here" + way_out);
  if (file.get_string("general.architecture", "") != "gpt2")
    base::fail(Status::unimplemented, key + ": missing, so the file does not say how text is cut into words" + way_out);
  base::log(base::LogLevel::warn, "rustml::tokenizer", key + ": missing, words are split as GPT-2 does");
  return "gpt-2";
}

}  // namespace

std::unique_ptr<Tokenizer> from_gguf(const ModelFile& file, runtime::Call& call) {
  const std::string model = file.require_string(key_of("model"));
  const bool byte_level = model == "gpt2";
  if (!byte_level && model != "llama") {
    base::fail(Status::unimplemented, key_of("model: ") + base::quoted(model) +
                                          " is not supported; \"gpt2\" (byte-level BPE) and \"llama\" (SentencePiece BPE) are");
  }
  const auto* tokens = find_array<std::string>(file, key_of("tokens"), "strings");
  if (tokens == nullptr || tokens->empty()) base::fail(Status::data_loss, key_of("tokens: missing or empty"));
  call.stop.check("model load");
  std::vector<TokenType> types = read_types(file, *tokens, byte_level);
  Vocabulary vocabulary(*tokens, std::move(types), read_scores(file, tokens->size(), byte_level), key_of("tokens"));
  if (const auto n_empty = std::count(tokens->begin(), tokens->end(), std::string()); n_empty > 0)
    log_odd(key_of("tokens: ") + std::to_string(n_empty) + " are empty; no text becomes one, and none is written for them");
  if (!byte_level) {
    SpecialIds special = read_special_ids(file, vocabulary, byte_level, true);
    mend_types(file, vocabulary, special);
    return std::make_unique<SentencePieceBpe>(std::move(vocabulary), file.get_bool(key_of("add_space_prefix"), true), std::move(special));
  }
  const std::string pre = read_pre(file);
  const PreTokenizerRule& rule = *find_pre_tokenizer(pre);
  SpecialIds special = read_special_ids(file, vocabulary, byte_level, rule.adds_bos);
  mend_types(file, vocabulary, special);
  const auto* merges = find_array<std::string>(file, key_of("merges"), "strings");
  if (merges == nullptr && file.value(key_of("merges")) == nullptr) base::fail(Status::data_loss, key_of("merges: missing"));
  return std::make_unique<ByteBpe>(std::move(vocabulary), merges == nullptr ? std::vector<std::string>{} : *merges, rule, pre,
                                   std::move(special), call.stop);
}

}  // namespace rustml::tokenizer
