#include <cmath>

#include "api/arguments.h"
#include "api/callbacks.h"
#include "api/guard.h"
#include "api/options.h"
#include "api/structs.h"

using namespace rustml::api;
namespace generation = rustml::generation;

namespace {

static_assert(static_cast<int32_t>(generation::EventKind::prefill) == RUSTML_EVENT_PREFILL);
static_assert(static_cast<int32_t>(generation::EventKind::token) == RUSTML_EVENT_TOKEN);
static_assert(static_cast<int32_t>(generation::EventKind::stopped) == RUSTML_EVENT_STOPPED);
static_assert(static_cast<int32_t>(generation::Finish::stop_token) == RUSTML_FINISH_STOP_TOKEN);
static_assert(static_cast<int32_t>(generation::Finish::context_full) == RUSTML_FINISH_CONTEXT_FULL);
static_assert(static_cast<int32_t>(generation::Finish::error) == RUSTML_FINISH_ERROR);

// Views into `event` and `top` stay valid as long as those.
rustml_event to_event(const generation::Event& event, std::vector<rustml_token_logprob>& top) {
  rustml_event out = blank_event(static_cast<int32_t>(event.kind));
  top.clear();
  for (uint32_t i = 0; i < event.n_top; ++i) top.push_back({event.top[i].id, event.top[i].logprob});
  out.token_id = event.token_id;
  out.position = event.position;
  out.logprob = event.logprob;
  out.n_top = event.n_top;
  out.top = top.empty() ? nullptr : top.data();
  if (!event.bytes.empty()) out.bytes = event.bytes.data();
  out.bytes_len = event.bytes.size();
  if (!event.text.empty()) out.text = event.text.data();
  out.text_len = event.text.size();
  out.done = event.done;
  out.total = event.total;
  out.finish = static_cast<int32_t>(event.finish);
  return out;
}

rustml_result to_result(const generation::Result& result) {
  rustml_result out{};
  out.status = static_cast<int32_t>(result.status);
  out.finish = static_cast<int32_t>(result.finish);
  out.deadline = result.deadline;
  out.cancel_reason = result.cancel_reason;
  out.callback_value = result.callback_value;
  out.prompt_tokens = result.prompt_tokens;
  out.generated_tokens = result.generated_tokens;
  out.tokens_committed = result.tokens_committed;
  out.prefill_tokens_skipped = result.prefill_tokens_skipped;
  out.dropped_bytes = result.dropped_bytes;
  out.first_token_seconds = result.first_token_seconds;
  out.prefill_seconds = result.prefill_seconds;
  out.decode_seconds = result.decode_seconds;
  out.peak_memory_bytes = result.peak_memory_bytes;
  out.stop_latency_ns = result.stop_latency_ns;
  out.pieces_after_stop = result.pieces_after_stop;
  return out;
}

generation::Limits to_limits(const rustml_generation_options& options, const CancelUse& cancel) {
  return {cancel.flag(), options.deadline_ns, options.first_token_deadline_ns, options.stall_timeout_ns};
}

}  // namespace

int32_t rustml_generation_start(rustml_session* session, const rustml_prompt* given_prompt, const rustml_generation_options* given_options,
                                rustml_generation** out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    clear_out(out);
    SessionState& state = scope.session(session);
    const auto prompt = to_prompt(given_prompt);
    const rustml_generation_options options = read_struct(given_options);
    const auto settings = to_generation_options(options);
    auto object = std::make_unique<GenerationObject>(scope.locked(), CancelUse(options.cancel));
    const CancelUse::Running running(object->cancel);
    object->closing->generation = state.session->start(prompt, settings, to_limits(options, object->cancel));
    *out = hand_out(std::move(object));
  });
}

int32_t rustml_generation_resume(rustml_session* session, const rustml_generation_options* given_options, rustml_generation** out,
                                 rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    clear_out(out);
    SessionState& state = scope.session(session);
    const rustml_generation_options options = read_struct(given_options);
    to_generation_options(options);  // checked like any, then only the limits count
    auto object = std::make_unique<GenerationObject>(scope.locked(), CancelUse(options.cancel));
    const CancelUse::Running running(object->cancel);
    object->closing->generation = state.session->resume(to_limits(options, object->cancel));
    *out = hand_out(std::move(object));
  });
}

int32_t rustml_generation_next(rustml_generation* handle, rustml_event* event, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutStruct<rustml_event> result(event, "rustml_event");
    GenerationObject& object = scope.generation(handle);
    const CancelUse::Running running(object.cancel);
    generation::Event next;
    const Status status = object.generation().next(next);
    if (status == Status::ok) result.write(to_event(next, object.top));
    return status;
  });
}

int32_t rustml_generation_stop(rustml_generation* handle, rustml_error** error) {
  return guard(error, [&](Scope& scope) { scope.generation(handle).generation().stop(); });
}

int32_t rustml_generation_result(const rustml_generation* handle, rustml_result* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutStruct<rustml_result> result(out, "rustml_result");
    result.write(to_result(scope.generation_to_look_at(handle).generation().result()));
  });
}

rustml_generation* rustml_generation_retain(rustml_generation* handle) {
  return retain_handle(value_of(handle), Type::generation) ? handle : nullptr;
}

int32_t rustml_generation_release(rustml_generation* handle) {
  return guard(nullptr, [&](Scope&) { return handle ? release_handle(value_of(handle), Type::generation) : Status::ok; });
}

int32_t rustml_generate(rustml_session* session, const rustml_prompt* given_prompt, const rustml_generation_options* given_options,
                        const rustml_callback* given_callback, rustml_result* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    adopt(scope, given_callback);
    const OutStruct result(out, "rustml_result", true);
    SessionState& state = scope.session(session);
    const Callback callback(given_callback, "callback");
    const auto prompt = to_prompt(given_prompt);
    const rustml_generation_options options = read_struct(given_options);
    const auto settings = to_generation_options(options);
    const CancelUse cancel(options.cancel);
    const CancelUse::Running running(cancel);
    const auto running_generation = state.session->start(prompt, settings, to_limits(options, cancel));

    // The result is filled whatever the outcome.
    const std::exception_ptr failure = caught([&] {
      generation::Event next;
      std::vector<rustml_token_logprob> top;
      while (running_generation->next(next) == Status::ok) {
        if (!callback) continue;
        const int32_t value = callback(to_event(next, top));
        if (value == 0) continue;
        running_generation->stopped_by_callback(value);
        throw rustml::base::Error(Status::callback_stop, "generation stopped: the callback returned " + std::to_string(value), {}, value);
      }
    });
    result.write(to_result(running_generation->result()));
    if (failure) std::rethrow_exception(failure);
  });
}
