// rustml-infer [run]: one prompt, one answer.
#include <optional>

#include "cli/answer.h"
#include "cli/arguments.h"
#include "cli/beams.h"
#include "cli/commands.h"
#include "cli/events.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/messages.h"
#include "cli/prompts_file.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling{256};
  BeamArguments beams;
  std::optional<std::string> prompt, prompts_file, system;
  std::optional<std::vector<int32_t>> prompt_ids;
  bool parse_special = false, chat = false;
};

// `text` becomes what the prompt points at.
rustml_prompt make_prompt(const Arguments& a, const rustml_model_info& info, Messages& messages, std::string& text) {
  rustml_prompt prompt = initial(rustml_prompt_init);
  if (a.chat) text = messages.prompt(info, 0, text, prompt);
  prompt.text = text_of(text);
  if (a.parse_special) prompt.flags |= RUSTML_PROMPT_PARSE_SPECIAL;
  return prompt;
}

void check(const Arguments& a) {
  const int given = (a.prompt ? 1 : 0) + (a.prompt_ids ? 1 : 0) + (a.prompts_file ? 1 : 0);
  if (given == 0) {
    throw Failure(RUSTML_INVALID_ARGUMENT,
                  "--prompt: missing; give --prompt TEXT, --prompt - for standard input, --prompt-ids \"1 2 3\" or --prompts-file FILE");
  }
  if (given > 1) throw Failure(RUSTML_INVALID_ARGUMENT, "--prompt and --prompt-ids, --prompts-file: give one of them");
  if (a.prompts_file && (a.beams.width != 0 || a.sampling.options.logprobs != 0))
    throw Failure(RUSTML_INVALID_ARGUMENT, "--prompts-file: takes neither --beams nor --logprobs; leave them out");
  check_beams(a.beams, a.sampling, a.model.json);
  if (a.chat && (a.prompt_ids || a.parse_special)) {
    throw Failure(RUSTML_INVALID_ARGUMENT, "--chat: takes --prompt or --prompts-file alone; leave --prompt-ids and --parse-special out");
  }
  if (a.system && !a.chat) throw Failure(RUSTML_INVALID_ARGUMENT, "--system: needs --chat, or the chat command");
  if (a.sampling.options.logprobs > 0 && !a.model.json)
    throw Failure(RUSTML_INVALID_ARGUMENT, "--logprobs: needs --json, which prints them");
}

int run(const Arguments& a) {
  check(a);
  const std::vector<std::string> lines = a.prompts_file ? read_prompts(*a.prompts_file) : std::vector<std::string>();
  Interrupt interrupt;
  interrupt.arm();
  const uint64_t deadline = deadline_after(a.sampling.timeout_seconds);
  start_log(a.model.log, a.model.trace);
  std::vector<rustml_text> stops;
  rustml_generation_options options = generation_options(a.sampling, stops);
  options.cancel = interrupt.cancel();
  options.deadline_ns = deadline;
  if (a.model.json && options.logprobs == 0 && !a.prompts_file) options.logprobs = 1;

  const Loaded loaded = load_model(a.model, interrupt, deadline);
  if (a.model.json) write_answer(load_event(loaded.path, loaded) + "\n");
  Messages messages(a.system.value_or(""));
  if (a.prompts_file) {
    const auto prompt = [&](const std::string& line, std::string& text) {
      text = line;
      return make_prompt(a, loaded.info, messages, text);
    };
    return exit_code(answer_prompts(loaded.model.get(), a.session, lines, prompt, options, a.model.quiet));
  }
  const Session session = create_session(loaded.model.get(), a.session);
  std::string text = a.prompt ? prompt_text(*a.prompt) : "";
  const rustml_prompt prompt = a.prompt_ids ? prompt_of(*a.prompt_ids) : make_prompt(a, loaded.info, messages, text);
  const Answer answer = a.beams.width != 0
                            ? beam_answer(session.get(), prompt, a.beams, options, a.model.json, loaded.seconds)
                            : stream_answer(start_answer(session.get(), prompt, options), options.seed, a.model.json, loaded.seconds);
  if (stdout_is_terminal() && !a.model.json) write_answer("\n");
  if (answer.status != RUSTML_OK) report(in_words({answer.status, answer.message}));
  if (!a.model.quiet) print_statistics(answer.result, loaded.seconds);
  return exit_code(answer.status);
}

}  // namespace

Command make_run(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_model_options(options, a->model);
  options.text("--prompt", "text to continue; - reads standard input", "TEXT", [a](const std::string& text) { a->prompt = text; });
  options.text("--prompt-ids", "token ids instead of text: \"1 2 3\"", "IDS",
               [a](const std::string& text) { a->prompt_ids = parse_ids("--prompt-ids", text); });
  options.text("--prompts-file", "a prompt on every line (- is standard input): prints one JSON line for each answer, in order", "FILE",
               [a](const std::string& path) { a->prompts_file = path; });
  options.flag("--chat", "the prompt is a user's message: use the model's chat template", a->chat);
  options.text("--system", "system message of --chat", "TEXT", [a](const std::string& text) { a->system = text; });
  options.flag("--parse-special", "text of special tokens in the prompt becomes those tokens", a->parse_special);
  add_session_options(options, a->session);
  add_sampling_options(options, a->sampling);
  add_beam_options(options, a->beams);
  return [a] { return run(*a); };
}

}  // namespace rustml::cli
