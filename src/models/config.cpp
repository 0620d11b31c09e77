#include "models/config.h"

#include <cmath>

#include "base/error.h"

namespace rustml::models {

using base::fail;
using base::Status;

namespace {

class Keys {
 public:
  Keys(const formats::ModelFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  int64_t size(const char* key, int64_t limit) const {
    const std::string name = prefix_ + key;
    return in_range(name, file_.require_uint(name), limit);
  }
  int64_t size(const char* key, int64_t limit, int64_t fallback) const {
    const std::string name = prefix_ + key;
    return in_range(name, file_.get_uint(name, static_cast<uint64_t>(fallback)), limit);
  }
  double positive(const char* key) const { return positive_value(prefix_ + key, file_.require_float(prefix_ + key)); }
  double positive(const char* key, double fallback) const {
    return positive_value(prefix_ + key, file_.get_float(prefix_ + key, fallback));
  }
  std::string text(const char* key, const std::string& fallback) const { return file_.get_string(prefix_ + key, fallback); }
  const std::string& prefix() const { return prefix_; }

 private:
  static int64_t in_range(const std::string& name, uint64_t value, int64_t limit) {
    if (value < 1 || value > static_cast<uint64_t>(limit))
      fail(Status::data_loss, name + " is " + std::to_string(value) + "; it must be 1 to " + std::to_string(limit));
    return static_cast<int64_t>(value);
  }
  static double positive_value(const std::string& name, double value) {
    if (!(value > 0) || !std::isfinite(value))
      fail(Status::data_loss, name + " is " + std::to_string(value) + "; it must be a positive number");
    return value;
  }
  const formats::ModelFile& file_;
  const std::string prefix_;
};

void require_multiple(const std::string& what, int64_t value, const std::string& of, int64_t divisor) {
  if (value % divisor != 0)
    fail(Status::data_loss,
         what + " is " + std::to_string(value) + ", which is not a multiple of " + of + " (" + std::to_string(divisor) + ")");
}

ops::RopeScaling read_scaling(const Keys& keys) {
  ops::RopeScaling scaling;
  const std::string kind = keys.text("rope.scaling.type", "none");
  if (kind == "none") return scaling;
  if (kind != "linear")
    fail(Status::unimplemented,
         keys.prefix() + "rope.scaling.type is " + base::quoted(kind) + "; supported are none, linear and a rope_freqs tensor");
  scaling.kind = ops::RopeScaling::Kind::linear;
  scaling.factor = keys.positive("rope.scaling.factor");
  return scaling;
}

int64_t vocabulary_size(const formats::ModelFile& file) {
  const formats::TensorInfo* embedding = file.find("token_embd.weight");
  if (!embedding) fail(Status::data_loss, "tensor token_embd.weight is missing; without it the file is no language model");
  if (embedding->shape.size() != 2)
    fail(Status::data_loss, "tensor token_embd.weight has " + std::to_string(embedding->shape.size()) + " dimensions, not 2");
  const int64_t rows = embedding->shape[0];
  if (rows < 1 || rows > 1 << 22)
    fail(Status::data_loss, "tensor token_embd.weight has " + std::to_string(rows) + " rows; a vocabulary has 1 to 4194304");
  return rows;
}

}  // namespace

Config read_gguf_config(const formats::ModelFile& file, const std::string& architecture) {
  const Keys keys(file, architecture + ".");
  Config c;
  c.architecture = architecture;
  c.name = file.get_string("general.name", "");
  c.n_layers = keys.size("block_count", kMaxLayers);
  c.hidden = keys.size("embedding_length", kMaxWidth);
  c.ffn = keys.size("feed_forward_length", kMaxWidth);
  c.n_heads = keys.size("attention.head_count", kMaxHeads);
  c.n_kv_heads = keys.size("attention.head_count_kv", kMaxHeads, c.n_heads);
  c.context = keys.size("context_length", kMaxContext);
  const std::string heads = keys.prefix() + "attention.head_count";
  require_multiple(heads, c.n_heads, heads + "_kv", c.n_kv_heads);
  if (!file.value(keys.prefix() + "attention.key_length")) require_multiple(keys.prefix() + "embedding_length", c.hidden, heads, c.n_heads);
  c.head_dim = keys.size("attention.key_length", kMaxHeadDim, std::max<int64_t>(1, c.hidden / c.n_heads));
  const int64_t value_dim = keys.size("attention.value_length", kMaxHeadDim, c.head_dim);
  if (value_dim != c.head_dim)
    fail(Status::unimplemented, keys.prefix() + "attention.value_length is " + std::to_string(value_dim) + "; only the key length (" +
                                    std::to_string(c.head_dim) + ") is supported");
  const int64_t rope_dim = keys.size("rope.dimension_count", kMaxHeadDim, c.head_dim);
  if (rope_dim != c.head_dim)
    fail(Status::unimplemented, keys.prefix() + "rope.dimension_count is " + std::to_string(rope_dim) + "; only the whole head (" +
                                    std::to_string(c.head_dim) + ") is supported");
  require_multiple("the head dimension", c.head_dim, "two", 2);
  c.norm_eps = static_cast<float>(keys.positive("attention.layer_norm_rms_epsilon"));
  c.rope_base = keys.positive("rope.freq_base", 10000.0);
  c.rope_scaling = read_scaling(keys);
  if (keys.size("expert_count", 1024, 1) > 1)
    fail(Status::unimplemented, keys.prefix() + "expert_count: mixtures of experts are not supported");
  c.vocab = vocabulary_size(file);
  c.chat_template = file.get_string("tokenizer.chat_template", "");
  return c;
}

}  // namespace rustml::models
