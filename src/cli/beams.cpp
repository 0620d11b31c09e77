#include "cli/beams.h"

#include "base/options_generated.h"
#include "cli/events.h"
#include "cli/terminal.h"

namespace rustml::cli {
void add_beam_options(Options& options, BeamArguments& arguments) {
  BeamArguments& a = arguments;
  options.whole("--beams", "beam search: follow the N most probable answers together, print the best (with --json: all)", 1, 64,
                "leave it out for one token after another", [&](uint64_t n) { a.width = static_cast<uint32_t>(n); });
  options.real("--length-penalty", "of --beams: above 0 favours longer answers (default 1)", {-10, 10, false, "0 turns it off"},
               a.length_penalty);
  options.choice("--early-stopping", "of --beams: heuristic (default), first or never, as transformers' False, True and \"never\"", "WHEN",
                 {"heuristic", "first", "never"}, "heuristic is the default",
                 [&](size_t i) { a.early_stopping = static_cast<int32_t>(i); });  // in the order of RUSTML_EARLY_STOPPING_*
  options.whole("--num-return", "of --beams with --json: how many of them are printed (default: all)", 1, 64, "leave it out for all",
                [&](uint64_t n) { a.n_return = static_cast<uint32_t>(n); });
}

void check_beams(const BeamArguments& beams, const SamplingArguments& sampling, bool json) {
  if (beams.width == 0) {
    if (beams.n_return != 0 || beams.length_penalty != 1 || beams.early_stopping != RUSTML_EARLY_STOPPING_HEURISTIC)
      throw Failure(RUSTML_INVALID_ARGUMENT, "--length-penalty, --early-stopping and --num-return: need --beams");
    return;
  }
  if (beams.n_return > beams.width)
    throw Failure(RUSTML_INVALID_ARGUMENT, "--num-return " + std::to_string(beams.n_return) + ": must be at most the " +
                                               std::to_string(beams.width) + " of --beams");
  if (beams.n_return > 1 && !json) throw Failure(RUSTML_INVALID_ARGUMENT, "--num-return: needs --json, which prints them");
  if (sampling.options.prompt_lookup != 0)
    throw Failure(RUSTML_INVALID_ARGUMENT, "--beams: --prompt-lookup does not work with beams; leave one of them out");
  const SamplingArguments plain(0);
  bool sampled = false;
  base::for_each_sampling_number([&](const auto&, auto given, auto otherwise) { sampled |= given != otherwise; }, sampling.options,
                                 plain.options);
  if (sampled || !sampling.stops.empty())
    throw Failure(RUSTML_INVALID_ARGUMENT, "--beams: takes neither sampling options nor penalties, --stop or --logprobs; leave them out");
}

Answer beam_answer(rustml_session* session, const rustml_prompt& prompt, const BeamArguments& beams,
                   const rustml_generation_options& limits, bool json, double load_seconds) {
  rustml_beam_options options = initial(rustml_beam_options_init);
  options.width = beams.width;
  options.n_best = !json ? 1 : beams.n_return != 0 ? beams.n_return : beams.width;
  options.length_penalty = beams.length_penalty;
  options.early_stopping = beams.early_stopping;
  options.max_tokens = limits.max_tokens;
  options.ignore_eos = limits.ignore_eos;
  options.cancel = limits.cancel;
  options.deadline_ns = limits.deadline_ns;
  Answer answer;
  Listener listener([&](const rustml_event& event) {
    if (event.sequence == 0) answer.text.assign(event.text, event.text_len);
    if (json) write_answer(beam_event(event) + "\n");
  });
  answer.result.struct_size = sizeof answer.result;
  rustml_error* error = nullptr;
  const int32_t status = rustml_beam_search(session, &prompt, &options, listener.callback(), &answer.result, &error);
  if (status != RUSTML_OK) {
    const Failure failure = take_failure(status, error);
    listener.rethrow();
    take_stop(answer, failure);
  }
  write_answer(json ? done_event(answer.result, "", -1, limits.seed, load_seconds) + "\n" : answer.text);
  return answer;
}

}  // namespace rustml::cli
