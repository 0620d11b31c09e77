#include "api/options.h"

namespace rustml::api {

namespace {

// Elements of an array field: NULL only with count 0.
template <class T>
std::span<const T> read_array(const T* items, uint64_t n, const char* name) {
  if (!items && n > 0) refuse_field(name, "NULL with count " + std::to_string(n), "an array, or NULL with count 0");
  if (n > kMaxBytes / sizeof(T)) refuse_field(name, std::to_string(n) + " long", "an array that fits in memory");
  return {items, n};
}

void require_one_of(int32_t first, int32_t last, int32_t value, const char* name, const char* allowed) {
  if (value < first || value > last) refuse_field(name, value, allowed);
}

// True: roll back.
bool read_on_stop(int32_t value, const char* name) {
  require_one_of(RUSTML_ON_STOP_KEEP, RUSTML_ON_STOP_ROLLBACK, value, name, "RUSTML_ON_STOP_KEEP (0) or RUSTML_ON_STOP_ROLLBACK (1)");
  return value == RUSTML_ON_STOP_ROLLBACK;
}

}  // namespace

generation::ModelOptions to_model_options(const rustml_model_options* given) {
  const rustml_model_options options = read_struct(given);
  require_flags(options.flags, 0, "rustml_model_options.flags");
  require_one_of(RUSTML_QUANTIZE_AUTO, RUSTML_QUANTIZE_Q4_0, options.quantize, "rustml_model_options.quantize",
                 "RUSTML_QUANTIZE_AUTO (0), RUSTML_QUANTIZE_KEEP (1), RUSTML_QUANTIZE_Q8_0 (2) or RUSTML_QUANTIZE_Q4_0 (3)");
  generation::ModelOptions out;
  out.n_threads = options.n_threads;
  out.quantize = static_cast<generation::ModelOptions::Quantize>(options.quantize);
  if (options.quantize_min_dim != 0) out.quantize_min_dim = options.quantize_min_dim;
  out.warmup = read_bool(options.warmup, "rustml_model_options.warmup");
  out.check_tensors = read_bool(options.check_tensors, "rustml_model_options.check_tensors");
  out.memory_limit_bytes = options.memory_limit_bytes;
  out.simd_target = read_text(options.simd_target, "rustml_model_options.simd_target");
  return out;
}

tensor::DType to_tensor_type(const rustml_quantize_options* given) {
  using tensor::DType;
  const rustml_quantize_options options = read_struct(given);
  require_flags(options.flags, 0, "rustml_quantize_options.flags");
  static constexpr DType kTypes[] = {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q5_1, DType::q5_0, DType::q4_1, DType::q4_0};
  require_one_of(RUSTML_TYPE_F32, RUSTML_TYPE_Q4_0, options.block_type, "rustml_quantize_options.block_type",
                 "one of RUSTML_TYPE_F32 (1) to RUSTML_TYPE_Q4_0 (8)");
  return kTypes[options.block_type - RUSTML_TYPE_F32];
}

generation::SessionOptions to_session_options(const rustml_session_options* given) {
  const rustml_session_options options = read_struct(given);
  generation::SessionOptions out;
  require_one_of(0, RUSTML_KV_Q8_0, options.kv_type, "rustml_session_options.kv_type",
                 "0, RUSTML_KV_F32 (1), RUSTML_KV_F16 (2) or RUSTML_KV_Q8_0 (3)");
  if (options.kv_type != 0) out.kv_type = static_cast<kernels::KvType>(options.kv_type);
  out.context_tokens = options.context_tokens;
  out.memory_limit_bytes = options.memory_limit_bytes;
  out.prefill_chunk = options.prefill_chunk;
  return out;
}

bool adds_generation_prompt(const rustml_chat_options* given) {
  return read_bool(read_struct(given).add_generation_prompt, "rustml_chat_options.add_generation_prompt");
}

generation::Prompt to_prompt(const rustml_prompt* given) {
  require_pointer(given, "prompt");
  const rustml_prompt prompt = read_struct(given);
  require_flags(prompt.flags, RUSTML_PROMPT_PARSE_SPECIAL | RUSTML_PROMPT_NO_BOS, "rustml_prompt.flags");
  generation::Prompt out;
  require_one_of(RUSTML_PROMPT_TEXT, RUSTML_PROMPT_MESSAGES, prompt.kind, "rustml_prompt.kind",
                 "RUSTML_PROMPT_TEXT (0), _IDS (1) or _MESSAGES (2)");
  out.kind = static_cast<generation::PromptKind>(prompt.kind);
  if (prompt.kind != RUSTML_PROMPT_TEXT && prompt.flags != 0)
    refuse_field("rustml_prompt.flags", prompt.flags, "0 unless kind is RUSTML_PROMPT_TEXT");
  if (prompt.kind == RUSTML_PROMPT_IDS) {
    const auto ids = read_ids(prompt.ids, prompt.n_ids, "rustml_prompt.ids");
    out.ids.assign(ids.begin(), ids.end());
  } else {
    out.text = read_text(prompt.text, "rustml_prompt.text");
  }
  if (prompt.kind == RUSTML_PROMPT_MESSAGES) out.add_generation_prompt = adds_generation_prompt(prompt.chat);
  out.parse_special = (prompt.flags & RUSTML_PROMPT_PARSE_SPECIAL) != 0;
  out.no_bos = (prompt.flags & RUSTML_PROMPT_NO_BOS) != 0;
  return out;
}

generation::GenerationOptions to_generation_options(const rustml_generation_options& options) {
  require_flags(options.flags, 0, "rustml_generation_options.flags");
  generation::GenerationOptions out;
  base::for_each_sampling_number([](const auto&, auto from, auto& to) { to = from; }, options, out.sampling);
  for (const rustml_logit_bias& bias : read_array(options.logit_bias, options.n_logit_bias, "rustml_generation_options.logit_bias"))
    out.sampling.logit_bias.push_back({bias.id, bias.bias});
  for (const rustml_text& text : read_array(options.stop_strings, options.n_stop_strings, "rustml_generation_options.stop_strings"))
    out.stop_strings.emplace_back(read_text(text, "rustml_generation_options.stop_strings"));
  const auto stop_ids = read_ids(options.stop_ids, options.n_stop_ids, "rustml_generation_options.stop_ids");
  out.stop_ids.assign(stop_ids.begin(), stop_ids.end());
  out.max_tokens = options.max_tokens;
  out.ignore_eos = read_bool(options.ignore_eos, "rustml_generation_options.ignore_eos");
  out.prefill_events = read_bool(options.prefill_events, "rustml_generation_options.prefill_events");
  out.rollback = read_on_stop(options.on_stop, "rustml_generation_options.on_stop");
  return out;
}

generation::BeamOptions to_beam_options(const rustml_beam_options& options) {
  require_flags(options.flags, 0, "rustml_beam_options.flags");
  generation::BeamOptions out;
  out.width = options.width;
  out.n_best = options.n_best;
  out.length_penalty = options.length_penalty;
  require_one_of(RUSTML_EARLY_STOPPING_HEURISTIC, RUSTML_EARLY_STOPPING_NEVER, options.early_stopping, "rustml_beam_options.early_stopping",
                 "RUSTML_EARLY_STOPPING_HEURISTIC (0), _FIRST (1) or _NEVER (2)");
  out.early_stopping = static_cast<generation::EarlyStopping>(options.early_stopping);
  out.max_tokens = options.max_tokens;
  const auto stop_ids = read_ids(options.stop_ids, options.n_stop_ids, "rustml_beam_options.stop_ids");
  out.stop_ids.assign(stop_ids.begin(), stop_ids.end());
  out.ignore_eos = read_bool(options.ignore_eos, "rustml_beam_options.ignore_eos");
  out.rollback = read_on_stop(options.on_stop, "rustml_beam_options.on_stop");
  return out;
}

}  // namespace rustml::api
