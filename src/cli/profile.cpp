// rustml-infer profile: where the time of a prompt and of each token after it goes, stage by stage, beside the rate at which
// the same threads merely read as many bytes.
#include <algorithm>
#include <cstdio>

#include "base/json_writer.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/read_loop.h"
#include "cli/spans.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

template <class... T>
std::string line(const char* format, T... values) {
  char text[240];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

using base::fixed;

double per(double value, double by) { return by > 0 ? value / by : 0; }

std::string spread(const std::vector<double>& us) { return fixed(per(quantile(us, 0.9), quantile(us, 0.1)), 2); }

// One line of the table; cells at its end may be left out.
std::string row(const char* stage, auto... cells) {
  constexpr int kWidths[] = {6, 9, 7, 7, 8, 10, 8};
  std::string out = line("  %-22s", stage);
  const int* width = kWidths;
  ((out += line(" %*s", *width++, std::string(cells).c_str())), ...);
  return out + "\n";
}

// Divided by `n`: the whole of a prompt (1), or one of so many tokens.
std::string in_words(const StageTable& table, const std::string& title, uint64_t n) {
  const auto passes = static_cast<double>(n);
  std::string text = title + ": " + fixed(table.total_us / passes * 1e-3, 3) + " ms, " +
                     fixed(static_cast<double>(table.bytes) / passes * 1e-6, 1) + " MB read\n";
  text += row("stage", "calls", "ms", "share", "GB/s", "GFLOP/s", "median us", "p90/p10");
  double left = table.total_us;
  for (const Stage& s : table.stages) {
    const double us = s.total_us();
    if (s.depth == 0) left -= us;
    text +=
        row(((s.depth == 0 ? "" : "  ") + s.name).c_str(), fixed(static_cast<double>(s.us.size()) / passes, 0),
            fixed(us / passes * 1e-3, 3), fixed(100 * us / table.total_us, 1) + "%", fixed(per(static_cast<double>(s.bytes), us) * 1e-3, 1),
            fixed(per(static_cast<double>(s.flops), us) * 1e-3, 0), fixed(median(s.us), 1), spread(s.us));
  }
  text += row("between", "", fixed(left / passes * 1e-3, 3), fixed(100 * left / table.total_us, 1) + "%");
  text +=
      row("whole layers", std::to_string(table.layers), "", "", "", "", fixed(median(table.layer_us), 1), spread(table.layer_us)) + "\n";
  return text;
}

base::JsonObject in_json(const StageTable& table) {
  const auto stage = [&](const Stage& s) {
    const double us = s.total_us();
    return base::JsonObject()
        .add("name", s.name)
        .add("depth", s.depth)
        .add("calls", s.us.size())
        .add("total_us", us)
        .add("share", us / table.total_us)
        .add("gb_s", per(static_cast<double>(s.bytes), us) * 1e-3)
        .add("gflop_s", per(static_cast<double>(s.flops), us) * 1e-3)
        .add("median_us", median(s.us))
        .add("p10_us", quantile(s.us, 0.1))
        .add("p90_us", quantile(s.us, 0.9));
  };
  return base::JsonObject()
      .add("passes", table.passes)
      .add("layers", table.layers)
      .add("total_us", table.total_us)
      .add("bytes", table.bytes)
      .add("layer_median_us", median(table.layer_us))
      .add("layer_p10_us", quantile(table.layer_us, 0.1))
      .add("layer_p90_us", quantile(table.layer_us, 0.9))
      .add("stages", base::JsonArray(table.stages, stage));
}

struct Profile {
  StageTable prefill, decode;
  std::vector<double> read_seconds;  // of passes of the bare loop
};

Profile measure(rustml_session* session, const MeasureArguments& a, uint32_t vocab_size, ReadLoop& loop, rustml_cancel* cancel) {
  const std::vector<int32_t> ids = fixed_ids(a.prefill, vocab_size);
  prefill_seconds(session, ids, cancel);  // the first one maps the memory of the KV cache

  loop.choose();
  SpanCollector spans;
  prefill_seconds(session, ids, cancel);
  Profile profile{stages_of(spans.take()), {}, {}};
  TokenStream stream(session, ids, a.decode + 1, cancel);
  stream.next();
  spans.take();
  std::vector<Span> all;
  for (uint64_t i = 0; i < a.decode; ++i) {
    stream.next();
    for (Span& span : spans.take()) all.push_back(std::move(span));
    if (i % 4 != 0) continue;
    loop.pass();                                  // wakes its threads
    profile.read_seconds.push_back(loop.pass());  // in between, so that both see the same machine
  }
  profile.decode = stages_of(all);
  return profile;
}

int profile(MeasureArguments a) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log);
  if (!a.model.trace.empty())
    throw Failure(RUSTML_INVALID_ARGUMENT, "--trace: profile sums up the same spans; use `rustml-infer run --trace`");
  if (a.session.context == 0) a.session.context = a.prefill + a.decode + 1;
  const Loaded loaded = load_model(a.model, interrupt, 0);
  const Session session = create_session(loaded.model.get(), a.session);
  ReadLoop loop(loaded.info.weight_bytes, loaded.info.n_threads);
  const auto [prefill, decode, read_seconds] = measure(session.get(), a, loaded.info.vocab_size, loop, interrupt.cancel());
  if (prefill.passes == 0 || decode.passes == 0) throw Failure(RUSTML_INTERNAL, "profile: the library gave no spans");
  const double bandwidth = static_cast<double>(loop.bytes()) / median(read_seconds) * 1e-9;  // GB/s
  const Stage* ffn = decode.find("ffn");
  const double ffn_ms = ffn ? median(ffn->us) * 1e-3 : 0;
  const double ffn_bytes = ffn ? per(static_cast<double>(ffn->bytes), static_cast<double>(ffn->us.size())) : 0,
               ffn_limit_ms = ffn_bytes / bandwidth * 1e-6;
  if (a.model.json) {
    write_answer(base::JsonObject()
                     .add("read_gb_s", bandwidth)
                     .add("read_kernel", loop.kernel())
                     .add("weight_bytes", loaded.info.weight_bytes)
                     .add("threads", loaded.info.n_threads)
                     .add("simd_target", view_of(loaded.info.simd_target))
                     .add("ffn_median_ms", ffn_ms)
                     .add("ffn_limit_ms", ffn_limit_ms)
                     .add("prefill", in_json(prefill))
                     .add("decode", in_json(decode))
                     .str() +
                 "\n");
    return kExitAnswer;
  }
  const auto tokens = static_cast<unsigned long long>(a.prefill);
  write_answer(
      in_words(prefill, line("Prompt of %llu tokens", tokens), 1) +
      in_words(decode, line("Each of the %llu tokens after it", static_cast<unsigned long long>(a.decode)), decode.passes) +
      line("%d threads, %.*s. A bare read loop over %s MB with the same threads (%s): %s GB/s.\n", loaded.info.n_threads,
           static_cast<int>(loaded.info.simd_target.len), loaded.info.simd_target.ptr,
           fixed(static_cast<double>(loop.bytes()) * 1e-6, 1).c_str(), loop.kernel(), fixed(bandwidth, 1).c_str()) +
      line("FFN of a layer: median %s ms; its %s MB read at that rate take %s ms: %s times as long.\n", fixed(ffn_ms, 3).c_str(),
           fixed(ffn_bytes * 1e-6, 1).c_str(), fixed(ffn_limit_ms, 3).c_str(), fixed(per(ffn_ms, ffn_limit_ms), 2).c_str()) +
      "A stage holds norms, quantization and waiting for the other threads; the products in it are timed by one thread, for its share,\n"
      "against all their bytes. Profiling itself takes time: see `rustml-infer bench` for the undisturbed rates.\n");
  return kExitAnswer;
}

}  // namespace

Command make_profile(Options& options) {
  const auto a = std::make_shared<MeasureArguments>();
  add_measure_options(options, *a);
  return [a] { return profile(*a); };
}

}  // namespace rustml::cli
