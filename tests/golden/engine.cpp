#include "engine.h"

#include <stdexcept>

#include "base/json.h"

namespace golden {
namespace {

// `error` by reference: it is set by the call that is another argument.
void check(int32_t status, rustml_error* const& error, const char* call) {
  if (status == RUSTML_OK) return;
  const std::string message =
      std::string(call) + ": " + std::to_string(status) + " " + (error != nullptr ? rustml_error_message(error) : "");
  rustml_error_release(error);
  throw std::runtime_error(message);
}

}  // namespace

Model::Model(const std::string& path, const Setup& setup) {
  rustml_model_options options;
  rustml_model_options_init(&options, sizeof options);
  options.n_threads = setup.n_threads;
  options.quantize = setup.quantize;
  if (setup.quantize_min_dim > 0) options.quantize_min_dim = setup.quantize_min_dim;
  options.simd_target = {setup.simd_target.data(), setup.simd_target.size()};
  rustml_model* model = nullptr;
  rustml_error* error = nullptr;
  check(rustml_model_open(path.data(), path.size(), &options, &model, nullptr, &error), error, "rustml_model_open");
  handle.reset(model, rustml_model_release);
}

std::vector<int32_t> Model::encode(const std::string& text, uint32_t flags) const {
  std::vector<int32_t> ids(text.size() + 8);
  uint64_t n = 0;
  rustml_error* error = nullptr;
  check(rustml_model_encode(handle.get(), text.data(), text.size(), flags, ids.data(), ids.size(), &n, nullptr, &error), error,
        "rustml_model_encode");
  ids.resize(n);
  return ids;
}

rustml_model_info Model::info() const {
  rustml_model_info info{};
  info.struct_size = sizeof info;
  rustml_error* error = nullptr;
  check(rustml_model_get_info(handle.get(), &info, &error), error, "rustml_model_get_info");
  return info;
}

Session::Session(const Model& model, const SessionSetup& setup) {
  rustml_session_options options;
  rustml_session_options_init(&options, sizeof options);
  options.kv_type = setup.kv_type;
  options.prefill_chunk = setup.prefill_chunk;
  options.context_tokens = setup.context_tokens;
  rustml_session* session = nullptr;
  rustml_error* error = nullptr;
  check(rustml_session_create(model.handle.get(), &options, &session, nullptr, &error), error, "rustml_session_create");
  handle.reset(session, rustml_session_release);
}

Session::Session(rustml_session* owned) : handle(owned, rustml_session_release) {}

void Session::eval(const int32_t* ids, uint64_t n) {
  rustml_error* error = nullptr;
  check(rustml_session_eval(handle.get(), ids, n, nullptr, &error), error, "rustml_session_eval");
}

void Session::rewind(uint64_t n_tokens) {
  rustml_error* error = nullptr;
  check(rustml_session_rewind(handle.get(), n_tokens, &error), error, "rustml_session_rewind");
}

int32_t Session::try_rewind(uint64_t n_tokens) { return rustml_session_rewind(handle.get(), n_tokens, nullptr); }

void Session::reset() {
  rustml_error* error = nullptr;
  check(rustml_session_reset(handle.get(), &error), error, "rustml_session_reset");
}

Session Session::fork() const {
  rustml_session* other = nullptr;
  rustml_error* error = nullptr;
  check(rustml_session_fork(handle.get(), &other, nullptr, &error), error, "rustml_session_fork");
  return Session(other);
}

rustml_session_info Session::info() const {
  rustml_session_info info{};
  info.struct_size = sizeof info;
  rustml_error* error = nullptr;
  check(rustml_session_get_info(handle.get(), &info, &error), error, "rustml_session_get_info");
  return info;
}

std::vector<uint8_t> Session::snapshot() const {
  uint64_t n = 0;
  rustml_error* error = nullptr;
  check(rustml_session_snapshot_size(handle.get(), &n, &error), error, "rustml_session_snapshot_size");
  std::vector<uint8_t> out(n);
  check(rustml_session_to_buffer(handle.get(), out.data(), n, &n, nullptr, &error), error, "rustml_session_to_buffer");
  return out;
}

void Session::restore(const std::vector<uint8_t>& snapshot) {
  rustml_error* error = nullptr;
  check(rustml_session_from_buffer(handle.get(), snapshot.data(), snapshot.size(), nullptr, nullptr, &error), error,
        "rustml_session_from_buffer");
}

int32_t Session::try_restore(const std::vector<uint8_t>& snapshot) {
  return rustml_session_from_buffer(handle.get(), snapshot.data(), snapshot.size(), nullptr, nullptr, nullptr);
}

std::vector<float> Session::logits() const {
  uint64_t n = 0;
  rustml_error* error = nullptr;
  const int32_t status = rustml_session_logits(handle.get(), nullptr, 0, &n, nullptr, &error);
  if (status != RUSTML_BUFFER_TOO_SMALL) check(status, error, "rustml_session_logits (size)");
  std::vector<float> out(n);
  check(rustml_session_logits(handle.get(), out.data(), n, &n, nullptr, &error), error, "rustml_session_logits");
  return out;
}

std::vector<std::vector<Choice>> Session::greedy(const std::vector<int32_t>& prompt_ids, uint64_t n, uint32_t n_top,
                                                 std::vector<int32_t>& chosen) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = prompt_ids.data();
  prompt.n_ids = prompt_ids.size();
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = n;
  options.logprobs = n_top;
  options.ignore_eos = 1;
  rustml_generation* generation = nullptr;
  rustml_error* error = nullptr;
  check(rustml_generation_start(handle.get(), &prompt, &options, &generation, &error), error, "rustml_generation_start");
  const std::shared_ptr<rustml_generation> owner(generation, rustml_generation_release);
  std::vector<std::vector<Choice>> steps;
  for (;;) {
    rustml_event event{};
    event.struct_size = sizeof event;
    check(rustml_generation_next(generation, &event, &error), error, "rustml_generation_next");
    if (event.kind == RUSTML_EVENT_STOPPED) return steps;
    if (event.kind != RUSTML_EVENT_TOKEN) continue;
    chosen.push_back(event.token_id);
    std::vector<Choice>& step = steps.emplace_back();
    for (uint32_t i = 0; i < event.n_top; ++i) step.push_back({event.top[i].id, event.top[i].logprob});
  }
}

std::vector<std::string> simd_targets() {
  const rustml::base::Json build = rustml::base::parse_json(rustml_build_json(), "rustml_build_json");
  std::vector<std::string> names;
  if (const auto* targets = build.find("simd_targets")) {
    for (const auto& target : targets->items) names.push_back(target.string);
  }
  if (names.empty()) throw std::runtime_error("rustml_build_json names no simd_targets");
  return names;
}

}  // namespace golden
