// The dimensions and constants of a model, checked: what every later line may rely on.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "formats/model_file.h"
#include "ops/rope.h"

namespace rustml::models {

enum class Activation : uint8_t { silu, gelu_tanh };
enum class Bias : uint8_t { none, optional, required };  // of linear layers; optional: where the file has one

struct Config {
  std::string architecture;  // "llama"
  std::string name;          // general.name, may be empty
  int64_t n_layers, hidden, n_heads, n_kv_heads, head_dim, ffn, vocab, context;
  float norm_eps;
  float attention_scale;  // of the scores
  bool tied = false;      // the head is the embedding, whatever else the file holds

  double rope_base = 0;  // 0: positions are embedded, not rotated
  ops::RopeScaling rope_scaling;

  int64_t window = 0;              // of window layers: a token sees this many positions, its own included; 0: there are none
  double window_rope_base = 0;     // of window layers, which are never scaled
  std::vector<bool> window_layer;  // [n_layers]; empty without a window

  float embedding_scale = 1;

  // What the layers have.
  bool layer_norm = false;  // with biases, instead of RMSNorm
  bool qk_norm = false;     // of every head of q and k
  bool post_norms = false;  // after attention and feed-forward network too
  bool fused_qkv = false;   // one tensor
  bool gated = true;        // feed-forward network
  Activation activation = Activation::silu;
  Bias qkv_bias = Bias::none, out_bias = Bias::none, ffn_bias = Bias::none;

  // Where the two formats hold the same weights in different ways.
  bool conv1d = false;       // SafeTensors: the matrices of layers are [inputs, outputs]
  float norm_plus = 0;       // SafeTensors: norms hold w of norm_plus + w
  bool paired_rows = false;  // GGUF: the rows of q and k are ordered for rotating neighbouring pairs

  std::string chat_template;

  bool rotated() const { return rope_base > 0; }
  bool windowed(int64_t layer) const { return window > 0 && window_layer[static_cast<size_t>(layer)]; }
};

// Limits of what we accept, well above any published model: they keep every product below 2^63.
constexpr int64_t kMaxLayers = 1024, kMaxHeads = 1024, kMaxHeadDim = 1024, kMaxWidth = 1 << 20, kMaxContext = 1 << 24;
constexpr int64_t kMaxVocabulary = 1 << 22;

// Missing, mistyped or inconsistent values are errors naming key, value and what was expected.

// Keys `<architecture>.*` of a GGUF file.
class GgufKeys {
 public:
  GgufKeys(const formats::ModelFile& file, const std::string& architecture) : file_(file), prefix_(architecture + ".") {}
  bool has(const char* key) const { return file_.value(prefix_ + key) != nullptr; }
  int64_t size(const char* key, int64_t limit, std::optional<uint64_t> fallback = {}) const;
  // The same where a file may say it of every layer: equal values count as one, others are unimplemented.
  int64_t size_of_layers(const char* key, int64_t limit, int64_t n_layers, std::optional<uint64_t> fallback = {}) const;
  // An array's integers or booleans, one for every layer; nothing where the key is no array.
  std::optional<std::vector<int64_t>> layers(const char* key, int64_t n_layers) const;
  double positive(const char* key, std::optional<double> fallback = {}) const;
  double real(const char* key, double fallback) const;  // finite
  std::string text(const char* key, const std::string& fallback) const { return file_.get_string(prefix_ + key, fallback); }
  std::string name(const char* key) const { return prefix_ + key; }

 private:
  const formats::ModelFile& file_;
  const std::string prefix_;
};
// The other way: keys of a GGUF file to be written.
class GgufKeyWriter {
 public:
  GgufKeyWriter(const std::string& architecture, std::map<std::string, formats::Value>& to) : architecture_(architecture), to_(to) {}
  const std::string& architecture() const noexcept { return architecture_; }
  void size(const char* key, int64_t value) const { put(key, static_cast<uint64_t>(value)); }
  void real(const char* key, double value) const { put(key, double{static_cast<float>(value)}); }
  void text(const char* key, const std::string& value) const { put(key, value); }

 private:
  void put(const char* key, formats::Value value) const { to_[architecture_ + "." + key] = std::move(value); }
  const std::string architecture_;
  std::map<std::string, formats::Value>& to_;
};

// What all architectures have in common there; `eps_key` names the norms' epsilon.
Config read_gguf_config(const formats::ModelFile& file, const std::string& architecture, const char* eps_key);
void write_gguf_config(const Config& config, const char* eps_key, const GgufKeyWriter& keys);
void write_gguf_rotary(const Config& config, const GgufKeyWriter& keys);  // and what such models say about their heads

// A directory's config.json.
base::JsonFields config_fields(const formats::ModelFile& file);
// The fields that Llama's config.json and those of its descendants share, without rotary ones.
Config read_json_config(const base::JsonFields& json, const std::string& architecture);
// rope_theta of rope_scaling, or where there is none of the object `field` (rope_parameters); or beside them.
std::optional<double> find_rope_base(const base::JsonFields& json, const char* field);
double read_rope_base(const base::JsonFields& json, const char* field);  // required
// A Hugging Face directory's chat template: chat_template.jinja or that of tokenizer_config.json; empty: none.
std::string read_chat_template(const formats::ModelFile& file);

}  // namespace rustml::models
