// rustml-infer chat: a conversation. On a terminal a prompt is shown and Ctrl-C stops one answer; otherwise every line
// of standard input is a turn, and Ctrl-C or a timeout ends the program.
#include <iostream>

#include "cli/answer.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/events.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/messages.h"
#include "cli/system.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling{1024};
  std::string system;
};

class Conversation {
 public:
  Conversation(const Arguments& arguments, Interrupt& interrupt, const Loaded& loaded)
      : a_(arguments),
        interrupt_(interrupt),
        loaded_(loaded),
        session_(create_session(loaded.model.get(), arguments.session)),
        messages_(arguments.system) {}

  void forget() { messages_.clear(); }

  // Answers a user's turn; the status is the answer's.
  int32_t turn(const std::string& line) {
    messages_.add("user", line);
    std::vector<rustml_text> stops;
    rustml_generation_options options = generation_options(a_.sampling, stops);
    options.cancel = interrupt_.cancel();
    options.deadline_ns = deadline_of(a_.sampling);
    options.logprobs = a_.model.json && options.logprobs == 0 ? 1 : options.logprobs;
    rustml_prompt prompt;
    rustml_prompt_init(&prompt, sizeof prompt);
    const std::string text = messages_.prompt(loaded_.info, prompt);
    prompt.text = text_of(text);
    interrupt_.arm();
    try {
      const Answer answer = stream_answer(session_.get(), prompt, options, a_.model.json, loaded_.seconds);
      interrupt_.disarm();
      if (!a_.model.json) write_answer("\n");
      if (answer.status != RUSTML_OK) report(in_words(answer.status, answer.message));
      if (!a_.model.quiet) print_statistics(answer.result, loaded_.seconds);
      messages_.add("assistant", answer.text);
      return answer.status;
    } catch (const Failure&) {
      interrupt_.disarm();
      messages_.drop_last();
      throw;
    }
  }

 private:
  const Arguments& a_;
  Interrupt& interrupt_;
  const Loaded& loaded_;
  Session session_;
  Messages messages_;
};

int chat(const Arguments& a) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log, a.model.trace);
  const Loaded loaded = load_model(a.model, interrupt, 0);
  interrupt.disarm();
  if (a.model.json) write_answer(load_event(loaded.path, loaded) + "\n");
  Conversation conversation(a, interrupt, loaded);
  const bool interactive = stdin_is_terminal();
  if (interactive && !a.model.quiet) std::cerr << "Ctrl-C stops an answer, /reset forgets, Ctrl-D or /exit ends.\n";
  for (std::string line;;) {
    if (interactive) std::cerr << "> " << std::flush;
    if (!read_line(line)) break;
    if (interactive && line == "/exit") break;
    if (interactive && line == "/reset") {
      conversation.forget();
      continue;
    }
    if (line.empty()) continue;
    try {
      const int32_t status = conversation.turn(line);
      if (status != RUSTML_OK && !interactive) return exit_code(status);
    } catch (const Failure& failure) {
      if (!interactive) throw;
      report(std::string("error: ") + failure.what());
    }
  }
  if (interactive) std::cerr << "\n";
  return kExitAnswer;
}

}  // namespace

Command make_chat(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_model_options(options, a->model);
  options.text("--system", "system message", "TEXT", [a](const std::string& text) { a->system = text; });
  add_session_options(options, a->session);
  add_sampling_options(options, a->sampling);
  return [a] {
    if (a->sampling.logprobs > 0 && !a->model.json) throw Failure(RUSTML_INVALID_ARGUMENT, "--logprobs: needs --json, which prints them");
    return chat(*a);
  };
}

}  // namespace rustml::cli
