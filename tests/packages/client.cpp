// client MODEL.gguf: a program in C++ that has containers and exceptions of its own beside those of the library.
#include <rustml.h>

#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void require(int32_t status, int32_t wanted, rustml_error* error) {
  const std::string message = error ? rustml_error_message(error) : "";
  rustml_error_release(error);
  if (status != wanted) throw std::runtime_error("status " + std::to_string(status) + ": " + message);
}

int32_t collect(void* user_data, const rustml_event* event) {
  static_cast<std::vector<std::string>*>(user_data)->emplace_back(event->text, event->text_len);
  return 0;
}

void run(const std::string& path) {
  rustml_model* model = nullptr;
  rustml_session* session = nullptr;
  rustml_error* error = nullptr;
  const std::string absent = path + ".absent";
  int32_t status = rustml_model_open(absent.data(), absent.size(), nullptr, &model, nullptr, &error);
  require(status, RUSTML_NOT_FOUND, error);
  status = rustml_model_open(path.data(), path.size(), nullptr, &model, nullptr, &error);
  require(status, RUSTML_OK, error);
  status = rustml_session_create(model, nullptr, &session, nullptr, &error);
  require(status, RUSTML_OK, error);

  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = {"The capital of France is", RUSTML_NUL_TERMINATED};
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 16;
  std::vector<std::string> pieces;
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = collect;
  callback.user_data = &pieces;
  status = rustml_generate(session, &prompt, &options, &callback, nullptr, &error);
  require(status, RUSTML_OK, error);
  rustml_session_release(session);
  rustml_model_release(model);

  std::map<std::string, int> counts;
  for (const std::string& piece : pieces) ++counts[piece];
  if (counts.empty()) throw std::runtime_error("no events");
  for (const auto& [piece, count] : counts) std::cout << count << " x " << piece << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2 || rustml_abi_version() >> 16 != RUSTML_VERSION_MAJOR) throw std::invalid_argument("usage: client MODEL.gguf");
    run(argv[1]);
  } catch (const std::exception& problem) {
    std::cerr << "client: " << problem.what() << '\n';
    return 1;
  }
}
