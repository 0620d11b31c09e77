// hello MODEL.gguf: the shortest program; the others share rustml.hpp.
// c++ -std=c++17 hello.cpp $(pkg-config --cflags --libs rustml) -o hello
#include <rustml.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string_view>

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* handle) const {
    release(handle);
  }
};

void check(int32_t status, rustml_error*& error) {
  std::unique_ptr<rustml_error, Releaser<rustml_error_release>> owned(error);
  if (status != RUSTML_OK) throw std::runtime_error(rustml_error_message(error));
}

int main(int argc, char** argv) try {
  rustml_error* error = nullptr;
  rustml_model* opened = nullptr;
  check(rustml_model_open(argc > 1 ? argv[1] : "model.gguf", RUSTML_NUL_TERMINATED, nullptr, &opened, nullptr, &error), error);
  std::unique_ptr<rustml_model, Releaser<rustml_model_release>> model(opened);
  rustml_session* created = nullptr;
  check(rustml_session_create(model.get(), nullptr, &created, nullptr, &error), error);
  std::unique_ptr<rustml_session, Releaser<rustml_session_release>> session(created);

  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = {"The capital of France is", RUSTML_NUL_TERMINATED};
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 16;
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = [](void*, const rustml_event* event) -> int32_t {
    std::cout << std::string_view(event->text, event->text_len) << std::flush;
    return std::cout ? 0 : 1;  // anything but 0 stops the answer
  };
  check(rustml_generate(session.get(), &prompt, &options, &callback, nullptr, &error), error);
  std::cout << '\n';
} catch (const std::exception& failure) {
  std::cerr << "hello: " << failure.what() << '\n';
  return 1;
}
