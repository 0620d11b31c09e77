// From cancel to return, at random moments of a long prompt and its answer, beside the unevenness of a bare read loop in the same run.
//   rustml_bench_cancel --gguf FILE [--threads N] [--prefill 4000] [--stops 200] [--seconds 30] [--json]
// Each run begins where the last one was stopped, until the answer is reached; then the session starts anew. After every stop the loop
// reads the model's size once: its p99 - p50 is what the machine adds by itself.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <random>
#include <thread>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/events.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/read_loop.h"
#include "cli/terminal.h"

namespace {

using namespace rustml::cli;
using rustml::base::JsonObject;
using rustml::base::JsonText;

constexpr uint64_t kAnswer = 256;

struct Arguments {
  ModelArguments model;
  uint64_t prefill = 4000, stops = 200, seconds = 30;
};

Cancel make_cancel() {
  rustml_cancel* cancel = nullptr;
  call([&](rustml_error** error) { return rustml_cancel_create(&cancel, error); });
  return Cancel(cancel);
}

struct Stop {
  double seconds = -1;  // from cancel to return; negative: the answer ended before
  bool in_answer = false;
};

Stop stop_after(rustml_session* session, const std::vector<int32_t>& ids, double delay) {
  const Cancel cancel = make_cancel();
  double triggered = 0;
  std::thread trigger([&] {
    std::this_thread::sleep_for(std::chrono::duration<double>(delay));
    triggered = now_seconds();
    rustml_cancel_trigger(cancel.get(), RUSTML_CANCEL_REASON_USER);
  });
  Stop stop;
  double returned = -1;
  std::exception_ptr problem;
  try {
    TokenStream stream(session, ids, kAnswer, cancel.get());
    for (uint64_t i = 0; i < kAnswer; ++i) {
      stream.next();
      stop.in_answer = true;
    }
  } catch (const Failure& failure) {
    returned = now_seconds();
    if (failure.status() != RUSTML_CANCELLED) problem = std::current_exception();
  }
  trigger.join();
  if (problem) std::rethrow_exception(problem);
  if (returned >= 0) stop.seconds = returned - triggered;
  return stop;
}

std::string line(const std::vector<double>& v) {
  return JsonObject()
      .add("stops", v.size())
      .add("p50_ms", 1e3 * quantile(v, 0.5))
      .add("p90_ms", 1e3 * quantile(v, 0.9))
      .add("p99_ms", 1e3 * quantile(v, 0.99))
      .add("max_ms", 1e3 * quantile(v, 1))
      .str();
}

void print(const char* name, const std::vector<double>& v) {
  std::printf("%-12s %4zu times  p50 %7.3f  p90 %7.3f  p99 %7.3f  max %7.3f ms\n", name, v.size(), 1e3 * quantile(v, 0.5),
              1e3 * quantile(v, 0.9), 1e3 * quantile(v, 0.99), 1e3 * quantile(v, 1));
}

int run(int argc, char** argv) {
  Arguments a;
  Options options("rustml_bench_cancel", "From cancel to return at random moments.", rustml_version());
  add_model_options(options, a.model);
  options.whole("--prefill", "prompt tokens (default 4000, or what the model's context leaves)", 64, 1u << 20, "4000 is the default",
                [&](uint64_t n) { a.prefill = n; });
  options.whole("--stops", "how many (default 200)", 1, 100000, "200 is the default", [&](uint64_t n) { a.stops = n; });
  options.whole("--seconds", "at most this long (default 30)", 1, 3600, "30 is the default", [&](uint64_t n) { a.seconds = n; });
  const std::string help = options.parse(argc, argv);
  if (!help.empty()) return write_answer(help), 0;
  const Interrupt interrupt;
  const Loaded loaded = load_model(a.model, interrupt, 0);
  a.prefill = std::min<uint64_t>(a.prefill, loaded.info.context_length - kAnswer);
  SessionArguments arguments;
  arguments.context = a.prefill + kAnswer;
  const Session session = create_session(loaded.model.get(), arguments), answering = create_session(loaded.model.get(), arguments);
  const std::vector<int32_t> ids = fixed_ids(a.prefill, loaded.info.vocab_size);
  const double whole = prefill_seconds(answering.get(), ids, nullptr), end = now_seconds() + static_cast<double>(a.seconds);
  ReadLoop loop(loaded.info.weight_bytes, loaded.info.n_threads);
  loop.choose();
  std::mt19937 random(1);
  std::uniform_real_distribution<double> in_prompt(0, std::min(whole / 4, 0.4)), in_answer(0, 0.1);
  std::vector<double> prompt, answer, all, bare;
  const OtherLoad others;
  for (uint64_t i = 0; all.size() < a.stops && now_seconds() < end; ++i) {
    const bool late = i % 4 == 3;
    rustml_session* s = late ? answering.get() : session.get();
    const Stop stop = stop_after(s, ids, late ? in_answer(random) : in_prompt(random));
    if (stop.seconds >= 0) {
      (stop.in_answer ? answer : prompt).push_back(stop.seconds);
      all.push_back(stop.seconds);
    }
    if (!late && (stop.seconds < 0 || stop.in_answer)) call([&](rustml_error** error) { return rustml_session_reset(s, error); });
    loop.pass();  // wakes its threads
    bare.push_back(loop.pass());
  }
  const double busy = others.processors();
  const double limit = 10e-3 + quantile(bare, 0.99) - quantile(bare, 0.5);
  if (a.model.json) {
    write_answer(JsonObject()
                     .add("prefill", a.prefill)
                     .add("prefill_s", whole)
                     .add("prompt", JsonText(line(prompt)))
                     .add("answer", JsonText(line(answer)))
                     .add("all", JsonText(line(all)))
                     .add("bare", JsonText(line(bare)))
                     .add("others", busy)
                     .add("limit_ms", 1e3 * limit)
                     .str() +
                 "\n");
    return 0;
  }
  print("in prompt", prompt);
  print("in answer", answer);
  print("all", all);
  print("bare loop", bare);
  std::printf(
      "p99 %.3f ms; 10 ms and the bare loop's p99 - p50 make %.3f ms. Prompt of %llu tokens, %.2f s undisturbed. Others kept %.2f "
      "processors busy.\n",
      1e3 * quantile(all, 0.99), 1e3 * limit, static_cast<unsigned long long>(a.prefill), whole, busy);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rustml_bench_cancel: %s\n", error.what());
    return 1;
  }
}
