// What rustml_model_describe_json and rustml_model_get_info say.
#include <string>

#include "base/json_writer.h"
#include "generation/engine.h"

namespace rustml::generation {

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
  i.has_chat_template = !chat_template_->none();
  i.n_sessions = n_sessions_.load(std::memory_order_relaxed);
  i.architecture = c.architecture;
  i.name = c.name;
  i.simd_target = kernels_->target;
  return i;
}

std::string Engine::describe_json() const {
  using base::JsonObject;
  const models::Config& c = config();
  const JsonObject config_fields = JsonObject()
                                       .add("layers", c.n_layers)
                                       .add("hidden", c.hidden)
                                       .add("heads", c.n_heads)
                                       .add("kv_heads", c.n_kv_heads)
                                       .add("head_dim", c.head_dim)
                                       .add("ffn", c.ffn)
                                       .add("context", c.context)
                                       .add("rope_base", c.rope_base)
                                       .add("norm_eps", c.norm_eps);
  const JsonObject tokens = JsonObject()
                                .add("size", tokenizer_->size())
                                .add("kind", tokenizer_->kind())
                                .add("bos_id", tokenizer_->bos_id())
                                .add("eos_id", tokenizer_->eos_id())
                                .add("adds_bos", tokenizer_->adds_bos());
  const JsonObject memory = JsonObject().add("weights", weights_charge_.bytes()).add("now", budget_->now()).add("peak", budget_->peak());
  return JsonObject()
      .add("architecture", c.architecture)
      .add("name", c.name)
      .add("format", format_)
      .add("file_bytes", file_bytes_)
      .add("parameters", n_parameters_)
      .add("tensors", n_tensors_)
      .add("quantized_at_load", n_quantized_)
      .add("config", config_fields)
      .add("tokenizer", tokens)
      .add("chat", chat_template_->none() ? "none" : "template")
      .add("memory_bytes", memory)
      .add("threads", n_threads_)
      .add("simd_target", kernels_->target)
      .str();
}

}  // namespace rustml::generation
