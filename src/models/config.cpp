#include "models/config.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/number_text.h"
#include "base/utf8.h"
#include "models/rotary.h"

namespace rustml::models {

using base::fail;
using base::Status;

namespace {

constexpr const char* kRopeBase = "rope_theta";

void require_multiple(const std::string& what, int64_t value, const std::string& of, int64_t divisor) {
  if (value % divisor != 0)
    fail(Status::data_loss,
         what + " is " + std::to_string(value) + ", which is not a multiple of " + of + " (" + std::to_string(divisor) + ")");
}

int64_t vocabulary_size(const formats::ModelFile& file) {
  const formats::TensorInfo* embedding = file.find("token_embd.weight");
  if (!embedding) fail(Status::data_loss, "tensor token_embd.weight is missing; without it the file is no language model");
  if (embedding->shape.size() != 2)
    fail(Status::data_loss, "tensor token_embd.weight has " + std::to_string(embedding->shape.size()) + " dimensions, not 2");
  const int64_t rows = embedding->shape[0];
  if (rows < 1 || rows > kMaxVocabulary)
    fail(Status::data_loss, "tensor token_embd.weight has " + std::to_string(rows) + " rows; a vocabulary has 1 to 4194304");
  return rows;
}

// Texts that leave the library are UTF-8: another one is left out.
std::string utf8_or_none(const formats::ModelFile& file, const std::string& what, std::string text) {
  if (base::utf8_error(text) == base::kValidUtf8) return text;
  base::log(base::LogLevel::warn, "rustml", file.name + ": " + what + " is not valid UTF-8; it is left out");
  return {};
}

template <class T>
int64_t in_range(const std::string& key, T value, int64_t limit) {
  if (value < 1 || value > static_cast<T>(limit))
    fail(Status::data_loss, key + " is " + std::to_string(value) + "; it must be 1 to " + std::to_string(limit));
  return static_cast<int64_t>(value);
}

}  // namespace

int64_t GgufKeys::size(const char* key, int64_t limit, std::optional<uint64_t> fallback) const {
  return in_range(name(key), fallback ? file_.get_uint(name(key), *fallback) : file_.require_uint(name(key)), limit);
}

std::optional<std::vector<int64_t>> GgufKeys::layers(const char* key, int64_t n_layers) const {
  const formats::Value* value = file_.value(name(key));
  const auto* array = value ? std::get_if<std::shared_ptr<const formats::Array>>(value) : nullptr;
  if (!array) return std::nullopt;
  return std::visit(
      [&](const auto& items) -> std::vector<int64_t> {
        using Item = typename std::decay_t<decltype(items)>::value_type;
        if constexpr (std::integral<Item>) {
          if (items.size() == static_cast<size_t>(n_layers)) return std::vector<int64_t>(items.begin(), items.end());
          fail(Status::data_loss,
               name(key) + " has " + std::to_string(items.size()) + " values for " + std::to_string(n_layers) + " layers");
        }
        fail(Status::data_loss, name(key) + " is an array of other things than integers");
      },
      (*array)->items);
}

int64_t GgufKeys::size_of_layers(const char* key, int64_t limit, int64_t n_layers, std::optional<uint64_t> fallback) const {
  const auto values = layers(key, n_layers);
  if (!values) return size(key, limit, fallback);
  const int64_t first = in_range(name(key), values->front(), limit);
  const auto other = std::find_if(values->begin(), values->end(), [&](int64_t value) { return value != first; });
  if (other != values->end())
    fail(Status::unimplemented, name(key) + " is " + std::to_string(first) + " in layer 0 and " + std::to_string(*other) + " in layer " +
                                    std::to_string(other - values->begin()) + "; only models whose layers are alike are supported");
  base::log(base::LogLevel::warn, "rustml", name(key) + " has a value for every layer; all are " + std::to_string(first));
  return first;
}

double GgufKeys::positive(const char* key, std::optional<double> fallback) const {
  const double value = fallback ? file_.get_float(name(key), *fallback) : file_.require_float(name(key));
  if (!(value > 0) || !std::isfinite(value))
    fail(Status::data_loss, name(key) + " is " + base::shortest(value) + "; it must be a positive number");
  return value;
}

double GgufKeys::real(const char* key, double fallback) const {
  const double value = file_.get_float(name(key), fallback);
  if (!std::isfinite(value)) fail(Status::data_loss, name(key) + " is " + base::shortest(value) + "; it must be a number");
  return value;
}

Config read_gguf_config(const formats::ModelFile& file, const std::string& architecture, const char* eps_key) {
  const GgufKeys keys(file, architecture);
  Config c;
  c.architecture = architecture;
  c.name = utf8_or_none(file, "general.name", file.get_string("general.name", ""));
  c.n_layers = keys.size("block_count", kMaxLayers);
  c.hidden = keys.size("embedding_length", kMaxWidth);
  c.ffn = keys.size_of_layers("feed_forward_length", kMaxWidth, c.n_layers);
  c.n_heads = keys.size_of_layers("attention.head_count", kMaxHeads, c.n_layers);
  c.n_kv_heads = keys.size_of_layers("attention.head_count_kv", kMaxHeads, c.n_layers, c.n_heads);
  c.context = keys.size("context_length", kMaxContext);
  const std::string heads = keys.name("attention.head_count");
  require_multiple(heads, c.n_heads, heads + "_kv", c.n_kv_heads);
  if (!keys.has("attention.key_length")) require_multiple(keys.name("embedding_length"), c.hidden, heads, c.n_heads);
  c.head_dim = keys.size("attention.key_length", kMaxHeadDim, std::max<int64_t>(1, c.hidden / c.n_heads));
  for (const char* key : {"attention.value_length", "rope.dimension_count"}) {
    const int64_t other = keys.size(key, kMaxHeadDim, c.head_dim);
    if (other != c.head_dim)
      fail(Status::unimplemented,
           keys.name(key) + " is " + std::to_string(other) + "; only the whole head (" + std::to_string(c.head_dim) + ") is supported");
  }
  require_multiple("the head dimension", c.head_dim, "two", 2);
  c.norm_eps = static_cast<float>(keys.positive(eps_key));
  c.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.head_dim)));
  c.rope_base = keys.positive("rope.freq_base", 10000.0);
  read_gguf_scaling(keys, c);
  if (file.get_uint(keys.name("expert_count"), 0) > 1)
    fail(Status::unimplemented, keys.name("expert_count") + ": mixtures of experts are not supported");
  c.vocab = vocabulary_size(file);
  c.tied = !file.find("output.weight");
  c.chat_template = utf8_or_none(file, "tokenizer.chat_template", file.get_string("tokenizer.chat_template", ""));
  return c;
}

