#include "generation/engine.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/number_text.h"
#include "base/refuse.h"
#include "kernels/select.h"
#include "runtime/processors.h"
#include "runtime/side_job.h"

namespace rustml::generation {

namespace {

constexpr uint64_t kDefaultContext = 8192;
constexpr int64_t kDefaultChunk = 256;

void log_info(const std::string& line) { base::log(base::LogLevel::info, "rustml", line); }

const kernels::KernelTable* choose_kernels(const std::string& target) {
  if (target.empty()) return &kernels::best();
  if (const kernels::KernelTable* table = kernels::find(target)) {
    if (kernels::ready(*table)) return table;
    fail(Status::failed_precondition,
         "simd_target " + base::quoted(target) +
             ": the system refuses this process the tile registers, as it does while a thread has a small "
             "alternate signal stack; leave simd_target empty or name another",
         base::refusal_detail("simd_target", base::Given::text(target),
                              "another or empty: the system refuses this process the tile registers"));
  }
  std::string usable;
  for (const kernels::KernelTable* table : kernels::available()) usable += (usable.empty() ? "" : ", ") + std::string(table->target);
  fail(Status::invalid_argument, "simd_target " + base::quoted(target) + " cannot be used on this processor; usable: " + usable,
       base::refusal_detail("simd_target", base::Given::text(target), "one that this processor can use: " + usable));
}

int choose_threads(int32_t wanted) {
  if (wanted < 0 || wanted > runtime::kMaxThreads)
    base::refuse_field("n_threads", wanted, "0 (automatic) to " + std::to_string(runtime::kMaxThreads));
  return wanted == 0 ? std::min(runtime::usable_cores(), runtime::kMaxThreads) : wanted;
}

models::Quantization quantization(const ModelOptions& options, const formats::ModelFile& file) {
  using Quantize = ModelOptions::Quantize;
  const bool keep = options.quantize == Quantize::keep || (options.quantize == Quantize::automatic && file.format == formats::Format::gguf);
  return {keep, options.quantize == Quantize::q4_0 ? tensor::DType::q4_0 : tensor::DType::q8_0,
          static_cast<int64_t>(options.quantize_min_dim)};
}

// Binding without memory: names, shapes and sizes.
uint64_t count_bytes(const formats::ModelFile& file, const models::Plan& plan, const models::Quantization& quantization) {
  models::WeightBinder binder(file, plan.names, quantization, nullptr);
  models::bind(plan, binder);
  return binder.bytes();
}

std::unique_ptr<tokenizer::Tokenizer> read_tokenizer(const formats::ModelFile& file, const models::Config& config,
                                                     runtime::StopSignal& stop) {
  runtime::Call call{stop, {}};
  const auto vocab = static_cast<int32_t>(config.vocab);
  if (file.format == formats::Format::gguf) {
    auto tokenizer = tokenizer::from_gguf(file, call);
    if (tokenizer->size() != vocab)
      fail(Status::data_loss, "tokenizer has " + std::to_string(tokenizer->size()) + " tokens but token_embd.weight has " +
                                  std::to_string(vocab) + " rows; the file is damaged");
    return tokenizer;
  }
  auto tokenizer = tokenizer::from_huggingface(file, call);
  if (!tokenizer) return tokenizer::no_tokenizer(vocab);
  // Embeddings may have rows to spare; special tokens beyond them belong to parts that are left out (Gemma's image token).
  for (int32_t id = vocab; id < tokenizer->size(); ++id)
    if (!(tokenizer->token_flags(id) & tokenizer::kSpecial))
      fail(Status::data_loss, file.name + "/tokenizer.json: token " + std::to_string(id) + " has no row in the embedding, which has " +
                                  std::to_string(vocab) + " (vocab_size of config.json)");
  return tokenizer;
}

std::string names_of(const std::set<tensor::DType>& types) {
  std::string names;
  for (const tensor::DType type : types) names += (names.empty() ? "" : "/") + std::string(tensor::info(type).name);
  return names;
}

}  // namespace

uint64_t context_tokens(const models::Config& config, const SessionOptions& options) {
  const auto limit = static_cast<uint64_t>(config.context);
  if (options.context_tokens > limit)
    fail(Status::out_of_range,
         "context_tokens is " + std::to_string(options.context_tokens) + "; this model holds at most " + std::to_string(limit),
         base::refusal_detail("context_tokens", options.context_tokens,
                              "at most " + std::to_string(limit) + ", as many as this model holds"));
  if (options.context_tokens) return options.context_tokens;
  // Frequencies for longer texts are worse for short ones: only who asks gets them.
  const auto trained = config.rope_scaling.by_length() ? static_cast<uint64_t>(config.rope_scaling.original_context) : limit;
  return std::min({limit, trained, kDefaultContext});
}

int64_t prefill_chunk(const SessionOptions& options, uint64_t context) {
  if (options.prefill_chunk > 4096) base::refuse_field("prefill_chunk", options.prefill_chunk, "0 (automatic) to 4096");
  const int64_t chunk = options.prefill_chunk ? options.prefill_chunk : kDefaultChunk;
  return std::min(chunk, static_cast<int64_t>(context));
}

MemoryPlan Engine::plan(const formats::ModelFile& file, const ModelOptions& model, const SessionOptions& session) {
  const models::Plan planned = models::plan(file);
  const models::Config& config = planned.config;
  const uint64_t context = context_tokens(config, session);
  const int64_t chunk = prefill_chunk(session, context);
  MemoryPlan plan{};
  plan.file_bytes = file.bytes();
  plan.weight_bytes = count_bytes(file, planned, quantization(model, file));
  plan.scratch_bytes = models::Scratch::bytes(config, chunk, static_cast<int64_t>(context), choose_threads(model.n_threads));
  plan.kv_bytes = models::KvCache::bytes_at_most(models::KvShape::of(config), session.kv_type, context, static_cast<uint64_t>(chunk));
  plan.total_bytes = plan.weight_bytes + plan.scratch_bytes + plan.kv_bytes;
  plan.context_tokens = context;
  return plan;
}

Engine::Engine(formats::ModelFile file, const ModelOptions& options, runtime::Call& call)
    : budget_(std::make_shared<runtime::MemoryBudget>(options.memory_limit_bytes)),
      kernels_(choose_kernels(options.simd_target)),
      n_threads_(choose_threads(options.n_threads)),
      format_(file.format_text()) {
  const models::Plan plan = models::plan(file);
  const models::Quantization quantize = quantization(options, file);
  const uint64_t bytes = count_bytes(file, plan, quantize);
  const models::Config& c = plan.config;
  const auto n = [](auto number) { return std::to_string(number); };
  log_info("Config: arch=" + c.architecture + ", dim=" + n(c.hidden) + ", layers=" + n(c.n_layers) + ", heads=" + n(c.n_heads) +
           ", vocab=" + n(c.vocab));
  weights_charge_ = runtime::Charge(budget_, bytes, "weights");
  // The tokenizer comes from what is in memory already, weights from the file: one beside the other.
  runtime::SideJob tokenizer([&] { tokenizer_ = read_tokenizer(file, c, call.stop); }, n_threads_ == 1);
  if (!tokenizer.running()) tokenizer.finish();

  team_ = runtime::ThreadTeam::lease();
  weights_ = runtime::Region(bytes, runtime::Region::Pages::huge);
  models::WeightBinder binder(file, plan.names, quantize, weights_.data());
  model_ = models::bind(plan, binder);
  log_info(std::string("Loading ") + formats::names_of(file.format).text + " weights...");
  fingerprint_ = binder.load(*team_, {n_threads_, options.check_tensors, &tokenizer}, call);
  tokenizer.finish();
  file.require_unchanged(call);
  if (tokenizer_->exists())
    log_info("Tokenizer: " + std::to_string(tokenizer_->size()) + " tokens (" +
             (file.format == formats::Format::safetensors ? "tokenizer.json" : tokenizer_->kind()) + ")");
  chat_template_ = std::make_unique<const chat::Template>(c.chat_template);
  model_->loaded();
  n_parameters_ = binder.n_parameters();
  n_tensors_ = static_cast<uint32_t>(file.tensors.size() + file.unsupported.size());
  n_quantized_ = binder.n_quantized();
  file_bytes_ = file.bytes();
  log_info(std::to_string(n_tensors_) + " tensors loaded");
  if (n_quantized_ > 0)
    log_info("Quantized " + std::to_string(n_quantized_) + " linear layers " + names_of(binder.quantized_from()) + " -> " +
             std::string(tensor::info(quantize.to).name));
  if (c.gated) log_info("Fused " + n(c.n_layers) + " gate+up projection pairs");
  log_info("Fused " + n(c.n_layers) + " QKV projection triples");
  if (options.warmup) warm_up(call);
  // A head that is the embedding counts once more, as is usual in names of models.
  const uint64_t head = c.tied ? static_cast<uint64_t>(c.vocab) * static_cast<uint64_t>(c.hidden) : 0;
  log_info("Model ready: " + base::fixed(static_cast<double>(n_parameters_ + head) * 1e-6, 1) + "M params");
}

// One token through everything: threads, pages and branch predictors are ready for the first answer.
void Engine::warm_up(runtime::Call& call) {
  const uint64_t start = runtime::now_ns();
  models::Scratch scratch(config(), 1, 1, n_threads_, budget_);
  models::KvCache cache(model_->kv_shape(), kernels::KvType::f16, 1, 0, budget_);
  cache.reserve(1);
  std::vector<float> hidden(static_cast<size_t>(config().hidden)), logits(static_cast<size_t>(config().vocab));
  const int32_t id = std::max(0, tokenizer_->bos_id());
  runtime::ProfileLines quiet;
  models::Pass pass{&id, 1, cache, scratch, hidden.data(), logits.data(), quiet};
  uint32_t pieces = 0;
  if (!run(pass, call.stop, pieces)) call.stop.raise("warm-up");
  log_info("Warmup: " + base::fixed(static_cast<double>(runtime::now_ns() - start) * 1e-6, 0) + "ms");
}

bool Engine::run(models::Pass& pass, runtime::StopSignal& stop, uint32_t& pieces_after_stop) const {
  const auto report = team_->run(
      n_threads_, model_->n_steps(), [&](int step, runtime::Member& member) { model_->step(step, member, *kernels_, pass); }, stop);
  pieces_after_stop = std::max(pieces_after_stop, report.pieces_after_stop);
  return !stop.stopped();
}

bool Engine::project(const float* hidden, models::Scratch& scratch, float* logits, runtime::StopSignal& stop) const {
  runtime::ProfileLines quiet;
  team_->run(
      n_threads_, 1, [&](int, runtime::Member& member) { model_->project(hidden, member, *kernels_, scratch, quiet, logits); }, stop);
  return !stop.stopped();
}

tokenizer::Encoding Engine::encode(const Prompt& prompt, runtime::StopSignal& stop) const {
  if (prompt.kind == PromptKind::ids) {
    for (const int32_t id : prompt.ids)
      if (id < 0 || id >= config().vocab)
        fail(Status::invalid_argument,
             "prompt id " + std::to_string(id) + " is not in the vocabulary; ids are 0 to " + std::to_string(config().vocab - 1),
             base::refusal_detail("rustml_prompt.ids", id, "0 to " + std::to_string(config().vocab - 1)));
    return {prompt.ids, 0};
  }
  tokenizer::EncodeOptions options;
  if (prompt.kind == PromptKind::text) {
    options.add_special = !prompt.no_bos;
    options.parse_special = prompt.parse_special;
    return tokenizer_->encode(prompt.text, options, stop);
  }
  const std::vector<chat::Piece> pieces = chat_pieces(prompt.text, prompt.add_generation_prompt, stop);
  std::vector<tokenizer::Span> spans;
  for (const chat::Piece& piece : pieces) spans.push_back({piece.text, piece.trusted});
  // Exactly one BOS: where the tokenizer adds it, the one that a template writes itself is left out.
  const std::string_view bos = bos_text();
  if (tokenizer_->adds_bos() && !spans.empty() && spans[0].trusted && !bos.empty() && spans[0].text.starts_with(bos))
    spans[0].text.remove_prefix(bos.size());
  options.add_special = !prompt.no_bos;
  return tokenizer_->encode_spans(spans, options, stop);
}

std::string_view Engine::bos_text() const {
  return tokenizer_->bos_id() >= 0 ? tokenizer_->token_bytes(tokenizer_->bos_id()) : std::string_view();
}

std::vector<chat::Piece> Engine::chat_pieces(std::string_view messages_json, bool add_generation_prompt, runtime::StopSignal& stop) const {
  const int32_t eos = tokenizer_->eos_id();
  const std::string_view eos_text = eos >= 0 ? tokenizer_->token_bytes(eos) : std::string_view();
  return chat_template_->render(messages_json, add_generation_prompt, {bos_text(), eos_text}, stop);
}

std::string Engine::chat_format(std::string_view messages_json, bool add_generation_prompt, runtime::StopSignal& stop) const {
  std::string text;
  for (const chat::Piece& piece : chat_pieces(messages_json, add_generation_prompt, stop)) text += piece.text;
  return text;
}

}  // namespace rustml::generation
