#include "generation/batch.h"

#include <list>

#include "api/callbacks.h"
#include "api/events.h"
#include "api/guard.h"
#include "api/options.h"

using namespace rustml::api;
namespace generation = rustml::generation;

static constexpr const char* kComponent = "rustml::batch";

int32_t rustml_generate_batch(rustml_model* model, const rustml_session_options* given_session, const rustml_prompt* prompts,
                              const rustml_generation_options* const* given_options, uint64_t n, const rustml_callback* given_callback,
                              rustml_result* results, rustml_error** error) {
  return guard(error, given_callback, [&](Scope& scope) {
    const auto& engine = scope.shared_model(model);
    const Callback callback(given_callback, "callback");
    const auto session_options = to_session_options(given_session);
    if (n > generation::kMaxBatch) refuse_field("n", n, "at most 16384");
    if (n > 0) require_pointer(prompts, "prompts");

    std::vector<generation::BatchItem> items;
    std::vector<CancelUse> cancels;
    std::list<CancelUse::Running> running;
    std::vector<OutStruct<rustml_result>> out;
    for (uint64_t i = 0; i < n; ++i) {
      in_element(i, [&] {
        const auto prompt = to_prompt(element(prompts, i));
        const rustml_generation_options options = read_struct(given_options ? given_options[i] : nullptr);
        const auto settings = to_generation_options(options);
        running.emplace_back(cancels.emplace_back(options.cancel));
        items.push_back({prompt, settings, to_limits(options, cancels.back())});
        if (results) out.emplace_back(element(results, i));
      });
    }

    std::vector<rustml_token_logprob> top;
    generation::BatchCallbacks callbacks;
    if (callback) {
      callbacks.on_event = [&](uint32_t sequence, const generation::Event& event) {
        rustml_event view = to_event(event, top);
        view.sequence = sequence;
        return callback(view);
      };
    }
    // Its message: for the callback, and for the log, where it is found without one.
    callbacks.on_failure = [&](uint32_t sequence, const rustml::base::Error& failure) {
      rustml::base::log(rustml::base::LogLevel::error, kComponent, "sequence " + std::to_string(sequence) + ": " + failure.message());
      if (callback) {
        rustml_event event = blank_event(RUSTML_EVENT_LOG);
        event.sequence = sequence;
        event.level = RUSTML_LOG_ERROR;
        event.component = kComponent;
        event.text = failure.message().c_str();
        event.text_len = failure.message().size();
        callback(event);
      }
    };
    std::vector<generation::Result> done;
    const std::exception_ptr failure = caught([&] { generation::generate_batch(engine, session_options, items, callbacks, done); });
    for (uint64_t i = 0; results && i < done.size(); ++i) out[i].write(filled<rustml_result>(done[i]));
    if (failure) std::rethrow_exception(failure);
  });
}
