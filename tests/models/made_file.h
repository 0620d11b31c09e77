// Model files made in memory for the tests of this room: metadata and tensors as formats::open would give them.
#pragma once
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../base/log_records.h"
#include "base/error.h"
#include "formats/model_file.h"
#include "models/registry.h"

namespace rustml::models {

class MadeFile {
 public:
  MadeFile& number(const std::string& key, uint64_t value) { return set(key, value); }
  MadeFile& real(const std::string& key, double value) { return set(key, value); }
  MadeFile& text(const std::string& key, const std::string& value) { return set(key, value); }
  template <class Items>
  MadeFile& list(const std::string& key, Items items) {
    return set(key, std::make_shared<const formats::Array>(formats::Array{std::move(items)}));
  }
  // As a Hugging Face directory with this config.json.
  MadeFile& json(const std::string& text) {
    file_.documents["config.json"] = text;
    return *this;
  }
  MadeFile& erase(const std::string& key) {
    file_.metadata.erase(key);
    return *this;
  }
  MadeFile& tensor(const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values) {
    file_.index[name] = file_.tensors.size();
    file_.tensors.push_back({name, tensor::DType::f32, std::move(shape), bytes_.size(), values.size() * 4});
    bytes_.resize(bytes_.size() + values.size() * 4);
    std::memcpy(bytes_.data() + bytes_.size() - values.size() * 4, values.data(), values.size() * 4);
    return *this;
  }
  // Random values.
  MadeFile& tensor(const std::string& name, std::vector<int64_t> shape) {
    int64_t n = 1;
    for (const int64_t d : shape) n *= d;
    std::vector<float> values(static_cast<size_t>(n));
    std::normal_distribution<float> normal(0, 0.3f);
    for (float& v : values) v = normal(random_);
    return tensor(name, std::move(shape), values);
  }
  formats::ModelFile& file() {
    file_.format = file_.documents.empty() ? formats::Format::gguf : formats::Format::safetensors;
    file_.name = file_.documents.empty() ? "" : "made";
    file_.readers.clear();
    file_.readers.push_back(base::open_memory(bytes_.data(), bytes_.size(), "made"));
    return file_;
  }

 private:
  template <class T>
  MadeFile& set(const std::string& key, T value) {
    file_.metadata.insert_or_assign(key, formats::Value(value));
    return *this;
  }
  formats::ModelFile file_;
  std::vector<std::byte> bytes_;
  std::mt19937 random_{1};
};

inline MadeFile llama_metadata(uint64_t n_layers = 1) {
  MadeFile f;
  f.text("general.architecture", "llama")
      .number("llama.block_count", n_layers)
      .number("llama.embedding_length", 32)
      .number("llama.feed_forward_length", 48);
  f.number("llama.attention.head_count", 4).number("llama.attention.head_count_kv", 2).number("llama.context_length", 64);
  f.real("llama.attention.layer_norm_rms_epsilon", 1e-5);
  return f;
}

inline MadeFile llama_file(uint64_t n_layers = 1) {
  MadeFile f = llama_metadata(n_layers);
  f.tensor("token_embd.weight", {40, 32}).tensor("output_norm.weight", {32});
  for (uint64_t i = 0; i < n_layers; ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    f.tensor(layer + "attn_norm.weight", {32})
        .tensor(layer + "attn_q.weight", {32, 32})
        .tensor(layer + "attn_k.weight", {16, 32})
        .tensor(layer + "attn_v.weight", {16, 32});
    f.tensor(layer + "attn_output.weight", {32, 32}).tensor(layer + "ffn_norm.weight", {32}).tensor(layer + "ffn_gate.weight", {48, 32});
    f.tensor(layer + "ffn_up.weight", {48, 32}).tensor(layer + "ffn_down.weight", {32, 48});
  }
  return f;
}

// `fields` without the one that begins with "name":, or with it replaced by `instead`.
inline std::string without(std::vector<std::string> fields, const std::string& name, const std::string& instead = {}) {
  std::string text;
  for (const std::string& field : fields) {
    const std::string& kept = field.starts_with("\"" + name + "\":") ? instead : field;
    if (!kept.empty()) text += (text.empty() ? "" : ",") + kept;
  }
  return "{" + text + "}";
}

// Of a file whose tensors may be missing.
inline Config config_of(const formats::ModelFile& file) {
  const Architecture& a = architecture_of(file);
  return (file.format == formats::Format::gguf ? a.family->read_gguf : a.family->read_json)(file, a.name);
}

// Logits of the last of `ids`, evaluated in chunks on a team of n_threads.
std::vector<float> logits_of(const formats::ModelFile& file, const std::vector<int32_t>& ids, int n_threads, int64_t chunk,
                             kernels::KvType kv_type = kernels::KvType::f32);

// The error of `body`: its status as a number and message, or "none".
template <class Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const base::Error& e) {
    return std::to_string(static_cast<int>(e.status())) + " " + e.message();
  }
  return "none";
}

}  // namespace rustml::models
