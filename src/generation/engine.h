// A loaded model: weights, tokenizer, team, accounting. Implements generation.h's Engine.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "chat/chat.h"
#include "generation/generation.h"
#include "models/model.h"
#include "models/registry.h"
#include "runtime/memory.h"
#include "runtime/thread_team.h"

namespace rustml::generation {

class LoadedEngine final : public Engine {
 public:
  LoadedEngine(formats::ModelFile file, const ModelOptions& options, runtime::Call& call);

  ModelInfo info() const override;
  std::string describe_json() const override;
  const tokenizer::Tokenizer& tokenizer() const override { return *tokenizer_; }
  std::string chat_format(std::string_view messages_json, bool add_generation_prompt) const override;

  // A prompt's ids and the bytes dropped on the way; polls `stop`.
  tokenizer::Encoding encode(const Prompt& prompt, runtime::StopSignal& stop) const;

  const models::Model& model() const noexcept { return *model_; }
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
  std::vector<chat::Piece> chat_pieces(std::string_view messages_json, bool add_generation_prompt) const;
  void warm_up(runtime::Call& call);

  std::shared_ptr<runtime::ThreadTeam> team_;
  std::shared_ptr<runtime::MemoryBudget> budget_;
  const kernels::KernelTable* kernels_;
  int n_threads_;
  runtime::Charge weights_charge_;
  runtime::Region weights_;
  std::unique_ptr<models::Model> model_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
  chat::Shape chat_shape_;
  base::Hash128 fingerprint_;
  std::string format_;
  uint64_t n_parameters_ = 0, file_bytes_ = 0;
  uint32_t n_tensors_ = 0, n_quantized_ = 0;
  std::atomic<uint32_t> n_sessions_{0};
};

// Context of a session with these options: min(the model's, 8192) for 0; out_of_range above the model's.
uint64_t context_tokens(const models::Config& config, const SessionOptions& options);
// Prompt tokens per pass with these options.
int64_t prefill_chunk(const SessionOptions& options, uint64_t context);

}  // namespace rustml::generation
