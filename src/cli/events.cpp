// Keys are only added, never renamed or removed, within a major version.
#include "cli/events.h"

#include <optional>
#include <span>

#include "base/json_writer.h"
#include "cli/load.h"
#include "cli/system.h"

namespace rustml::cli {
namespace {

using base::JsonArray;
using base::JsonObject;
using base::JsonText;

// The token that ended an answer; null if none did.
std::optional<int32_t> stop_token(int32_t id) { return id < 0 ? std::nullopt : std::optional(id); }

}  // namespace

std::string load_event(std::string_view path, const Loaded& loaded) {
  const rustml_model_info& info = loaded.info;
  return JsonObject()
      .add("type", "load")
      .add("model", path)
      .add("architecture", view_of(info.architecture))
      .add("name", view_of(info.name))
      .add("parameters", info.n_parameters)
      .add("vocab_size", info.vocab_size)
      .add("context_length", info.context_length)
      .add("weight_bytes", info.weight_bytes)
      .add("threads", info.n_threads)
      .add("simd_target", view_of(info.simd_target))
      .add("seconds", loaded.seconds)
      .str();
}

std::string token_event(const rustml_event& event) {
  const auto candidate = [](const rustml_token_logprob& top) { return JsonObject().add("id", top.id).add("logprob", top.logprob); };
  return JsonObject()
      .add("type", "token")
      .add("id", event.token_id)
      .add("text", std::string_view(event.text, event.text_len))
      .add("logprob", event.logprob)
      .add("position", event.position)
      .add("top", JsonArray(std::span(event.top, event.n_top), candidate))
      .str();
}

std::string done_event(const rustml_result& result, std::string_view text, int32_t stop_id, uint64_t seed, double load_seconds) {
  const JsonObject usage = JsonObject()
                               .add("prompt_tokens", result.prompt_tokens)
                               .add("prompt_tokens_reused", result.prefill_tokens_skipped)
                               .add("generated_tokens", result.generated_tokens)
                               .add("session_tokens", result.tokens_committed)
                               .add("dropped_bytes", result.dropped_bytes)
                               .add("drafted_tokens", result.drafted_tokens)
                               .add("accepted_tokens", result.accepted_tokens);
  const JsonObject timings = JsonObject()
                                 .add("load_seconds", load_seconds)
                                 .add("first_token_seconds", result.first_token_seconds)
                                 .add("prefill_seconds", result.prefill_seconds)
                                 .add("decode_seconds", result.decode_seconds);
  const JsonObject memory = JsonObject().add("library_peak_bytes", result.peak_memory_bytes).add("peak_rss_bytes", peak_resident_bytes());
  return JsonObject()
      .add("type", "done")
      .add("finish_reason", finish_name(result.finish))
      .add("text", text)
      .add("stop_id", stop_token(stop_id))
      .add("seed", seed)
      .add("usage", usage)
      .add("timings", timings)
      .add("memory", memory)
      .str();
}

std::string dropped_event(uint64_t n_turns, uint64_t n_tokens, uint64_t context) {
  return JsonObject().add("type", "dropped").add("turns", n_turns).add("tokens", n_tokens).add("context", context).str();
}

std::string beam_event(const rustml_event& event) {
  return JsonObject()
      .add("type", "beam")
      .add("rank", event.sequence)
      .add("score", event.score)
      .add("logprob", event.logprob)
      .add("text", std::string_view(event.text, event.text_len))
      .add("ids", JsonArray(std::span(event.ids, event.n_ids)))
      .add("finish_reason", finish_name(event.finish))
      .add("stop_id", stop_token(event.token_id))
      .str();
}

std::string result_event(uint64_t index, const BatchAnswer& answer) {
  return JsonObject()
      .add("type", "result")
      .add("index", index)
      .add("text", answer.text)
      .add("finish_reason", finish_name(answer.finish))
      .add("stop_id", stop_token(answer.stop_id))
      .add("generated_tokens", answer.generated_tokens)
      .add("error", answer.error.empty() ? std::nullopt : std::optional(answer.error))
      .str();
}

std::string error_event(const Failure& failure) {
  return JsonObject()
      .add("type", "error")
      .add("status", status_name(failure.status()))
      .add("message", failure.what())
      .add("detail", JsonText(failure.detail_json()))
      .str();
}

}  // namespace rustml::cli
