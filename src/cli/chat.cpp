// rustml-infer chat: a conversation. On a terminal a prompt is shown, Ctrl-C stops one answer, and lines that begin with a slash are
// commands to the program; otherwise every line of standard input is a turn, and Ctrl-C or a timeout ends the program.
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
  bool stats = false;
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
    options.deadline_ns = deadline_after(a_.sampling.timeout_seconds);
    options.logprobs = a_.model.json && options.logprobs == 0 ? 1 : options.logprobs;
    rustml_prompt prompt = initial(rustml_prompt_init);
    const std::string text = messages_.prompt(loaded_.info, prompt);
    prompt.text = text_of(text);
    interrupt_.arm();
    try {
      const size_t columns = wrap_columns();
      WordWrap wrap(columns);
      const Answer answer = stream_answer(session_.get(), prompt, options, a_.model.json, loaded_.seconds, columns == 0 ? nullptr : &wrap);
      interrupt_.disarm();
      if (!a_.model.json) write_answer("\n");
      if (answer.status != RUSTML_OK) report(in_words({answer.status, answer.message}));
      if (a_.stats) print_statistics(answer.result, loaded_.seconds);
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

constexpr const char* kHelp =
    "/help   prints these commands\n"
    "/reset  forgets the conversation\n"
    "/exit   ends the program, as Ctrl-D does\n"
    "//TEXT  sends /TEXT to the model: a line that begins with a slash\n";

enum class Typed { message, handled, exit };

// What a line typed at the prompt is. Commands never reach the model.
Typed obey(std::string& line, Conversation& conversation) {
  if (line.empty()) return Typed::handled;
  if (line[0] != '/') return Typed::message;
  if (line.starts_with("//")) {
    line.erase(0, 1);
    return Typed::message;
  }
  const size_t end = line.find_first_of(" \t");
  const std::string command = line.substr(0, end);
  if (line.find_first_not_of(" \t", end) != line.npos) {
    std::cerr << command << ": nothing may follow a command; // sends a line that begins with a slash\n";
  } else if (command == "/exit") {
    return Typed::exit;
  } else if (command == "/reset") {
    conversation.forget();
  } else if (command == "/help") {
    std::cerr << kHelp;
  } else {
    std::cerr << "unknown command " << command << "; /help lists them\n";
  }
  return Typed::handled;
}

int chat(const Arguments& a) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log, a.model.trace);
  const Loaded loaded = load_model(a.model, interrupt, 0);
  interrupt.disarm();
  if (a.model.json) write_answer(load_event(loaded.path, loaded) + "\n");
  Conversation conversation(a, interrupt, loaded);
  const bool interactive = stdin_is_terminal();
  if (interactive && !a.model.quiet) std::cerr << "Ctrl-C stops an answer, Ctrl-D ends; /help lists the commands.\n";
  for (std::string line;;) {
    if (interactive) std::cerr << "> " << std::flush;
    if (!read_line(line)) break;
    const Typed typed = interactive ? obey(line, conversation) : line.empty() ? Typed::handled : Typed::message;
    if (typed == Typed::exit) break;
    if (typed == Typed::handled) continue;
    try {
      const int32_t status = conversation.turn(line);
      if (status != RUSTML_OK && !interactive) return exit_code(status);
    } catch (const Failure& failure) {
      if (!interactive) throw;
      report("error: " + in_words(failure));
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
  options.flag("--stats", "print counts, seconds and rates after each answer", a->stats);
  add_session_options(options, a->session);
  add_sampling_options(options, a->sampling);
  return [a] {
    if (a->sampling.options.logprobs > 0 && !a->model.json)
      throw Failure(RUSTML_INVALID_ARGUMENT, "--logprobs: needs --json, which prints them");
    return chat(*a);
  };
}

}  // namespace rustml::cli
