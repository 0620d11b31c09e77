// How many tokens a prompt has, the library says: in the result of a generation that has only been started, or in its refusal.
#include "cli/conversation.h"

#include <algorithm>
#include <iostream>

#include "cli/events.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

uint64_t context_of(const Session& session) {
  rustml_session_info info{};
  info.struct_size = sizeof info;
  call([&](rustml_error** error) { return rustml_session_get_info(session.get(), &info, error); });
  return info.capacity;
}

}  // namespace

Conversation::Conversation(const ChatArguments& arguments, Interrupt& interrupt, const Loaded& loaded, bool interactive)
    : a_(arguments),
      interrupt_(interrupt),
      loaded_(loaded),
      interactive_(interactive),
      session_(create_session(loaded.model.get(), arguments.session)),
      context_(context_of(session_)),
      messages_(arguments.system) {}

// Null if the context cannot hold that prompt, which is thrown if it must. `n_tokens`: of the prompt.
Generation Conversation::try_start(const std::string& line, size_t first, const rustml_generation_options& options, uint64_t& n_tokens,
                                   bool must) {
  rustml_prompt prompt = initial(rustml_prompt_init);
  const std::string text = messages_.prompt(loaded_.info, first, line, prompt);
  prompt.text = text_of(text);
  try {
    Generation generation = start_answer(session_.get(), prompt, options);
    n_tokens = result_of(generation).prompt_tokens;
    return generation;
  } catch (const Failure& failure) {
    n_tokens = refused_prompt_tokens(failure);
    if (n_tokens == 0 || must) throw;
    return nullptr;
  }
}

// With all turns, if that leaves room for an answer: a quarter of the context, or the longest answer that was asked for. Otherwise the
// oldest turns are dropped until half of the context is free: what stays is evaluated anew, and that should not happen at every turn.
Conversation::Started Conversation::start(const std::string& line, const rustml_generation_options& options) {
  const uint64_t quarter = context_ / 4, room = options.max_tokens == 0 ? quarter : std::min(options.max_tokens, quarter);
  uint64_t limit = context_ - room, with_all = 0;
  for (size_t first = messages_.first();; ++first) {
    const bool alone = first == messages_.n_turns();
    uint64_t n_tokens = 0;
    Generation generation = try_start(line, first, options, n_tokens, alone);
    if (first == messages_.first()) with_all = n_tokens;
    if (generation && (alone || n_tokens <= limit)) return {std::move(generation), first, with_all - n_tokens};
    limit = context_ / 2;
  }
}

int32_t Conversation::turn(const std::string& line) {
  std::vector<rustml_text> stops;
  rustml_generation_options options = generation_options(a_.sampling, stops);
  options.cancel = interrupt_.cancel();
  options.deadline_ns = deadline_after(a_.sampling.timeout_seconds);
  options.logprobs = a_.model.json && options.logprobs == 0 ? 1 : options.logprobs;
  interrupt_.arm();
  try {
    const Started started = start(line, options);
    if (started.first > messages_.first()) say_dropped(started.first - messages_.first(), started.dropped_tokens);
    const size_t columns = wrap_columns();
    WordWrap wrap(columns);
    const Answer answer = stream_answer(started.generation, options.seed, a_.model.json, loaded_.seconds, columns == 0 ? nullptr : &wrap);
    interrupt_.disarm();
    if (!a_.model.json) write_answer("\n");
    // One that was stopped before its first token is no answer.
    const bool kept = answer.status == RUSTML_OK || answer.result.generated_tokens > 0;
    if (kept) messages_.add(line, answer.text, started.first);
    say_end(answer, kept);
    if (a_.stats) print_statistics(answer.result, loaded_.seconds);
    return answer.status;
  } catch (const Failure&) {
    interrupt_.disarm();
    throw;
  }
}

void Conversation::say_dropped(size_t n_turns, uint64_t n_tokens) const {
  if (a_.model.json) write_answer(dropped_event(n_turns, n_tokens, context_) + "\n");
  if (a_.model.quiet) return;
  report("dropped the " + (n_turns == 1 ? "oldest turn" : std::to_string(n_turns) + " oldest turns") + " (" + std::to_string(n_tokens) +
         " tokens) to fit the context of " + std::to_string(context_));
}

void Conversation::say_end(const Answer& answer, bool kept) const {
  if (answer.status != RUSTML_OK) {
    const char* and_now =
        kept ? "; the turn is kept as far as it came, /undo takes it back" : " before the answer began; the message is forgotten";
    report(in_words({answer.status, answer.message}) + (interactive_ ? and_now : ""));
  } else if (answer.result.finish == RUSTML_FINISH_CONTEXT_FULL && !a_.model.quiet) {
    report("the answer ends here: the context of " + std::to_string(context_) + " tokens is full; the next turn drops the oldest ones");
  }
}

void Conversation::undo() {
  if (messages_.n_turns() == 0) {
    std::cerr << "there is no turn to take back\n";
  } else {
    std::cerr << "took back: " << messages_.undo() << "\n";
  }
}

}  // namespace rustml::cli
