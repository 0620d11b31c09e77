// What the examples need to use the C API as C++: handles that release themselves, errors as exceptions. Copy it, or write your own.
#pragma once
#include <rustml.h>

#include <memory>
#include <stdexcept>
#include <string_view>

namespace rustml {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* handle) const {
    release(handle);
  }
};
using Model = std::unique_ptr<rustml_model, Releaser<rustml_model_release>>;
using Session = std::unique_ptr<rustml_session, Releaser<rustml_session_release>>;
using Generation = std::unique_ptr<rustml_generation, Releaser<rustml_generation_release>>;
using Cancel = std::unique_ptr<rustml_cancel, Releaser<rustml_cancel_release>>;

// Calls `function(arguments..., &error)`; any failure but `expected` is thrown. Returns the status.
template <class Function, class... Arguments>
int32_t call(int32_t expected, Function function, Arguments... arguments) {
  rustml_error* error = nullptr;
  const int32_t status = function(arguments..., &error);
  const std::unique_ptr<rustml_error, Releaser<rustml_error_release>> owned(error);
  if (status != RUSTML_OK && status != expected) throw std::runtime_error(rustml_error_message(error));
  return status;
}

inline rustml_text text(std::string_view of) { return {of.data(), of.size()}; }
inline std::string_view text(const rustml_event& event) { return {event.text, event.text_len}; }

inline Model open(std::string_view path) {
  rustml_model* model = nullptr;
  call(RUSTML_OK, rustml_model_open, path.data(), path.size(), nullptr, &model, nullptr);
  return Model(model);
}

// context_tokens 0: the smaller of the model's and 8192.
inline Session session(const Model& model, uint64_t context_tokens = 0) {
  rustml_session* session = nullptr;
  rustml_session_options options;
  rustml_session_options_init(&options, sizeof options);
  options.context_tokens = context_tokens;
  call(RUSTML_OK, rustml_session_create, model.get(), &options, &session, nullptr);
  return Session(session);
}

inline Cancel cancel() {
  rustml_cancel* cancel = nullptr;
  call(RUSTML_OK, rustml_cancel_create, &cancel);
  return Cancel(cancel);
}

inline Generation start(const Session& session, const rustml_prompt& prompt, const rustml_generation_options& options) {
  rustml_generation* generation = nullptr;
  call(RUSTML_OK, rustml_generation_start, session.get(), &prompt, &options, &generation);
  return Generation(generation);
}

// Null if the context cannot hold the prompt.
inline Generation try_start(const Session& session, const rustml_prompt& prompt, const rustml_generation_options& options) {
  rustml_generation* generation = nullptr;
  call(RUSTML_OUT_OF_RANGE, rustml_generation_start, session.get(), &prompt, &options, &generation);
  return Generation(generation);
}

// Calls `on_event` for each event up to the end. Returns RUSTML_OK, or `expected` if that is how it ended.
template <class OnEvent>
int32_t for_each_event(const Generation& generation, OnEvent on_event, int32_t expected = RUSTML_OK) {
  for (;;) {
    rustml_event event{};
    event.struct_size = sizeof event;
    rustml_error* error = nullptr;
    const int32_t status = rustml_generation_next(generation.get(), &event, &error);
    if (status == RUSTML_DONE) return RUSTML_OK;
    const std::unique_ptr<rustml_error, Releaser<rustml_error_release>> owned(error);
    if (status == expected && status != RUSTML_OK) return status;
    if (status != RUSTML_OK) throw std::runtime_error(rustml_error_message(error));
    on_event(event);
  }
}

inline rustml_result result(const Generation& generation) {
  rustml_result result{};
  result.struct_size = sizeof result;
  call(RUSTML_OK, rustml_generation_result, generation.get(), &result);
  return result;
}

inline rustml_generation_options options(uint64_t max_tokens) {
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = max_tokens;
  return options;
}

inline rustml_prompt prompt(std::string_view text, int32_t kind = RUSTML_PROMPT_TEXT) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = kind;
  prompt.text = rustml::text(text);
  return prompt;
}

}  // namespace rustml
