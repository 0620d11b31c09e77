// rustml-infer bench: medians over repeats of load, prefill and decode, each timed where it happens.
// Prefill: `prefill` pseudo-random ids evaluated in an empty session. First token: from the start of that to the first event of
// the answer. Decode: the `decode` tokens after the first, so exactly `decode` passes of one token.

#include "base/json_writer.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/system.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Arguments : MeasureArguments {
  uint64_t repeat = 5;
};

struct Times {  // seconds; one of each per repeat, but `token`: all
  std::vector<double> load, prefill, first, decode, token;
};

void measure(rustml_session* session, const std::vector<int32_t>& ids, uint64_t n, rustml_cancel* cancel, Times& times) {
  times.prefill.push_back(prefill_seconds(session, ids, cancel));
  const double begin = now_seconds();
  TokenStream stream(session, ids, n + 1, cancel);
  const double first = stream.next();
  double last = first;
  for (uint64_t i = 0; i < n; ++i) {
    const double at = stream.next();
    times.token.push_back(at - last);
    last = at;
  }
  times.first.push_back(times.prefill.back() + first - begin);
  times.decode.push_back(last - first);
}

struct Figures {
  double prefill_rate, decode_rate;  // tokens a second
  double p50, p90, p99, most;        // ms of a token
  uint64_t peak_bytes;
};

Figures figures_of(const Arguments& a, const Times& times) {
  const auto token_ms = [&](double q) { return 1e3 * quantile(times.token, q); };
  return {static_cast<double>(a.prefill) / median(times.prefill),
          static_cast<double>(a.decode) / median(times.decode),
          token_ms(0.5),
          token_ms(0.9),
          token_ms(0.99),
          token_ms(1),
          peak_resident_bytes()};
}

std::string in_json(const Arguments& a, const Loaded& loaded, const Times& times, const Figures& f) {
  return base::JsonObject()
             .add("prefill_tok_s", f.prefill_rate)
             .add("decode_tok_s", f.decode_rate)
             .add("load_s", median(times.load))
             .add("first_token_s", median(times.first))
             .add("token_p50_ms", f.p50)
             .add("token_p90_ms", f.p90)
             .add("token_p99_ms", f.p99)
             .add("token_max_ms", f.most)
             .add("peak_rss_bytes", f.peak_bytes)
             .add("weight_bytes", loaded.info.weight_bytes)
             .add("prefill", a.prefill)
             .add("decode", a.decode)
             .add("repeat", a.repeat)
             .add("threads", loaded.info.n_threads)
             .add("simd_target", view_of(loaded.info.simd_target))
             .str() +
         "\n";
}

std::string in_words(const Arguments& a, const Loaded& loaded, const Times& times, const Figures& f) {
  const auto whole = [](uint64_t n) { return std::to_string(n); };
  const auto row = [](std::string name, double value, int digits, const char* unit) {
    name.resize(15, ' ');
    return name + base::fixed(value, digits, 10) + " " + unit;
  };
  const auto short_form = [](double value) { return base::fixed(value, 2); };
  std::string text =
      row("prefill " + whole(a.prefill), f.prefill_rate, 1, "tok/s\n") + row("decode " + whole(a.decode), f.decode_rate, 1, "tok/s\n");
  text += row("first token", 1e3 * median(times.first), 1, "ms\n") + row("each token", f.p50, 2, "ms, p90 ") + short_form(f.p90) +
          ", p99 " + short_form(f.p99) + ", longest " + short_form(f.most) + "\n" + row("load", 1e3 * median(times.load), 1, "ms\n");
  text += row("peak memory", static_cast<double>(f.peak_bytes) / 1e6, 1, "MB, ") +
          base::fixed(static_cast<double>(loaded.info.weight_bytes) / 1e6, 1) + " of them weights\n";
  text += "(medians of " + whole(a.repeat) + ", " + std::to_string(loaded.info.n_threads) + " threads, " +
          std::string(view_of(loaded.info.simd_target)) + ")\n";
  return text;
}

int bench(Arguments a) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log, a.model.trace);
  if (a.session.context == 0) a.session.context = a.prefill + a.decode + 1;
  Times times;
  Loaded loaded{};
  for (uint64_t i = 0; i < a.repeat; ++i) {
    loaded.model.reset();  // before the next one takes its memory
    loaded = load_model(a.model, interrupt, 0);
    times.load.push_back(loaded.seconds);
  }
  const Session session = create_session(loaded.model.get(), a.session);
  const std::vector<int32_t> ids = fixed_ids(a.prefill, loaded.info.vocab_size);
  for (uint64_t i = 0; i < a.repeat; ++i) {
    measure(session.get(), ids, a.decode, interrupt.cancel(), times);
    if (stderr_is_terminal() && !a.model.quiet) show_progress("run " + std::to_string(i + 1) + " of " + std::to_string(a.repeat));
  }
  clear_progress();
  const Figures figures = figures_of(a, times);
  write_answer(a.model.json ? in_json(a, loaded, times, figures) : in_words(a, loaded, times, figures));
  return kExitAnswer;
}

}  // namespace

Command make_bench(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_measure_options(options, *a);
  options.whole("--repeat", "runs to take the medians of (default 5)", 1, 1000, "5 is the default", [a](uint64_t n) { a->repeat = n; });
  return [a] { return bench(*a); };
}

}  // namespace rustml::cli
