// rustml-infer chat: a conversation. On a terminal a prompt is shown, Ctrl-C stops one answer, and lines that begin with a slash are
// commands to the program; otherwise every line of standard input is a turn, and Ctrl-C or a timeout ends the program.
#include <iostream>

#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/events.h"
#include "cli/exit_code.h"
#include "cli/system.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

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
    conversation.reset();
  } else if (command == "/undo") {
    conversation.undo();
  } else if (command == "/help") {
    std::cerr << kChatCommands;
  } else {
    std::cerr << "unknown command " << command << "; /help lists them\n";
  }
  return Typed::handled;
}

int chat(const ChatArguments& a) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log, a.model.trace);
  const Loaded loaded = load_model(a.model, interrupt, 0);
  interrupt.disarm();
  if (a.model.json) write_answer(load_event(loaded.path, loaded) + "\n");
  const bool interactive = stdin_is_terminal();
  Conversation conversation(a, interrupt, loaded, interactive);
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
      const bool too_long = failure.status() == RUSTML_OUT_OF_RANGE;
      report("error: " + in_words(failure) + "; the message is forgotten" + (too_long ? ", it does not fit even alone" : ""));
    }
  }
  if (interactive) std::cerr << "\n";
  return kExitAnswer;
}

}  // namespace

Command make_chat(Options& options) {
  const auto a = std::make_shared<ChatArguments>();
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
