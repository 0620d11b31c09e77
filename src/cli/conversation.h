// The conversation of `chat`: turns that are kept as long as the context holds them. A turn is what the user says and the answer.
#pragma once
#include <string>

#include "cli/answer.h"
#include "cli/arguments.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "cli/messages.h"

namespace rustml::cli {

struct ChatArguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling{1024};
  std::string system;
  bool stats = false;
};

class Conversation {
 public:
  // `arguments`, `interrupt` and `loaded` outlive it. `interactive`: somebody may go on after an answer that was stopped.
  Conversation(const ChatArguments& arguments, Interrupt& interrupt, const Loaded& loaded, bool interactive);

  // Answers a user's turn; the status is the answer's. Throws Failure, and then nothing was said.
  int32_t turn(const std::string& line);
  // Takes the last turn back, says so on stderr, and brings back the turns that were dropped for it.
  void undo();
  void reset() { messages_.clear(); }

 private:
  struct Started {
    Generation generation;
    size_t first;             // the oldest turn in its prompt
    uint64_t dropped_tokens;  // by which the prompt is shorter than with all turns
  };
  Started start(const std::string& line, const rustml_generation_options& options);
  Generation try_start(const std::string& line, size_t first, const rustml_generation_options& options, uint64_t& n_tokens, bool must);
  void say_dropped(size_t n_turns, uint64_t n_tokens) const;
  void say_end(const Answer& answer, bool kept) const;

  const ChatArguments& a_;
  Interrupt& interrupt_;
  const Loaded& loaded_;
  bool interactive_;
  Session session_;
  uint64_t context_;  // tokens
  Messages messages_;
};

}  // namespace rustml::cli
