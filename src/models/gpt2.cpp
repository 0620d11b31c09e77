// GPT-2 (Radford et al. 2019). LayerNorm with bias, embedded positions, biases everywhere:
//   x = wte[id] + wpe[position];  x += proj(attention(ln_1(x)));  x += c_proj(gelu(c_fc(ln_2(x))))
#include "models/gpt2.h"

#include <cmath>

#include "models/config_json.h"
#include "models/decoder.h"

namespace rustml::models {

namespace {

class Gpt2 final : public Decoder {
 public:
  Gpt2(WeightBinder& weights, const Config& config) : Decoder(weights, config) {
    const int64_t h = config.hidden;
    Source table;
    table.linear = false;
    positions_ = weights.matrix("position_embd.weight", config.context, h, "", table);
    const auto norm = [&](const std::string& name) {
      return ops::Norm{weights.vector(name + ".weight", h), weights.vector(name + ".bias", h), config.norm_eps};
    };
    // SafeTensors store Conv1D, [inputs, outputs]. Rows [first, first + rows) of tensor_rows.
    const auto linear = [&](const std::string& name, int64_t rows, int64_t cols, const char* label, int64_t first = 0,
                            int64_t tensor_rows = 0) {
      Source source;
      source.first_row = first;
      source.tensor_rows = tensor_rows;
      Source bias = source;
      source.transposed = weights.safetensors();
      ops::Matrix m = weights.matrix(name + ".weight", rows, cols, label, source);
      m.bias = weights.vector(name + ".bias", rows, bias);
      return m;
    };
    layers_.reserve(static_cast<size_t>(config.n_layers));
    for (int64_t i = 0; i < config.n_layers; ++i) {
      const std::string p = "blk." + std::to_string(i) + ".";
      Layer l;
      l.attention_norm = norm(p + "attn_norm");
      l.attention.qkv = {linear(p + "attn_qkv", h, h, "Q_proj", 0, 3 * h), linear(p + "attn_qkv", h, h, "K_proj", h, 3 * h),
                         linear(p + "attn_qkv", h, h, "V_proj", 2 * h, 3 * h)};
      l.attention.out = linear(p + "attn_output", h, h, "O_proj");
      l.ffn_norm = norm(p + "ffn_norm");
      l.up = linear(p + "ffn_up", config.ffn, h, "Up_proj");
      l.down = linear(p + "ffn_down", h, config.ffn, "Down_proj");
      layers_.push_back(l);
    }
    norm_ = norm("output_norm");
  }

 private:
  struct Layer {
    ops::Norm attention_norm, ffn_norm;
    Attention attention;
    ops::Matrix up;    // [ffn, hidden]
    ops::Matrix down;  // [hidden, ffn]
  };

  void embed(int32_t id, uint64_t position, const kernels::KernelTable& kernels, float* x, float* spare) const override {
    ops::unpack_row(embedding_, id, x);
    ops::unpack_row(positions_, static_cast<int64_t>(position), spare);
    kernels.add(x, spare, config_.hidden);
  }

  void layer(ops::Context& c, Pass& pass, int64_t index, LayerTimes& times) const override {
    const Layer& w = layers_[static_cast<size_t>(index)];
    Scratch& s = pass.scratch;
    const int64_t h = config_.hidden;

    const ops::Activations normed = ops::normalize(c, s.x, w.attention_norm, pass.n_tokens, h, ops::any_quantized(w.attention.qkv));
    const ops::Activations attended = attend(c, pass, index, w.attention, normed, times);
    const auto [first, n] = rows_in_use(pass, index);
    if (n == 0) return;
    float* x = s.x + first * h;
    ops::linear(c, w.attention.out, attended, n, x, h, true, ops::first_weights(c, std::span(&w.up, 1)));
    c.member.sync();
    times.lap.add(times.out);

    const ops::Activations normed_again = ops::normalize(c, x, w.ffn_norm, n, h, w.up.quantized());
    ops::gated_linear(c, w.up, nullptr, c.kernels.gelu_tanh_mul, normed_again, n, s.gate, nullptr,
                      ops::first_weights(c, std::span(&w.down, 1)));
    c.member.sync();
    const ops::Activations inner = ops::quantize(c, s.gate, n, config_.ffn, w.down.quantized());
    ops::linear(c, w.down, inner, n, x, h, true, layer_weights(c, index + 1));
    times.lap.add(times.ffn);
  }

  std::span<const ops::Matrix> first_matrices(int64_t index) const override { return layers_[static_cast<size_t>(index)].attention.qkv; }

  ops::Matrix positions_;  // [context, hidden]
  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<Model> bind_gpt2(WeightBinder& weights, const Config& config) { return std::make_unique<Gpt2>(weights, config); }

Config read_gpt2_gguf(const formats::ModelFile& file, const std::string& architecture) {
  Config c = read_gguf_config(file, architecture, "attention.layer_norm_epsilon");
  c.rope_base = 0;
  c.gated = false;
  return c;
}

Config read_gpt2_json(const formats::ModelFile& file, const std::string& architecture) {
  const ConfigJson json(file);
  Config c;
  c.architecture = architecture;
  c.n_layers = json.size("n_layer", kMaxLayers);
  c.hidden = json.size("n_embd", kMaxWidth);
  c.n_heads = c.n_kv_heads = json.size("n_head", kMaxHeads);
  if (c.hidden % c.n_heads != 0 || c.hidden / c.n_heads > kMaxHeadDim || c.hidden / c.n_heads % 2 != 0)
    json.fail("n_embd", "is " + std::to_string(c.hidden) + "; it must be n_head (" + std::to_string(c.n_heads) +
                            ") times an even number up to " + std::to_string(kMaxHeadDim));
  c.head_dim = c.hidden / c.n_heads;
  c.ffn = json.size("n_inner", kMaxWidth, 4 * c.hidden);
  c.vocab = json.size("vocab_size", kMaxVocabulary);
  c.context = json.size("n_positions", kMaxContext);
  c.norm_eps = static_cast<float>(json.positive("layer_norm_epsilon"));
  c.attention_scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.head_dim)));
  c.tied = json.flag("tie_word_embeddings", true);
  c.gated = false;
  json.require_text("activation_function", {"gelu_new", "gelu_pytorch_tanh"});
  json.require_flag("scale_attn_weights", true);
  json.require_flag("scale_attn_by_inverse_layer_idx", false);
  json.require_flag("reorder_and_upcast_attn", false);
  json.require_flag("add_cross_attention", false);
  return c;
}

}  // namespace rustml::models
