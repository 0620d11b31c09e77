// snapshot MODEL.gguf save FILE "PROMPT": evaluates a prompt and saves the session.
// snapshot MODEL.gguf load FILE: goes on from it, in another process, without evaluating the prompt again.
// c++ -std=c++17 snapshot.cpp $(pkg-config --cflags --libs rustml) -o snapshot
#include <iostream>
#include <string>
#include <vector>

#include "rustml.hpp"

int main(int argc, char** argv) try {
  const std::string action = argc > 3 ? argv[2] : "";
  if (!(action == "save" && argc == 5) && !(action == "load" && argc == 4))
    throw std::runtime_error("usage: snapshot MODEL.gguf save FILE \"PROMPT\" | load FILE");
  const rustml::Model model = rustml::open(argv[1]);
  const rustml::Session session = rustml::session(model);
  const std::string_view file = argv[3];
  uint64_t n = 0;
  if (action == "save") {
    const std::string_view text = argv[4];
    std::vector<int32_t> ids(text.size() + 16);  // a token stands for at least one byte, save what is added around the text
    rustml::call(RUSTML_OK, rustml_model_encode, model.get(), text.data(), text.size(), RUSTML_ENCODE_ADD_SPECIAL, ids.data(), ids.size(),
                 &n, nullptr);
    rustml::call(RUSTML_OK, rustml_session_eval, session.get(), ids.data(), n, nullptr);
    rustml::call(RUSTML_OK, rustml_session_save, session.get(), file.data(), file.size(), nullptr);
    std::cout << "saved " << n << " tokens\n";
    return 0;
  }
  rustml_restore_info info{};
  info.struct_size = sizeof info;
  rustml::call(RUSTML_OK, rustml_session_load, session.get(), file.data(), file.size(), &info, nullptr);
  std::vector<int32_t> ids(info.n_tokens);
  rustml::call(RUSTML_OK, rustml_session_tokens, session.get(), ids.data(), ids.size(), &n);
  rustml_prompt prompt = rustml::prompt("", RUSTML_PROMPT_IDS);  // the whole context wanted: what the session holds is not evaluated again
  prompt.ids = ids.data();
  prompt.n_ids = ids.size();
  const rustml::Generation answer = rustml::start(session, prompt, rustml::options(32));
  rustml::for_each_event(answer, [](const rustml_event& event) { std::cout << rustml::text(event) << std::flush; });
  const rustml_result result = rustml::result(answer);
  std::cout << '\n';
  std::cerr << result.prefill_tokens_skipped << " of " << result.prompt_tokens << " prompt tokens were not evaluated again\n";
} catch (const std::exception& failure) {
  std::cerr << "snapshot: " << failure.what() << '\n';
  return 1;
}
