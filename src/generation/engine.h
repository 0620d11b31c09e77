// A loaded model: weights, tokenizer, team, accounting. Its const members may run concurrently; sessions lock nothing of it.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "chat/chat.h"
#include "formats/model_file.h"
#include "generation/options.h"
#include "models/registry.h"
#include "runtime/memory.h"
#include "runtime/thread_team.h"
#include "tokenizer/tokenizer.h"

namespace rustml::generation {

struct ModelInfo {
  int32_t n_threads;
  uint32_t n_layers, n_heads, n_kv_heads, head_dim, hidden_dim, ffn_dim, vocab_size, context_length;
  uint64_t n_parameters, weight_bytes, bytes_now, bytes_peak, fingerprint_low, fingerprint_high;
  uint32_t n_tensors, n_fused_qkv, n_fused_gate_up, n_quantized;
  int32_t bos_id, eos_id;
  bool has_chat_template;
  uint32_t n_sessions;
  std::string_view architecture, name, simd_target;  // live as long as the engine
};

struct MemoryPlan {
  uint64_t file_bytes, weight_bytes, scratch_bytes, kv_bytes, total_bytes, context_tokens;
};

class Engine {
 public:
  // From what formats::open or formats::open_path give. Throws on failure; nothing is left behind.
  Engine(formats::ModelFile file, const ModelOptions& options, runtime::Call& call);
  static MemoryPlan plan(const formats::ModelFile& file, const ModelOptions& model, const SessionOptions& session);

  ModelInfo info() const;
  std::string describe_json() const;
  const tokenizer::Tokenizer& tokenizer() const { return *tokenizer_; }
  // The text that the model's chat template makes of the messages.
  std::string chat_format(std::string_view messages_json, bool add_generation_prompt, runtime::StopSignal& stop) const;

  // A prompt's ids and the bytes dropped on the way; polls `stop`.
  tokenizer::Encoding encode(const Prompt& prompt, runtime::StopSignal& stop) const;

  const models::Decoder& model() const noexcept { return *model_; }
  const models::Config& config() const noexcept { return model_->config(); }
  const kernels::KernelTable& kernels() const noexcept { return *kernels_; }
  int n_threads() const noexcept { return n_threads_; }
  const std::shared_ptr<runtime::MemoryBudget>& budget() const noexcept { return budget_; }
  base::Hash128 fingerprint() const noexcept { return fingerprint_; }
  std::atomic<uint32_t>& n_sessions() noexcept { return n_sessions_; }

  // Runs one pass on the team. False: stopped; the pass has left nothing behind.
  // pieces_after_stop: see runtime::ThreadTeam::PassReport.
  bool run(models::Pass& pass, runtime::StopSignal& stop, uint32_t& pieces_after_stop) const;
  bool project(const float* hidden, models::Scratch& scratch, float* logits, runtime::StopSignal& stop) const;

 private:
  std::vector<chat::Piece> chat_pieces(std::string_view messages_json, bool add_generation_prompt, runtime::StopSignal& stop) const;
  std::string_view bos_text() const;
  void warm_up(runtime::Call& call);

  std::shared_ptr<runtime::ThreadTeam> team_;
  std::shared_ptr<runtime::MemoryBudget> budget_;
  const kernels::KernelTable* kernels_;
  int n_threads_;
  runtime::Charge weights_charge_;
  runtime::Region weights_;
  std::unique_ptr<models::Decoder> model_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
  std::unique_ptr<const chat::Template> chat_template_;
  base::Hash128 fingerprint_;
  std::string format_;
  uint64_t n_parameters_ = 0, file_bytes_ = 0;
  uint32_t n_tensors_ = 0, n_quantized_ = 0;
  std::atomic<uint32_t> n_sessions_{0};
};

// Context of a session with these options: min(the model's, 8192) for 0, and no more than the original one where rotary frequencies
// depend on it; out_of_range above the model's.
uint64_t context_tokens(const models::Config& config, const SessionOptions& options);
// Prompt tokens per pass with these options.
int64_t prefill_chunk(const SessionOptions& options, uint64_t context);

}  // namespace rustml::generation
