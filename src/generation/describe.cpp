// What rustml_model_describe_json and rustml_model_get_info say.
#include <string>

#include "base/json.h"
#include "base/number_text.h"
#include "generation/engine.h"

namespace rustml::generation {

namespace {

// {"key":value,...} in the order given.
class ObjectText {
 public:
  ObjectText& text(const char* key, std::string_view value) { return raw(key, base::json_string(value)); }
  ObjectText& number(const char* key, auto value) { return raw(key, base::shortest(value)); }
  ObjectText& boolean(const char* key, bool value) { return raw(key, value ? "true" : "false"); }
  ObjectText& raw(const char* key, const std::string& value) {
    text_ += (text_.size() > 1 ? ",\"" : "\"") + std::string(key) + "\":" + value;
    return *this;
  }
  std::string str() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

const char* shape_name(chat::Shape shape) {
  switch (shape) {
    case chat::Shape::none:
      return "none";
    case chat::Shape::unknown:
      return "unknown";
    case chat::Shape::chatml:
      return "chatml";
    case chat::Shape::mistral_inst:
      return "mistral";
    case chat::Shape::zephyr:
      return "zephyr";
    case chat::Shape::gemma:
      return "gemma";
    case chat::Shape::llama3:
      return "llama3";
  }
  return "none";
}

}  // namespace

ModelInfo Engine::info() const {
  const models::Config& c = config();
  ModelInfo i{};
  i.n_threads = n_threads_;
  i.n_layers = static_cast<uint32_t>(c.n_layers);
  i.n_heads = static_cast<uint32_t>(c.n_heads);
  i.n_kv_heads = static_cast<uint32_t>(c.n_kv_heads);
  i.head_dim = static_cast<uint32_t>(c.head_dim);
  i.hidden_dim = static_cast<uint32_t>(c.hidden);
  i.ffn_dim = static_cast<uint32_t>(c.ffn);
  i.vocab_size = static_cast<uint32_t>(c.vocab);
  i.context_length = static_cast<uint32_t>(c.context);
  i.n_parameters = n_parameters_;
  i.weight_bytes = weights_charge_.bytes();
  i.bytes_now = budget_->now();
  i.bytes_peak = budget_->peak();
  i.fingerprint_low = fingerprint_.low;
  i.fingerprint_high = fingerprint_.high;
  i.n_tensors = n_tensors_;
  i.n_fused_qkv = static_cast<uint32_t>(c.n_layers);
  i.n_fused_gate_up = c.gated ? i.n_fused_qkv : 0;
  i.n_quantized = n_quantized_;
  i.bos_id = tokenizer_->bos_id();
  i.eos_id = tokenizer_->eos_id();
  i.has_chat_template = !c.chat_template.empty();
  i.n_sessions = n_sessions_.load(std::memory_order_relaxed);
  i.architecture = c.architecture;
  i.name = c.name;
  i.simd_target = kernels_->target;
  return i;
}

std::string Engine::describe_json() const {
  const models::Config& c = config();
  ObjectText config_text, tokens, memory;
  config_text.number("layers", c.n_layers)
      .number("hidden", c.hidden)
      .number("heads", c.n_heads)
      .number("kv_heads", c.n_kv_heads)
      .number("head_dim", c.head_dim);
  config_text.number("ffn", c.ffn).number("context", c.context).number("rope_base", c.rope_base).number("norm_eps", c.norm_eps);
  tokens.number("size", tokenizer_->size())
      .text("kind", tokenizer_->kind())
      .number("bos_id", tokenizer_->bos_id())
      .number("eos_id", tokenizer_->eos_id());
  tokens.boolean("adds_bos", tokenizer_->adds_bos());
  memory.number("weights", weights_charge_.bytes()).number("now", budget_->now()).number("peak", budget_->peak());
  ObjectText all;
  all.text("architecture", c.architecture)
      .text("name", c.name)
      .text("format", format_)
      .number("file_bytes", file_bytes_)
      .number("parameters", n_parameters_);
  all.number("tensors", n_tensors_)
      .number("quantized_at_load", n_quantized_)
      .raw("config", config_text.str())
      .raw("tokenizer", tokens.str());
  all.text("chat", shape_name(chat_shape_))
      .raw("memory_bytes", memory.str())
      .number("threads", n_threads_)
      .text("simd_target", kernels_->target);
  return all.str();
}

}  // namespace rustml::generation
