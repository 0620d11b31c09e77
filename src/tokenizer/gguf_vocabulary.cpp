// A GGUF's tokenizer.ggml.* keys to a tokenizer. Nothing of them is trusted: lengths must agree, ids must lie inside the
// vocabulary, and each error names its key.
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "tokenizer/byte_bpe.h"
#include "tokenizer/sentencepiece_bpe.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {
namespace {

using base::Status;
using formats::ModelFile;

// The metadata key "tokenizer.ggml.<name>".
std::string key_of(const char* name) { return std::string("tokenizer.ggml.") + name; }

// The array's items; nullptr if the key is absent.
template <class T>
const std::vector<T>* find_array(const ModelFile& file, const std::string& key, const char* expected) {
  const formats::Value* value = file.value(key);
  if (value == nullptr) return nullptr;
  if (const auto* array = std::get_if<std::shared_ptr<const formats::Array>>(value)) {
    if (const auto* items = std::get_if<std::vector<T>>(&(*array)->items)) return items;
    // An empty array has no items whose type could be wrong.
    if (std::visit([](const auto& items) { return items.empty(); }, (*array)->items)) return nullptr;
  }
  base::fail(Status::data_loss, key + ": expected an array of " + expected);
}

void check_length(const std::string& key, size_t n, size_t n_tokens) {
  if (n == n_tokens) return;
  base::fail(Status::data_loss, key + ": " + std::to_string(n) + " entries for " + std::to_string(n_tokens) + " tokens");
}

template <class T>
void append_types(const std::vector<T>& items, const std::string& key, std::vector<TokenType>& types) {
  for (const T item : items) {
    if (item < T{1} || item > T{6}) {
      base::fail(Status::data_loss, key + ": entry " + std::to_string(types.size()) + " is " + std::to_string(item) + ", expected 1 to 6");
    }
    types.push_back(static_cast<TokenType>(item));
  }
}

std::vector<TokenType> read_types(const ModelFile& file, size_t n_tokens) {
  const std::string key = key_of("token_type");
  const formats::Value* value = file.value(key);
  if (value == nullptr) return {};
  std::vector<TokenType> types;
  types.reserve(n_tokens);
  const auto* array = std::get_if<std::shared_ptr<const formats::Array>>(value);
  if (array != nullptr && std::holds_alternative<std::vector<uint64_t>>((*array)->items)) {
    append_types(std::get<std::vector<uint64_t>>((*array)->items), key, types);
  } else if (const auto* items = find_array<int64_t>(file, key, "integers")) {
    append_types(*items, key, types);
  }
  check_length(key, types.size(), n_tokens);
  return types;
}

std::vector<float> read_scores(const ModelFile& file, size_t n_tokens, bool required) {
  const std::string key = key_of("scores");
  const auto* items = find_array<double>(file, key, "floats");
  if (items == nullptr) {
    if (required) base::fail(Status::data_loss, key + ": missing, a SentencePiece vocabulary needs it");
    return {};
  }
  check_length(key, items->size(), n_tokens);
  return {items->begin(), items->end()};
}

// -1: the key is absent.
int32_t read_id(const ModelFile& file, const char* name, size_t n_tokens) {
  const std::string key = key_of(name);
  if (file.value(key) == nullptr) return -1;
  const uint64_t id = file.get_uint(key, 0);
  if (id >= n_tokens)
    base::fail(Status::data_loss, key + ": token " + std::to_string(id) + " of a vocabulary of " + std::to_string(n_tokens));
  return static_cast<int32_t>(id);
}

SpecialIds read_special_ids(const ModelFile& file, size_t n_tokens, bool adds_bos_by_default) {
  SpecialIds special;
  special.bos = read_id(file, "bos_token_id", n_tokens);
  special.eos = read_id(file, "eos_token_id", n_tokens);
  special.unknown = read_id(file, "unknown_token_id", n_tokens);
  if (file.get_bool(key_of("add_bos_token"), adds_bos_by_default) && special.bos >= 0) special.before = {special.bos};
  if (file.get_bool(key_of("add_eos_token"), false) && special.eos >= 0) special.after = {special.eos};
  for (const int32_t id : {special.eos, read_id(file, "eot_token_id", n_tokens), read_id(file, "eom_token_id", n_tokens)}) {
    if (id >= 0) special.stops.push_back(id);
  }
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
  const size_t n = tokens->size();
  Vocabulary vocabulary(*tokens, read_types(file, n), read_scores(file, n, !byte_level), key_of("tokens"));
  if (!byte_level) {
    SpecialIds special = read_special_ids(file, n, true);
    mend_types(file, vocabulary, special);
    return std::make_unique<SentencePieceBpe>(std::move(vocabulary), file.get_bool(key_of("add_space_prefix"), true), std::move(special));
  }
  const std::string pre = file.get_string(key_of("pre"), "");
  const PreTokenizerRule rule = pre_tokenizer_rule(pre);
  if (!rule.known) {
    base::log(base::LogLevel::warn, "rustml::tokenizer",
              key_of("pre: ") + (pre.empty() ? "missing" : base::quoted(pre) + " is unknown") + ", words are split as GPT-2 does");
  }
  SpecialIds special = read_special_ids(file, n, rule.adds_bos);
  mend_types(file, vocabulary, special);
  const auto* merges = find_array<std::string>(file, key_of("merges"), "strings");
  if (merges == nullptr && file.value(key_of("merges")) == nullptr) base::fail(Status::data_loss, key_of("merges: missing"));
  return std::make_unique<ByteBpe>(std::move(vocabulary), merges == nullptr ? std::vector<std::string>{} : *merges, rule,
                                   rule.known ? pre : "gpt-2", std::move(special), call.stop);
}

}  // namespace rustml::tokenizer
