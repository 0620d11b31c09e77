#include "generation/beam_search.h"

#include "api/callbacks.h"
#include "api/events.h"
#include "api/guard.h"
#include "api/options.h"

using namespace rustml::api;
namespace generation = rustml::generation;

static rustml_event beam_event(const generation::Hypothesis& hypothesis, uint32_t rank) {
  rustml_event event = blank_event(RUSTML_EVENT_BEAM);
  event.sequence = rank;
  event.token_id = hypothesis.stop_id;
  event.logprob = static_cast<float>(hypothesis.logprob);
  event.text = hypothesis.text.c_str();
  event.text_len = hypothesis.text.size();
  event.finish = static_cast<int32_t>(hypothesis.finish);
  event.ids = hypothesis.tokens.data();
  event.n_ids = hypothesis.tokens.size();
  event.score = static_cast<float>(hypothesis.score);
  return event;
}

int32_t rustml_beam_search(rustml_session* session, const rustml_prompt* given_prompt, const rustml_beam_options* given_options,
                           const rustml_callback* given_callback, rustml_result* out, rustml_error** error) {
  return guard(error, given_callback, [&](Scope& scope) {
    const OutStruct result(out, true);
    SessionState& state = scope.session(session);
    const Callback callback(given_callback, "callback");
    const auto prompt = to_prompt(given_prompt);
    const rustml_beam_options options = read_struct(given_options);
    const auto settings = to_beam_options(options);
    const bool prefill_events = read_bool(options.prefill_events, "rustml_beam_options.prefill_events");
    const bool progress_events = read_bool(options.progress_events, "rustml_beam_options.progress_events");
    const CancelUse cancel(options.cancel);
    const CancelUse::Running running(cancel);

    const auto progress = [&](bool prefill, uint64_t done, uint64_t total) {
      if (!callback || !(prefill ? prefill_events : progress_events)) return 0;
      rustml_event event = blank_event(prefill ? RUSTML_EVENT_PREFILL : RUSTML_EVENT_PROGRESS);
      event.done = done;
      event.total = total;
      return callback(event);
    };
    generation::BeamOutcome outcome;
    const std::exception_ptr failure =
        caught([&] { generation::beam_search(*state.session, prompt, settings, to_limits(options, cancel), progress, outcome); });
    int32_t value = outcome.result.callback_value;
    for (uint32_t rank = 0; callback && value == 0 && rank < outcome.hypotheses.size(); ++rank)
      value = callback(beam_event(outcome.hypotheses[rank], rank));
    if (value != 0 && outcome.result.callback_value == 0) outcome.result.callback_value = value;
    result.write(filled<rustml_result>(outcome.result));
    if (failure) std::rethrow_exception(failure);
    if (value != 0)
      throw rustml::base::Error(Status::callback_stop, "beam search stopped: the callback returned " + std::to_string(value), {}, value);
  });
}
