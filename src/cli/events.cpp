// Keys are only added, never renamed or removed, within a major version.
#include "cli/events.h"

#include <cstdio>

#include "cli/load.h"
#include "cli/system.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

// Bytes of the well-formed character at the start of `text`, 0 if there is none (Unicode, table 3-7).
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t n = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  if (n == 0) return 0;
  // The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return n;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t n = character_length(text);
    const char c = text.front();
    if (n == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (n == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += text.substr(0, n);
    }
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return out + '"';
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
  text_ += text_.empty() ? "{" : ",";
  text_ += json_string(key);
  text_ += ':';
  text_ += json;
  return *this;
}

std::string load_event(std::string_view path, const Loaded& loaded) {
  const rustml_model_info& info = loaded.info;
  return JsonObject()
      .text("type", "load")
      .text("model", path)
      .text("architecture", view_of(info.architecture))
      .text("name", view_of(info.name))
      .whole("parameters", info.n_parameters)
      .whole("vocab_size", info.vocab_size)
      .whole("context_length", info.context_length)
      .whole("weight_bytes", info.weight_bytes)
      .whole("threads", static_cast<uint64_t>(info.n_threads))
      .text("simd_target", view_of(info.simd_target))
      .real("seconds", loaded.seconds)
      .str();
}

std::string token_event(const rustml_event& event) {
  JsonObject object;
  object.text("type", "token").raw("id", std::to_string(event.token_id)).text("text", {event.text, event.text_len});
  object.real("logprob", event.logprob).whole("position", event.position);
  std::string top;
  for (uint32_t i = 0; i < event.n_top; ++i) {
    top += (i == 0 ? "" : ",") + JsonObject().raw("id", std::to_string(event.top[i].id)).real("logprob", event.top[i].logprob).str();
  }
  return object.raw("top", "[" + top + "]").str();
}

std::string done_event(const rustml_result& result, std::string_view text, int32_t stop_id, uint64_t seed, double load_seconds) {
  JsonObject object;
  object.text("type", "done").text("finish_reason", finish_name(result.finish)).text("text", text);
  object.raw("stop_id", stop_id < 0 ? "null" : std::to_string(stop_id)).whole("seed", seed);
  object.raw("usage", JsonObject()
                          .whole("prompt_tokens", result.prompt_tokens)
                          .whole("prompt_tokens_reused", result.prefill_tokens_skipped)
                          .whole("generated_tokens", result.generated_tokens)
                          .whole("session_tokens", result.tokens_committed)
                          .whole("dropped_bytes", result.dropped_bytes)
                          .whole("drafted_tokens", result.drafted_tokens)
                          .whole("accepted_tokens", result.accepted_tokens)
                          .str());
  object.raw("timings", JsonObject()
                            .real("load_seconds", load_seconds)
                            .real("first_token_seconds", result.first_token_seconds)
                            .real("prefill_seconds", result.prefill_seconds)
                            .real("decode_seconds", result.decode_seconds)
                            .str());
  object.raw("memory",
             JsonObject().whole("library_peak_bytes", result.peak_memory_bytes).whole("peak_rss_bytes", peak_resident_bytes()).str());
  return object.str();
}

std::string beam_event(const rustml_event& event) {
  std::string ids;
  for (uint64_t i = 0; i < event.n_ids; ++i) ids += (i == 0 ? "" : ",") + std::to_string(event.ids[i]);
  return JsonObject()
      .text("type", "beam")
      .whole("rank", event.sequence)
      .real("score", event.score)
      .real("logprob", event.logprob)
      .text("text", {event.text, event.text_len})
      .raw("ids", "[" + ids + "]")
      .text("finish_reason", finish_name(event.finish))
      .raw("stop_id", event.token_id < 0 ? "null" : std::to_string(event.token_id))
      .str();
}

std::string result_event(uint64_t index, const BatchAnswer& answer) {
  return JsonObject()
      .text("type", "result")
      .whole("index", index)
      .text("text", answer.text)
      .text("finish_reason", finish_name(answer.finish))
      .raw("stop_id", answer.stop_id < 0 ? "null" : std::to_string(answer.stop_id))
      .whole("generated_tokens", answer.generated_tokens)
      .raw("error", answer.error.empty() ? "null" : json_string(answer.error))
      .str();
}

std::string error_event(const Failure& failure) {
  return JsonObject()
      .text("type", "error")
      .text("status", status_name(failure.status()))
      .text("message", failure.what())
      .raw("detail", failure.detail_json())
      .str();
}

}  // namespace rustml::cli
