// Several sessions of one model at once, each in a thread of the process, against one session alone; in turns.
//   rustml_bench_sessions --gguf FILE [--threads N] [--sessions 4] [--rounds 5] [--seconds 1] [--json]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <numeric>
#include <thread>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/events.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/terminal.h"

namespace {

using namespace rustml::cli;
using rustml::base::JsonObject;

constexpr uint64_t kPrompt = 32, kAnswer = 200;

struct Arguments {
  ModelArguments model;
  uint64_t sessions = 4, rounds = 5, seconds = 1;
};

// Tokens of every session within the time; each begins anew when its answer is full.
std::vector<uint64_t> generate(const std::vector<Session>& sessions, size_t n, const std::vector<int32_t>& ids, double seconds) {
  std::vector<uint64_t> counts(n);
  std::atomic<size_t> ready{0};
  std::atomic<bool> failed{false};
  std::vector<std::thread> threads;
  for (size_t s = 0; s < n; ++s) {
    threads.emplace_back([&, s] {
      try {
        auto stream = std::make_unique<TokenStream>(sessions[s].get(), ids, kAnswer, nullptr);
        stream->next();
        for (++ready; ready < n && !failed;) std::this_thread::yield();
        uint64_t left = kAnswer - 1;
        for (const double end = now_seconds() + seconds; now_seconds() < end; --left) {
          if (left == 0) {
            stream.reset();
            stream = std::make_unique<TokenStream>(sessions[s].get(), ids, kAnswer, nullptr);
            left = kAnswer;
          }
          stream->next();
          ++counts[s];
        }
      } catch (const std::exception& error) {
        std::fprintf(stderr, "session %zu: %s\n", s, error.what());
        failed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failed) throw Failure(RUSTML_INTERNAL, "a session failed");
  return counts;
}

int run(int argc, char** argv) {
  Arguments a;
  Options options("rustml_bench_sessions", "Several sessions at once against one alone.", rustml_version());
  add_model_options(options, a.model);
  options.whole("--sessions", "at once (default 4)", 2, 64, "4 is the default", [&](uint64_t n) { a.sessions = n; });
  options.whole("--rounds", "rounds (default 5)", 1, 1000, "5 is the default", [&](uint64_t n) { a.rounds = n; });
  options.whole("--seconds", "of each measurement (default 1)", 1, 60, "1 is the default", [&](uint64_t n) { a.seconds = n; });
  const std::string help = options.parse(argc, argv);
  if (!help.empty()) return write_answer(help), 0;
  const Interrupt interrupt;
  const Loaded loaded = load_model(a.model, interrupt, 0);
  SessionArguments arguments;
  arguments.context = kPrompt + kAnswer;
  std::vector<Session> sessions;
  for (uint64_t s = 0; s < a.sessions; ++s) sessions.push_back(create_session(loaded.model.get(), arguments));
  const std::vector<int32_t> ids = fixed_ids(kPrompt, loaded.info.vocab_size);
  const auto seconds = static_cast<double>(a.seconds);
  const OtherLoad others;
  std::vector<double> alone, together, ratios, least, most;
  for (uint64_t r = 0; r < a.rounds; ++r) {
    alone.push_back(static_cast<double>(generate(sessions, 1, ids, seconds)[0]) / seconds);
    const std::vector<uint64_t> counts = generate(sessions, sessions.size(), ids, seconds);
    const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
    together.push_back(total / seconds);
    ratios.push_back(together.back() / alone.back());
    least.push_back(static_cast<double>(*std::min_element(counts.begin(), counts.end())) / total);
    most.push_back(static_cast<double>(*std::max_element(counts.begin(), counts.end())) / total);
  }
  const double busy = others.processors();
  if (a.model.json)
    write_answer(JsonObject()
                     .add("alone_tok_s", median(alone))
                     .add("together_tok_s", median(together))
                     .add("ratio", median(ratios))
                     .add("ratio_least", quantile(ratios, 0))
                     .add("ratio_most", quantile(ratios, 1))
                     .add("least_share", quantile(least, 0))
                     .add("most_share", quantile(most, 1))
                     .add("others", busy)
                     .add("sessions", a.sessions)
                     .str() +
                 "\n");
  else
    std::printf(
        "one session %.1f tok/s, %zu sessions together %.1f tok/s: ratio %.3f (%.3f to %.3f); a session's share %.1f%% to %.1f%%; others "
        "kept %.2f processors busy\n",
        median(alone), sessions.size(), median(together), median(ratios), quantile(ratios, 0), quantile(ratios, 1),
        100 * quantile(least, 0), 100 * quantile(most, 1), busy);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rustml_bench_sessions: %s\n", error.what());
    return 1;
  }
}
