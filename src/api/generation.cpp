#include "api/callbacks.h"
#include "api/events.h"
#include "api/guard.h"
#include "api/options.h"

using namespace rustml::api;
namespace generation = rustml::generation;

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
    const OutStruct result(event);
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

int32_t rustml_generation_result(rustml_generation* handle, rustml_result* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutStruct result(out);
    result.write(filled<rustml_result>(scope.generation_to_look_at(handle).generation().result()));
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
  return guard(error, given_callback, [&](Scope& scope) {
    const OutStruct result(out, true);
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
        state.publish();
        if (!callback) continue;
        const int32_t value = callback(to_event(next, top));
        if (value == 0) continue;
        running_generation->stopped_by_callback(value);
        throw rustml::base::Error(Status::callback_stop, "generation stopped: the callback returned " + std::to_string(value), {}, value);
      }
    });
    result.write(filled<rustml_result>(running_generation->result()));
    if (failure) std::rethrow_exception(failure);
  });
}
