// What the api room sees of the engine: Engine (model), Session, Generation. Locking and handles are the api's business:
// Engine's const members may run concurrently, a Session or Generation is used by one thread at a time.
#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file_reader.h"
#include "formats/model_file.h"
#include "kernels/kernels.h"
#include "runtime/deadline.h"
#include "tokenizer/tokenizer.h"

namespace rustml::generation {

struct ModelOptions {
  int32_t n_threads = 0;
  bool warmup = true;
  bool check_tensors = false;
  uint64_t memory_limit_bytes = 0;
  std::string simd_target;
  enum class Quantize : int32_t { automatic, keep, q8_0, q4_0 } quantize = Quantize::automatic;  // automatic: SafeTensors to Q8_0
  uint32_t quantize_min_dim = 512;
};

struct SessionOptions {
  kernels::KvType kv_type = kernels::KvType::f16;
  uint64_t context_tokens = 0;
  uint64_t memory_limit_bytes = 0;
  uint32_t prefill_chunk = 0;
};

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
  virtual ~Engine() = default;
  // From what formats::open or formats::open_path give. Throws on failure; nothing is left behind.
  static std::shared_ptr<Engine> open(formats::ModelFile file, const ModelOptions& options, runtime::Call& call);
  static MemoryPlan plan(const formats::ModelFile& file, const ModelOptions& model, const SessionOptions& session);
  virtual ModelInfo info() const = 0;
  virtual std::string describe_json() const = 0;
  virtual const tokenizer::Tokenizer& tokenizer() const = 0;
  // Formatted chat text (all pieces joined).
  virtual std::string chat_format(std::string_view messages_json, bool add_generation_prompt) const = 0;
};

struct SessionInfo {
  bool poisoned, generation_open;
  uint64_t position, capacity, rewind_floor, kv_bytes_reserved, kv_bytes_used;
  kernels::KvType kv_type;
};

struct SnapshotInfo {
  uint32_t format_version;
  uint64_t total_bytes, n_tokens, model_fingerprint_low, model_fingerprint_high;
  kernels::KvType kv_type;
  bool generation_open;
};

struct RestoreInfo {
  bool generation_open;
  uint64_t n_tokens, tokens_reusable, rewind_floor;
};

enum class PromptKind : int32_t { text, ids, messages };
struct Prompt {
  PromptKind kind = PromptKind::text;
  std::string text;
  std::vector<int32_t> ids;
  bool parse_special = false, no_bos = false, add_generation_prompt = true;
};

struct LogitBias {
  int32_t id;
  float bias;
};
struct TokenLogprob {
  int32_t id;
  float logprob;
};

struct SamplingOptions {  // fields and ranges as in rustml_generation_options
  uint64_t seed = 0;
  float temperature = 0, top_p = 1, min_p = 0, typical_p = 1, repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  int32_t top_k = 0;
  uint32_t repetition_window = 0, logprobs = 0;
  std::vector<LogitBias> logit_bias;
};

struct GenerationOptions {
  SamplingOptions sampling;
  uint64_t max_tokens = 0;
  std::vector<std::string> stop_strings;
  std::vector<int32_t> stop_ids;
  bool ignore_eos = false, rollback = false, prefill_events = false;
};

struct Limits {                                 // how a generation runs, not what it gives: a snapshot has none of these
  const runtime::CancelFlag* cancel = nullptr;  // outlives the generation
  uint64_t deadline_ns = 0, first_token_deadline_ns = 0, stall_timeout_ns = 0;
  uint32_t prompt_lookup = 0;  // longest draft; 0: off
};

enum class EventKind : int32_t { prefill = 1, token = 2, stopped = 3 };
enum class Finish : int32_t { none, stop_token, stop_string, length, context_full, cancelled, deadline, callback, closed, error };

struct Event {  // views: valid until the next call on the generation
  EventKind kind = EventKind::token;
  int32_t token_id = -1;
  uint64_t position = 0;
  float logprob = NAN;
  const TokenLogprob* top = nullptr;
  uint32_t n_top = 0;
  std::string_view bytes, text;
  uint64_t done = 0, total = 0;
  Finish finish = Finish::none;
};

struct Result {
  base::Status status = base::Status::ok;
  Finish finish = Finish::none;
  int32_t deadline = 0;  // RUSTML_DEADLINE_*
  uint32_t cancel_reason = 0;
  int32_t callback_value = 0;
  uint64_t prompt_tokens = 0, generated_tokens = 0, tokens_committed = 0, prefill_tokens_skipped = 0, dropped_bytes = 0;
  double first_token_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  uint64_t peak_memory_bytes = 0, stop_latency_ns = 0;
  uint32_t pieces_after_stop = 0;
  uint64_t drafted_tokens = 0, accepted_tokens = 0;  // of prompt lookup
};

class Generation;

class Session : public std::enable_shared_from_this<Session> {
 public:
  virtual ~Session() = default;
  static std::shared_ptr<Session> create(std::shared_ptr<Engine> engine, const SessionOptions& options, runtime::Call& call);
  virtual std::shared_ptr<Session> fork(runtime::Call& call) = 0;
  virtual SessionInfo info() const noexcept = 0;
  virtual const std::vector<int32_t>& tokens() const = 0;
  virtual void reset() = 0;
  virtual void rewind(uint64_t n_tokens) = 0;
  virtual void eval(const int32_t* ids, uint64_t n, runtime::Call& call) = 0;
  // [vocab_size]; valid until the session changes. failed_precondition when empty. Evaluates a pending token, stopped by `call` if there is
  // one.
  virtual const std::vector<float>& logits(runtime::Call* call = nullptr) = 0;

  virtual uint64_t snapshot_size() const = 0;
  using Write = std::function<void(const void* data, uint64_t n)>;  // throws to stop
  virtual void snapshot_write(const Write& write, runtime::Call& call) const = 0;
  virtual RestoreInfo restore(base::FileReader& source, runtime::Call& call) = 0;

  // One generation at a time is open on a session.
  virtual std::shared_ptr<Generation> start(const Prompt& prompt, const GenerationOptions& options, const Limits& limits) = 0;
  virtual std::shared_ptr<Generation> resume(const Limits& limits) = 0;
};

SnapshotInfo snapshot_probe(base::FileReader& source);

class Generation {
 public:
  virtual ~Generation() = default;  // closes it as stop() does
  // ok with an event; done after STOPPED; throws Error for cancelled, deadline and failures (and again on repeats).
  virtual base::Status next(Event& event) = 0;
  virtual void stop() noexcept = 0;                              // closes; finish `closed` if it still ran
  virtual void stopped_by_callback(int32_t value) noexcept = 0;  // closes; finish `callback`, status callback_stop
  virtual Result result() const = 0;
};

}  // namespace rustml::generation
