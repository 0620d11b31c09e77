#include "cli/answer.h"

#include "cli/events.h"
#include "cli/terminal.h"

namespace rustml::cli {

void take_stop(Answer& answer, const Failure& failure) {
  if (failure.status() != RUSTML_CANCELLED && failure.status() != RUSTML_DEADLINE_EXCEEDED) throw failure;
  answer.status = failure.status();
  answer.message = failure.what();
}

Generation start_answer(rustml_session* session, const rustml_prompt& prompt, const rustml_generation_options& options) {
  rustml_generation* handle = nullptr;
  call([&](rustml_error** error) { return rustml_generation_start(session, &prompt, &options, &handle, error); });
  return Generation(handle);
}

rustml_result result_of(const Generation& generation) {
  rustml_result result{};
  result.struct_size = sizeof result;
  call([&](rustml_error** error) { return rustml_generation_result(generation.get(), &result, error); });
  return result;
}

Answer stream_answer(const Generation& generation, uint64_t seed, bool json, double load_seconds, WordWrap* wrap) {
  Answer answer;
  std::string held_back;  // text that came with the end
  int32_t stop_id = -1;
  for (;;) {
    rustml_event event{};
    event.struct_size = sizeof event;
    rustml_error* error = nullptr;
    const int32_t status = rustml_generation_next(generation.get(), &event, &error);
    if (status == RUSTML_DONE) break;
    if (status != RUSTML_OK) {
      take_stop(answer, take_failure(status, error));
      break;
    }
    const std::string_view text(event.text, event.text_len);
    answer.text += text;
    if (event.kind == RUSTML_EVENT_STOPPED) {
      held_back = text;
      stop_id = event.token_id;
    }
    if (!json) {
      write_answer(wrap ? wrap->add(text) : text);
    } else if (event.kind == RUSTML_EVENT_TOKEN) {
      write_answer(token_event(event) + "\n");
    }
  }

  if (wrap) write_answer(wrap->end());
  answer.result = result_of(generation);
  if (json) write_answer(done_event(answer.result, held_back, stop_id, seed, load_seconds) + "\n");
  return answer;
}

}  // namespace rustml::cli