void write_gguf_config(const Config& c, const char* eps_key, const GgufKeyWriter& keys) {
  keys.size("block_count", c.n_layers);
  keys.size("context_length", c.context);
  keys.size("embedding_length", c.hidden);
  keys.size("feed_forward_length", c.ffn);
  keys.size("attention.head_count", c.n_heads);
  keys.real(eps_key, c.norm_eps);
}

void write_gguf_rotary(const Config& c, const GgufKeyWriter& keys) {
  keys.size("attention.head_count_kv", c.n_kv_heads);
  for (const char* key : {"attention.key_length", "attention.value_length", "rope.dimension_count"}) keys.size(key, c.head_dim);
  keys.real("rope.freq_base", c.rope_base);
  keys.size("vocab_size", c.vocab);
  write_gguf_scaling(c, keys);
}

base::JsonFields config_fields(const formats::ModelFile& file) {
  const auto text = file.documents.find("config.json");
  const std::string name = file.name + "/config.json";
  if (text == file.documents.end()) fail(Status::not_found, name + ": the file is missing");
  return base::JsonFields(base::parse_json(text->second, name, Status::data_loss), name, ": ");
}

Config read_json_config(const base::JsonFields& json, const std::string& architecture) {
  Config c;
  c.architecture = architecture;
  c.n_layers = json.size("num_hidden_layers", kMaxLayers);
  c.hidden = json.size("hidden_size", kMaxWidth);
  c.ffn = json.size("intermediate_size", kMaxWidth);
  c.n_heads = json.size("num_attention_heads", kMaxHeads);
  c.n_kv_heads =
      architecture == "llama" ? json.size("num_key_value_heads", kMaxHeads, c.n_heads) : json.size("num_key_value_heads", kMaxHeads);
  c.context = json.size("max_position_embeddings", kMaxContext);
  c.vocab = json.size("vocab_size", kMaxVocabulary);
  c.norm_eps = static_cast<float>(json.positive("rms_norm_eps"));
  if (c.n_heads % c.n_kv_heads != 0)
    json.fail("num_key_value_heads",
              "is " + std::to_string(c.n_kv_heads) + "; num_attention_heads (" + std::to_string(c.n_heads) + ") must be a multiple of it");
  if (!json.has("head_dim") && c.hidden % c.n_heads != 0)
    json.fail("hidden_size", "is " + std::to_string(c.hidden) + "; without head_dim it must be a multiple of num_attention_heads (" +
                                 std::to_string(c.n_heads) + ")");
  c.head_dim = json.size("head_dim", kMaxHeadDim, std::max<int64_t>(1, c.hidden / c.n_heads));
  if (c.head_dim % 2 != 0 || c.head_dim > kMaxHeadDim)
    json.fail("head_dim", "is " + std::to_string(c.head_dim) + "; it must be even and at most " + std::to_string(kMaxHeadDim));
  c.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.head_dim)));
  return c;
}

std::optional<double> find_rope_base(const base::JsonFields& json, const char* field) {
  const auto find = [](const base::JsonFields& object) -> std::optional<double> {
    const std::vector<std::string> names = object.names();  // null is there, and refused
    if (std::find(names.begin(), names.end(), kRopeBase) == names.end()) return std::nullopt;
    return object.positive(kRopeBase);
  };
  const char* inner = json.has("rope_scaling") ? "rope_scaling" : field;
  if (json.has(inner))
    if (const auto base = find(json.object(inner))) return base;
  return find(json);
}

double read_rope_base(const base::JsonFields& json, const char* field) {
  if (const auto base = find_rope_base(json, field)) return *base;
  return (json.has(field) ? json.object(field) : json).positive(kRopeBase);  // says what is missing
}

std::string read_chat_template(const formats::ModelFile& file) {
  if (const auto jinja = file.documents.find("chat_template.jinja"); jinja != file.documents.end())
    return utf8_or_none(file, jinja->first, jinja->second);
  const auto document = file.documents.find("tokenizer_config.json");
  if (document == file.documents.end()) return {};
  const base::Json json = base::parse_json(document->second, file.name + "/tokenizer_config.json", Status::data_loss);
  const base::Json* found = json.find("chat_template");
  if (!found) return {};
  if (found->kind == base::Json::Kind::string) return found->string;
  for (const base::Json& named : found->items) {  // several: the one for ordinary chat
    const base::Json *name = named.find("name"), *text = named.find("template");
    if (name && text && name->string == "default") return text->string;
  }
  return {};
}

}  // namespace rustml::models
