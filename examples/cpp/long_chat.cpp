// long_chat MODEL.gguf CONTEXT: a conversation that goes on when the context is full, since the oldest turns are dropped.
// One line of standard input each; /undo takes the last turn back. c++ -std=c++17 long_chat.cpp $(pkg-config --cflags --libs rustml) -o
// long_chat
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

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

class LongChat {
 public:
  LongChat(const rustml::Model& model, uint64_t context) : session_(rustml::session(model, context)), context_(context) {}

  // Prints the answer. False: the question does not fit the context even alone, and nothing has changed.
  bool ask(const std::string& text) {
    const std::string question = message("user", text);
    // Half of the context is free after a drop, because what stays is evaluated again behind the system message.
    uint64_t most = context_ - context_ / 4;
    for (size_t first = oldest_;; ++first) {
      const std::string prompt = messages(first, question);
      const rustml::Generation answer = rustml::try_start(session_, rustml::prompt(prompt, RUSTML_PROMPT_MESSAGES), rustml::options(64));
      const bool alone = first == turns_.size();
      if (answer && (alone || rustml::result(answer).prompt_tokens <= most)) {
        if (first > oldest_) std::cout << "(dropped " << first - oldest_ << " turns)\n";
        oldest_ = first;
        turns_.push_back(question + "," + message("assistant", print(answer)));
        return true;
      }
      if (alone) return false;
      most = context_ / 2;
    }
  }

  // The next prompt parts from the session's tokens where the turn began, and the session goes back to there.
  void undo() {
    if (turns_.size() > oldest_) turns_.pop_back();
  }

 private:
  std::string messages(size_t first, const std::string& question) const {
    std::string json = "[" + message("system", "Answer briefly.");
    for (size_t i = first; i < turns_.size(); ++i) json += "," + turns_[i];
    return json + "," + question + "]";
  }

  static std::string print(const rustml::Generation& answer) {
    std::string said;
    rustml::for_each_event(answer, [&](const rustml_event& event) {
      said += rustml::text(event);
      std::cout << rustml::text(event) << std::flush;
    });
    const rustml_result result = rustml::result(answer);
    std::cout << "\n(" << result.prefill_tokens_skipped << " of " << result.prompt_tokens << " prompt tokens were known)\n";
    if (result.finish == RUSTML_FINISH_CONTEXT_FULL) std::cout << "(the context is full, so the answer ends here)\n";
    return said;
  }

  rustml::Session session_;
  uint64_t context_;
  std::vector<std::string> turns_;  // JSON: the user's message and the answer
  size_t oldest_ = 0;               // of those that the model sees
};

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: long_chat MODEL.gguf CONTEXT");
  const rustml::Model model = rustml::open(argv[1]);
  LongChat chat(model, std::stoull(argv[2]));
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "/undo") {
      chat.undo();
    } else if (!chat.ask(line)) {
      std::cerr << "long_chat: this message does not fit the context; the conversation goes on without it\n";
    }
  }
} catch (const std::exception& failure) {
  std::cerr << "long_chat: " << failure.what() << '\n';
  return 1;
}
