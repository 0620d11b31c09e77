// chat MODEL.gguf: a conversation, one line of standard input each; what was said before is not evaluated again.
// c++ -std=c++17 chat.cpp $(pkg-config --cflags --libs rustml) -o chat
#include <cstdio>
#include <iostream>
#include <string>

#include "rustml.hpp"

static std::string message(const char* role, std::string_view content) {
  std::string json = std::string("{\"role\":\"") + role + "\",\"content\":\"";
  for (const char c : content) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
    const bool plain = c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20;
    plain ? json += c : json += escape;
  }
  return json + "\"}";
}

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: chat MODEL.gguf");
  const rustml::Model model = rustml::open(argv[1]);
  const rustml::Session session = rustml::session(model);
  std::string messages = message("system", "Answer briefly.");
  for (std::string line; std::getline(std::cin, line);) {
    messages += "," + message("user", line);
    const std::string whole = "[" + messages + "]";  // always the whole conversation
    const rustml::Generation answer = rustml::start(session, rustml::prompt(whole, RUSTML_PROMPT_MESSAGES), rustml::options(64));
    std::string said;
    rustml::for_each_event(answer, [&](const rustml_event& event) {
      said += rustml::text(event);
      std::cout << rustml::text(event) << std::flush;
    });
    messages += "," + message("assistant", said);
    const rustml_result result = rustml::result(answer);
    std::cout << "\n(" << result.prefill_tokens_skipped << " of " << result.prompt_tokens << " prompt tokens were known)\n";
  }
} catch (const std::exception& failure) {
  std::cerr << "chat: " << failure.what() << '\n';
  return 1;
}
