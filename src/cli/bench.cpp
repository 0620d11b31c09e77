// rustml-infer bench: medians over repeats of load, prefill and decode, each timed where it happens.
// Prefill: `prefill` pseudo-random ids evaluated in an empty session. Decode: after them, the time from the first
// generated token to the last of `decode` more, so exactly `decode` passes of one token.
#include <algorithm>
#include <cstdio>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/events.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  uint64_t prefill = 128, decode = 64, repeat = 5;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// The same ids on every machine and in every run.
std::vector<int32_t> fixed_ids(uint64_t n, uint32_t vocab_size) {
  std::vector<int32_t> ids(n);
  uint64_t state = 20240229;
  for (int32_t& id : ids) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    id = static_cast<int32_t>((state >> 33) % vocab_size);
  }
  return ids;
}

double prefill_seconds(rustml_session* session, const std::vector<int32_t>& ids, const Interrupt& interrupt) {
  rustml_call_options limits;
  rustml_call_options_init(&limits, sizeof limits);
  limits.cancel = interrupt.cancel();
  call([&](rustml_error** error) { return rustml_session_reset(session, error); });
  const double begin = now_seconds();
  call([&](rustml_error** error) { return rustml_session_eval(session, ids.data(), ids.size(), &limits, error); });
  return now_seconds() - begin;
}

double decode_seconds(rustml_session* session, const std::vector<int32_t>& ids, uint64_t n, const Interrupt& interrupt) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids.data();
  prompt.n_ids = ids.size();
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = n + 1;
  options.ignore_eos = 1;
  options.cancel = interrupt.cancel();
  rustml_generation* handle = nullptr;
  call([&](rustml_error** error) { return rustml_generation_start(session, &prompt, &options, &handle, error); });
  const Generation generation(handle);
  double first = 0, last = 0;
  uint64_t tokens = 0;
  while (tokens < n + 1) {
    rustml_event event{};
    event.struct_size = sizeof event;
    call([&](rustml_error** error) { return rustml_generation_next(handle, &event, error); });
    if (event.kind == RUSTML_EVENT_STOPPED) {
      throw Failure(RUSTML_OUT_OF_RANGE, "bench: the answer ended after " + std::to_string(tokens) + " of " + std::to_string(n + 1) +
                                             " tokens: " + finish_name(event.finish) + "; give a larger --context");
    }
    last = now_seconds();
    if (tokens++ == 0) first = last;
  }
  return last - first;
}

int bench(Arguments a) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log, a.model.trace);
  if (a.session.context == 0) a.session.context = a.prefill + a.decode + 1;
  std::vector<double> load, prefill, decode;
  Loaded loaded{};
  for (uint64_t i = 0; i < a.repeat; ++i) {
    loaded.model.reset();  // before the next one takes its memory
    loaded = load_model(a.model, interrupt, 0);
    load.push_back(loaded.seconds);
  }
  const Session session = create_session(loaded.model.get(), a.session);
  const std::vector<int32_t> ids = fixed_ids(a.prefill, loaded.info.vocab_size);
  for (uint64_t i = 0; i < a.repeat; ++i) {
    prefill.push_back(prefill_seconds(session.get(), ids, interrupt));
    decode.push_back(decode_seconds(session.get(), ids, a.decode, interrupt));
    if (stderr_is_terminal() && !a.model.quiet) show_progress("run " + std::to_string(i + 1) + " of " + std::to_string(a.repeat));
  }
  clear_progress();
  const double prefill_rate = static_cast<double>(a.prefill) / median(prefill),
               decode_rate = static_cast<double>(a.decode) / median(decode);
  const uint64_t peak = peak_resident_bytes();
  if (a.model.json) {
    write_answer(JsonObject()
                     .real("prefill_tok_s", prefill_rate)
                     .real("decode_tok_s", decode_rate)
                     .real("load_s", median(load))
                     .whole("peak_rss_bytes", peak)
                     .whole("prefill", a.prefill)
                     .whole("decode", a.decode)
                     .whole("repeat", a.repeat)
                     .whole("threads", static_cast<uint64_t>(loaded.info.n_threads))
                     .text("simd_target", view_of(loaded.info.simd_target))
                     .str() +
                 "\n");
    return kExitAnswer;
  }
  char text[400];
  std::snprintf(text, sizeof text,
                "prefill %llu  %.1f tok/s\ndecode %llu   %.1f tok/s\nload         %.3f s\npeak memory  %.1f MB\n(medians of %llu, %d "
                "threads, %.*s)\n",
                static_cast<unsigned long long>(a.prefill), prefill_rate, static_cast<unsigned long long>(a.decode), decode_rate,
                median(load), static_cast<double>(peak) / 1e6, static_cast<unsigned long long>(a.repeat), loaded.info.n_threads,
                static_cast<int>(loaded.info.simd_target.len), loaded.info.simd_target.ptr);
  write_answer(text);
  return kExitAnswer;
}

}  // namespace

Command make_bench(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_model_options(options, a->model);
  add_session_options(options, a->session);
  options.whole("--prefill", "prompt tokens (default 128)", 1, 1u << 20, "128 is the default", [a](uint64_t n) { a->prefill = n; });
  options.whole("--decode", "generated tokens (default 64)", 1, 1u << 20, "64 is the default", [a](uint64_t n) { a->decode = n; });
  options.whole("--repeat", "runs to take the medians of (default 5)", 1, 1000, "5 is the default", [a](uint64_t n) { a->repeat = n; });
  return [a] { return bench(*a); };
}

}  // namespace rustml::cli
